/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A store in RAM: an array a table, sorted by key. Pure; gone with its store. */
#include "memory/store.h"

#include <stdlib.h>
#include <string.h>

#include "memory/store_room.h"

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

/* What is kept under a key in a table, or beside it on probation. */
static const struct entry *
find(const struct ram_store *ram, enum ss_store_table table, struct ss_bytes key,
     enum ss_store_table *where)
{
    const struct shelf *shelf = &ram->shelves[table];
    bool same;
    size_t at = place(shelf, key, &same);

    *where = table;
    if (same)
        return shelf->list[at];
    *where = ss_store_beside(table);
    if (*where == SS_TABLE_COUNT)
        return NULL;
    return find(ram, *where, key, where);
}

static int
ram_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
        struct ss_buf *value)
{
    enum ss_store_table where;
    const struct entry *entry = find(ram_of(store), table, key, &where);

    if (entry == NULL)
        return SMTPSEC_E_NOT_FOUND;
    ss_buf_put(value, value_of(entry).data, value_of(entry).len);
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

/* Take an entry over; there must be room on the shelf. */
static void
insert(struct shelf *shelf, struct entry *entry)
{
    bool same;
    size_t at = place(shelf, key_of(entry), &same);

    if (same) {
        free(shelf->list[at]);
    } else {
        memmove(shelf->list + at + 1, shelf->list + at,
                (shelf->count - at) * sizeof(struct entry *));
        shelf->count++;
    }
    shelf->list[at] = entry;
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

/* Let one go that matters least, of some anywhere. */
static bool
let_one_go(struct ram_store *ram, enum ss_store_table table)
{
    struct shelf *shelf = &ram->shelves[table];
    const struct entry *entry;
    struct ss_room room;
    struct ss_bytes key;

    ss_room_init(&room, &ram->store, table);
    while (shelf->count > 0 && room.looked < SS_ROOM_LOOKS) {
        entry = shelf->list[ss_store_random(&ram->store, shelf->count)];
        ss_room_look(&room, key_of(entry), value_of(entry));
    }
    if (!ss_room_leaves(&room, &key))
        return false;
    delete(shelf, key);
    return true;
}

/* A bound that was made smaller is reached by and by: two go for one that comes. */
static bool
make_place(struct ram_store *ram, enum ss_store_table table)
{
    uint64_t bound = ss_store_bound(&ram->store, table);

    if (ram->shelves[table].count > bound)
        (void)let_one_go(ram, table);
    return ram->shelves[table].count < bound || let_one_go(ram, table);
}

/* Put a value into a table where its key may stand already. */
static int
put(struct ram_store *ram, enum ss_store_table table, struct ss_bytes key, struct ss_bytes value)
{
    struct shelf *shelf = &ram->shelves[table];
    struct entry *entry = entry_new(key, value);
    bool same;

    if (entry == NULL || !make_room(shelf)) {
        free(entry);
        return SMTPSEC_E_NOMEM;
    }
    (void)place(shelf, key, &same);
    if (!same && !make_place(ram, table)) {
        free(entry);
        return SMTPSEC_E_LIMIT;
    }
    insert(shelf, entry);
    return 0;
}

/* where: in which table the key stands now, if any. */
static int
store_value(struct ram_store *ram, enum ss_store_table table, enum ss_store_table where,
            struct ss_bytes key, const struct ss_buf *buf, enum ss_edit what)
{
    enum ss_store_table beside = ss_store_beside(table);
    struct ss_bytes value = { buf->data, buf->len };
    int rc;

    if (buf->nomem)
        return SMTPSEC_E_NOMEM;
    if (buf->full)
        return SMTPSEC_E_LIMIT;
    if (what == SS_EDIT_PUT_NEW && beside != SS_TABLE_COUNT && where != table)
        return put(ram, beside, key, value);
    rc = put(ram, table, key, value);
    if (where != beside || beside == SS_TABLE_COUNT)
        return rc;
    /* Ripe, and no place is free: better on probation than not at all. */
    if (rc == SMTPSEC_E_LIMIT)
        return put(ram, beside, key, value) == SMTPSEC_E_NOMEM ? SMTPSEC_E_NOMEM : rc;
    if (rc == 0)
        delete(&ram->shelves[beside], key);
    return rc;
}

static int
ram_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
           ss_store_edit edit, void *arg)
{
    struct ram_store *ram = ram_of(store);
    enum ss_store_table where;
    const struct entry *entry = find(ram, table, key, &where);
    enum ss_edit what = SS_EDIT_KEEP;
    struct ss_bytes old;
    struct ss_buf value;
    int rc;

    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    if (entry != NULL)
        old = value_of(entry);
    else
        where = SS_TABLE_COUNT;
    rc = edit(arg, entry != NULL ? &old : NULL, &value, &what);
    if (rc < 0 || what == SS_EDIT_KEEP)
        goto out;
    rc = 0;
    if (what != SS_EDIT_DELETE)
        rc = store_value(ram, table, where, key, &value, what);
    else if (where != SS_TABLE_COUNT)
        delete(&ram->shelves[where], key);
out:
    ss_buf_free(&value);
    return rc < 0 ? rc : 0;
}

/* The first entry after a key. */
static const struct entry *
next_of(const struct shelf *shelf, struct ss_bytes after)
{
    bool same;
    size_t at = place(shelf, after, &same);

    at += same ? 1 : 0;
    return at < shelf->count ? shelf->list[at] : NULL;
}

/* The same, of a table and of those on probation beside it. */
static const struct entry *
next_after(const struct ram_store *ram, enum ss_store_table table, struct ss_bytes after)
{
    enum ss_store_table beside = ss_store_beside(table);
    const struct entry *a = next_of(&ram->shelves[table], after);
    const struct entry *b =
        beside != SS_TABLE_COUNT ? next_of(&ram->shelves[beside], after) : NULL;

    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    return compare(key_of(b), key_of(a)) < 0 ? b : a;
}

/* Each entry is copied before it is shown, so that `each` may change the store. */
static int
ram_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
         ss_store_each each, void *arg)
{
    struct entry *shown = NULL;
    const struct entry *next;
    int rc = 0;

    for (; most > 0 && rc == 0; most--) {
        next = next_after(ram_of(store), table, after);
        if (next == NULL)
            break;
        free(shown);
        shown = entry_new(key_of(next), value_of(next));
        if (shown == NULL)
            return SMTPSEC_E_NOMEM;
        after = key_of(shown);
        rc = each(arg, after, value_of(shown));
    }
    free(shown);
    return rc;
}

