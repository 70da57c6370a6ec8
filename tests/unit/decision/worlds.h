/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random worlds: all the facts that one destination could have, as lines of facts.h. */
#ifndef SS_TEST_WORLDS_H
#define SS_TEST_WORLDS_H

#include "facts.h"

#define WORLD_LINES 64
#define WORLD_HOSTS 4

struct world_claim {
    int32_t kind;
    char host[32]; /* "": the domain */
    uint32_t days;
    int64_t expires;
};

struct world {
    size_t count;
    char lines[WORLD_LINES][256];
    bool https;            /* the policy host answers */
    const char *body;      /* with this; NULL: by no answer */
    const char *entry;     /* cached policy; NULL: none */
    bool entry_live;
    size_t claim_count;
    struct world_claim claims[8];
};

/* The policies that a world may have; each lists some of the hosts a to d. */
extern const char *const world_enforce[3];
extern const char *const world_others[3]; /* testing, none, and no policy at all */

void world_make(struct world *world, uint64_t *seed);
/* The line of a question, or NULL. */
char *world_line(struct world *world, const char *type, const char *name);
/* Put a line, in place of one for the same question. */
void world_put(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* What is remembered alone, then all facts, in an order by the seed. */
void world_remember(const struct world *world, struct ss_evidence *evidence);
void world_tell(const struct world *world, struct ss_evidence *evidence, uint64_t order);
/* Decide with all facts. */
struct smtpsec_plan *world_plan(const struct world *world, uint64_t order);

#endif
