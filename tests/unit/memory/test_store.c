/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every store against one table of operations. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "memory/store.h"
#include "store_support.h"

struct step {
    /* p put, d delete, k keep, g get, n get nothing, l list, s stop after one, e edit fails */
    char what;
    const char *key;   /* l: after */
    const char *value; /* l: what is listed, "key=value " each */
    size_t most;
};

struct row {
    const char *name;
    const struct store_maker *maker;
    struct step steps[12];
};

struct listing {
    char text[512];
    size_t stop_after;
    size_t count;
};

static int
list_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct listing *l = arg;
    size_t at = strlen(l->text);

    snprintf(l->text + at, sizeof(l->text) - at, "%.*s=%.*s ", (int)key.len,
             (const char *)key.data, (int)value.len, (const char *)value.data);
    l->count++;
    return l->stop_after != 0 && l->count == l->stop_after ? 7 : 0;
}

static int
edit_fails(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)old;
    ss_buf_put(out, "never", 5);
    *edit = SS_EDIT_PUT;
    return SMTPSEC_E_STALE;
}

static void
run_list(struct ss_store *store, const struct step *step, size_t stop_after)
{
    struct listing l = { .stop_after = stop_after };
    int rc = ss_store_each_after(store, SS_TABLE_CLAIMS, store_bytes(step->key),
                                 step->most > 0 ? step->most : 100, list_one, &l);

    assert_int_equal(rc, stop_after != 0 ? 7 : 0);
    assert_string_equal(l.text, step->value);
}

static void
run_step(struct ss_store *store, const struct step *step)
{
    switch (step->what) {
    case 'p':
        assert_int_equal(store_put(store, step->key, step->value), 0);
        break;
    case 'd':
        assert_int_equal(store_delete(store, step->key), 0);
        break;
    case 'k':
        assert_int_equal(store_keep(store, step->key), 0);
        break;
    case 'g':
        store_expect(store, step->key, step->value);
        break;
    case 'n':
        store_expect(store, step->key, NULL);
        break;
    case 'l':
        run_list(store, step, 0);
        break;
    case 's':
        run_list(store, step, 1);
        break;
    case 'e':
        assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(step->key), edit_fails,
                                         NULL),
                         SMTPSEC_E_STALE);
        break;
    default:
        fail_msg("unknown step %c", step->what);
    }
}

static void
check_steps(void **state)
{
    const struct row *row = *state;
    char directory[64];
    struct ss_store *store = NULL;
    size_t i;

    store = row->maker->open(directory);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    for (i = 0; i < sizeof(row->steps) / sizeof(row->steps[0]) && row->steps[i].what != '\0'; i++)
        run_step(store, &row->steps[i]);
    row->maker->close(store, directory);
}

#define EACH(text, ...) { text, NULL, __VA_ARGS__ }

static const struct row rows[] = {
    EACH("an empty store has nothing", {{'n', "a", NULL, 0}, {'l', "", "", 0}}),
    EACH("what was put is got", {{'p', "a", "1", 0}, {'g', "a", "1", 0}}),
    EACH("a second put replaces", {{'p', "a", "1", 0},
                                   {'p', "a", "longer than before", 0},
                                   {'g', "a", "longer than before", 0},
                                   {'l', "", "a=longer than before ", 0}}),
    EACH("an empty value is a value", {{'p', "a", "", 0}, {'g', "a", "", 0}}),
    EACH("a deleted entry is gone, deleting twice is no error",
         {{'p', "a", "1", 0}, {'d', "a", NULL, 0}, {'n', "a", NULL, 0}, {'d', "a", NULL, 0}}),
    EACH("keeping changes nothing", {{'p', "a", "1", 0},
                                     {'k', "a", NULL, 0},
                                     {'k', "b", NULL, 0},
                                     {'g', "a", "1", 0},
                                     {'n', "b", NULL, 0}}),
    EACH("an edit that fails changes nothing", {{'p', "a", "1", 0},
                                                {'e', "a", NULL, 0},
                                                {'e', "b", NULL, 0},
                                                {'g', "a", "1", 0},
                                                {'n', "b", NULL, 0}}),
    EACH("a list is in the order of octets, a prefix first",
         {{'p', "b", "2", 0},
          {'p', "ab", "1", 0},
          {'p', "a", "0", 0},
          {'p', "\xff", "9", 0},
          {'l', "", "a=0 ab=1 b=2 \xff=9 ", 0}}),
    EACH("a list goes on behind a key, which need not be there", {{'p', "a", "0", 0},
                                                                  {'p', "c", "2", 0},
                                                                  {'p', "e", "4", 0},
                                                                  {'l', "a", "c=2 e=4 ", 0},
                                                                  {'l', "b", "c=2 e=4 ", 0},
                                                                  {'l', "e", "", 0},
                                                                  {'l', "f", "", 0}}),
    EACH("a list ends after as many as asked", {{'p', "a", "0", 0},
                                                {'p', "b", "1", 0},
                                                {'p', "c", "2", 0},
                                                {'l', "", "a=0 b=1 ", 2},
                                                {'l', "b", "c=2 ", 2}}),
    EACH("a list stops when told", {{'p', "a", "0", 0}, {'p', "b", "1", 0}, {'s', "", "a=0 ", 0}}),
};

/* ---- what does not fit the table; each for every maker ---- */

struct limit_row {
    const char *name;
    const struct store_maker *maker;
    size_t key_len;
    size_t value_len;
    int want;
};

