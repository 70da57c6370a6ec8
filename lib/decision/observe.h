/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What DNS and HTTPS facts prove to the memory (design 6.1, 6.4, 6.5): a
 * fetched policy, a signed denial of TLSA, a signed MX set. The same list is
 * applied to a copy before deciding, and to the store afterwards.
 */
#ifndef SS_DECISION_OBSERVE_H
#define SS_DECISION_OBSERVE_H

#include <stddef.h>

#include "decision/resolve.h"
#include "decision/sts_view.h"
#include "memory/rules.h"

struct ss_observations {
    size_t count;
    struct ss_observation *list;
    struct ss_name *hosts; /* of the MX set */
};

int ss_observations_read(const struct ss_evidence *evidence, const struct ss_resolution *resolution,
                         const struct ss_sts_view *view, int64_t now,
                         struct ss_observations *out);
/*
 * The clock has leapt (6.2): keep what lowers by proof, as of the memory's time,
 * and nothing that raises or begins.
 */
void ss_observations_hold(struct ss_observations *observations, int64_t memory_now);
void ss_observations_free(struct ss_observations *observations);

#endif