static int
ram_figures(struct ss_store *store, struct ss_store_figures *out)
{
    const struct shelf *shelf;
    size_t table, i;

    for (table = 0; table < SS_TABLE_COUNT; table++) {
        shelf = &ram_of(store)->shelves[table];
        out->entries[table] = shelf->count;
        for (i = 0; i < shelf->count; i++)
            out->file_size += shelf->list[i]->key_len + shelf->list[i]->value_len;
    }
    return 0;
}

static void
clear(struct shelf *shelf)
{
    size_t i;

    for (i = 0; i < shelf->count; i++)
        free(shelf->list[i]);
    shelf->count = 0;
}

static void
ram_close(struct ss_store *store)
{
    struct ram_store *ram = ram_of(store);
    size_t table;

    for (table = 0; table < SS_TABLE_COUNT; table++) {
        clear(&ram->shelves[table]);
        free(ram->shelves[table].list);
    }
    free(ram);
}

static int
ram_reader_open(struct ss_store *store, enum ss_store_table table, struct ss_store_reader **out)
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
ram_reader_get(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room, size_t cap,
               size_t *len)
{
    enum ss_store_table where;
    const struct entry *entry = find(ram_of(reader->store), reader->table, key, &where);

    if (entry == NULL)
        return SMTPSEC_E_NOT_FOUND;
    *len = entry->value_len;
    if (entry->value_len > cap)
        return SMTPSEC_E_LIMIT;
    if (entry->value_len > 0)
        memcpy(room, value_of(entry).data, entry->value_len);
    return 0;
}

static void
ram_reader_close(struct ss_store_reader *reader)
{
    free(reader);
}

static int
ram_discard(struct ss_store *store)
{
    clear(&ram_of(store)->shelves[SS_TABLE_PLANS]);
    clear(&ram_of(store)->shelves[SS_TABLE_ANSWERS]);
    return 0;
}

static const struct ss_store_kind ram_kind = {
    .get = ram_get,
    .update = ram_update,
    .each = ram_each,
    .close = ram_close,
    .figures = ram_figures,
    .reader_open = ram_reader_open,
    .reader_get = ram_reader_get,
    .reader_close = ram_reader_close,
    .discard = ram_discard,
};

int
ss_store_ram_open(struct ss_store **out)
{
    static const struct ss_store_limits none;
    struct ram_store *ram = calloc(1, sizeof(*ram));

    *out = NULL;
    if (ram == NULL)
        return SMTPSEC_E_NOMEM;
    ram->store.kind = &ram_kind;
    ram->store.state = SMTPSEC_MEMORY_OK;
    ss_store_set_limits(&ram->store, &none);
    *out = &ram->store;
    return 0;
}
