/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening an LMDB environment safely, and its map. */
#include "memory/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READERS_MAX 4096
#define MAP_START ((size_t)1 << 30) /* sparse; only what is used takes room */
#define MAP_MAX SS_LMDB_MAP_MAX
/* Of the volatile tables, fixed: nobody ever closes the gate for them. */
#define MAP_VOLATILE (sizeof(size_t) > 4 ? (size_t)((uint64_t)1 << 34) : (size_t)1 << 28)
#define MAP_VOLATILE_LEAST (sizeof(size_t) > 4 ? (size_t)1 << 30 : (size_t)1 << 26)
#define WAIT_OPEN_MS 5000
#define WAIT_WRITE_MS 2000

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
    bool sound;  /* all of the file is as we wrote it */
    bool ours;   /* nobody else had a hand on it, as far as the first can tell */
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
    int fd = ss_lmdb_file_open(o->env, SS_LMDB_OPEN_LOCK, O_RDWR, !o->read_only);
    struct stat st;

    o->env->open_lock = fd;
    if (fd == -1 && o->read_only) {
        /* Who may only read, and finds no lock, is not beside a writer of ours. */
        o->first = true;
        return 0;
    }
    if (fd == -1)
        return lost(o, SS_LMDB_OPEN_LOCK, errno);
    if (!ss_lmdb_file_ours(o->env, fd, SS_LMDB_OPEN_LOCK, o->error))
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

    *fd = ss_lmdb_file_open(o->env, SS_LMDB_DATA, flags, !o->read_only);
    if (*fd == -1 && errno == ELOOP)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: %s is a symbolic link", o->path,
                            SS_LMDB_DATA);
    if (*fd == -1)
        return lost(o, SS_LMDB_DATA, errno);
    return ss_lmdb_file_ours(o->env, *fd, SS_LMDB_DATA, o->error) ? 0 : SMTPSEC_E_MEMORY;
}

/*
 * The first looks whether the file is as the last commit left it, or else reads
 * all of it. Of volatile tables it throws away what it would have to read.
 */
static enum ss_lmdb_health
check_first(struct opening *o, int fd)
{
    struct stat before, after;
    enum ss_lmdb_health health;
    bool touched;

    o->sound = true;
    o->ours = ss_lmdb_signed(o->env, fd);
    if (o->ours)
        return SS_LMDB_GOOD;
    if (ss_lmdb_env_is_volatile(o->env)) {
        health = ss_lmdb_check_metas(fd);
        return health == SS_LMDB_EMPTY ? health : SS_LMDB_DAMAGED;
    }
    /* Whoever writes while we read gives it another time. */
    touched = !o->read_only && ss_lmdb_touch(fd, &before);
    health = ss_lmdb_check_all(fd, &o->env->faults);
    if (health == SS_LMDB_GOOD)
        o->sound = touched && o->env->faults == 0 && fstat(fd, &after) == 0 &&
                   memcmp(&before.st_mtim, &after.st_mtim, sizeof(after.st_mtim)) == 0;
    return health;
}

/* Judge the file before anything maps it. */
static int
judge(struct opening *o, int fd)
{
    enum ss_lmdb_health health;

    o->env->faults = 0;
    health = o->first ? check_first(o, fd) : ss_lmdb_check_metas(fd);
    switch (health) {
    case SS_LMDB_GOOD:
        return 0;
    case SS_LMDB_EMPTY:
        /* 6.13: what was kept here is gone, and somebody should hear of it. */
        if (!o->read_only && o->first && o->begun && !ss_lmdb_env_is_volatile(o->env))
            *o->set_aside = true;
        if (!o->read_only && o->first)
            return 0;
        /* The first makes the file before others are let in: two would live side by side. */
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: %s", o->path,
                            o->first ? "nothing is stored yet"
                                     : "the data was taken away while another has it open");
    case SS_LMDB_NEWER:
        return ss_error_set(o->error, SMTPSEC_E_VERSION, "%s: made by a newer LMDB", o->path);
    case SS_LMDB_UNREAD:
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: cannot be read", o->path);
    case SS_LMDB_DAMAGED:
        break;
    }
    return SS_LMDB_MAIMED;
}

