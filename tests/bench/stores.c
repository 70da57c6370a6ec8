/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stores.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench.h"

#define BARE_MAP ((size_t)1 << 34) /* sparse */
#define BATCH 100000
#define MARK "filled"
#define DIRECTORIES 64

static char *base;
static bool base_kept;
static bool on_disk;
static char *scratch[DIRECTORIES];
static size_t scratch_count;

static char *
joined(const char *directory, const char *name)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        bench_fail("out of memory");
    return path;
}

void
stores_on_disk(void)
{
    on_disk = true;
}

static const char *
base_directory(void)
{
    const char *given = getenv("SMTPSEC_BENCH_DIR"), *temporary = getenv("TMPDIR");
    const char *fast = getenv("SMTPSEC_BENCH_MEMORY_DIR");

    if (base != NULL)
        return base;
    if (!on_disk && fast != NULL)
        given = fast;
    base_kept = given != NULL;
    if (base_kept) {
        base = strdup(given);
        if (base == NULL || (mkdir(base, 0700) != 0 && errno != EEXIST))
            bench_fail("SMTPSEC_BENCH_DIR");
        return base;
    }
    base = joined(temporary != NULL ? temporary : "/var/tmp", "smtpsec-bench-XXXXXX");
    if (mkdtemp(base) == NULL)
        bench_fail("no directory for stores");
    return base;
}

const char *
stores_directory(const char *name, bool *made)
{
    char *path = joined(base_directory(), name), *mark = joined(path, MARK);

    *made = access(mark, F_OK) != 0;
    if (*made) {
        stores_remove(path);
        if (mkdir(path, 0700) != 0)
            bench_fail("cannot make a directory");
    }
    free(mark);
    return path; /* for as long as the program runs */
}

void
stores_filled(const char *directory)
{
    char *mark = joined(directory, MARK);
    FILE *file = fopen(mark, "w");

    if (file == NULL || fclose(file) != 0)
        bench_fail("cannot mark a directory as filled");
    free(mark);
}

