/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much evidence an entry is, where a store has to let one go (DESIGN 6.12). */
#ifndef SS_MEMORY_RANK_H
#define SS_MEMORY_RANK_H

#include "memory/claim.h"
#include "memory/rules.h"
#include "memory/store.h"
#include "memory/sts_entry.h"

/*
 * Proved on two days or more: it may leave probation. Who plants a claim for a
 * day stays among those who did so.
 */
bool ss_record_ripe(const struct ss_record *record);
bool ss_sts_entry_ripe(const struct ss_sts_entry *entry);

/*
 * As ss_store_rank, for entries that can be read. On probation a policy and
 * its claim are one stranger's for one fetch; they may go.
 */
uint64_t ss_record_rank(const struct ss_record *record, const struct ss_memory_settings *settings,
                        int64_t now, bool probation);
uint64_t ss_sts_entry_rank(const struct ss_sts_entry *entry, int64_t now, bool probation);

/* For octets as they are stored. A damaged entry is lost already; one of a newer version stays. */
uint64_t ss_entry_rank(enum ss_store_table table, struct ss_bytes key, struct ss_bytes value,
                       const struct ss_memory_settings *settings, int64_t now);

#endif
