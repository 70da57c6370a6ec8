/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the LMDB store. These stand beside LMDB's own two files:
 *
 *   open.lock   held shared by all who have the database open. Who can hold
 *               it alone is the first: it checks the whole file, or that it is
 *               as the signature in here says, and may set a damaged one aside.
 *   write.lock  in front of LMDB's own write lock, which knows no bounded wait.
 *   fetch.lock  leases: the holder of a name has the octet at that place locked.
 *
 *   plans       a directory with the same files for the volatile tables
 *
 * All locks are of the open file description (F_OFD_SETLK), so that threads
 * and forked children are told apart.
 */
#ifndef SS_MEMORY_STORE_LMDB_H
#define SS_MEMORY_STORE_LMDB_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "memory/store.h"

#define SS_LMDB_DATA "data.mdb"
#define SS_LMDB_LOCK "lock.mdb"
#define SS_LMDB_OPEN_LOCK "open.lock"
#define SS_LMDB_WRITE_LOCK "write.lock"
#define SS_LMDB_FETCH_LOCK "fetch.lock"
#define SS_LMDB_PLANS "plans"

/* Most in one environment. */
#define SS_LMDB_TABLES_MAX 5

/* A boot's id as the kernel writes it. */
#define SS_LMDB_BOOT_LEN 36

#define SS_LMDB_MAP_MAX (sizeof(size_t) > 4 ? (uint64_t)1 << 38 : (uint64_t)1 << 30)

/* One environment, shared by all stores of this process on the same file. */
struct ss_lmdb_env {
    struct ss_lmdb_env *next;
    unsigned refs;
    dev_t directory_device;
    ino_t directory_inode;
    dev_t device;
    ino_t inode;
    int directory;
    int parent; /* of the volatile tables: the memory's directory; else -1 */
    struct ss_store_lmdb_options options; /* of the first store */
    int open_lock; /* -1: none could be had, all is read-only */
    bool read_only;
    bool boot_known;
    char boot[SS_LMDB_BOOT_LEN];
    uint64_t faults; /* entries that were damaged when it was opened */
    MDB_env *mdb;
    uint32_t format; /* of the tables; an older one only where nobody may write */
    bool there[SS_TABLE_COUNT];
    MDB_dbi tables[SS_TABLE_COUNT];
    /* Shared by transactions, exclusive for a new map size, which LMDB forbids beside them. */
    pthread_rwlock_t gate;
    _Atomic int64_t size_seen; /* the file must never get shorter than this */
    /*
     * It did, or LMDB says that this environment has come to its end: neither
     * it nor the map may be touched again before it is opened anew.
     */
    atomic_bool broken;
    int64_t next_try; /* when that may be tried, in monotonic ms */
};

#define SS_LMDB_RETRY_MS 60000

static inline bool
ss_lmdb_env_is_volatile(const struct ss_lmdb_env *env)
{
    return env->parent != -1;
}

/* ---- store_lmdb_files.c: folders, files, locks ---- */

/* Open the directory, which must be ours (DESIGN 6.13). Returns -1 and says why not. */
int ss_lmdb_directory_open(const char *path, const struct ss_store_lmdb_options *options,
                           struct ss_error *error);
/* False when it cannot be written, by its mode. */
bool ss_lmdb_directory_writable(int directory);
/*
 * Open one of our files in it; when `make`, it is made with mode 0600, or 0660
 * and the group's. Returns -1 with errno.
 */
int ss_lmdb_file_open(const struct ss_lmdb_env *env, const char *name, int flags, bool make);
/* Is this a plain file of ours? Says why not. */
bool ss_lmdb_file_ours(const struct ss_lmdb_env *env, int fd, const char *name,
                       struct ss_error *error);
/* Which part of a lock file: all of it, the lock itself, the turn of who is next to get it. */
enum ss_lmdb_range { SS_LMDB_WHOLE, SS_LMDB_HELD, SS_LMDB_TURN };
/* Take a lock (F_RDLCK, F_WRLCK), or let it go (F_UNLCK), waiting no longer than timeout_ms. */
bool ss_lmdb_lock(int fd, enum ss_lmdb_range range, short type, int timeout_ms);
/*
 * Open the directory of the volatile tables in the memory's, and make it where
 * it is missing. Returns -1 and says why not.
 */