static const struct limit_row limit_rows[] = {
    EACH("a key of 511 octets fits", 511, 1, 0),
    EACH("a key of 512 octets does not", 512, 1, SMTPSEC_E_LIMIT),
    EACH("no key is no key", 0, 1, SMTPSEC_E_LIMIT),
    EACH("a value of the greatest size fits", 10, SS_STORE_VALUE_MAX, 0),
    EACH("a larger value is refused", 10, SS_STORE_VALUE_MAX + 1, SMTPSEC_E_LIMIT),
};

static void
check_limits(void **state)
{
    const struct limit_row *row = *state;
    char directory[64];
    struct ss_store *store = row->maker->open(directory);
    static uint8_t octets[SS_STORE_VALUE_MAX + 1];
    struct ss_bytes key = { octets, row->key_len }, value = { octets, row->value_len };
    struct ss_buf got;

    memset(octets, 'x', sizeof(octets));
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, key, store_edit_put, &value),
                     row->want);
    ss_buf_init(&got, SS_STORE_VALUE_MAX);
    assert_int_equal(ss_store_get(store, SS_TABLE_CLAIMS, key, &got),
                     row->want == 0 ? 0 : SMTPSEC_E_NOT_FOUND);
    assert_int_equal(got.len, row->want == 0 ? row->value_len : 0);
    ss_buf_free(&got);
    row->maker->close(store, directory);
}

struct maker_row {
    const char *name;
    const struct store_maker *maker;
};

static const struct maker_row table_rows[] = { { "tables are apart", NULL } };

static void
check_tables(void **state)
{
    const struct maker_row *row = *state;
    char directory[64];
    struct ss_store *store = row->maker->open(directory);
    struct ss_buf got;

    assert_int_equal(store_put(store, "a", "claims"), 0);
    ss_buf_init(&got, 100);
    assert_int_equal(ss_store_get(store, SS_TABLE_POLICIES, store_bytes("a"), &got),
                     SMTPSEC_E_NOT_FOUND);
    assert_int_equal(ss_store_get(store, SS_TABLE_COUNT, store_bytes("a"), &got),
                     SMTPSEC_E_INVALID);
    ss_buf_free(&got);
    row->maker->close(store, directory);
}

static const struct maker_row many_rows[] = {
    { "3000 entries, changed while they are listed", NULL },
};

struct walk_many {
    struct ss_store *store;
    size_t count;
    char last[16];
};

static int
delete_seen(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct walk_many *w = arg;
    char name[16];

    assert_true(key.len < sizeof(name));
    memcpy(name, key.data, key.len);
    name[key.len] = '\0';
    assert_true(strcmp(name, w->last) > 0);
    assert_int_equal(value.len, strlen("value of ") + key.len);
    strcpy(w->last, name);
    w->count++;
    return w->count % 10 == 0 ? store_delete(w->store, name) : 0;
}

/* In order, each once; told to stop after 2,800. */
static int
count_seen(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct walk_many *w = arg;
    char name[16];

    (void)value;
    assert_true(key.len < sizeof(name));
    memcpy(name, key.data, key.len);
    name[key.len] = '\0';
    assert_true(strcmp(name, w->last) > 0);
    strcpy(w->last, name);
    w->count++;
    return w->count == 2800 ? 7 : 0;
}

static void
check_many(void **state)
{
    const struct maker_row *row = *state;
    char directory[64], key[16], value[32];
    struct ss_store *store = row->maker->open(directory);
    struct walk_many w = { store, 0, "" };
    int i;

    for (i = 0; i < 3000; i++) {
        snprintf(key, sizeof(key), "key%d", i * 7919 % 3000);
        snprintf(value, sizeof(value), "value of %s", key);
        assert_int_equal(store_put(store, key, value), 0);
    }
    assert_int_equal(ss_store_each_after(store, SS_TABLE_CLAIMS, store_bytes(""), 100000,
                                         delete_seen, &w),
                     0);
    assert_int_equal(w.count, 3000);
    w.count = 1; /* so that nothing is deleted now */
    w.last[0] = '\0';
    assert_int_equal(
        ss_store_each_after(store, SS_TABLE_CLAIMS, store_bytes(""), 8, delete_seen, &w), 0);
    assert_int_equal(w.count, 9);
    /* A walk goes on through all slices, and ends where it is told to: 2,700 are left. */
    w.count = 0;
    w.last[0] = '\0';
    assert_int_equal(ss_store_walk(store, SS_TABLE_CLAIMS, count_seen, &w), 0);
    assert_int_equal(w.count, 2700);
    w.count = 2600;
    w.last[0] = '\0';
    assert_int_equal(ss_store_walk(store, SS_TABLE_CLAIMS, count_seen, &w), 7);
    assert_int_equal(w.count, 2800);
    row->maker->close(store, directory);
}

static void
check_null(void **state)
{
    (void)state;
    ss_store_close(NULL);
    assert_int_equal(ss_store_get(NULL, SS_TABLE_CLAIMS, store_bytes("a"), NULL),
                     SMTPSEC_E_INVALID);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/store");

    STORE_ROWS(&t, check_steps, rows);
    STORE_ROWS(&t, check_limits, limit_rows);
    STORE_ROWS(&t, check_tables, table_rows);
    STORE_ROWS(&t, check_many, many_rows);
    ss_table_case(&t, "no store", check_null);
    return ss_table_run(&t);
}
