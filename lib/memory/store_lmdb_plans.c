/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The volatile tables of the LMDB store: an environment of their own, in a
 * directory inside the memory's, opened at their first use. Its writes are not
 * synced, so no boot reads what another one wrote, and its first opener throws
 * away what is not exactly as the last commit of this boot left it.
 *
 * They are thrown away for all by moving the directory away: whoever has it
 * open looks before each write, and each second, whether it is still in place.
 * That is done with the memory's write lock held, so that no mark of an edit
 * that is under way goes with it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/store_lmdb.h"

#define GONE SS_LMDB_PLANS "-gone"
/* After an attempt that failed. */
#define RETRY_MS 10000

bool
ss_lmdb_plans_in_place(const struct ss_lmdb_env *env)
{
    struct stat st;

    if (!ss_lmdb_env_is_volatile(env))
        return true;
    return fstatat(env->parent, SS_LMDB_PLANS, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           st.st_dev == env->directory_device && st.st_ino == env->directory_inode;
}

bool
ss_lmdb_plans_clear(const struct ss_lmdb_env *env)
{
    return unlinkat(env->directory, SS_LMDB_DATA, 0) == 0 || errno == ENOENT;
}

static struct ss_lmdb_store *
make_store(const struct ss_lmdb_store *s)
{
    size_t len = strlen(s->path) + sizeof("/" SS_LMDB_PLANS);
    struct ss_lmdb_store *plans = calloc(1, sizeof(*plans));

    if (plans == NULL)
        return NULL;
    plans->path = malloc(len);
    if (plans->path == NULL) {
        free(plans);
        return NULL;
    }
    memcpy(plans->path, s->path, strlen(s->path));
    memcpy(plans->path + strlen(s->path), "/" SS_LMDB_PLANS, sizeof("/" SS_LMDB_PLANS));
    plans->store.kind = s->store.kind;
    plans->store.limits.seed = s->store.limits.seed;
    plans->options = s->options;
    plans->pid = getpid();
    return plans;
}

static int
attach(struct ss_lmdb_store *s, struct ss_lmdb_store *plans)
{
    bool set_aside = false;
    int rc = 0;

    /* A forked child has no directory yet. */
    if (s->pid != getpid())
        rc = ss_lmdb_enter(s);
    if (rc != 0)
        return rc;
    plans->options.read_only = s->store.state != SMTPSEC_MEMORY_OK;
    memset(&plans->store.error, 0, sizeof(plans->store.error));
    rc = ss_lmdb_env_get(plans->path, s->env->directory, &plans->options, &set_aside,
                         &plans->store.error, &plans->env);
    if (rc != 0) {
        plans->env = NULL;
        plans->next_try = ss_lmdb_monotonic_ms() + RETRY_MS;
        return rc == SMTPSEC_E_NOMEM ? rc : SMTPSEC_E_MEMORY;
    }
    plans->store.state = plans->options.read_only || plans->env->read_only
                             ? SMTPSEC_MEMORY_READ_ONLY
                             : SMTPSEC_MEMORY_OK;
    return 0;
}

void
ss_lmdb_plans_leave(struct ss_lmdb_store *plans)
{
    /* What a forked child inherited is not its own to close. */
    if (plans->env != NULL && plans->pid == getpid())
        ss_lmdb_env_put(plans->env);
    plans->env = NULL;
    plans->next_try = 0;
    plans->pid = getpid();
}

static void
take_limits(struct ss_lmdb_store *plans, const struct ss_lmdb_store *s)
{
    uint64_t seed = plans->store.limits.seed;

    plans->store.limits = s->store.limits;
    plans->store.limits.seed = seed;
}

int
ss_lmdb_enter_table(struct ss_lmdb_store *s, enum ss_store_table table, struct ss_lmdb_store **out)
{
    struct ss_lmdb_store *plans;
    int rc;

    *out = s;
    if (!ss_store_is_volatile(table))
        return ss_lmdb_enter(s);
    if (s->plans == NULL)
        s->plans = make_store(s);
    plans = *out = s->plans;
    if (plans == NULL)
        return SMTPSEC_E_NOMEM;
    if (plans->pid != getpid() || (plans->env != NULL && !ss_lmdb_env_whole(plans->env)))
        ss_lmdb_plans_leave(plans);
    if (plans->env == NULL) {
        if (ss_lmdb_monotonic_ms() < plans->next_try)
            return SMTPSEC_E_MEMORY;
        rc = attach(s, plans);
        if (rc != 0)
            return rc;
    }
    take_limits(plans, s);
    return 0;
}

void
ss_lmdb_plans_close(struct ss_lmdb_store *s)
{
    if (s->plans == NULL)
        return;
    ss_lmdb_plans_leave(s->plans);
    free(s->plans->path);
    free(s->plans);
    s->plans = NULL;
}

/* What was moved away, now or by one who was killed then. */
static void
remove_gone(int memory)
{
    static const char *const names[] = { SS_LMDB_DATA, SS_LMDB_LOCK, SS_LMDB_WRITE_LOCK,
                                         SS_LMDB_OPEN_LOCK };
    int fd = openat(memory, GONE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    size_t i;

    for (i = 0; fd != -1 && i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlinkat(fd, names[i], 0);
    if (fd != -1)
        close(fd);
    (void)unlinkat(memory, GONE, AT_REMOVEDIR);
}

static bool
throw_away(int memory)
{
    bool gone;

    remove_gone(memory);
    gone = renameat(memory, SS_LMDB_PLANS, memory, GONE) == 0 || errno == ENOENT;
    remove_gone(memory);
    return gone;
}

void
ss_lmdb_plans_outdate(const struct ss_lmdb_env *memory, bool locked)
{
    struct ss_store_lmdb_options options = memory->options;
    struct ss_error ignored = { 0 };
    int lock = -1, fd;

    if (memory->read_only || ss_lmdb_env_is_volatile(memory))
        return;
    /* What is none of ours nobody opens. */
    options.read_only = true;
    fd = ss_lmdb_plans_directory_open(memory->directory, &options, &ignored);
    if (fd == -1)
        return;
    close(fd);
    /* A mark that is lost is one of a moment; a plan of another memory would stay. */
    if (!locked)
        lock = ss_lmdb_write_lock(memory);
    (void)throw_away(memory->directory);
    if (lock != -1)
        ss_lmdb_write_unlock(lock);
}

int
ss_lmdb_discard(struct ss_store *store)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);
    int lock = -1, rc = s->pid != getpid() ? ss_lmdb_enter(s) : 0;
    bool gone;

    if (rc != 0)
        return rc;
    if (!s->editing) {
        lock = ss_lmdb_write_lock(s->env);
        if (lock == -1)
            return SMTPSEC_E_MEMORY;
    }
    gone = throw_away(s->env->directory);
    if (lock != -1)
        ss_lmdb_write_unlock(lock);
    if (s->plans != NULL)
        ss_lmdb_plans_leave(s->plans);
    return gone ? 0 : SMTPSEC_E_MEMORY;
}
