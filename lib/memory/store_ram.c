/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store in RAM: an array a table, sorted by key. Pure; gone with its store. */
#include "memory/store.h"

#include <stdlib.h>
#include <string.h>

/* Key and value in one allocation, the value behind the key. */
struct entry {
    size_t key_len;
    size_t value_len;
    uint8_t octets[];
};

struct shelf {
    struct entry **list;
    size_t count;
    size_t cap;
};

struct ram_store {
    struct ss_store store;
    struct shelf shelves[SS_TABLE_COUNT];
};

static struct ram_store *
ram_of(struct ss_store *store)
{
    return (struct ram_store *)(void *)store;
}

static struct ss_bytes
key_of(const struct entry *entry)
{
    return (struct ss_bytes){ entry->octets, entry->key_len };
}

static struct ss_bytes
value_of(const struct entry *entry)
{
    return (struct ss_bytes){ entry->octets + entry->key_len, entry->value_len };
}

/* As LMDB orders keys: octet by octet, a prefix first. */
static int
compare(struct ss_bytes a, struct ss_bytes b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* The index of the first entry that is not before key; *same tells whether it is the key's own. */
static size_t
place(const struct shelf *shelf, struct ss_bytes key, bool *same)
{
    size_t low = 0, high = shelf->count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (compare(key_of(shelf->list[middle]), key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *same = low < shelf->count && compare(key_of(shelf->list[low]), key) == 0;
    return low;
}

static int
ram_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key, struct ss_buf *value)
{
    const struct shelf *shelf = &ram_of(store)->shelves[table];
    struct ss_bytes kept;
    bool same;
    size_t at = place(shelf, key, &same);

    if (!same)
        return SMTPSEC_E_NOT_FOUND;
    kept = value_of(shelf->list[at]);
    ss_buf_put(value, kept.data, kept.len);
    if (value->nomem)
        return SMTPSEC_E_NOMEM;
    return value->full ? SMTPSEC_E_LIMIT : 0;
}

static struct entry *
entry_new(struct ss_bytes key, struct ss_bytes value)
{
    struct entry *entry = malloc(sizeof(*entry) + key.len + value.len);

    if (entry == NULL)
        return NULL;
    entry->key_len = key.len;
    entry->value_len = value.len;
    memcpy(entry->octets, key.data, key.len);
    if (value.len > 0)
        memcpy(entry->octets + key.len, value.data, value.len);
    return entry;
}

static bool
make_room(struct shelf *shelf)
{
    size_t cap = shelf->cap > 0 ? shelf->cap * 2 : 16;
    struct entry **list;

    if (shelf->count < shelf->cap)
        return true;
    list = realloc(shelf->list, cap * sizeof(struct entry *));
    if (list == NULL)
        return false;
    shelf->list = list;
    shelf->cap = cap;
    return true;
}

static int
put(struct shelf *shelf, struct ss_bytes key, struct ss_bytes value)
{
    struct entry *entry;
    bool same;
    size_t at = place(shelf, key, &same);

    if (!same && !make_room(shelf))
        return SMTPSEC_E_NOMEM;
    entry = entry_new(key, value);
    if (entry == NULL)
        return SMTPSEC_E_NOMEM;
    if (same) {
        free(shelf->list[at]);
    } else {
        memmove(shelf->list + at + 1, shelf->list + at,
                (shelf->count - at) * sizeof(struct entry *));
        shelf->count++;
    }
    shelf->list[at] = entry;
    return 0;
}

static void
delete(struct shelf *shelf, struct ss_bytes key)
{
    bool same;
    size_t at = place(shelf, key, &same);

    if (!same)
        return;
    free(shelf->list[at]);
    shelf->count--;
    memmove(shelf->list + at, shelf->list + at + 1, (shelf->count - at) * sizeof(struct entry *));
}

static int
ram_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key, ss_store_edit edit,
           void *arg)
{
    struct shelf *shelf = &ram_of(store)->shelves[table];
    enum ss_edit what = SS_EDIT_KEEP;
    struct ss_bytes old;
    struct ss_buf value;
    bool same;
    size_t at = place(shelf, key, &same);
    int rc;

    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    if (same)
        old = value_of(shelf->list[at]);
    rc = edit(arg, same ? &old : NULL, &value, &what);
    if (rc < 0 || what == SS_EDIT_KEEP)
        goto out;
    rc = 0;
    if (what == SS_EDIT_DELETE)
        delete(shelf, key);
    else if (value.nomem)
        rc = SMTPSEC_E_NOMEM;
    else if (value.full)
        rc = SMTPSEC_E_LIMIT;
    else
        rc = put(shelf, key, (struct ss_bytes){ value.data, value.len });
out:
    ss_buf_free(&value);
    return rc < 0 ? rc : 0;
}

/* Each entry is copied before it is shown, so that `each` may change the store. */
static int
ram_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
         ss_store_each each, void *arg)
{
    const struct shelf *shelf = &ram_of(store)->shelves[table];
    struct entry *shown = NULL;
    bool same = false;
    size_t at;
    int rc = 0;

    for (; most > 0 && rc == 0; most--) {
        at = place(shelf, after, &same);
        at += same ? 1 : 0;
        if (at >= shelf->count)
            break;
        free(shown);
        shown = entry_new(key_of(shelf->list[at]), value_of(shelf->list[at]));
        if (shown == NULL)
            return SMTPSEC_E_NOMEM;
        after = key_of(shown);
        rc = each(arg, after, value_of(shown));
    }
    free(shown);
    return rc;
}

static void
ram_close(struct ss_store *store)
{
    struct ram_store *ram = ram_of(store);
    size_t table, i;

    for (table = 0; table < SS_TABLE_COUNT; table++) {
        for (i = 0; i < ram->shelves[table].count; i++)
            free(ram->shelves[table].list[i]);
        free(ram->shelves[table].list);
    }
    free(ram);
}

static const struct ss_store_kind ram_kind = { ram_get, ram_update, ram_each, ram_close, NULL };

int
ss_store_ram_open(struct ss_store **out)
{
    struct ram_store *ram = calloc(1, sizeof(*ram));

    *out = NULL;
    if (ram == NULL)
        return SMTPSEC_E_NOMEM;
    ram->store.kind = &ram_kind;
    ram->store.state = SMTPSEC_MEMORY_OK;
    *out = &ram->store;
    return 0;
}
