/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The volatile tables in Redis: shared, bounded, ended, thrown away as a whole. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server.h"
#include "store_support.h"

struct row {
    const char *name;
    enum ss_store_table table;
    const char *values;
    const char *names;
};

static const struct row rows[] = {
    { "plans", SS_TABLE_PLANS, "{x}:plans", "{x}:plans-keys" },
    { "answers", SS_TABLE_ANSWERS, "{x}:answers", "{x}:answers-keys" },
};

static int
put(struct ss_store *store, enum ss_store_table table, const char *key, const char *value)
{
    struct ss_bytes bytes = store_bytes(value);

    return ss_store_update(store, table, store_bytes(key), store_edit_put, &bytes);
}

static bool
has(struct ss_store *store, enum ss_store_table table, const char *key, const char *value)
{
    struct ss_buf got;
    bool same;
    int rc;

    ss_buf_init(&got, 100);
    rc = ss_store_get(store, table, store_bytes(key), &got);
    same = value == NULL ? rc == SMTPSEC_E_NOT_FOUND
                         : rc == 0 && got.len == strlen(value) &&
                               memcmp(got.data, value, got.len) == 0;
    ss_buf_free(&got);
    return same;
}

static int
join(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    char *line = arg;

    snprintf(line + strlen(line), 32, "%.*s=%.*s ", (int)key.len, (const char *)key.data,
             (int)value.len, (const char *)value.data);
    return 0;
}

static void
check_shared(void **state)
{
    const struct row *row = *state;
    struct server server = { 0 };
    struct ss_store_reader *reader;
    struct ss_store *one, *two;
    char line[256] = "";
    uint8_t room[8];
    size_t len;

    server_start(&server);
    one = server_store(&server, "x", 5000);
    two = server_store(&server, "x", 5000);
    assert_int_equal(put(one, row->table, "b", "1"), 0);
    assert_int_equal(put(one, row->table, "a", "2"), 0);
    assert_true(has(two, row->table, "a", "2"));
    assert_true(has(two, SS_TABLE_CLAIMS, "a", NULL));
    assert_int_equal(ss_store_each_after(two, row->table, store_bytes(""), 10, join, line), 0);
    assert_string_equal(line, "a=2 b=1 ");
    assert_int_equal(ss_store_reader_open(two, row->table, &reader), 0);
    assert_int_equal(ss_store_reader_get(reader, store_bytes("b"), room, sizeof(room), &len), 0);
    assert_int_equal(len, 1);
    /* They have an end, so that Redis may let them go before it refuses claims. */
    assert_in_range(SERVER_SAY(&server, "PTTL", row->values), 1, 24 * 3600 * 1000);
    assert_in_range(SERVER_SAY(&server, "PTTL", row->names), 1, 24 * 3600 * 1000);
    assert_int_equal(store_put(one, "a", "claim"), 0);
    assert_int_equal(ss_store_discard_volatile(one), 0);
    assert_true(has(two, row->table, "a", NULL));
    assert_int_equal(ss_store_reader_get(reader, store_bytes("b"), room, sizeof(room), &len),
                     SMTPSEC_E_NOT_FOUND);
    store_expect(two, "a", "claim");
    assert_int_equal(SERVER_SAY(&server, "PTTL", "{x}:claims"), -1);
    ss_store_reader_close(reader);
    ss_store_close(one);
    ss_store_close(two);
    server_end(&server);
}

static void
check_bound(void **state)
{
    const struct row *row = *state;
    struct server server = { 0 };
    struct ss_store_limits limits = { .plans = 20 };
    struct ss_store_figures figures;
    struct ss_store *store;
    char key[16];
    int i;

    server_start(&server);
    store = server_store(&server, "x", 5000);
    ss_store_set_limits(store, &limits);
    for (i = 0; i < 100; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(put(store, row->table, key, "v"), 0);
    }
    assert_true(has(store, row->table, "key99", "v"));
    assert_int_equal(ss_store_figures(store, &figures), 0);
    assert_int_equal(figures.entries[row->table], 20);
    assert_int_equal(SERVER_SAY(&server, "HLEN", row->values), 20);
    ss_store_close(store);
    server_end(&server);
}

/* Redis lets whole keys go: the one half of a table, or the other. */
static void
check_half(void **state)
{
    const struct row *row = *state;
    struct server server = { 0 };
    struct ss_store *store;

    server_start(&server);
    store = server_store(&server, "x", 5000);
    assert_int_equal(put(store, row->table, "a", "1"), 0);
    assert_int_equal(put(store, row->table, "b", "1"), 0);
    SERVER_SAY(&server, "DEL", row->names);
    assert_int_equal(put(store, row->table, "c", "1"), 0);
    assert_true(has(store, row->table, "a", NULL));
    assert_true(has(store, row->table, "c", "1"));
    SERVER_SAY(&server, "DEL", row->values);
    assert_true(has(store, row->table, "c", NULL));
    assert_int_equal(put(store, row->table, "d", "1"), 0);
    assert_int_equal(SERVER_SAY(&server, "ZCARD", row->names), 1);
    ss_store_close(store);
    server_end(&server);
}

/* A full server lets them go and remembers on. */
static void
check_full(void **state)
{
    const struct row *row = *state;
    struct server server = { .more = { "--maxmemory", "4mb", "--maxmemory-policy",
                                       "volatile-lru" } };
    static char value[2001];
    struct ss_store *store;
    char key[16];
    int i;

    memset(value, 'v', sizeof(value) - 1);
    server_start(&server);
    store = server_store(&server, "x", 5000);
    for (i = 0; i < 400; i++) {
        snprintf(key, sizeof(key), "plan%d", i);
        assert_int_equal(put(store, row->table, key, value), 0);
    }
    for (i = 0; i < 1300; i++) {
        snprintf(key, sizeof(key), "claim%d", i);
        assert_int_equal(store_put(store, key, value), 0);
    }
    for (i = 0; i < 1300; i++) {
        snprintf(key, sizeof(key), "claim%d", i);
        store_expect(store, key, value);
    }
    assert_true(has(store, row->table, "plan0", NULL));
    ss_store_close(store);
    server_end(&server);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("redis/volatile");

    SS_TABLE_ROWS(&t, check_shared, rows);
    SS_TABLE_ROWS(&t, check_bound, rows);
    SS_TABLE_ROWS(&t, check_half, rows);
    SS_TABLE_ROWS(&t, check_full, rows);
    return ss_table_run(&t);
}
