/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readers of each kind of store, and the volatile tables that they are mostly used for. */
#include <stdio.h>
#include <string.h>

#include "memory/store.h"
#include "memory/store_room.h"
#include "store_support.h"

enum maker { RAM, LMDB, PLAIN };

struct row {
    const char *name;
    enum maker maker;
    enum ss_store_table table;
};

static char directory[64];
static struct ss_store *inner; /* PLAIN: of a store with nothing but what every kind has */

static int
plain_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
          struct ss_buf *value)
{
    (void)store;
    return ss_store_get(inner, table, key, value);
}

static int
plain_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
             ss_store_edit edit, void *arg)
{
    (void)store;
    return ss_store_update(inner, table, key, edit, arg);
}

static void
plain_close(struct ss_store *store)
{
    free(store);
    ss_store_close(inner);
}

static const struct ss_store_kind plain_kind = {
    .get = plain_get,
    .update = plain_update,
    .close = plain_close,
};

static struct ss_store *
open_store(enum maker maker)
{
    struct ss_store *store = NULL;

    store_directory(directory);
    if (maker == LMDB) {
        assert_int_equal(ss_store_lmdb_open(directory, NULL, NULL, &store), 0);
    } else {
        assert_int_equal(ss_store_ram_open(&store), 0);
    }
    if (maker == PLAIN) {
        inner = store;
        store = calloc(1, sizeof(*store));
        assert_non_null(store);
        store->kind = &plain_kind;
        store->state = SMTPSEC_MEMORY_OK;
    }
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    return store;
}

static void
close_store(struct ss_store *store)
{
    ss_store_close(store);
    store_remove(directory);
}

static int
put(struct ss_store *store, enum ss_store_table table, const char *key, const char *value)
{
    struct ss_bytes bytes = store_bytes(value);

    return ss_store_update(store, table, store_bytes(key), store_edit_put, &bytes);
}

/* What a reader finds: a value, or NULL for none. */
static void
finds(struct ss_store_reader *reader, const char *key, const char *value)
{
    uint8_t room[64];
    size_t len = 77;
    int rc = ss_store_reader_get(reader, store_bytes(key), room, sizeof(room), &len);

    if (value == NULL) {
        assert_int_equal(rc, SMTPSEC_E_NOT_FOUND);
        assert_int_equal(len, 0);
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(len, strlen(value));
    assert_memory_equal(room, value, len);
}

static void
reads(void **state)
{
    const struct row *row = *state;
    struct ss_store *store = open_store(row->maker);
    struct ss_store_reader *reader = NULL;
    uint8_t room[4] = "...";
    size_t len;

    assert_int_equal(put(store, row->table, "a", "first"), 0);
    assert_int_equal(ss_store_reader_open(store, row->table, &reader), 0);
    finds(reader, "a", "first");
    finds(reader, "b", NULL);
    finds(reader, "", NULL);
    /* It sees what is changed after it was opened, and nothing of other tables. */
    assert_int_equal(put(store, row->table, "a", "second"), 0);
    assert_int_equal(put(store, SS_TABLE_META, "b", "elsewhere"), 0);
    assert_int_equal(put(store, row->table, "empty", ""), 0);
    finds(reader, "a", "second");
    finds(reader, "b", NULL);
    finds(reader, "empty", "");
    assert_int_equal(ss_store_reader_get(reader, store_bytes("a"), room, 4, &len),
                     SMTPSEC_E_LIMIT);
    assert_int_equal(len, 6);
    assert_string_equal((const char *)room, "...");
    ss_store_reader_close(reader);
    close_store(store);
}

static const struct row readings[] = {
    { "ram: claims", RAM, SS_TABLE_CLAIMS },
    { "ram: plans", RAM, SS_TABLE_PLANS },
    { "plain: claims", PLAIN, SS_TABLE_CLAIMS },
    { "plain: answers", PLAIN, SS_TABLE_ANSWERS },
    { "lmdb: claims", LMDB, SS_TABLE_CLAIMS },
    { "lmdb: plans", LMDB, SS_TABLE_PLANS },
    { "lmdb: answers", LMDB, SS_TABLE_ANSWERS },
};

static int
put_new(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    int rc = store_edit_put(arg, old, out, edit);

    *edit = SS_EDIT_PUT_NEW;
    return rc;
}

/* A reader of claims reads those on probation too; there is no probation of plans. */
static void
probation(void **state)
{
    const struct row *row = *state;
    struct ss_store *store = open_store(row->maker);
    struct ss_bytes value = store_bytes("new");
    struct ss_store_reader *reader = NULL;

    assert_int_equal(ss_store_update(store, row->table, store_bytes("a"), put_new, &value), 0);
    assert_int_equal(ss_store_reader_open(store, row->table, &reader), 0);
    finds(reader, "a", "new");
    ss_store_reader_close(reader);
    close_store(store);
}

static int
drop_kept(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    struct ss_store *store = arg;

    (void)old;
    assert_int_equal(put(store, SS_TABLE_PLANS, "a", "mark"), 0);
    ss_buf_put(out, "claim", 5);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* What was kept is marked from inside the edit of a claim. */
static void
inside_an_edit(void **state)
{
    const struct row *row = *state;
    struct ss_store *store = open_store(row->maker);
    struct ss_store_reader *reader = NULL;

    assert_int_equal(put(store, SS_TABLE_PLANS, "a", "plan"), 0);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    finds(reader, "a", "plan");
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("a"), drop_kept, store),
                     0);
    finds(reader, "a", "mark");
    store_expect(store, "a", "claim");
    ss_store_reader_close(reader);
    close_store(store);
}

