/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What came of all hosts that were tried for one message. A policy that is not
 * met defers; REQUIRETLS alone may end in a bounce, and only when no host is
 * left that could do better tomorrow (RFC 8689 section 4.2.1, RTLS-15).
 */
#ifndef SS_DECISION_TALLY_H
#define SS_DECISION_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decision/plan.h"

#define SS_TALLY_TEXT 2048

struct ss_tally_host {
    char text[SS_HOST_TEXT];
    bool use;         /* the plan uses it */
    bool tried;       /* a skip counts as such */
    bool requiretls;  /* required of it */
    bool alone;       /* and nobody else demands anything */
    bool version_raised; /* but the operator, a later version of TLS */
    bool final;       /* it failed for a reason of REQUIRETLS alone */
    int32_t reason;
};

struct smtpsec_tally {
    char domain[SS_HOST_TEXT];
    int32_t plan_verdict;
    int32_t plan_reason;
    char plan_enhanced[12];
    bool unsure;      /* a host may be authenticated by what could not be looked up now */
    bool cut;         /* there are more hosts than are looked at */
    size_t count;
    struct ss_tally_host *hosts;

    int32_t verdict;
    int32_t reason;
    char enhanced[12];
    char text[SS_TALLY_TEXT];
};

int ss_tally_new(const struct smtpsec_plan *plan, struct smtpsec_tally **out);
void ss_tally_free(struct smtpsec_tally *tally);
/* Returns 0, or INVALID for a host that is not used. */
int ss_tally_add(struct smtpsec_tally *tally, size_t host, int32_t reason);

#endif
