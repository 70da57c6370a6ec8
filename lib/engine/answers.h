/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DNS answers that are kept from one evaluation to the next, for all processes
 * that share a memory: a question that is repeated while the TTLs last asks
 * nobody, and is decided by the memory as it is now. A kept answer is what the
 * resolver gave, with its time; it never outlives its TTL, nor an hour.
 */
#ifndef SS_ENGINE_ANSWERS_H
#define SS_ENGINE_ANSWERS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/lookup.h"
#include "memory/store.h"

/* The answers to one domain are kept together, or not at all. */
#define SS_ANSWERS_VALUE_MAX (16 * 1024)
/* However long the TTL is, an answer is asked for anew after this. */
#define SS_ANSWERS_LIFE 3600

/* May answers be kept for this destination: one that MX records name, on port 25? */
bool ss_answers_apply(const struct smtpsec_destination *destination);

/*
 * Before the first step: fill the holes of a lookup with what is kept under the
 * same fingerprint, is not expired, and is not from after `now`. What is
 * damaged or of another version is as if it were not there.
 * Returns 0 or NOMEM.
 */
int ss_answers_recall(struct ss_store *store, uint64_t fingerprint, struct ss_lookup *lookup,
                      int64_t now);
/* Did it fill any? */
bool ss_answers_recalled(const struct ss_lookup *lookup);
/* Take back what it filled: the lookup then asks for all of it. */
void ss_answers_take_back(struct ss_lookup *lookup);

/*
 * Does a plan refuse anything, or hold it up, that a newer answer might not?
 * Such a plan is made of fresh answers alone, and its answers are not kept. That
 * a domain takes no mail, or is none, is an answer like others.
 */
bool ss_answers_doubted(const struct smtpsec_plan *plan);

/*
 * After the last step: keep the answers of a lookup, if any of them came from
 * the resolver; else nothing is written. Returns 0, NOMEM, MEMORY, LIMIT (more
 * than is kept for one domain).
 */
int ss_answers_keep(struct ss_store *store, uint64_t fingerprint, const struct ss_lookup *lookup,
                    int64_t now);

/* ---- The value ---- */

/* Called for each answer, which is the callee's to take or leave. Returns 0 or an error that ends the reading. */
typedef int (*ss_answers_each)(void *arg, const struct ss_question *question,
                               struct ss_answer *answer, int64_t asked);

/*
 * Read a value. Returns 0, NOMEM, FORMAT, VERSION, STALE (another fingerprint),
 * or what `each` gave, which may have seen some answers before.
 */
int ss_answers_read(struct ss_bytes value, struct ss_bytes key, uint64_t fingerprint,
                    ss_answers_each each, void *arg);

#endif
