/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One observation on its way into a record: what the files of ss_record_observe() share. */
#ifndef SS_MEMORY_WORK_H
#define SS_MEMORY_WORK_H

#include "memory/rules.h"

/* Seen again within this time is not worth a write. */
#define SS_WORTH_WRITING 3600

struct ss_work {
    struct ss_record *record;
    const struct ss_memory_settings *settings;
    const struct ss_observation *seen;
    int64_t at;
    bool changed;
};

void ss_work_drop(struct ss_work *work, const struct ss_claim *claim);

/*
 * Take over the end of the source's life; true when that lengthens the claim
 * enough to be written.
 */
bool ss_claim_extend(struct ss_claim *claim, const struct ss_work *work);
/*
 * Take over the proof's own data, unless it is older than what is held (a
 * replay). True when it is another set, or signed later by so much.
 */
bool ss_claim_take_evidence(struct ss_claim *claim, const struct ss_observation *seen,
                            int64_t worth);

/* NO_TLSA, MX_SET, TLSA, NO_DS, UNSIGNED, SIGNED (rules_signed.c). */
void ss_observe_signed(struct ss_work *work);

#endif
