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
    int32_t audited;       /* identities judged and told, never refused for */
    bool requiretls;
    bool either;           /* the identity is PKIX, and DANE will do, too */
    bool soft;             /* what the memory demands rests on soft claims */
    int32_t alone;         /* identities that the memory alone demands */
    struct ss_basis basis; /* of the memory's part */
    bool refused;          /* the reason against the host is the memory's */
};

/*
 * Gather it from the facts in the plan; notes, which may be NULL, say why. The
 * floor is one of the host's: run with the enforced one this is what is
 * demanded, with the reported one what would be (design 6.8, 10). Returns the
 * reason against the host, or NONE.
 */
int32_t ss_demand_gather(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                         const struct ss_floor *floor, struct ss_notes *notes,
                         struct ss_demand *demand);
/* Is the message under TLS-Required: No? */
bool ss_plan_lifted(const struct smtpsec_plan *plan);
/* What the policy is taken for: STSA-10, or as the operator's rules and exceptions say. */
int32_t ss_plan_sts_mode(const struct smtpsec_plan *plan);

#endif