static uint64_t
room_in(const char *directory)
{
    struct statvfs fs;

    return statvfs(directory, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
}

bool
stores_room(uint64_t octets, const char *what)
{
    uint64_t room = room_in(base_directory());

    if (room >= octets)
        return true;
    fprintf(stderr, "%s: left out, %" PRIu64 " MB wanted and %" PRIu64 " MB free in %s\n", what,
            octets / 1000000, room / 1000000, base);
    return false;
}

const char *
stores_scratch(const char *name, uint64_t octets)
{
    const char *where = room_in("/dev/shm") >= octets * 2 ? "/dev/shm" : base_directory();
    char *path = joined(where, "smtpsec-bench-XXXXXX");

    (void)name;
    if (scratch_count == DIRECTORIES || mkdtemp(path) == NULL)
        bench_fail("cannot make a directory");
    scratch[scratch_count++] = path;
    return path;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void
stores_remove(const char *directory)
{
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void
stores_end(void)
{
    size_t i;

    for (i = 0; i < scratch_count; i++)
        stores_remove(scratch[i]);
    if (base != NULL && !base_kept)
        stores_remove(base);
}

uint64_t
stores_file_size(const char *directory, const char *file)
{
    char *path = joined(directory, file);
    struct stat st;
    uint64_t size = stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;

    free(path);
    return size;
}

struct ss_store *
stores_open(const char *directory, uint64_t entries)
{
    struct ss_store_limits limits = { .kept = entries + entries / 2 + 1000 };
    struct ss_store *store;

    if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0)
        bench_fail("out of memory");
    if (store->state != SMTPSEC_MEMORY_OK)
        bench_fail(store->error.text);
    ss_store_set_limits(store, &limits);
    return store;
}

static int
put_value(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_buf *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

void
stores_put(struct ss_store *store, enum ss_store_table table, const struct ss_buf *key,
           const struct ss_buf *value)
{
    struct ss_buf copy = *value; /* read only, whatever its type says */

    if (ss_store_update(store, table, (struct ss_bytes){ key->data, key->len }, put_value,
                        &copy) != 0)
        bench_fail(store->error.text);
}

void
stores_load(struct ss_store *store, enum population kind, uint64_t count, const uint64_t *order)
{
    struct ss_buf key, value;
    uint64_t i;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    for (i = 0; i < count; i++) {
        population_entry(kind, order != NULL ? order[i] : i, 0, &key, &value);
        stores_put(store, population_table(kind), &key, &value);
    }
    ss_buf_free(&key);
    ss_buf_free(&value);
}

struct population_at {
    enum population kind;
    const uint64_t *order;
};

static void
entry_of_population(void *arg, uint64_t i, struct ss_buf *key, struct ss_buf *value)
{
    const struct population_at *at = arg;

    population_entry(at->kind, at->order[i], 0, key, value);
}

void
stores_bulk(const char *directory, enum population kind, uint64_t count)
{
    uint64_t *order = population_sorted(count);
    struct population_at at = { kind, order };
    bool set_aside = true;
    struct ss_store *store;

    ss_store_close(stores_open(directory, count)); /* makes the tables */
    bare_fill(directory, kind == POPULATION_STS ? "policies" : "claims", count,
              entry_of_population, &at);
    free(order);
    /* Who comes first after a strange hand reads all of it, and must find it good. */
    if (ss_store_lmdb_open(directory, NULL, &set_aside, &store) != 0 || set_aside ||
        store->state != SMTPSEC_MEMORY_OK || store->faults != 0)
        bench_fail("a store that was filled is not good");
    ss_store_close(store);
}

/* ---- LMDB by itself ---- */

static void
lmdb_must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "LMDB: %s: %s\n", what, mdb_strerror(rc));
    exit(1);
}

static MDB_val
val_of(const struct ss_buf *buf)
{
    return (MDB_val){ buf->len, buf->data };
}

void
bare_open(struct bare *bare, const char *directory, const char *table, unsigned flags)
{
    memset(bare, 0, sizeof(*bare));
    lmdb_must(mdb_env_create(&bare->env), "create");
    lmdb_must(mdb_env_set_mapsize(bare->env, BARE_MAP), "map size");
    lmdb_must(mdb_env_set_maxdbs(bare->env, 16), "tables");
    lmdb_must(mdb_env_open(bare->env, directory, flags | MDB_NOTLS, 0600), "open");
    lmdb_must(mdb_txn_begin(bare->env, NULL, MDB_RDONLY, &bare->txn), "read");
    lmdb_must(mdb_dbi_open(bare->txn, table, 0, &bare->table), "table");
    lmdb_must(mdb_txn_commit(bare->txn), "commit"); /* keeps the handle */
    lmdb_must(mdb_txn_begin(bare->env, NULL, MDB_RDONLY, &bare->txn), "read");
    mdb_txn_reset(bare->txn);
}

void
bare_close(struct bare *bare)
{
    mdb_txn_abort(bare->txn);
    mdb_env_close(bare->env);
}

bool
bare_get(struct bare *bare, struct ss_bytes key, struct ss_bytes *value)
{
    MDB_val k = { key.len, (void *)(uintptr_t)key.data }, v;
    int rc = mdb_txn_renew(bare->txn);

    if (rc != 0)
        return false;
    rc = mdb_get(bare->txn, bare->table, &k, &v);
    mdb_txn_reset(bare->txn);
    *value = (struct ss_bytes){ v.mv_data, v.mv_size };
    return rc == 0;
}

void
bare_fill(const char *directory, const char *table, uint64_t count,
          void (*entry)(void *arg, uint64_t i, struct ss_buf *key, struct ss_buf *value), void *arg)
{
    struct ss_buf key, value;
    MDB_txn *txn = NULL;
    MDB_env *env;
    MDB_dbi dbi;
    uint64_t i;
    MDB_val k, v;
    int rc;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    lmdb_must(mdb_env_create(&env), "create");
    lmdb_must(mdb_env_set_mapsize(env, BARE_MAP), "map size");
    lmdb_must(mdb_env_set_maxdbs(env, 16), "tables");
    lmdb_must(mdb_env_open(env, directory, MDB_NOSYNC, 0600), "open");
    for (i = 0; i < count; i++) {
        if (i % BATCH == 0) {
            if (txn != NULL)
                lmdb_must(mdb_txn_commit(txn), "commit");
            lmdb_must(mdb_txn_begin(env, NULL, 0, &txn), "write");
            lmdb_must(mdb_dbi_open(txn, table, table != NULL ? MDB_CREATE : 0, &dbi), "table");
        }
        entry(arg, i, &key, &value);
        k = val_of(&key);
        v = val_of(&value);
        rc = mdb_put(txn, dbi, &k, &v, MDB_APPEND);
        if (rc != MDB_KEYEXIST) /* two of ten million may have the same name */
            lmdb_must(rc, "put");
    }
    if (txn != NULL)
        lmdb_must(mdb_txn_commit(txn), "commit");
    mdb_env_close(env); /* a crash of the machine ends the benchmark, too */
    ss_buf_free(&key);
    ss_buf_free(&value);
}

void
bare_compact(const char *from, const char *to)
{
    MDB_env *env;

    lmdb_must(mdb_env_create(&env), "create");
    lmdb_must(mdb_env_set_maxdbs(env, 16), "tables");
    lmdb_must(mdb_env_set_mapsize(env, BARE_MAP), "map size");
    lmdb_must(mdb_env_open(env, from, 0, 0600), "open");
    lmdb_must(mdb_env_copy2(env, to, MDB_CP_COMPACT), "copy");
    mdb_env_close(env);
}
