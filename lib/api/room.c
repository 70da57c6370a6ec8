/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory's bounds, and with whom it is shared (design 6.12, 6.13). */
#include "api/context.h"
#include "decision/kept.h"
#include "drive/uptime.h"
#include "memory/rank.h"

#define LIMIT_MIN 1000

int
smtpsec_options_set_memory_group(struct smtpsec_options *options, uint32_t gid)
{
    /* The greatest number is chown's word for "leave it". */
    if (options == NULL || gid == UINT32_MAX)
        return SMTPSEC_E_INVALID;
    options->memory_shared = true;
    options->memory_group = gid;
    return 0;
}

int
smtpsec_options_set_memory_limit(struct smtpsec_options *options, uint64_t destinations)
{
    if (options == NULL || destinations < LIMIT_MIN)
        return SMTPSEC_E_INVALID;
    options->memory_limit = destinations;
    return 0;
}

/*
 * Asked inside a write, so nothing is noted here, and no store used: only what
 * the clock's last mark says of this moment. A clock that leapt lets nothing go.
 */
static uint64_t
rank(void *arg, enum ss_store_table table, struct ss_bytes key, struct ss_bytes value)
{
    const struct smtpsec_context *context = arg;
    struct ss_clock_reading reading;
    struct ss_clock_verdict verdict;

    if (table == SS_TABLE_PLANS)
        return ss_kept_rank(value, ss_context_now(context));
    ss_uptime_read(context->clock.boot, ss_context_now(context), &reading);
    ss_clock_judge(&context->clock.mark, &reading, &verdict);
    return ss_entry_rank(table, key, value, &context->settings.memory, verdict.memory_now);
}

void
ss_context_bound_memory(struct smtpsec_context *context, uint64_t kept, uint64_t plans)
{
    struct ss_store_limits limits = {
        .kept = kept, .plans = plans, .rank = rank, .arg = context };

    ss_store_set_limits(context->store, &limits);
}

void
ss_context_tell_begun(struct smtpsec_context *context, int64_t now)
{
    if (context->store == NULL)
        return;
    if (context->store->set_aside)
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_SET_ASIDE, now, "",
                      "the memory was damaged or emptied: a new one is begun");
    if (context->store->faults > 0)
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_LOST, now, "",
                      "%llu entries of the memory are damaged: what they said is lost",
                      (unsigned long long)context->store->faults);
    context->store->set_aside = false;
    context->store->faults = 0;
}
