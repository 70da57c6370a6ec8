/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the last commit leaves so that the next first opener need not read the
 * whole file, and all that must make it read it. That it did is seen by the
 * damaged entries that it counts: those of these tests have no checksum.
 */
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory/codec.h"
#include "memory/store_lmdb.h"
#include "store_support.h"

#define ENTRIES 5
#define SIGNATURE_AT 16

static char directory[64];

static const char *
path_of(const char *name)
{
    static char path[4][160];
    static unsigned next;
    char *out = path[next++ % 4];

    snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
    return out;
}

static struct ss_store *
open_good(void)
{
    struct ss_store *store = NULL;

    assert_int_equal(ss_store_lmdb_open(directory, NULL, NULL, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    return store;
}

static void
put_entries(struct ss_store *store)
{
    char key[16];
    int i;

    for (i = 0; i < ENTRIES; i++) {
        snprintf(key, sizeof(key), "key%d", i);
        assert_int_equal(store_put(store, key, "it has no checksum"), 0);
    }
}

/* Turn one bit of one of the values, at once. The clock may leave its step before. */
static void
flip(void)
{
    static uint8_t octets[1 << 20];
    int fd = open(path_of(SS_LMDB_DATA), O_RDWR | O_CLOEXEC);
    ssize_t len = pread(fd, octets, sizeof(octets), 0);
    uint8_t *at;

    assert_true(len > 0);
    at = memmem(octets, (size_t)len, "it has no", 9);
    assert_non_null(at);
    *at ^= 1;
    assert_int_equal(pwrite(fd, at, 1, at - octets), 1);
    close(fd);
}

static void
flip_and_set_time_back(void)
{
    struct timespec times[2];
    struct stat st;

    assert_int_equal(stat(path_of(SS_LMDB_DATA), &st), 0);
    usleep(20000); /* the time of the change itself nobody can set */
    flip();
    times[0] = st.st_atim;
    times[1] = st.st_mtim;
    assert_int_equal(utimensat(AT_FDCWD, path_of(SS_LMDB_DATA), times, 0), 0);
}

/* A copy with all its times, as from a backup. */
static void
copy_back(void)
{
    char command[400];

    snprintf(command, sizeof(command), "cp -p %s %s && mv %s %s", path_of(SS_LMDB_DATA),
             path_of("copy"), path_of("copy"), path_of(SS_LMDB_DATA));
    assert_int_equal(system(command), 0);
}

static void
turn_octet_of_signature(off_t at)
{
    int fd = open(path_of(SS_LMDB_OPEN_LOCK), O_RDWR | O_CLOEXEC);
    uint8_t octet;

    assert_int_equal(pread(fd, &octet, 1, SIGNATURE_AT + at), 1);
    octet ^= 1;
    assert_int_equal(pwrite(fd, &octet, 1, SIGNATURE_AT + at), 1);
    close(fd);
}

static void
other_boot(void)
{
    turn_octet_of_signature(10);
}

static void
other_transaction(void)
{
    turn_octet_of_signature(8 + SS_LMDB_BOOT_LEN + 7 * 8);
}

static void
cut_signature(void)
{
    assert_int_equal(truncate(path_of(SS_LMDB_OPEN_LOCK), SIGNATURE_AT + 30), 0);
}

static void
remove_lock(void)
{
    assert_int_equal(unlink(path_of(SS_LMDB_OPEN_LOCK)), 0);
}

/* A writer that leaves no signature: of an earlier version, or killed before it could. */
static void
commit_unsigned(void)
{
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    MDB_val k = { 1, (void *)(uintptr_t) "x" }, v = { 1, (void *)(uintptr_t) "y" };

    assert_int_equal(mdb_env_create(&env), 0);
    mdb_env_set_maxdbs(env, SS_LMDB_TABLES_MAX);
    assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &k, &v, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void
open_and_write(void)
{
    struct ss_store *store = open_good();

    assert_int_equal(store_delete(store, "key0"), 0);
    assert_int_equal(store_put(store, "key0", "it has no checksum"), 0);
    ss_store_close(store);
}

/* A chain that broke while the store was open is not mended by the next commit. */
static void
flip_between_commits(void)
{
    struct ss_store *store = open_good();

    assert_int_equal(store_put(store, "key0", "it has no checksum at all"), 0);
    flip();
    assert_int_equal(store_put(store, "key1", "it has no checksum at all"), 0);
    ss_store_close(store);
}

static void
only_look(void)
{
    struct ss_store_lmdb_options options = { .read_only = true };
    struct ss_store *store = NULL;

    assert_int_equal(ss_store_lmdb_open(directory, &options, NULL, &store), 0);
    store_expect(store, "key1", "it has no checksum");
    ss_store_close(store);
}

struct row {
    const char *name;
    void (*between)(void);
    bool is_read; /* all of it, by the next first opener */
};

static const struct row rows[] = {
    { "nothing happened: not read", NULL, false },
    { "opened and read: not read", only_look, false },
    { "opened and written again: not read", open_and_write, false },
    { "a bit turned right after the last commit: read", flip, true },
    { "a bit turned and the time set back: read", flip_and_set_time_back, true },
    { "a bit turned between two commits: read", flip_between_commits, true },
    { "copied back with its times: read", copy_back, true },
    { "another boot: read", other_boot, true },
    { "another transaction: read", other_transaction, true },
    { "the signature is cut: read", cut_signature, true },
    { "the signature is gone: read", remove_lock, true },
    { "a commit without a signature: read", commit_unsigned, true },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_store *store;

    store_directory(directory);
    store = open_good();
    put_entries(store);
    ss_store_close(store);
    if (row->between != NULL)
        row->between();
    store = open_good();
    assert_int_equal(store->faults, row->is_read ? ENTRIES : 0);
    ss_store_close(store);
    /* What was found damaged is read again until it is gone. */
    store = open_good();
    assert_int_equal(store->faults, row->is_read ? ENTRIES : 0);
    ss_store_close(store);
    store_remove(directory);
}

static int
put_sealed(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    struct ss_bytes *key = arg;
    size_t start = ss_codec_begin(out, SS_CODEC_RECORD, 1);

    (void)old;
    ss_buf_put(out, "it has no fault", 15);
    ss_codec_end(out, start, *key);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* One who read all of it, and found nothing, leaves a signature for the next. */
static void
signs_what_it_read(void **state)
{
    struct ss_bytes key = store_bytes("\x01k\0\0");
    struct ss_lmdb_env env = { .parent = -1 };
    struct ss_store *store;
    int fd;

    (void)state;
    key.len = 4;
    store_directory(directory);
    store = open_good();
    assert_int_equal(ss_store_update(store, SS_TABLE_CLAIMS, key, put_sealed, &key), 0);
    ss_store_close(store);
    ss_lmdb_boot_read(&env);
    other_boot();
    env.open_lock = open(path_of(SS_LMDB_OPEN_LOCK), O_RDONLY | O_CLOEXEC);
    fd = open(path_of(SS_LMDB_DATA), O_RDONLY | O_CLOEXEC);
    assert_true(env.boot_known);
    assert_false(ss_lmdb_signed(&env, fd));
    ss_store_close(open_good());
    assert_true(ss_lmdb_signed(&env, fd));
    /* Where the boot cannot be told, as in a jail, no signature is believed. */
    env.boot_known = false;
    assert_false(ss_lmdb_signed(&env, fd));
    close(fd);
    close(env.open_lock);
    store_remove(directory);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/store_signature");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "who read all of it signs", signs_what_it_read);
    return ss_table_run(&t);
}
