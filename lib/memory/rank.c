/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/rank.h"

#include "memory/codec.h"

#define DAYS_MAX 0xffff
#define LEN_MAX 0xffffff
#define RIPE_DAYS 2
#define LIVE ((uint64_t)1 << 62)

bool
ss_record_ripe(const struct ss_record *record)
{
    size_t i;

    for (i = 0; i < record->count; i++) {
        if (record->claims[i].days >= RIPE_DAYS)
            return true;
    }
    return false;
}

bool
ss_sts_entry_ripe(const struct ss_sts_entry *entry)
{
    return entry->first_used != 0 && entry->used > entry->first_used;
}

static uint64_t
time_bits(int64_t time)
{
    if (time < 0)
        return 0;
    return (uint64_t)(time < SS_CODEC_TIME_MAX ? time : SS_CODEC_TIME_MAX);
}

static int64_t
later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

uint64_t
ss_record_rank(const struct ss_record *record, const struct ss_memory_settings *settings,
               int64_t now, bool probation)
{
    /* A hold that is forgotten would begin anew; it counts as the last that was seen. */
    int64_t last = later(record->refused_since, record->held_until - SS_DAY);
    const struct ss_claim *claim;
    uint64_t days = 0;
    size_t i;

    for (i = 0; i < record->count; i++) {
        claim = &record->claims[i];
        if (ss_claim_in_force(claim, settings, now) &&
            (!probation || claim->kind != SMTPSEC_CLAIM_MTA_STS))
            return SS_STORE_FIXED;
        days = claim->days > days ? claim->days : days;
        last = later(last, claim->last_seen);
    }
    return (days < DAYS_MAX ? days : DAYS_MAX) << 40 | time_bits(last);
}

uint64_t
ss_sts_entry_rank(const struct ss_sts_entry *entry, int64_t now, bool probation)
{
    bool live = ss_sts_entry_live(entry, now);
    uint64_t len = entry->len < LEN_MAX ? entry->len : LEN_MAX;

    if (live && !probation)
        return SS_STORE_FIXED;
    /* Of one day the largest go first. */
    return (live ? LIVE : 0) | time_bits(entry->used / SS_DAY) << 24 | (LEN_MAX - len);
}

static uint64_t
rank_record(struct ss_bytes key, struct ss_bytes value, const struct ss_memory_settings *settings,
            int64_t now, bool probation)
{
    struct ss_memory_key whose;
    struct ss_record record;
    uint64_t rank;
    int r = SMTPSEC_E_FORMAT;

    if (ss_memory_key_read(&whose, key))
        r = ss_record_read(&record, &whose, value);
    if (r != 0)
        return r == SMTPSEC_E_FORMAT ? 0 : SS_STORE_FIXED;
    rank = ss_record_rank(&record, settings, now, probation);
    ss_record_free(&record);
    return rank;
}

static uint64_t
rank_policy(struct ss_bytes key, struct ss_bytes value, int64_t now, bool probation)
{
    struct ss_sts_entry entry;
    uint64_t rank;
    int r = ss_sts_entry_read(&entry, key, value);

    if (r != 0)
        return r == SMTPSEC_E_FORMAT ? 0 : SS_STORE_FIXED;
    rank = ss_sts_entry_rank(&entry, now, probation);
    ss_sts_entry_free(&entry);
    return rank;
}

uint64_t
ss_entry_rank(enum ss_store_table table, struct ss_bytes key, struct ss_bytes value,
              const struct ss_memory_settings *settings, int64_t now)
{
    switch (table) {
    case SS_TABLE_CLAIMS:
    case SS_TABLE_CLAIMS_NEW:
        return rank_record(key, value, settings, now, table == SS_TABLE_CLAIMS_NEW);
    case SS_TABLE_POLICIES:
    case SS_TABLE_POLICIES_NEW:
        return rank_policy(key, value, now, table == SS_TABLE_POLICIES_NEW);
    case SS_TABLE_PLANS:
    case SS_TABLE_ANSWERS:
        return 0;
    default:
        return SS_STORE_FIXED;
    }
}
