/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of a table, and what stands in for them where a store has none of its own. */
#include <stdlib.h>
#include <string.h>

#include "memory/store.h"
#include "memory/store_room.h"

static bool
is_lost(struct ss_store *store)
{
    if (store->state == SMTPSEC_MEMORY_LOST && store->kind->retry != NULL)
        store->kind->retry(store);
    return store->state == SMTPSEC_MEMORY_LOST;
}

static int
open_plain(struct ss_store *store, enum ss_store_table table, struct ss_store_reader **out)
{
    struct ss_store_reader *reader = calloc(1, sizeof(*reader));

    if (reader == NULL)
        return SMTPSEC_E_NOMEM;
    reader->store = store;
    reader->table = table;
    *out = reader;
    return 0;
}

static int
get_plain(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room, size_t cap,
          size_t *len)
{
    struct ss_buf value;
    int rc;

    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    rc = reader->store->kind->get(reader->store, reader->table, key, &value);
    if (rc == 0) {
        *len = value.len;
        if (value.len > cap)
            rc = SMTPSEC_E_LIMIT;
        else if (value.len > 0)
            memcpy(room, value.data, value.len);
    }
    ss_buf_free(&value);
    return rc;
}

int
ss_store_reader_open(struct ss_store *store, enum ss_store_table table,
                     struct ss_store_reader **out)
{
    if (out == NULL)
        return SMTPSEC_E_INVALID;
    *out = NULL;
    if (store == NULL || table >= SS_TABLE_COUNT)
        return SMTPSEC_E_INVALID;
    if (is_lost(store))
        return SMTPSEC_E_MEMORY;
    if (store->kind->reader_open == NULL)
        return open_plain(store, table, out);
    return store->kind->reader_open(store, table, out);
}

int
ss_store_reader_get(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room, size_t cap,
                    size_t *len)
{
    const struct ss_store_kind *kind;

    if (reader == NULL || len == NULL || (room == NULL && cap > 0))
        return SMTPSEC_E_INVALID;
    *len = 0;
    if (is_lost(reader->store))
        return SMTPSEC_E_MEMORY;
    if (key.len == 0 || key.len > SS_STORE_KEY_MAX)
        return SMTPSEC_E_NOT_FOUND;
    kind = reader->store->kind;
    if (kind->reader_get == NULL)
        return get_plain(reader, key, room, cap, len);
    return kind->reader_get(reader, key, room, cap, len);
}

void
ss_store_reader_close(struct ss_store_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->store->kind->reader_close == NULL)
        free(reader);
    else
        reader->store->kind->reader_close(reader);
}
