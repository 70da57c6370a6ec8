/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/store.h"

#include <stdlib.h>
#include <string.h>

#include "memory/store_room.h"

/* LMDB's limit; kept for every store, so that what fits one fits all. */
#define KEY_MAX SS_STORE_KEY_MAX

static bool
key_fits(struct ss_bytes key)
{
    return key.len > 0 && key.len <= KEY_MAX;
}

static bool
lost(struct ss_store *store)
{
    if (store->state == SMTPSEC_MEMORY_LOST && store->kind->retry != NULL)
        store->kind->retry(store);
    return store->state == SMTPSEC_MEMORY_LOST;
}

void
ss_store_set_limits(struct ss_store *store, const struct ss_store_limits *limits)
{
    struct ss_store_limits *own = &store->limits;
    uint64_t seed = own->seed;

    *own = *limits;
    if (own->seed == 0)
        own->seed = seed;
    if (own->kept == 0)
        own->kept = SS_STORE_KEPT;
    if (own->probation == 0)
        own->probation = SS_STORE_PROBATION;
    if (own->probation > own->kept / 10)
        own->probation = own->kept / 10 > 0 ? own->kept / 10 : 1;
    if (own->plans == 0)
        own->plans = SS_STORE_PLANS;
}

int
ss_store_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
             struct ss_buf *value)
{
    if (store == NULL || table >= SS_TABLE_COUNT)
        return SMTPSEC_E_INVALID;
    if (lost(store))
        return SMTPSEC_E_MEMORY;
    /* What cannot be stored has not been. */
    if (!key_fits(key))
        return SMTPSEC_E_NOT_FOUND;
    return store->kind->get(store, table, key, value);
}

int
ss_store_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                ss_store_edit edit, void *arg)
{
    if (store == NULL || table >= SS_TABLE_COUNT || edit == NULL ||
        table == SS_TABLE_CLAIMS_NEW || table == SS_TABLE_POLICIES_NEW)
        return SMTPSEC_E_INVALID;
    if (lost(store) || store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    if (!key_fits(key))
        return SMTPSEC_E_LIMIT;
    return store->kind->update(store, table, key, edit, arg);
}

int
ss_store_each_after(struct ss_store *store, enum ss_store_table table, struct ss_bytes after,
                    size_t most, ss_store_each each, void *arg)
{
    if (store == NULL || table >= SS_TABLE_COUNT || each == NULL || after.len > KEY_MAX)
        return SMTPSEC_E_INVALID;
    if (lost(store))
        return SMTPSEC_E_MEMORY;
    if (most == 0)
        return 0;
    return store->kind->each(store, table, after, most, each, arg);
}

/* Entries visited in one transaction of a walk. */
#define SLICE 64

struct walk {
    ss_store_each each;
    void *arg;
    struct ss_buf last; /* key of the last entry visited */
    size_t visited;
};

static int
walk_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct walk *walk = arg;

    walk->visited++;
    walk->last.len = 0;
    ss_buf_put(&walk->last, key.data, key.len);
    if (!ss_buf_ok(&walk->last))
        return SMTPSEC_E_NOMEM;
    return walk->each(walk->arg, key, value);
}

int
ss_store_walk(struct ss_store *store, enum ss_store_table table, ss_store_each each, void *arg)
{
    struct walk walk = {each, arg, {0}, 0};
    struct ss_bytes after;
    int r;

    if (each == NULL)
        return SMTPSEC_E_INVALID;
    ss_buf_init(&walk.last, KEY_MAX);
    do {
        walk.visited = 0;
        after.data = walk.last.data;
        after.len = walk.last.len;
        r = ss_store_each_after(store, table, after, SLICE, walk_one, &walk);
    } while (r == 0 && walk.visited == SLICE);
    ss_buf_free(&walk.last);
    return r;
}

int
ss_store_figures(struct ss_store *store, struct ss_store_figures *out)
{
    if (store == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    memset(out, 0, sizeof(*out));
    if (lost(store) || store->kind->figures == NULL)
        return SMTPSEC_E_MEMORY;
    return store->kind->figures(store, out);
}

int
ss_store_check(struct ss_store *store, bool *damaged)
{
    if (store == NULL || damaged == NULL)
        return SMTPSEC_E_INVALID;
    *damaged = false;
    if (lost(store))
        return SMTPSEC_E_MEMORY;
    return store->kind->check != NULL ? store->kind->check(store, damaged) : 0;
}

bool
ss_store_is_volatile(enum ss_store_table table)
{
    return table == SS_TABLE_PLANS || table == SS_TABLE_ANSWERS;
}

int
ss_store_discard_volatile(struct ss_store *store)
{
    if (store == NULL)
        return SMTPSEC_E_INVALID;
    if (lost(store) || store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    return store->kind->discard != NULL ? store->kind->discard(store) : 0;
}

void
ss_store_close(struct ss_store *store)
{
    if (store != NULL)
        store->kind->close(store);
}

static void
end_plain(struct ss_lease *lease)
{
    free(lease);
}

int
ss_store_lease(struct ss_store *store, uint64_t name, struct ss_lease **out)
{
    struct ss_lease *lease;

    *out = NULL;
    if (store == NULL)
        return SMTPSEC_E_INVALID;
    if (lost(store) || store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    if (store->kind->lease != NULL)
        return store->kind->lease(store, name, out);
    lease = malloc(sizeof(*lease));
    if (lease == NULL)
        return SMTPSEC_E_NOMEM;
    lease->refs = 1;
    lease->end = end_plain;
    *out = lease;
    return 0;
}

struct ss_lease *
ss_lease_ref(struct ss_lease *lease)
{
    if (lease != NULL)
        lease->refs++;
    return lease;
}

void
ss_lease_release(struct ss_lease *lease)
{
    if (lease != NULL && --lease->refs == 0)
        lease->end(lease);
}
