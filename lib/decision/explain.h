/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Refusals by the memory in words (design 6.11): the claim, what would satisfy
 * it, when it ends by itself, what overrides it.
 */
#ifndef SS_DECISION_EXPLAIN_H
#define SS_DECISION_EXPLAIN_H

#include <stddef.h>

#include "decision/plan.h"

/* The claim behind a floor of a host, as a requirement carries it. */
void ss_basis_of(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                 const struct ss_floor *floor, struct ss_basis *basis);
/* The claim behind it as the origin of a note; lives as long as the plan. */
struct ss_origin ss_floor_origin(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                                 const struct ss_floor *floor);
/* One line on a floor of a host. */
void ss_explain_floor(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                      const struct ss_floor *floor, char line[SS_FLOOR_LINE]);
/* The same about a session at `now`, from its requirement. failed: the identities that did. */
void ss_explain_session(const struct smtpsec_requirement *requirement,
                        const struct ss_wanted *wanted, int32_t failed, int64_t now,
                        char line[SS_FLOOR_LINE]);

#endif
