/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lookups answered by hand from a world (scenarios/world.h). */
#ifndef SS_TEST_BY_HAND_H
#define SS_TEST_BY_HAND_H

#include "engine/lookup.h"
#include "world.h"

#define BY_HAND_NOW INT64_C(1800000000)
#define BY_HAND_POLICY(mode, mx) "version: STSv1\r\nmode: " mode "\r\n" mx "max_age: 86400\r\n"

/* Add facts as scenarios write them: "dns MX d.test secure 10:mx.d.test"; a NULL ends them. */
void by_hand_world(struct world *world, const char *const *lines);
void by_hand_destination(struct smtpsec_destination *destination, const char *domain);
/* Answer one need; https: the body, NULL for a time-out. Returns 0 or NOMEM. */
int by_hand_answer(struct ss_lookup *lookup, struct ss_need *need, const struct world *world,
                   const char *https, int64_t now);
/* Answer all, newest need first when `backwards`. Returns 0 or NOMEM; *rounds may be NULL. */
int by_hand_run(struct ss_lookup *lookup, const struct world *world, const char *https, int64_t now,
                bool backwards, size_t *rounds);

/* The tests' own allocations do not fail: called before and after them, if set. */
extern void (*by_hand_pause)(void);
extern void (*by_hand_resume)(void);

#endif
