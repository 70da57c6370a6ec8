/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A module of another version: it must be refused. */
#include "drive/fetch.h"

__attribute__((visibility("default"))) extern const struct ss_fetch_module smtpsec_fetch_module;

const struct ss_fetch_module smtpsec_fetch_module = {.version = SS_FETCH_VERSION + 1};
