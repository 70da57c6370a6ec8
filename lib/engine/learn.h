/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an evaluation and an outcome leave in the store. Errors here never
 * change a decision already made; the caller turns them into events.
 */
#ifndef SS_ENGINE_LEARN_H
#define SS_ENGINE_LEARN_H

#include "decision/outcome.h"
#include "engine/lookup.h"
#include "memory/store.h"

/*
 * Read what is remembered of a destination. A damaged or newer entry is
 * treated as lost: *fault receives the error, the result is empty.
 * Returns 0, NOMEM, MEMORY.
 */
int ss_recall(struct ss_store *store, const struct smtpsec_destination *destination,
              struct ss_record *record, struct ss_sts_entry *entry, int *fault);

/* The same, and the stamps of what was read (decision/kept.h). */
int ss_recall_stamped(struct ss_store *store, const struct smtpsec_destination *destination,
                      struct ss_record *record, struct ss_sts_entry *entry,
                      struct ss_stamps *stamps, int *fault);
/* The stamps of what stands there now, for mail by MX. Returns 0, NOMEM, MEMORY. */
int ss_recall_stamps(struct ss_store *store, const struct ss_name *domain,
                     struct ss_stamps *stamps);

/* The claims alone, by their key, as above. */
int ss_recall_record(struct ss_store *store, const struct ss_memory_key *key,
                     struct ss_record *record, int *fault);
/* The cached policy alone, as above. */
int ss_recall_policy(struct ss_store *store, const struct ss_name *domain,
                     struct ss_sts_entry *entry, int *fault);

/*
 * Write what a finished lookup proved: the fetched policy, or that a fetch was
 * tried; claims lowered or extended by proof. An unchanged domain is not
 * written. Returns 0, NOMEM, MEMORY.
 */
int ss_learn_lookup(struct ss_store *store, const struct ss_lookup *lookup,
                    const struct smtpsec_plan *plan, int64_t now);

/*
 * Write what an outcome proved. refused: the first refusal by soft claims that
 * could not be written when it was; 0: there is none.
 * Returns 0, NOMEM, MEMORY, STALE.
 */
int ss_learn_outcome(struct ss_store *store, const struct ss_memory_settings *settings,
                     const struct smtpsec_outcome *outcome, int64_t refused, int64_t now);

/* The key of the policy cache: the wire form of the policy domain. */
struct ss_bytes ss_policy_key(const struct ss_name *domain);

#endif
