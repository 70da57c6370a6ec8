/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One environment a file and process: LMDB loses its readers when a process
 * has the same one open twice, since POSIX locks go with the first close.
 *
 * A forked child begins a registry of its own. What it inherited is left
 * alone: neither its locks nor its mutexes are the child's to touch.
 */
#include "memory/store_lmdb.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct registry {
    pid_t pid;
    pthread_mutex_t mutex;
    struct ss_lmdb_env *list;
    struct registry *inherited; /* abandoned, kept reachable */
};

static struct registry *_Atomic registry;

/* The registry of this process; NULL without memory. */
static struct registry *
ours(void)
{
    struct registry *now = atomic_load(&registry), *made;

    if (now != NULL && now->pid == getpid())
        return now;
    made = calloc(1, sizeof(*made));
    if (made == NULL)
        return NULL;
    if (pthread_mutex_init(&made->mutex, NULL) != 0) {
        free(made);
        return NULL;
    }
    made->pid = getpid();
    made->inherited = now;
    if (atomic_compare_exchange_strong(&registry, &now, made))
        return made;
    /* Another thread was faster; `now` is its registry. */
    pthread_mutex_destroy(&made->mutex);
    free(made);
    return now;
}

/* By the directory, or by the file should that have two directories. */
static struct ss_lmdb_env *
find(const struct registry *r, int directory, const struct stat *st)
{
    struct ss_lmdb_env *env;
    struct stat data;
    bool there = fstatat(directory, SS_LMDB_DATA, &data, AT_SYMLINK_NOFOLLOW) == 0;

    for (env = r->list; env != NULL; env = env->next) {
        if (env->directory_device == st->st_dev && env->directory_inode == st->st_ino)
            return env;
        if (there && env->device == data.st_dev && env->inode == data.st_ino)
            return env;
    }
    return NULL;
}

/* The database that is open must still be the one that stands in the directory. */
static bool
same_data(const struct ss_lmdb_env *env)
{
    struct stat st;

    return fstatat(env->directory, SS_LMDB_DATA, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == env->device && st.st_ino == env->inode;
}

static int
reuse(struct ss_lmdb_env *env, const char *path, struct ss_error *error, struct ss_lmdb_env **out)
{
    /* A memory that broke is opened anew in its place; volatile tables are left by all. */
    if (!same_data(env) || (ss_lmdb_env_is_volatile(env) && atomic_load(&env->broken)))
        return ss_error_set(error, SMTPSEC_E_MEMORY,
                            "%s: exchanged while this process has it open", path);
    env->refs++;
    *out = env;
    return 0;
}

static void
free_env(struct ss_lmdb_env *env)
{
    if (env != NULL && env->parent != -1)
        close(env->parent);
    free(env);
}

/* Takes the directory's descriptor over, not the parent's. */
static int
begin(struct registry *r, int directory, int parent, const struct stat *st, const char *path,
      const struct ss_store_lmdb_options *options, bool *set_aside, struct ss_error *error,
      struct ss_lmdb_env **out)
{
    struct ss_lmdb_env *env = calloc(1, sizeof(*env));
    int rc = SMTPSEC_E_NOMEM;

    if (env == NULL)
        goto out;
    env->directory = directory;
    env->parent = parent == -1 ? -1 : fcntl(parent, F_DUPFD_CLOEXEC, 0);
    if (parent != -1 && env->parent == -1)
        goto out;
    env->directory_device = st->st_dev;
    env->directory_inode = st->st_ino;
    env->options = *options;
    if (pthread_rwlock_init(&env->gate, NULL) != 0)
        goto out;
    rc = ss_lmdb_env_open(env, path, options->read_only, set_aside, error);
    if (rc != 0) {
        pthread_rwlock_destroy(&env->gate);
        goto out;
    }
    env->refs = 1;
    env->next = r->list;
    r->list = env;
    *out = env;
    return 0;
out:
    close(directory);
    free_env(env);
    return rc;
}

int
ss_lmdb_env_get(const char *path, int parent, const struct ss_store_lmdb_options *options,
                bool *set_aside, struct ss_error *error, struct ss_lmdb_env **out)
{
    struct registry *r = ours();
    struct ss_lmdb_env *env;
    struct stat st;
    int directory, rc;

    if (r == NULL)
        return SMTPSEC_E_NOMEM;
    if (parent == -1)
        directory = ss_lmdb_directory_open(path, options, error);
    else
        directory = ss_lmdb_plans_directory_open(parent, options, error);
    if (directory == -1)
        return SMTPSEC_E_MEMORY;
    if (fstat(directory, &st) != 0) {
        close(directory);
        return ss_error_set(error, SMTPSEC_E_MEMORY, "%s: cannot be read", path);
    }
    pthread_mutex_lock(&r->mutex);
    env = find(r, directory, &st);
    if (env != NULL) {
        close(directory);
        rc = reuse(env, path, error, out);
    } else {
        rc = begin(r, directory, parent, &st, path, options, set_aside, error, out);
    }
    pthread_mutex_unlock(&r->mutex);
    return rc;
}

int
ss_lmdb_env_renew(struct ss_lmdb_env *env, const char *path,
                  const struct ss_store_lmdb_options *options, bool *set_aside,
                  struct ss_error *error)
{
    struct registry *r = ours();
    int64_t now = ss_lmdb_monotonic_ms();
    bool renewed = false;
    int rc = SMTPSEC_E_MEMORY;

    if (r == NULL)
        return SMTPSEC_E_NOMEM;
    if (!atomic_load(&env->broken))
        return 0;
    /*
     * LMDB knows a file once in a process: the old one goes first, when nobody
     * is inside. The gate comes before the registry: who is inside may want that
     * for the volatile tables.
     */
    pthread_rwlock_wrlock(&env->gate);
    pthread_mutex_lock(&r->mutex);
    if (!atomic_load(&env->broken)) {
        rc = 0;
    } else if (now >= env->next_try) {
        env->next_try = now + SS_LMDB_RETRY_MS;
        ss_lmdb_env_close(env);
        rc = ss_lmdb_env_open(env, path, options->read_only, set_aside, error);
        atomic_store(&env->broken, rc != 0);
        renewed = rc == 0;
    }
    pthread_mutex_unlock(&r->mutex);
    pthread_rwlock_unlock(&env->gate);
    if (renewed)
        ss_lmdb_plans_outdate(env, false);
    return rc;
}

void
ss_lmdb_env_ref(struct ss_lmdb_env *env)
{
    struct registry *r = ours();

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->mutex);
    env->refs++;
    pthread_mutex_unlock(&r->mutex);
}

void
ss_lmdb_env_put(struct ss_lmdb_env *env)
{
    struct registry *r = ours();
    struct ss_lmdb_env **at;
    bool last = false;

    if (r == NULL)
        return;
    pthread_mutex_lock(&r->mutex);
    for (at = &r->list; *at != NULL && *at != env; at = &(*at)->next)
        ;
    if (*at == env) {
        last = --env->refs == 0;
        if (last) {
            *at = env->next;
            ss_lmdb_env_close(env);
            pthread_rwlock_destroy(&env->gate);
            close(env->directory);
        }
    }
    pthread_mutex_unlock(&r->mutex);
    if (last)
        free_env(env);
}
