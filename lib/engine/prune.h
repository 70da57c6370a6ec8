/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Housekeeping of the store, one entry a transaction. Policies: ss_refresh_remove(). */
#ifndef SS_ENGINE_PRUNE_H
#define SS_ENGINE_PRUNE_H

#include "memory/rules.h"
#include "memory/store.h"

enum ss_pruned { SS_PRUNED_NOTHING, SS_PRUNED_CLAIMS, SS_PRUNED_ALL };

/*
 * What pruning would make of a destination's entry; one that cannot be read
 * is left alone. Returns 0, NOMEM.
 */
int ss_prune_judge(struct ss_bytes key, struct ss_bytes value,
                   const struct ss_memory_settings *settings, int64_t now, enum ss_pruned *what);
/* Judge it in a transaction, and do it. Returns 0, NOMEM, MEMORY. */
int ss_prune_destination(struct ss_store *store, struct ss_bytes key,
                         const struct ss_memory_settings *settings, int64_t now,
                         enum ss_pruned *what);

#endif