/* Two tables of readers would let writers take pages from under those who read. */
static int
check_lock_file(struct opening *o)
{
    struct stat st;

    if (o->first || fstatat(o->env->directory, SS_LMDB_LOCK, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    return ss_error_set(o->error, SMTPSEC_E_MEMORY,
                        "%s: %s was taken away while another has it open", o->path, SS_LMDB_LOCK);
}

static int
prepare_data(struct opening *o)
{
    struct stat st;
    int fd, rc = check_lock_file(o);

    if (rc != 0)
        return rc;
    rc = open_data(o, &fd);
    if (rc == 0)
        rc = judge(o, fd);
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
map_with(struct opening *o, size_t size)
{
    unsigned flags = MDB_NOTLS | (o->read_only ? MDB_RDONLY : 0);
    MDB_env *mdb = NULL;
    int rc = mdb_env_create(&mdb);

    if (rc != 0)
        return rc;
    /* Nobody reads what another boot left, so the kernel may write when it likes. */
    if (ss_lmdb_env_is_volatile(o->env))
        flags |= MDB_NOSYNC;
    mdb_env_set_maxreaders(mdb, READERS_MAX);
    mdb_env_set_maxdbs(mdb, SS_LMDB_TABLES_MAX);
    mdb_env_set_mapsize(mdb, size);
    rc = mdb_env_open(mdb, o->path, flags, 0600);
    if (rc == 0)
        o->env->mdb = mdb;
    else
        mdb_env_close(mdb);
    return rc;
}

static int
map(struct opening *o)
{
    struct stat st;
    int fd, rc;

    if (!ss_lmdb_env_is_volatile(o->env)) {
        rc = map_with(o, map_size_for(atomic_load(&o->env->size_seen)));
    } else {
        rc = map_with(o, MAP_VOLATILE);
        if (rc == ENOMEM)
            rc = map_with(o, MAP_VOLATILE_LEAST);
    }
    if (rc == ENOMEM)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY,
                            "%s: no address space for the map (a resource limit?)", o->path);
    if (rc != 0)
        return lost(o, "LMDB", rc);
    /* LMDB opened by path what we judged by descriptor. */
    if (mdb_env_get_fd(o->env->mdb, &fd) != 0 || fstat(fd, &st) != 0 ||
        st.st_dev != o->env->device || st.st_ino != o->env->inode)
        return ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: was exchanged while it was opened",
                            o->path);
    /* From here on the meta pages are there. */
    atomic_store(&o->env->size_seen, (int64_t)st.st_size);
    /* LMDB 0.9 marks its other descriptors, not this one. */
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return lost(o, "LMDB", errno);
    return 0;
}

static int
open_database(struct opening *o)
{
    int rc = prepare_data(o);

    if (rc == 0)
        rc = map(o);
    return rc == 0 ? ss_lmdb_tables_open(o->env, o->path, o->read_only, o->error) : rc;
}

static int
begin_anew(struct opening *o)
{
    if (ss_lmdb_env_is_volatile(o->env))
        return ss_lmdb_plans_clear(o->env) ? 0 : lost(o, SS_LMDB_DATA, errno);
    if (!ss_lmdb_set_aside(o->env->directory, o->error))
        return SMTPSEC_E_MEMORY;
    *o->set_aside = true;
    return 0;
}

/* Damage is set aside by who is first, and a new memory begun. */
static int
open_or_begin(struct opening *o)
{
    int rc = open_database(o);

    if (rc == SS_LMDB_MAIMED && o->first && !o->read_only) {
        if (o->env->mdb != NULL)
            mdb_env_close(o->env->mdb);
        o->env->mdb = NULL;
        rc = begin_anew(o);
        if (rc == 0)
            rc = open_database(o);
    }
    if (rc == SS_LMDB_MAIMED)
        rc = ss_error_set(o->error, SMTPSEC_E_MEMORY, "%s: the data is damaged", o->path);
    return rc;
}

int
ss_lmdb_env_open(struct ss_lmdb_env *env, const char *path, bool read_only, bool *set_aside,
                 struct ss_error *error)
{
    struct opening o = { .env = env, .path = path, .read_only = read_only,
                         .set_aside = set_aside, .error = error };
    int rc;

    env->open_lock = -1;
    ss_lmdb_boot_read(env);
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
    if (rc == 0 && o.first && !o.read_only && !ss_lmdb_lock_file_make(env, error))
        rc = SMTPSEC_E_MEMORY;
    if (rc == 0)
        rc = open_or_begin(&o);
    if (rc == 0 && o.first)
        (void)mdb_reader_check(env->mdb, NULL);
    /* One octet in open.lock: a memory was begun here. Without it only the alarm is lost. */
    if (rc == 0 && o.first && !o.begun && !o.read_only)
        o.begun = pwrite(env->open_lock, "\n", 1, 0) == 1;
    if (rc == 0 && o.first && o.sound && !o.read_only && !ss_lmdb_signed_now(env))
        ss_lmdb_sign(env);
    /* It may be an older one from a backup, or none at all. */
    if (rc == 0 && o.first && !o.ours)
        ss_lmdb_plans_outdate(env, true);
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
    /* After LMDB's own files, so that who comes next and is first finds them closed. */
    if (env->open_lock != -1)
        close(env->open_lock);
    env->open_lock = -1;
}

/* Set a new map size with the gate closed; before it both metas are looked at again. */
static bool
remap(struct ss_lmdb_env *env, size_t size)
{
    bool good = false;
    int fd;

    if (mdb_env_get_fd(env->mdb, &fd) == 0 && ss_lmdb_check_metas(fd) == SS_LMDB_GOOD)
        good = mdb_env_set_mapsize(env->mdb, size) == 0;
    if (!good)
        atomic_store(&env->broken, true);
    return good;
}

bool
ss_lmdb_env_grow(struct ss_lmdb_env *env)
{
    MDB_envinfo info;
    bool good = false;

    if (pthread_rwlock_wrlock(&env->gate) != 0)
        return false;
    if (!atomic_load(&env->broken) && mdb_env_info(env->mdb, &info) == 0 &&
        info.me_mapsize <= MAP_MAX / 2)
        good = remap(env, info.me_mapsize * 2);
    pthread_rwlock_unlock(&env->gate);
    return good;
}

bool
ss_lmdb_env_follow(struct ss_lmdb_env *env)
{
    bool good = false;
    struct stat st;
    int fd;

    if (pthread_rwlock_wrlock(&env->gate) != 0)
        return false;
    if (!atomic_load(&env->broken) && mdb_env_get_fd(env->mdb, &fd) == 0 && fstat(fd, &st) == 0)
        good = remap(env, map_size_for(st.st_size));
    pthread_rwlock_unlock(&env->gate);
    return good;
}

bool
ss_lmdb_env_clear_readers(struct ss_lmdb_env *env)
{
    bool good;

    pthread_rwlock_rdlock(&env->gate);
    good = !atomic_load(&env->broken) && mdb_reader_check(env->mdb, NULL) == 0;
    pthread_rwlock_unlock(&env->gate);
    return good;
}

/*
 * The size that was seen before a write says nothing of the pages it added, so
 * the newest meta is asked as well. Another process may write meanwhile: the
 * file is looked at again after what its meta says.
 */
static bool
has_all_pages(struct ss_lmdb_env *env, int fd, const struct stat *before)
{
    uint64_t need;
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;

    if (mdb_env_stat(env->mdb, &stat) != 0 || mdb_env_info(env->mdb, &info) != 0)
        return false;
    need = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    return (uint64_t)before->st_size >= need ||
           (fstat(fd, &st) == 0 && (uint64_t)st.st_size >= need);
}

/* With the gate held. */
static bool
is_whole(struct ss_lmdb_env *env)
{
    /* Looked up before the file: another thread may see it grow in between. */
    int64_t seen = atomic_load(&env->size_seen);
    struct stat st;
    int fd;

    if (atomic_load(&env->broken))
        return false;
    /* A file that was removed is no memory any more: who opens now gets another. */
    if (mdb_env_get_fd(env->mdb, &fd) != 0 || fstat(fd, &st) != 0 || (int64_t)st.st_size < seen ||
        st.st_nlink == 0 || !has_all_pages(env, fd, &st) || !ss_lmdb_plans_in_place(env)) {
        atomic_store(&env->broken, true);
        return false;
    }
    atomic_store(&env->size_seen, (int64_t)st.st_size);
    return true;
}

bool
ss_lmdb_env_whole(struct ss_lmdb_env *env)
{
    bool whole;

    pthread_rwlock_rdlock(&env->gate);
    whole = is_whole(env);
    pthread_rwlock_unlock(&env->gate);
    return whole;
}

/*
 * Who waits for the lock holds the turn meanwhile. Without it, who has just
 * let go would take it again before any of the waiting look.
 */
int
ss_lmdb_write_lock(const struct ss_lmdb_env *env)
{
    int fd = ss_lmdb_file_open(env, SS_LMDB_WRITE_LOCK, O_RDWR, true);

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
