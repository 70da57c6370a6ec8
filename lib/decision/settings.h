/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator chose, as plain values; copied into each lookup. */
#ifndef SS_DECISION_SETTINGS_H
#define SS_DECISION_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/rules.h"

struct ss_settings {
    bool dane;
    bool mta_sts;
    bool dane_over_sts;   /* DANE alone beside MTA-STS enforce (PREC-02) */
    int32_t insecure_mx;  /* level that TLSA of a host on an unsigned MX asks for (RES-23) */
    uint16_t tls_version; /* least version where an identity is required (DANE-EE-12) */
    struct ss_memory_settings memory;
};

void ss_settings_init(struct ss_settings *settings);

#endif
