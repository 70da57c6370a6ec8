/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/store.h"

#include <stdlib.h>

/* LMDB's limit; kept for every store, so that what fits one fits all. */
#define KEY_MAX 511

static bool
key_fits(struct ss_bytes key)
{
    return key.len > 0 && key.len <= KEY_MAX;
}

int
ss_store_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key, struct ss_buf *value)
{
    if (store == NULL || table >= SS_TABLE_COUNT)
        return SMTPSEC_E_INVALID;
    if (store->state == SMTPSEC_MEMORY_LOST)
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
    if (store == NULL || table >= SS_TABLE_COUNT || edit == NULL)
        return SMTPSEC_E_INVALID;
    if (store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    if (!key_fits(key))
        return SMTPSEC_E_LIMIT;
    return store->kind->update(store, table, key, edit, arg);
}

int
ss_store_each_after(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
                    ss_store_each each, void *arg)
{
    if (store == NULL || table >= SS_TABLE_COUNT || each == NULL || after.len > KEY_MAX)
        return SMTPSEC_E_INVALID;
    if (store->state == SMTPSEC_MEMORY_LOST)
        return SMTPSEC_E_MEMORY;
    if (most == 0)
        return 0;
    return store->kind->each(store, table, after, most, each, arg);
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
    if (store->state != SMTPSEC_MEMORY_OK)
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
