/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an LMDB environment safely, and its map.. */
#include "memory/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READERS_MAX 4096
#define MAP_START ((size_t)1 << 30) /* sparse; only what is used takes room */
#define MAP_MAX (sizeof(size_t) > 4 ? (uint64_t)1 << 38 : (uint64_t)1 << 30)
#define WAIT_OPEN_MS 5000
#define WAIT_WRITE_MS 2000

/* The layout of the tables below; values have versions of their own. */
#define FORMAT_VERSION 1
#define META_TABLE "meta"

static const char *const table_names[SS_TABLE_COUNT] = { "claims", "policies" };

/* What the steps of opening share. */
struct opening {
    struct ss_lmdb_env *env;
    const char *path;
    bool read_only;
    bool first; /* nobody else has it open */
    bool *set_aside;
    struct ss_error *error;
    int problem; /* what lost() was last told */
    bool begun;  /* a memory was kept here before */
};

static int
lost(struct opening *o, const char *what, int rc)
{
    o->problem = rc;
    return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: %s: %s", o->path, what, mdb_strerror(rc));
}

/* Hold open.lock, alone if we can. */
static int
take_open_lock(struct opening *o)
{
    int fd = ss_lmdb_file_open(o->env->directory, SS_LMDB_OPEN_LOCK, O_RDWR, !o->read_only);
    struct stat st;

    o->env->open_lock = fd;
    if (fd == -1 && o->read_only) {
        /* Who may only read, and finds no lock, is not beside a writer of ours. */
        o->first = true;
        return 0;
    }
    if (fd == -1)
        return lost(o, SS_LMDB_OPEN_LOCK, errno);
    if (!ss_lmdb_file_ours(fd, SS_LMDB_OPEN_LOCK, o->error))
        return SMTPSEC_E_MEMORY;
    o->begun = fstat(fd, &st) == 0 && st.st_size > 0;
    o->first = ss_lmdb_lock(fd, SS_LMDB_WHOLE, F_WRLCK, 0);
    if (!o->first && !ss_lmdb_lock(fd, SS_LMDB_WHOLE, F_RDLCK, WAIT_OPEN_MS))
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: another process keeps it locked",
                            o->path);
    return 0;
}

static int
open_data(struct opening *o, int *fd)
{
    int flags = o->read_only ? O_RDONLY : O_RDWR;

    *fd = ss_lmdb_file_open(o->env->directory, SS_LMDB_DATA, flags, !o->read_only);
    if (*fd == -1 && errno == ELOOP)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: %s is a symbolic link", o->path,
                            SS_LMDB_DATA);
    if (*fd == -1)
        return lost(o, SS_LMDB_DATA, errno);
    return ss_lmdb_file_ours(*fd, SS_LMDB_DATA, o->error) ? 0 : SMTPSEC_E_MEMORY;
}

/* Judge the file before anything maps it. 1: damaged, and to be set aside. */
static int
judge(struct opening *o, int fd)
{
    enum ss_lmdb_health health = o->first ? ss_lmdb_check_all(fd) : ss_lmdb_check_metas(fd);

    switch (health) {
    case SS_LMDB_GOOD:
        return 0;
    case SS_LMDB_EMPTY:
        /* 6.13: what was kept here is gone, and somebody should hear of it. */
        if (!o->read_only && o->first && o->begun)
            *o->set_aside = true;
        if (!o->read_only)
            return 0;
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: nothing is stored yet", o->path);
    case SS_LMDB_NEWER:
        return ss_error_set(o->error, SMTPSEC_E_VERSION, "%s: made by a newer LMDB", o->path);
    case SS_LMDB_UNREAD:
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: cannot be read", o->path);
    case SS_LMDB_DAMAGED:
        break;
    }
    if (o->first && !o->read_only)
        return 1;
    return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: the data is damaged", o->path);
}

static int
prepare_data(struct opening *o)
{
    struct stat st;
    int fd, rc = open_data(o, &fd);

    if (rc == 0)
        rc = judge(o, fd);
    if (rc == 1) {
        close(fd);
        fd = -1;
        rc = SMTPSEC_E_MEMORY;
        if (!ss_lmdb_set_aside(o->env->directory, o->error))
            return rc;
        *o->set_aside = true;
        rc = open_data(o, &fd);
    }
    if (rc == 0 && fstat(fd, &st) != 0)
        rc = lost(o, SS_LMDB_DATA, errno);
    if (rc == 0) {
        o->env->device = st.st_dev;
        o->env->inode = st.st_ino;
        atomic_store(&o->env->size_seen, (int64_t)st.st_size);
    }
    if (fd != -1)
        close(fd);
    return rc;
}

/* A map that holds what is there, and at least the size to start with. */
static size_t
map_size_for(int64_t file_size)
{
    uint64_t size = MAP_START;

    while (size < (uint64_t)file_size * 2 && size < MAP_MAX)
        size *= 2;
    return (size_t)size;
}

