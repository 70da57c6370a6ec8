/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * First refusals by soft claims that the memory could not take in (design 6.3):
 * on a full disk their hold is counted here, in the context, or it would never
 * end; and were nothing refused then, whoever fills the disk would lift every
 * soft claim. They are written with the next outcome that can be.
 */
#ifndef SS_API_HOLDS_H
#define SS_API_HOLDS_H

#include <stddef.h>
#include <stdint.h>

#include "memory/claim.h"

/*
 * Beyond that the oldest goes: its hold begins anew. So many that who strips
 * all that a server sends does not keep every hold from its end.
 */
#define SS_HOLDS 1024

struct ss_hold {
    struct ss_memory_key *key;
    int64_t since;
};

struct ss_holds {
    size_t count;
    struct ss_hold list[SS_HOLDS]; /* the oldest first */
};

void ss_holds_free(struct ss_holds *holds);
/* A refusal at this time; the first one of a destination stays. Without memory it is not noted. */
void ss_holds_begin(struct ss_holds *holds, const struct ss_memory_key *key, int64_t at);
/* The first refusal; 0: none is noted. */
int64_t ss_holds_since(const struct ss_holds *holds, const struct ss_memory_key *key);
void ss_holds_end(struct ss_holds *holds, const struct ss_memory_key *key);

#endif
