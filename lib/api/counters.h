/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a context counts, so that "checked and passed" is told from "not checked". */
#ifndef SS_API_COUNTERS_H
#define SS_API_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "decision/outcome.h"
#include "decision/plan.h"

#define SS_COUNTERS (SMTPSEC_COUNTER_FROM_CACHE + 1)

struct ss_counters {
    uint64_t values[SS_COUNTERS];
};

/* Count one; a full counter stays full. */
void ss_count(struct ss_counters *counters, int32_t counter);
/* Count an evaluation: it is in exactly one of CHECKED, REFUSED, NOTHING_KNOWN, NOT_CHECKED. */
void ss_count_plan(struct ss_counters *counters, const struct smtpsec_plan *plan);
/* Count what the memory made of a session; whether it was recorded is counted apart. */
void ss_count_session(struct ss_counters *counters, const struct smtpsec_outcome *outcome);

/* The plan does not deliver, and the memory is why, or a part of it. */
bool ss_plan_refused_by_memory(const struct smtpsec_plan *plan);

#endif
