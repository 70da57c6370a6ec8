/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which claims that were in force a proof has ended, for whoever is told (design 6.5). */
#ifndef SS_ENGINE_LOWERED_H
#define SS_ENGINE_LOWERED_H

#include <stddef.h>

#include "memory/rules.h"

#define SS_LOWERED_MAX 16

struct ss_lowered_claim {
    int32_t kind;        /* SMTPSEC_CLAIM_* */
    struct ss_name host; /* len 0: the whole domain */
    enum ss_observed by; /* the proof */
    int32_t sts_mode;    /* POLICY: of the new one */
};

struct ss_lowered {
    size_t count; /* all of them; the list has the first ones */
    struct ss_lowered_claim list[SS_LOWERED_MAX];
};

/* Note what an observation has made of a record: before it, and after. */
void ss_lowered_note(struct ss_lowered *lowered, const struct ss_record *before,
                     const struct ss_record *after, const struct ss_memory_settings *settings,
                     const struct ss_observation *seen, int64_t now);
/* The proof in words, such as "a signed denial of TLSA records". */
const char *ss_lowered_proof(const struct ss_lowered_claim *claim);

#endif