int ss_lmdb_plans_directory_open(int memory, const struct ss_store_lmdb_options *options,
                                 struct ss_error *error);
/* Rename a damaged file away. */
bool ss_lmdb_set_aside(int directory, struct ss_error *error);
/* Give LMDB's lock file all its room now: a full disk met later, in its map, would be a SIGBUS. */
bool ss_lmdb_lock_file_make(const struct ss_lmdb_env *env, struct ss_error *error);
int64_t ss_lmdb_monotonic_ms(void);

/* ---- store_lmdb_check.c: the file is read before it is mapped ---- */

enum ss_lmdb_health { SS_LMDB_GOOD, SS_LMDB_EMPTY, SS_LMDB_DAMAGED, SS_LMDB_NEWER, SS_LMDB_UNREAD };

/* Level 1: the two meta pages, and that the file is as long as they say. */
enum ss_lmdb_health ss_lmdb_check_metas(int fd);
/*
 * Level 2: the whole tree and the free list as well, each page once. faults:
 * receives how many claims and policies are not as they were written; a file
 * with such is good all the same, since the others in it are.
 */
enum ss_lmdb_health ss_lmdb_check_all(int fd, uint64_t *faults);

/* ---- store_lmdb_signature.c: what the last commit left ---- */

/* Learn which boot this is; where that cannot be read nothing is signed, nor believed. */
void ss_lmdb_boot_read(struct ss_lmdb_env *env);
/* Before it is mapped: is the file as the signature says? */
bool ss_lmdb_signed(const struct ss_lmdb_env *env, int fd);
/* The same of an open one, with write.lock held, before a commit. */
bool ss_lmdb_signed_now(const struct ss_lmdb_env *env);
/* Give a file a time that no write gives it; false where that cannot be. */
bool ss_lmdb_touch(int fd, struct stat *st);
/* After a commit, with write.lock held, or as the first. */
void ss_lmdb_sign(const struct ss_lmdb_env *env);
/* It is damaged, as was found in use: the next first opener reads all of it. */
void ss_lmdb_unsign(const struct ss_lmdb_env *env);

/* ---- store_lmdb_lease.c ---- */

/* As ss_store_lease(), among all who have this directory. */
int ss_lmdb_lease(const struct ss_lmdb_env *env, uint64_t name, struct ss_error *error,
                  struct ss_lease **out);

/* ---- store_lmdb_registry.c: one environment a file and process ---- */

/*
 * Get the environment of a directory. parent: -1; or the memory's directory,
 * and the path is of the volatile tables in it. Returns 0, NOMEM, or MEMORY or
 * VERSION and says why.
 */
int ss_lmdb_env_get(const char *path, int parent, const struct ss_store_lmdb_options *options,
                    bool *set_aside, struct ss_error *error, struct ss_lmdb_env **out);
/* Once more what one has. */
void ss_lmdb_env_ref(struct ss_lmdb_env *env);
void ss_lmdb_env_put(struct ss_lmdb_env *env);
/*
 * Open one anew that is broken, as if for the first time, at most once in
 * SS_LMDB_RETRY_MS. Returns 0 (it is whole, by us or by another thread), or as
 * ss_lmdb_env_get(); MEMORY without a word when it is not yet time.
 */
int ss_lmdb_env_renew(struct ss_lmdb_env *env, const char *path,
                      const struct ss_store_lmdb_options *options, bool *set_aside,
                      struct ss_error *error);

/* ---- store_lmdb_env.c: opening one ---- */

/* Open what env->directory holds. As ss_lmdb_env_get(). */
int ss_lmdb_env_open(struct ss_lmdb_env *env, const char *path, bool read_only, bool *set_aside,
                     struct ss_error *error);
void ss_lmdb_env_close(struct ss_lmdb_env *env);
/* Double the map. False when it has its greatest size. */
bool ss_lmdb_env_grow(struct ss_lmdb_env *env);
/* Follow another process that made the map larger. */
bool ss_lmdb_env_follow(struct ss_lmdb_env *env);
/* True while the file is there and at least as long as it was. */
bool ss_lmdb_env_whole(struct ss_lmdb_env *env);
/* Free the slots of readers that died. */
bool ss_lmdb_env_clear_readers(struct ss_lmdb_env *env);

/* ---- store_lmdb_tables.c ---- */

