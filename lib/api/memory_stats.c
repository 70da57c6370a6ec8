/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "memory/claim.h"
#include "memory/life.h"
#include "memory/sts_entry.h"
#include "sts/sts_policy.h"

enum figure {
    DESTINATIONS,
    PROBATION,
    CLAIMS, /* then by kind, in their order */
    CLAIMS_DANE,
    CLAIMS_MTA_STS,
    CLAIMS_ENCRYPTED,
    CLAIMS_DNSSEC,
    IN_FORCE,
    IN_FORCE_DANE,
    IN_FORCE_MTA_STS,
    IN_FORCE_ENCRYPTED,
    IN_FORCE_DNSSEC,
    EARNED,
    UNEARNED,
    FADED,
    HOLDS_RUNNING,
    ENDS_HELD,
    POLICIES,
    POLICIES_ENFORCE,
    POLICIES_TESTING,
    POLICIES_NONE,
    POLICIES_LIVE,
    DAMAGED,
    FILE_OCTETS,
    OCTETS_IN_USE,
    FREE_PAGES,
    READERS,
    PLANS_KEPT,
    ANSWERS_KEPT,
    FIGURES
};

static const char *const names[FIGURES] = {
    "destinations",
    "probation",
    "claims",
    "claims-dane",
    "claims-mta-sts",
    "claims-encrypted",
    "claims-dnssec",
    "in-force",
    "in-force-dane",
    "in-force-mta-sts",
    "in-force-encrypted",
    "in-force-dnssec",
    "earned",
    "unearned",
    "faded",
    "holds-running",
    "ends-held",
    "policies",
    "policies-enforce",
    "policies-testing",
    "policies-none",
    "policies-live",
    "damaged",
    "file-octets",
    "octets-in-use",
    "free-pages",
    "readers",
    "plans-kept",
    "answers-kept",
};

struct smtpsec_stats {
    uint64_t values[FIGURES];
};

struct counting {
    const struct smtpsec_context *context;
    int64_t now;
    uint64_t *values;
};

static void
count_claim(struct counting *counting, const struct ss_claim *claim)
{
    const struct ss_memory_settings *settings = &counting->context->settings.memory;
    struct ss_claim view = ss_claim_as_of(claim, counting->now);
    uint64_t *values = counting->values;

    values[CLAIMS]++;
    values[CLAIMS + claim->kind]++;
    if (ss_claim_in_force(claim, settings, counting->now)) {
        values[IN_FORCE]++;
        values[IN_FORCE + claim->kind]++;
    }
    if (ss_claim_faded(claim, settings, counting->now))
        values[FADED]++;
    else if (!ss_claim_is_hard(claim, counting->now)) /* hard claims need not be earned */
        values[ss_claim_earned(&view) ? EARNED : UNEARNED]++;
}

static int
count_destination(void *arg, struct ss_bytes octets, struct ss_bytes value)
{
    struct counting *counting = arg;
    struct ss_memory_key key;
    struct ss_record record;
    size_t i;
    int r = SMTPSEC_E_FORMAT;

    if (ss_memory_key_read(&key, octets))
        r = ss_record_read(&record, &key, value);
    if (r != 0) {
        counting->values[DAMAGED]++;
        return r == SMTPSEC_E_NOMEM ? r : 0;
    }
    counting->values[DESTINATIONS]++;
    for (i = 0; i < record.count; i++)
        count_claim(counting, &record.claims[i]);
    if (counting->now <
        ss_hold_until(&record, &counting->context->settings.memory, counting->now))
        counting->values[HOLDS_RUNNING]++;
    if (counting->now < record.held_until)
        counting->values[ENDS_HELD]++;
    ss_record_free(&record);
    return 0;
}

static int
count_mode(struct counting *counting, const struct ss_sts_entry *entry)
{
    struct ss_bytes body = {entry->body, entry->len};
    struct ss_sts_policy policy;
    bool valid = false;
    int r;

    if (entry->len == 0)
        return 0; /* no policy, only that none could be had */
    memset(&policy, 0, sizeof(policy));
    r = ss_sts_policy_read(&policy, body, &valid, NULL);
    if (r == 0 && valid && policy.mode == SMTPSEC_STS_ENFORCE)
        counting->values[POLICIES_ENFORCE]++;
    else if (r == 0 && valid && policy.mode == SMTPSEC_STS_TESTING)
        counting->values[POLICIES_TESTING]++;
    else if (r == 0 && valid)
        counting->values[POLICIES_NONE]++;
    ss_sts_policy_free(&policy);
    return r;
}

static int
count_policy(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct counting *counting = arg;
    struct ss_sts_entry entry;
    int r = ss_sts_entry_read(&entry, key, value);

    if (r != 0) {
        counting->values[DAMAGED]++;
        return r == SMTPSEC_E_NOMEM ? r : 0;
    }
    counting->values[POLICIES]++;
    counting->values[POLICIES_LIVE] += ss_sts_entry_live(&entry, counting->now) ? 1 : 0;
    r = count_mode(counting, &entry);
    ss_sts_entry_free(&entry);
    return r;
}

static int
count_store(struct ss_store *store, uint64_t *values)
{
    struct ss_store_figures figures;
    int r = ss_store_figures(store, &figures);

    if (r != 0)
        return r;
    values[PROBATION] = figures.entries[SS_TABLE_CLAIMS_NEW];
    values[FILE_OCTETS] = figures.file_size;
    values[OCTETS_IN_USE] = figures.page_size == 0
                                ? figures.file_size
                                : (figures.pages - figures.free_pages) * figures.page_size;
    values[FREE_PAGES] = figures.free_pages;
    values[READERS] = figures.readers;
    values[PLANS_KEPT] = figures.entries[SS_TABLE_PLANS];
    values[ANSWERS_KEPT] = figures.entries[SS_TABLE_ANSWERS];
    return 0;
}

int
smtpsec_memory_stats(struct smtpsec_context *context, struct smtpsec_stats **out)
{
    struct counting counting;
    struct smtpsec_stats *stats;
    int r;

    if (context == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    if (context->store == NULL)
        return SMTPSEC_E_MEMORY;
    stats = calloc(1, sizeof(*stats));
    if (stats == NULL)
        return SMTPSEC_E_NOMEM;
    counting.context = context;
    counting.now = ss_context_memory_time(context, ss_context_now(context)).now;
    counting.values = stats->values;
    r = ss_store_walk(context->store, SS_TABLE_CLAIMS, count_destination, &counting);
    if (r == 0)
        r = ss_store_walk(context->store, SS_TABLE_POLICIES, count_policy, &counting);
    if (r == 0)
        r = count_store(context->store, stats->values);
    if (r != 0) {
        smtpsec_stats_free(stats);
        return r;
    }
    *out = stats;
    return 0;
}

void
smtpsec_stats_free(struct smtpsec_stats *stats)
{
    free(stats);
}

const char *
smtpsec_stats_name(const struct smtpsec_stats *stats, size_t n)
{
    return stats == NULL || n >= FIGURES ? NULL : names[n];
}

uint64_t
smtpsec_stats_value(const struct smtpsec_stats *stats, size_t n)
{
    return stats == NULL || n >= FIGURES ? 0 : stats->values[n];
}