static void
thrown_away(void **state)
{
    const struct row *row = *state;
    struct ss_store *store = open_store(row->maker);
    struct ss_store_reader *reader = NULL;

    assert_int_equal(put(store, SS_TABLE_PLANS, "a", "plan"), 0);
    assert_int_equal(put(store, SS_TABLE_ANSWERS, "a", "answers"), 0);
    assert_int_equal(put(store, SS_TABLE_CLAIMS, "a", "claim"), 0);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    assert_int_equal(ss_store_discard_volatile(store), 0);
    finds(reader, "a", NULL);
    store_expect(store, "a", "claim");
    assert_int_equal(put(store, SS_TABLE_PLANS, "a", "again"), 0);
    finds(reader, "a", "again");
    ss_store_reader_close(reader);
    close_store(store);
}

static uint64_t
first_octet(void *arg, enum ss_store_table table, struct ss_bytes key, struct ss_bytes value)
{
    (void)arg;
    (void)key;
    return ss_store_is_volatile(table) && value.len > 0 ? value.data[0] : SS_STORE_FIXED;
}

/* The one of the least rank goes; without ranks anyone may. */
static void
room(void **state)
{
    const struct row *row = *state;
    struct ss_store_limits limits = { .plans = 3, .rank = first_octet, .seed = 1 };
    struct ss_store *store = open_store(row->maker);
    struct ss_store_reader *reader = NULL;

    ss_store_set_limits(store, &limits);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    assert_int_equal(put(store, SS_TABLE_PLANS, "a", "9"), 0);
    assert_int_equal(put(store, SS_TABLE_PLANS, "b", "1"), 0);
    assert_int_equal(put(store, SS_TABLE_PLANS, "c", "7"), 0);
    assert_int_equal(put(store, SS_TABLE_PLANS, "d", "8"), 0);
    finds(reader, "b", NULL);
    finds(reader, "a", "9");
    finds(reader, "c", "7");
    finds(reader, "d", "8");
    /* Each of the tables has the bound for itself. */
    assert_int_equal(put(store, SS_TABLE_ANSWERS, "e", "1"), 0);
    finds(reader, "c", "7");
    limits.rank = NULL;
    ss_store_set_limits(store, &limits);
    assert_int_equal(put(store, SS_TABLE_PLANS, "f", ""), 0);
    finds(reader, "f", "");
    ss_store_reader_close(reader);
    close_store(store);
}

static const struct row makers[] = {
    { "ram", RAM, SS_TABLE_CLAIMS },
    { "lmdb", LMDB, SS_TABLE_CLAIMS },
};

static const struct row new_ones[] = {
    { "ram: on probation", RAM, SS_TABLE_CLAIMS },
    { "ram: a plan", RAM, SS_TABLE_PLANS },
    { "lmdb: on probation", LMDB, SS_TABLE_CLAIMS },
    { "lmdb: a plan", LMDB, SS_TABLE_PLANS },
};

static void
wrong_use(void **state)
{
    struct ss_store *store = open_store(RAM);
    struct ss_store_reader *reader = NULL;
    size_t len;

    (void)state;
    assert_int_equal(ss_store_reader_open(NULL, SS_TABLE_PLANS, &reader), SMTPSEC_E_INVALID);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_COUNT, &reader), SMTPSEC_E_INVALID);
    assert_null(reader);
    assert_int_equal(ss_store_reader_get(NULL, store_bytes("a"), NULL, 0, &len),
                     SMTPSEC_E_INVALID);
    assert_int_equal(ss_store_discard_volatile(NULL), SMTPSEC_E_INVALID);
    ss_store_reader_close(NULL);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    store->state = SMTPSEC_MEMORY_LOST;
    assert_int_equal(ss_store_reader_get(reader, store_bytes("a"), NULL, 0, &len),
                     SMTPSEC_E_MEMORY);
    assert_int_equal(ss_store_discard_volatile(store), SMTPSEC_E_MEMORY);
    ss_store_reader_close(reader);
    close_store(store);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/store_reader");

    SS_TABLE_ROWS(&t, reads, readings);
    SS_TABLE_ROWS(&t, probation, new_ones);
    SS_TABLE_ROWS(&t, inside_an_edit, makers);
    SS_TABLE_ROWS(&t, thrown_away, makers);
    SS_TABLE_ROWS(&t, room, makers);
    ss_table_case(&t, "wrong use", wrong_use);
    return ss_table_run(&t);
}
