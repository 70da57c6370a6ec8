/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the LMDB store counts, and its check while it is in use. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "memory/store_lmdb.h"
#include "memory/store_lmdb_page.h"

/* Each entry of the free list, which LMDB keeps as table 0, begins with how many pages it frees. */
static int
count_free(MDB_txn *txn, uint64_t *pages)
{
    MDB_cursor *cursor = NULL;
    MDB_val k, v;
    size_t count;
    int rc = mdb_cursor_open(txn, 0, &cursor);

    if (rc != 0)
        return rc;
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == 0) {
        if (v.mv_size < sizeof(count)) {
            rc = MDB_CORRUPTED;
            break;
        }
        memcpy(&count, v.mv_data, sizeof(count));
        *pages += count;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
count_entries(const struct ss_lmdb_env *env, MDB_txn *txn, struct ss_store_figures *out)
{
    MDB_stat stat;
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < SS_TABLE_COUNT; i++) {
        /* The volatile ones have a SS_TABLE_META that is none of the memory's. */
        if (!env->there[i] || ss_store_is_volatile((enum ss_store_table)i) !=
                                  ss_lmdb_env_is_volatile(env))
            continue;
        rc = mdb_stat(txn, env->tables[i], &stat);
        if (rc != 0)
            break;
        out->entries[i] = stat.ms_entries;
        out->page_size = stat.ms_psize;
    }
    return rc;
}

/* Volatile tables that are not there have no entries. */
static void
count_volatile(struct ss_lmdb_store *s, struct ss_store_figures *out)
{
    struct ss_store_figures figures;
    struct ss_lmdb_store *plans;
    MDB_txn *txn = NULL;
    struct stat st;

    memset(&figures, 0, sizeof(figures));
    /* To count them is no reason to make them. */
    if (fstatat(s->env->directory, SS_LMDB_PLANS, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        ss_lmdb_enter_table(s, SS_TABLE_PLANS, &plans) != 0 ||
        ss_lmdb_read_begin(plans->env, &txn) != 0)
        return;
    if (count_entries(plans->env, txn, &figures) == 0) {
        out->entries[SS_TABLE_PLANS] = figures.entries[SS_TABLE_PLANS];
        out->entries[SS_TABLE_ANSWERS] = figures.entries[SS_TABLE_ANSWERS];
    }
    ss_lmdb_read_end(plans->env, txn);
}

/* LMDB writes a line a reader that has a slot, behind one of headings. */
static int
count_line(const char *line, void *arg)
{
    uint64_t *lines = arg;

    (void)line;
    ++*lines;
    return 0;
}

static int
count_readers(MDB_env *mdb, uint64_t *readers)
{
    uint64_t lines = 0;

    if (mdb_reader_list(mdb, count_line, &lines) < 0)
        return MDB_PANIC;
    *readers = lines > 0 ? lines - 1 : 0;
    return 0;
}

int
ss_lmdb_figures(struct ss_store *store, struct ss_store_figures *out)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);
    MDB_txn *txn = NULL;
    MDB_envinfo info;
    struct stat st;
    int fd = -1, rc = ss_lmdb_enter(s);

    if (rc != 0)
        return rc;
    rc = ss_lmdb_read_begin(s->env, &txn);
    if (rc != 0)
        return ss_lmdb_failed(s, "count", rc);
    rc = count_entries(s->env, txn, out);
    if (rc == 0)
        rc = count_free(txn, &out->free_pages);
    if (rc == 0)
        rc = mdb_env_info(s->env->mdb, &info);
    if (rc == 0)
        rc = count_readers(s->env->mdb, &out->readers);
    if (rc == 0)
        rc = mdb_env_get_fd(s->env->mdb, &fd);
    if (rc == 0 && fstat(fd, &st) == 0)
        out->file_size = (uint64_t)st.st_size;
    out->format = s->env->format;
    ss_lmdb_read_end(s->env, txn);
    if (rc != 0)
        return ss_lmdb_failed(s, "count", rc);
    out->pages = info.me_last_pgno + 1;
    out->map_size = info.me_mapsize;
    out->map_max = SS_LMDB_MAP_MAX;
    out->readers_max = info.me_maxreaders;
    count_volatile(s, out);
    return 0;
}

/*
 * A reader keeps every page that was in use when it began, and all that came
 * into use since, from being written over: so the newest state can be walked
 * while others write. They are held off only while the metas are read, which
 * are written in place. Who may not write cannot hold them off, and looks
 * again when it met a meta half written.
 */
static enum ss_lmdb_health
check_now(struct ss_lmdb_env *env)
{
    enum ss_lmdb_health health = SS_LMDB_UNREAD;
    struct ss_lmdb_meta newest;
    int tries, fd = -1, lock = env->read_only ? -1 : ss_lmdb_write_lock(env);

    if (mdb_env_get_fd(env->mdb, &fd) != 0)
        fd = -1;
    for (tries = 0; fd != -1 && tries < SS_LMDB_TRIES; tries++) {
        health = ss_lmdb_newest_meta(fd, &newest);
        if (health != SS_LMDB_DAMAGED)
            break;
    }
    if (lock != -1)
        ss_lmdb_write_unlock(lock);
    return health == SS_LMDB_GOOD ? ss_lmdb_walk(fd, &newest, NULL) : health;
}

int
ss_lmdb_check(struct ss_store *store, bool *damaged)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);
    enum ss_lmdb_health health;
    MDB_txn *txn = NULL;
    int rc = ss_lmdb_enter(s);

    if (rc != 0)
        return rc;
    rc = ss_lmdb_read_begin(s->env, &txn);
    if (rc != 0)
        return ss_lmdb_failed(s, "check", rc);
    health = check_now(s->env);
    ss_lmdb_read_end(s->env, txn);
    if (health == SS_LMDB_UNREAD)
        return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY, "%s: cannot be read", s->path);
    *damaged = health != SS_LMDB_GOOD;
    return 0;
}
