/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many domains refused at once (design 6): the fault is then seldom with each
 * of them, and mostly near us: the resolver, a box on the way, the clock, our
 * own TLS. All processes of one memory keep one short list of the domains
 * refused last. Nothing is lowered for it: somebody is told.
 */
#ifndef SS_MEMORY_MANY_H
#define SS_MEMORY_MANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* So many distinct domains within this time are many; told again no sooner than that. */
#define SS_MANY 10
#define SS_MANY_WITHIN 3600
#define SS_MANY_EVERY (6 * 3600)
/* Domains remembered; they stand for themselves no longer than an hour. */
#define SS_MANY_KEPT 64
#define SS_MANY_KEY 16

struct ss_refusal {
    uint32_t domain; /* of its keyed hash: no list of whom we write to */
    int64_t at;
};

struct ss_many {
    uint8_t key[SS_MANY_KEY]; /* of the hash, from whoever began the list */
    int64_t told;             /* when it was said last; 0: never */
    size_t count;
    struct ss_refusal list[SS_MANY_KEPT];
};

/* Is a refusal of this domain news? Within the hour it is not, and costs no write. */
bool ss_many_news(const struct ss_many *many, uint32_t domain, int64_t now);
/*
 * Add a refusal. Returns how many distinct domains fell short within the hour
 * when that is to be told now, else 0.
 */
size_t ss_many_add(struct ss_many *many, uint32_t domain, int64_t now);

/* The list's key in the store's table of single values. */
struct ss_bytes ss_many_key(void);
void ss_many_write(struct ss_buf *out, const struct ss_many *many);
/* Returns 0, FORMAT, VERSION; then the list is empty. */
int ss_many_read(struct ss_many *many, struct ss_bytes value);

#endif
