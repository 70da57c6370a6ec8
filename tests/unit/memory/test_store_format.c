/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Databases of other formats, made by hand with LMDB. */
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store_support.h"

static char directory[64];

static int
setup(void **state)
{
    (void)state;
    store_directory(directory);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    store_remove(directory);
    return 0;
}

static void
put(MDB_txn *txn, const char *table, const char *key, const char *octets, size_t len)
{
    MDB_val k = { strlen(key), (void *)(uintptr_t)key };
    MDB_val v = { len, (void *)(uintptr_t)octets };
    MDB_dbi dbi;

    assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
}

/* What the library before this one left; format NULL: without its mark. */
static void
make(const char *format, size_t len)
{
    char path[128];
    MDB_env *env;
    MDB_txn *txn;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    put(txn, "claims", "a", "claims of a", 11);
    put(txn, "claims", "b", "claims of b", 11);
    put(txn, "policies", "c", "policy of c", 11);
    if (format != NULL)
        put(txn, "meta", "format", format, len);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    /* As it always stands beside a memory of ours. */
    snprintf(path, sizeof(path), "%s/open.lock", directory);
    fclose(fopen(path, "a"));
}

static size_t
contents(char *octets, size_t size)
{
    char path[128];
    size_t len;
    FILE *file;

    snprintf(path, sizeof(path), "%s/data.mdb", directory);
    file = fopen(path, "rb");
    assert_non_null(file);
    len = fread(octets, 1, size, file);
    fclose(file);
    return len;
}

static struct ss_store *
open_store(bool read_only, int32_t want)
{
    struct ss_store_lmdb_options options = { .read_only = read_only };
    struct ss_store *store = NULL;
    bool set_aside = true;

    assert_int_equal(ss_store_lmdb_open(directory, &options, &set_aside, &store), 0);
    assert_false(set_aside);
    if (store->state != want)
        fail_msg("state %d: %s", (int)store->state, store->error.text);
    return store;
}

static uint64_t
format_of(struct ss_store *store)
{
    struct ss_store_figures figures;

    assert_int_equal(ss_store_figures(store, &figures), 0);
    assert_int_equal(figures.entries[SS_TABLE_CLAIMS], 2);
    assert_int_equal(figures.entries[SS_TABLE_CLAIMS_NEW], 0);
    assert_int_equal(figures.entries[SS_TABLE_POLICIES], 1);
    return figures.format;
}

static void
expect_old(struct ss_store *store)
{
    struct ss_buf got;

    store_expect(store, "a", "claims of a");
    store_expect(store, "b", "claims of b");
    ss_buf_init(&got, 100);
    assert_int_equal(ss_store_get(store, SS_TABLE_POLICIES, store_bytes("c"), &got), 0);
    assert_int_equal(got.len, 11);
    ss_buf_free(&got);
}

static int
put_new(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)old;
    ss_buf_put(out, arg, strlen(arg));
    *edit = SS_EDIT_PUT_NEW;
    return 0;
}

static void
brought_up_to_date(void)
{
    struct ss_store *store = open_store(false, SMTPSEC_MEMORY_OK);
    char new[] = "new", changed[] = "changed";

    assert_int_equal(format_of(store), 2);
    expect_old(store);
    /* What was there before has been proved; probation is for those who come. */
    assert_int_equal(
        ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("b"), put_new, changed), 0);
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("d"), put_new, new), 0);
    ss_store_close(store);
    store = open_store(true, SMTPSEC_MEMORY_READ_ONLY);
    store_expect(store, "b", "changed");
    store_expect(store, "d", "new");
    ss_store_close(store);
}

static void
format_1(void **state)
{
    (void)state;
    make("\1\0\0\0", 4);
    brought_up_to_date();
}

static void
no_mark(void **state)
{
    (void)state;
    make(NULL, 0);
    brought_up_to_date();
}

/* Who may only read leaves it as it is, and reads it. */
static void
format_1_read_only(void **state)
{
    static char before[1 << 20], after[1 << 20];
    struct ss_store *reader, *store;
    size_t len, len_after;
    char new[] = "new";

    (void)state;
    make("\1\0\0\0", 4);
    len = contents(before, sizeof(before));
    reader = open_store(true, SMTPSEC_MEMORY_READ_ONLY);
    assert_int_equal(format_of(reader), 1);
    expect_old(reader);
    store_expect(reader, "d", NULL);
    ss_store_close(reader);
    len_after = contents(after, sizeof(after));
    assert_int_equal(len, len_after);
    assert_memory_equal(before, after, len);
    store = open_store(false, SMTPSEC_MEMORY_OK);
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("d"), put_new, new), 0);
    ss_store_close(store);
}

static void
format_newer(void **state)
{
    static char before[1 << 20], after[1 << 20];
    static const bool ways[] = { false, true };
    struct ss_store *store;
    size_t i, len, len_after;

    (void)state;
    make("\3\0\0\0", 4);
    len = contents(before, sizeof(before));
    for (i = 0; i < 2; i++) {
        store = open_store(ways[i], SMTPSEC_MEMORY_LOST);
        assert_int_equal(store->error.code, SMTPSEC_E_VERSION);
        assert_non_null(strstr(store->error.text, "made by a newer version"));
        assert_int_equal(store_put(store, "k", "v"), SMTPSEC_E_MEMORY);
        ss_store_close(store);
    }
    len_after = contents(after, sizeof(after));
    assert_int_equal(len, len_after);
    assert_memory_equal(before, after, len);
}

static void
drop_table(const char *name)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, name, 0, &dbi), 0);
    assert_int_equal(mdb_drop(txn, dbi, 1), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* A name that damage made unreadable takes its table with it: the rest is not all there was. */
static void
table_missing(void **state)
{
    static const char *const names[] = { "claims", "policies-new" };
    struct ss_store *store = NULL;
    bool set_aside;
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        store = open_store(false, SMTPSEC_MEMORY_OK);
        assert_int_equal(store_put(store, "k", "v"), 0);
        ss_store_close(store);
        drop_table(names[i]);
        assert_int_equal(ss_store_lmdb_open(directory, NULL, &set_aside, &store), 0);
        assert_true(set_aside);
        assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
        store_expect(store, "k", NULL);
        ss_store_close(store);
    }
}

#define CASE(text, function) { text, function, setup, teardown, NULL }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("format 1 is brought up to date", format_1),
        CASE("so is one without a mark", no_mark),
        CASE("format 1 can be read as it is", format_1_read_only),
        CASE("a newer format is told and not touched", format_newer),
        CASE("a table that is missing is damage", table_missing),
    };

    return cmocka_run_group_tests_name("memory/store_format", tests, NULL, NULL);
}
