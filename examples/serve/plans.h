/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans that several hold, and the cache of them: bounded, least recently used out. Pure. */
#ifndef SERVE_PLANS_H
#define SERVE_PLANS_H

#include <stddef.h>
#include <stdint.h>

#include <smtpsec.h>

#include "table.h"

/* Longer than any key of a question. */
#define SERVE_KEY 300

/* How long a plan is kept at most, in seconds, and one in which anything failed. */
#define SERVE_PLAN_LIFE 300
#define SERVE_PLAN_LIFE_FAILED 30

/* A plan, and how many hold it. */
struct serve_plan;

/* Take over a plan; the caller has the first hold. NULL without memory: the plan is freed then. */
struct serve_plan *serve_plan_new(struct smtpsec_plan *plan);
struct serve_plan *serve_plan_hold(struct serve_plan *plan);
/* Takes NULL. */
void serve_plan_release(struct serve_plan *plan);
const struct smtpsec_plan *serve_plan_get(const struct serve_plan *plan);
/* What it takes of the cache: 1, about 20 KiB, for most, and more for long lists of strangers. */
size_t serve_plan_weight(const struct smtpsec_plan *plan);
/* Until when it may be kept. Not at all if look-ups failed that were given too little time. */
int64_t serve_plan_life(const struct smtpsec_plan *plan, int hurried, int64_t now);

struct serve_kept;

struct serve_plans {
    struct serve_table table;
    struct serve_kept *newest; /* used last */
    struct serve_kept *oldest;
    size_t count;
    size_t weight;
    size_t most; /* weight of all; 0: keep nothing */
};

int serve_plans_init(struct serve_plans *plans, size_t most, uint64_t seed);
void serve_plans_free(struct serve_plans *plans);
/*
 * now: seconds of the context's clock; up_s: seconds that never step back. A
 * plan is kept for its time by both, so that no clock that is set back makes it
 * live longer.
 * Returns a plan to be released, or NULL.
 */
struct serve_plan *serve_plans_find(struct serve_plans *plans, const char *key, int64_t now,
                                    int64_t up_s);
/* Keep a plan until a time, in place of what is kept for this key; not without memory. */
void serve_plans_keep(struct serve_plans *plans, const char *key, struct serve_plan *plan,
                      int64_t until, int64_t now, int64_t up_s);
void serve_plans_clear(struct serve_plans *plans);

#endif
