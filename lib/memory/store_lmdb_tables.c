/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tables of an LMDB store, their format, and how an older one is brought up to date. */
#include "memory/store_lmdb.h"

/* The layout of the tables; values have versions of their own. */
#define FORMAT_VERSION 2
#define FORMAT_KEY "format"

/* Format 1 had the claims, the policies, and the table of its mark. */
static const char *const table_names[SS_TABLE_COUNT] = { "claims", "policies", "claims-new",
                                                         "policies-new", "meta", "plans",
                                                         "answers" };

/* The volatile tables have an environment of their own, with a format mark of their own. */
static bool
is_here(const struct ss_lmdb_env *env, size_t table)
{
    return table == SS_TABLE_META ||
           ss_store_is_volatile((enum ss_store_table)table) == ss_lmdb_env_is_volatile(env);
}

/* How many are here in all, and how many of them are there. */
static size_t
count_here(const struct ss_lmdb_env *env, size_t *there)
{
    size_t i, here = 0;

    *there = 0;
    for (i = 0; i < SS_TABLE_COUNT; i++) {
        here += is_here(env, i) ? 1 : 0;
        *there += is_here(env, i) && env->there[i] ? 1 : 0;
    }
    return here;
}

struct tables {
    struct ss_lmdb_env *env;
    const char *path;
    struct ss_error *error;
};

/* Our own mark in the table `meta`; a database without one is of the first format. */
static int
read_format(struct tables *o, MDB_txn *txn, uint32_t *format)
{
    MDB_val key = { sizeof(FORMAT_KEY) - 1, (void *)(uintptr_t)FORMAT_KEY }, value;
    struct ss_rd rd;
    int rc = MDB_NOTFOUND;

    *format = 1;
    if (o->env->there[SS_TABLE_META])
        rc = mdb_get(txn, o->env->tables[SS_TABLE_META], &key, &value);
    if (rc != 0)
        return rc == MDB_NOTFOUND ? 0 : rc;
    ss_rd_init(&rd, value.mv_data, value.mv_size);
    *format = ss_rd_le32(&rd);
    if (!ss_rd_done(&rd) || *format == 0)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: the format mark is malformed",
                            o->path);
    if (*format > FORMAT_VERSION)
        return ss_error_set(o->error, SMTPSEC_E_VERSION,
                            "%s: made by a newer version of this library (format %lu)", o->path,
                            (unsigned long)*format);
    return 0;
}

/* Open those that are there. */
static int
open_tables(struct tables *o, MDB_txn *txn)
{
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < SS_TABLE_COUNT; i++) {
        o->env->there[i] = false;
        if (!is_here(o->env, i))
            continue;
        rc = mdb_dbi_open(txn, table_names[i], 0, &o->env->tables[i]);
        o->env->there[i] = rc == 0;
        if (rc == MDB_NOTFOUND)
            rc = 0;
    }
    if (rc == 0 && !ss_lmdb_env_is_volatile(o->env) &&
        !(o->env->there[SS_TABLE_CLAIMS] && o->env->there[SS_TABLE_POLICIES]))
        rc = MDB_NOTFOUND;
    return rc;
}

static int
load_tables(struct tables *o)
{
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(o->env->mdb, NULL, MDB_RDONLY, &txn);

    if (rc == MDB_READERS_FULL) {
        mdb_reader_check(o->env->mdb, NULL);
        rc = mdb_txn_begin(o->env->mdb, NULL, MDB_RDONLY, &txn);
    }
    if (rc != 0)
        return rc;
    rc = open_tables(o, txn);
    if (rc == 0)
        rc = read_format(o, txn, &o->env->format);
    if (rc != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn); /* keeps the handles */
}

static int
write_format(MDB_txn *txn, MDB_dbi meta)
{
    static uint8_t version[4] = { FORMAT_VERSION, 0, 0, 0 };
    MDB_val key = { sizeof(FORMAT_KEY) - 1, (void *)(uintptr_t)FORMAT_KEY };
    MDB_val value = { sizeof(version), version };

    return mdb_put(txn, meta, &key, &value, 0);
}

/* Is there nothing at all, or our tables of a format up to this one? Other content is not ours. */
static int
may_make_tables(struct tables *o, MDB_txn *txn)
{
    MDB_dbi main_table;
    MDB_stat stat;
    uint32_t format;
    int rc = mdb_dbi_open(txn, NULL, 0, &main_table);

    if (rc == 0)
        rc = mdb_stat(txn, main_table, &stat);
    if (rc != 0 || stat.ms_entries == 0)
        return rc;
    rc = open_tables(o, txn);
    return rc != 0 ? rc : read_format(o, txn, &format);
}

/* Begin the tables, or add those that came with a later format: all of it or nothing. */
static int
make_tables(struct tables *o)
{
    MDB_txn *txn = NULL;
    MDB_dbi table[SS_TABLE_COUNT];
    size_t i;
    int rc, lock = ss_lmdb_write_lock(o->env);

    if (lock == -1)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: another process keeps it locked",
                            o->path);
    rc = mdb_txn_begin(o->env->mdb, NULL, 0, &txn);
    if (rc == 0)
        rc = may_make_tables(o, txn);
    for (i = 0; rc == 0 && i < SS_TABLE_COUNT; i++) {
        if (is_here(o->env, i))
            rc = mdb_dbi_open(txn, table_names[i], MDB_CREATE, &table[i]);
    }
    if (rc == 0)
        rc = write_format(txn, table[SS_TABLE_META]);
    if (rc == 0) {
        rc = mdb_txn_commit(txn);
        txn = NULL;
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    ss_lmdb_write_unlock(lock);
    return rc;
}

/* Ours, but for a name: damage inside a page, which no count notices. */
static bool
is_maimed(const struct ss_lmdb_env *env)
{
    size_t there, here = count_here(env, &there);

    return there >= 3 && there < here;
}

int
ss_lmdb_tables_open(struct ss_lmdb_env *env, const char *path, bool read_only,
                    struct ss_error *error)
{
    struct tables tables = { env, path, error }, *o = &tables;
    int rc = load_tables(o);
    bool make = rc == MDB_NOTFOUND || (rc == 0 && env->format < FORMAT_VERSION);
    size_t there;

    if (make && !read_only) {
        rc = make_tables(o);
        if (rc == 0)
            rc = load_tables(o);
    }
    if (rc == 0 && env->format == FORMAT_VERSION && count_here(env, &there) != there)
        rc = MDB_NOTFOUND;
    if (rc == MDB_NOTFOUND && is_maimed(env))
        return SS_LMDB_MAIMED;
    if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE)
        return ss_error_set(error, SMTPSEC_E_MEMORY, "%s: holds something else", path);
    /* Ours are below zero too, but LMDB's lie far away from them. */
    if (rc > 0 || rc <= MDB_KEYEXIST + 100)
        return ss_error_set(error, SMTPSEC_E_MEMORY, "%s: LMDB: %s", path, mdb_strerror(rc));
    return rc;
}
