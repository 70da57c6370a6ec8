/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/prune.h"

#include "memory/life.h"

bool
ss_record_prune(struct ss_record *record, const struct ss_memory_settings *settings, int64_t now)
{
    bool changed = false;
    size_t i = record->count;

    while (i-- > 0) {
        if (ss_claim_faded(&record->claims[i], settings, now)) {
            ss_record_remove(record, &record->claims[i]);
            changed = true;
        }
    }
    /* A hold without claims would spoil those that are earned later. */
    if (record->count == 0 && record->refused_since != 0) {
        record->refused_since = 0;
        changed = true;
    }
    return changed;
}

/* A time that may still decide something. One far ahead of the clock never will. */
static bool
counts(int64_t time, const struct ss_memory_settings *settings, int64_t now)
{
    return time != 0 && now <= ss_time_add(time, settings->cap) &&
           time <= ss_time_add(now, settings->cap);
}

bool
ss_record_spent(const struct ss_record *record, const struct ss_memory_settings *settings,
                int64_t now)
{
    /* The day against an unsigned end (DESIGN 6.6), the age of the last signed MX set (6.5). */
    return record->count == 0 && !counts(record->held_until, settings, now) &&
           !counts(record->mx_inception, settings, now);
}