/* Beside 0 and the codes of errors: it is ours, and damaged. */
#define SS_LMDB_MAIMED 1

/*
 * Open the tables; where one may write, make them, or bring those of an older
 * format up to date. Returns 0, SS_LMDB_MAIMED, or as ss_lmdb_env_get().
 */
int ss_lmdb_tables_open(struct ss_lmdb_env *env, const char *path, bool read_only,
                        struct ss_error *error);

/* ---- store_lmdb_env.c again ---- */

/* Take write.lock; returns its descriptor, or -1. */
int ss_lmdb_write_lock(const struct ss_lmdb_env *env);
void ss_lmdb_write_unlock(int fd);

/* ---- store_lmdb.c: a store, and its transactions ---- */

struct ss_lmdb_store {
    struct ss_store store;
    char *path;
    struct ss_store_lmdb_options options;
    pid_t pid;
    struct ss_lmdb_env *env; /* NULL: not open */
    int64_t next_try;        /* when it is NULL: when to try again */
    bool editing;            /* an edit is being asked, with write.lock held */
    /* The volatile tables: a store of their own inside this one; NULL: not yet used. */
    struct ss_lmdb_store *plans;
};

struct ss_lmdb_store *ss_lmdb_store_of(struct ss_store *store);
/* Before each use. Returns 0, NOMEM, MEMORY. */
int ss_lmdb_enter(struct ss_lmdb_store *s);
/* Say what LMDB answered. Returns NOMEM or MEMORY. */
int ss_lmdb_failed(struct ss_lmdb_store *s, const char *what, int rc);
/* Mend what kept a transaction from beginning or from ending well; true: try again. */
bool ss_lmdb_mend(struct ss_lmdb_env *env, int rc, int attempt);
/* Begin a read transaction, with the gate held when it succeeds. */
int ss_lmdb_read_begin(struct ss_lmdb_env *env, MDB_txn **txn);
void ss_lmdb_read_end(struct ss_lmdb_env *env, MDB_txn *txn);
/* Look a key up; *where is the table it was found in, or the one that was asked. */
int ss_lmdb_find(const struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table,
                 struct ss_bytes key, MDB_val *value, enum ss_store_table *where);
MDB_val ss_lmdb_val(struct ss_bytes bytes);
struct ss_bytes ss_lmdb_bytes(const MDB_val *val);

/* How often a transaction is begun again for what can be mended. */
#define SS_LMDB_TRIES 4

/* ---- store_lmdb_plans.c: the volatile tables ---- */

/*
 * Enter the store that has a table: this one, or that of the volatile tables
 * inside it. Returns 0, NOMEM, or MEMORY (it is not there).
 */
int ss_lmdb_enter_table(struct ss_lmdb_store *s, enum ss_store_table table,
                        struct ss_lmdb_store **out);
/* Forget an environment that was thrown away or broke, to open another at the next use. */
void ss_lmdb_plans_leave(struct ss_lmdb_store *plans);
void ss_lmdb_plans_close(struct ss_lmdb_store *s);
/* Is this directory still the one that others find? */
bool ss_lmdb_plans_in_place(const struct ss_lmdb_env *env);
/*
 * The memory is another than these were made of, or nobody can tell: throw them
 * away for all. locked: no edit of the memory can be under way.
 */
void ss_lmdb_plans_outdate(const struct ss_lmdb_env *memory, bool locked);
/* As the first: throw away what was left. */
bool ss_lmdb_plans_clear(const struct ss_lmdb_env *env);
int ss_lmdb_discard(struct ss_store *store);

/* ---- store_lmdb_reader.c ---- */

int ss_lmdb_reader_open(struct ss_store *store, enum ss_store_table table,
                        struct ss_store_reader **out);
int ss_lmdb_reader_get(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room,
                       size_t cap, size_t *len);
void ss_lmdb_reader_close(struct ss_store_reader *reader);

/* ---- store_lmdb_change.c, store_lmdb_list.c, store_lmdb_figures.c: of the store's kind ---- */

int ss_lmdb_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                   ss_store_edit edit, void *arg);
int ss_lmdb_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after,
                 size_t most, ss_store_each each, void *arg);
int ss_lmdb_figures(struct ss_store *store, struct ss_store_figures *out);
int ss_lmdb_check(struct ss_store *store, bool *damaged);

#endif
