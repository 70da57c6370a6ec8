/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One mx pattern of a policy (RFC 8461 sections 3.2 and 4.1). */
#ifndef SS_STS_PATTERN_H
#define SS_STS_PATTERN_H

#include <stdbool.h>

#include "base/text.h"
#include "sts/sts_policy.h"

/* Read it. Returns 0, or SMTPSEC_E_FORMAT, SMTPSEC_E_NOMEM (and then there is nothing to free). */
int ss_sts_pattern_read(struct ss_sts_pattern *pattern, struct ss_text value);
void ss_sts_pattern_free(struct ss_sts_pattern *pattern);
bool ss_sts_pattern_fits(const struct ss_sts_pattern *pattern, const struct ss_name *mx);

#endif
