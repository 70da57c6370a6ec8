/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/context.h"
#include "engine/prune.h"

/*
 * The walk shows copies of what is stored. What is to go is judged again in a
 * transaction of its own, so that nobody waits for us longer than for any
 * other write.
 */
struct pruning {
    struct smtpsec_context *context;
    int64_t now;
    size_t removed;
};

static int
prune_destination(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct pruning *pruning = arg;
    const struct ss_memory_settings *settings = &pruning->context->settings.memory;
    enum ss_pruned what;
    int r = ss_prune_judge(key, value, settings, pruning->now, &what);

    if (r == 0 && what != SS_PRUNED_NOTHING)
        r = ss_prune_destination(pruning->context->store, key, settings, pruning->now, &what);
    pruning->removed += r == 0 && what == SS_PRUNED_ALL ? 1 : 0;
    return r;
}

/* The rule is that of a refresh. */
static int
prune_policy(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct pruning *pruning = arg;
    struct ss_sts_entry entry;
    struct ss_refresh refresh;
    bool removed = false;
    int r = ss_sts_entry_read(&entry, key, value);

    if (r != 0)
        return r == SMTPSEC_E_NOMEM ? r : 0; /* damaged: for a check to tell */
    r = ss_refresh_judge(&entry, key, pruning->context->refresh_seed, pruning->now, &refresh);
    ss_sts_entry_free(&entry);
    if (r == 0 && refresh.action == SS_REFRESH_REMOVE)
        r = ss_refresh_remove(pruning->context->store, key, pruning->now, &removed);
    pruning->removed += removed ? 1 : 0;
    return r;
}

int
smtpsec_memory_prune(struct smtpsec_context *context, size_t *removed)
{
    struct pruning pruning = {context, 0, 0};
    struct ss_memory_time time;
    int r = 0;

    if (context == NULL)
        return SMTPSEC_E_INVALID;
    if (context->store == NULL || context->store->state == SMTPSEC_MEMORY_READ_ONLY)
        return SMTPSEC_E_MEMORY;
    time = ss_context_memory_time(context, ss_context_now(context));
    pruning.now = time.now;
    if (!time.held) /* DESIGN 6.2: who moves the clock by months must not clear the memory */
        r = ss_store_walk(context->store, SS_TABLE_CLAIMS, prune_destination, &pruning);
    if (r == 0 && !time.held)
        r = ss_store_walk(context->store, SS_TABLE_POLICIES, prune_policy, &pruning);
    if (removed != NULL)
        *removed = pruning.removed;
    return r;
}
