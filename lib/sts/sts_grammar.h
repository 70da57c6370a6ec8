/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of the grammar of policies. */
#ifndef SS_STS_GRAMMAR_H
#define SS_STS_GRAMMAR_H

#include <stdbool.h>

#include "base/text.h"

/* Well-formed UTF-8 (RFC 3629). */
bool ss_sts_is_utf8(struct ss_text t);

#endif
