/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which claims and records count for nothing any more. Pure. */
#ifndef SS_MEMORY_PRUNE_H
#define SS_MEMORY_PRUNE_H

#include "memory/rules.h"

/*
 * Remove the claims that have faded. Returns true when the record has changed.
 * What is in force, and what can still be earned, never goes.
 */
bool ss_record_prune(struct ss_record *record, const struct ss_memory_settings *settings,
                     int64_t now);
/* Nothing is left in it that any rule would look at. */
bool ss_record_spent(const struct ss_record *record, const struct ss_memory_settings *settings,
                     int64_t now);

#endif
