/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is demanded of one host, for one message. Sources add up and none takes
 * away (doc/tour.md, "What is required"); the one thing that lifts is
 * TLS-Required: No, and it lifts only what the recipient's domain asks for.
 */
#ifndef SS_DECISION_DEMAND_H
#define SS_DECISION_DEMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "decision/plan.h"

struct ss_demand {
    int32_t tls;
    int32_t identities;
    int32_t sources;
    int32_t level;
    int32_t audited;     /* identities judged and told, never refused for */
    bool remembered_pkix; /* the memory alone would ask for PKIX, and only reports */
    bool requiretls;
    bool soft;           /* soft claims of the memory demand it */
    int32_t memory_kind; /* the claim kind behind the memory's demand; 0 none */
};

/* Gather it from the facts in the plan; notes say why. Returns the reason against the host, or NONE. */
int32_t ss_demand_gather(struct smtpsec_plan *plan, struct smtpsec_host *host,
                         struct ss_demand *demand);
/* Is the message under TLS-Required: No? */
bool ss_plan_lifted(const struct smtpsec_plan *plan);

#endif
