/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Kept plans: one is never weaker than a fresh decision by what is remembered
 * now. That rests on an order, which no crash can turn:
 *
 *   Who changes claims or a policy puts a mark in place of the kept plan first,
 *   from inside that very write, and then commits. Who keeps a plan does it in
 *   one write to the table of plans, and only if claims and policy, read again
 *   inside it, are what the plan was made of, and no mark speaks of others.
 *
 * So a plan made of what was remembered before is written before the mark, which
 * replaces it; or finds the mark; or finds the change. A writer that died
 * between its mark and its commit leaves a mark for a change that never came: it
 * is taken away by who holds the writers' lock meanwhile (claims and policies of
 * a store have one lock).
 */
#ifndef SS_ENGINE_KEPT_H
#define SS_ENGINE_KEPT_H

#include "decision/kept.h"
#include "engine/lookup.h"
#include "memory/store.h"

/*
 * ss_store_update() for SS_TABLE_CLAIMS and _POLICIES: whatever changes them
 * goes through here. Where the mark cannot be written, all kept plans are
 * thrown away. Returns as ss_store_update().
 */
int ss_kept_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                   ss_store_edit edit, void *arg, int64_t now);

/*
 * The same where nothing goes that is in force: a plan that is kept is dropped,
 * and no mark is left, so that a sweep over all does not fill the table.
 */
int ss_kept_update_spent(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                         ss_store_edit edit, void *arg);

/*
 * Keep the plan of a lookup that has been learnt from, if it may be kept. Where
 * the memory is not what it was when the lookup began, it is decided anew by
 * what it is. Trouble changes nothing: then it is not kept.
 * fingerprint: of those who may use it.
 * Returns 1: it is kept, 0: it is not, or NOMEM, MEMORY, LIMIT.
 */
int ss_kept_offer(struct ss_store *store, const struct ss_lookup *lookup,
                  const struct smtpsec_plan *plan, uint64_t fingerprint, int64_t now);

/* Drop the plan and the answers kept for a domain. Returns 0, NOMEM, MEMORY. */
int ss_kept_forget(struct ss_store *store, const struct ss_name *domain);

#endif