static int
map(struct opening *o)
{
    unsigned flags = MDB_NOTLS | (o->read_only ? MDB_RDONLY : 0);
    MDB_env *mdb = NULL;
    struct stat st;
    int fd, rc;

    rc = mdb_env_create(&mdb);
    if (rc != 0)
        return rc == ENOMEM ? SMTPSEC_E_NOMEM : lost(o, "LMDB", rc);
    o->env->mdb = mdb;
    mdb_env_set_maxreaders(mdb, READERS_MAX);
    mdb_env_set_maxdbs(mdb, SS_TABLE_COUNT + 1);
    mdb_env_set_mapsize(mdb, map_size_for(atomic_load(&o->env->size_seen)));
    rc = mdb_env_open(mdb, o->path, flags, 0600);
    if (rc == ENOMEM)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY,
                            "%s: no address space for the map (a resource limit?)", o->path);
    if (rc != 0)
        return lost(o, "LMDB", rc);
    /* LMDB opened by path what we judged by descriptor. */
    if (mdb_env_get_fd(mdb, &fd) != 0 || fstat(fd, &st) != 0 || st.st_dev != o->env->device ||
        st.st_ino != o->env->inode)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: was exchanged while it was opened",
                            o->path);
    /* LMDB 0.9 marks its other descriptors, not this one. */
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return lost(o, "LMDB", errno);
    return 0;
}

/* Our own version in the table `meta`; MDB_NOTFOUND when the database is new. */
static int
read_format(struct opening *o, MDB_txn *txn, MDB_dbi meta)
{
    MDB_val key = { 6, (void *)(uintptr_t)"format" }, value;
    struct ss_rd rd;
    uint32_t version;
    int rc = mdb_get(txn, meta, &key, &value);

    if (rc != 0)
        return rc;
    ss_rd_init(&rd, value.mv_data, value.mv_size);
    version = ss_rd_le32(&rd);
    if (!ss_rd_done(&rd) || version == 0)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: the format mark is malformed",
                            o->path);
    if (version > FORMAT_VERSION)
        return ss_error_set(o->error, SMTPSEC_E_VERSION,
                            "%s: made by a newer version of this library (format %lu)", o->path,
                            (unsigned long)version);
    return 0;
}

static int
open_tables(struct opening *o, MDB_txn *txn, unsigned flags, MDB_dbi *meta)
{
    size_t i;
    int rc = mdb_dbi_open(txn, META_TABLE, flags, meta);

    for (i = 0; rc == 0 && i < SS_TABLE_COUNT; i++)
        rc = mdb_dbi_open(txn, table_names[i], flags, &o->env->tables[i]);
    return rc;
}

static int
load_tables(struct opening *o)
{
    MDB_txn *txn = NULL;
    MDB_dbi meta;
    int rc = mdb_txn_begin(o->env->mdb, NULL, MDB_RDONLY, &txn);

    if (rc == MDB_READERS_FULL) {
        mdb_reader_check(o->env->mdb, NULL);
        rc = mdb_txn_begin(o->env->mdb, NULL, MDB_RDONLY, &txn);
    }
    if (rc != 0)
        return rc;
    rc = open_tables(o, txn, 0, &meta);
    if (rc == 0)
        rc = read_format(o, txn, meta);
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
    MDB_val key = { 6, (void *)(uintptr_t)"format" }, value = { sizeof(version), version };

    return mdb_put(txn, meta, &key, &value, MDB_NOOVERWRITE);
}

/* Begin the tables in a database that holds nothing at all; one with other content is not ours. */
static int
make_tables(struct opening *o)
{
    MDB_txn *txn = NULL;
    MDB_dbi main_table, meta;
    MDB_stat stat;
    int rc, lock = ss_lmdb_write_lock(o->env);

    if (lock == -1)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: another process keeps it locked",
                            o->path);
    rc = mdb_txn_begin(o->env->mdb, NULL, 0, &txn);
    if (rc == 0)
        rc = mdb_dbi_open(txn, NULL, 0, &main_table);
    if (rc == 0)
        rc = mdb_stat(txn, main_table, &stat);
    if (rc == 0 && stat.ms_entries == 0) {
        rc = open_tables(o, txn, MDB_CREATE, &meta);
        if (rc == 0)
            rc = write_format(txn, meta);
        if (rc == 0) {
            rc = mdb_txn_commit(txn);
            txn = NULL;
        }
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    ss_lmdb_write_unlock(lock);
    return rc;
}

static int
open_or_make_tables(struct opening *o)
{
    int rc = load_tables(o);

    if (rc == MDB_NOTFOUND && !o->read_only) {
        rc = make_tables(o);
        if (rc == 0)
            rc = load_tables(o);
    }
    if (rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: holds something else", o->path);
    /* Ours are below zero too, but LMDB's lie far away from them. */
    if (rc > 0 || rc <= MDB_KEYEXIST + 100)
        return lost(o, "LMDB", rc);
    return rc;
}

int
ss_lmdb_env_open(struct ss_lmdb_env *env, const char *path, bool read_only, bool *set_aside,
                 struct ss_error *error)
{
    struct opening o = { env, path, read_only, false, set_aside, error, 0, false };
    int rc;

    env->open_lock = -1;
    if (!ss_lmdb_directory_writable(env->directory))
        o.read_only = true;
    rc = take_open_lock(&o);
    if (rc != 0 && !o.read_only && o.problem == EROFS) {
        /* The mode says writable, the file system does not. */
        memset(error, 0, sizeof(*error));
        o.read_only = true;
        rc = take_open_lock(&o);
    }
    env->read_only = o.read_only;
    if (rc == 0 && o.first && !o.read_only && !ss_lmdb_lock_file_make(env->directory, error))
        rc = SMTPSEC_E_MEMORY;
    if (rc == 0)
        rc = prepare_data(&o);
    if (rc == 0)
        rc = map(&o);
    if (rc == 0)
        rc = open_or_make_tables(&o);
    if (rc == 0 && pthread_rwlock_init(&env->gate, NULL) != 0)
        rc = SMTPSEC_E_NOMEM;
    env->gate_made = rc == 0;
    /* One octet in open.lock says that a memory was begun here; without it nothing is lost but the alarm. */
    if (rc == 0 && o.first && !o.begun && !o.read_only)
        o.begun = pwrite(env->open_lock, "\n", 1, 0) == 1;
    /* The others may come in now. */
    if (rc == 0 && o.first && env->open_lock != -1)
        (void)ss_lmdb_lock(env->open_lock, SS_LMDB_WHOLE, F_RDLCK, 0);
    if (rc != 0)
        ss_lmdb_env_close(env);
    return rc;
}

void
ss_lmdb_env_close(struct ss_lmdb_env *env)
{
    if (env->mdb != NULL)
        mdb_env_close(env->mdb);
    env->mdb = NULL;
    if (env->gate_made)
        pthread_rwlock_destroy(&env->gate);
    env->gate_made = false;
    /* After LMDB's own files, so that who comes next and is first finds them closed. */
    if (env->open_lock != -1)
        close(env->open_lock);
    env->open_lock = -1;
}

/* Set a new map size; both metas are looked at again before the new mapping. */
static bool
remap(struct ss_lmdb_env *env, size_t size)
{
    bool good = false;
    int fd;

    if (pthread_rwlock_wrlock(&env->gate) != 0)
        return false;
    if (mdb_env_get_fd(env->mdb, &fd) == 0 && ss_lmdb_check_metas(fd) == SS_LMDB_GOOD)
        good = mdb_env_set_mapsize(env->mdb, size) == 0;
    if (!good)
        atomic_store(&env->cut, true);
    pthread_rwlock_unlock(&env->gate);
    return good;
}

static size_t
map_size(const struct ss_lmdb_env *env)
{
    MDB_envinfo info;

    return mdb_env_info(env->mdb, &info) == 0 ? info.me_mapsize : 0;
}

bool
ss_lmdb_env_grow(struct ss_lmdb_env *env)
{
    size_t size = map_size(env);

    return size != 0 && size <= MAP_MAX / 2 && remap(env, size * 2);
}

bool
ss_lmdb_env_follow(struct ss_lmdb_env *env)
{
    struct stat st;
    int fd;

    if (mdb_env_get_fd(env->mdb, &fd) != 0 || fstat(fd, &st) != 0)
        return false;
    return remap(env, map_size_for(st.st_size));
}

bool
ss_lmdb_env_whole(struct ss_lmdb_env *env)
{
    /* Looked up before the file: another thread may see it grow in between. */
    int64_t seen = atomic_load(&env->size_seen);
    struct stat st;
    int fd;

    if (atomic_load(&env->cut))
        return false;
    if (mdb_env_get_fd(env->mdb, &fd) != 0 || fstat(fd, &st) != 0 || (int64_t)st.st_size < seen) {
        atomic_store(&env->cut, true);
        return false;
    }
    atomic_store(&env->size_seen, (int64_t)st.st_size);
    return true;
}

/*
 * Who waits for the lock holds the turn meanwhile. Without it, who has just
 * let go would take it again before any of the waiting look.
 */
int
ss_lmdb_write_lock(const struct ss_lmdb_env *env)
{
    int fd = ss_lmdb_file_open(env->directory, SS_LMDB_WRITE_LOCK, O_RDWR, true);

    if (fd == -1)
        return -1;
    if (ss_lmdb_lock(fd, SS_LMDB_TURN, F_WRLCK, WAIT_WRITE_MS) &&
        ss_lmdb_lock(fd, SS_LMDB_HELD, F_WRLCK, WAIT_WRITE_MS)) {
        (void)ss_lmdb_lock(fd, SS_LMDB_TURN, F_UNLCK, 0);
        return fd;
    }
    ss_lmdb_write_unlock(fd);
    return -1;
}

void
ss_lmdb_write_unlock(int fd)
{
    /* Let go in so many words: a child forked meanwhile may hold the description open. */
    (void)ss_lmdb_lock(fd, SS_LMDB_WHOLE, F_UNLCK, 0);
    close(fd);
}
