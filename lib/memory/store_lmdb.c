/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store over LMDB: each call is one transaction, and none outlives its call. */
#include "memory/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "memory/store_lmdb.h"
#include "memory/store_room.h"

struct ss_lmdb_store *
ss_lmdb_store_of(struct ss_store *store)
{
    return (struct ss_lmdb_store *)(void *)store;
}

/* What LMDB says of an environment that no later transaction will find better. */
static bool
is_end(int rc)
{
    return rc == MDB_PANIC || rc == MDB_BAD_TXN || rc == MDB_CORRUPTED ||
           rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID || rc == MDB_MAP_RESIZED;
}

int
ss_lmdb_failed(struct ss_lmdb_store *s, const char *what, int rc)
{
    if (rc == ENOMEM)
        return SMTPSEC_E_NOMEM;
    if (is_end(rc)) {
        ss_lmdb_unsign(s->env);
        atomic_store(&s->env->broken, true);
        s->store.state = SMTPSEC_MEMORY_LOST;
    }
    /* Of the store's troubles the last one counts: an old one may be over. */
    memset(&s->store.error, 0, sizeof(s->store.error));
    return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY, "%s: %s: %s", s->path, what,
                        mdb_strerror(rc));
}

static void
set_state(struct ss_lmdb_store *s)
{
    s->store.state = s->options.read_only || s->env->read_only ? SMTPSEC_MEMORY_READ_ONLY
                                                               : SMTPSEC_MEMORY_OK;
    s->store.faults = s->env->faults;
}

static int
attach(struct ss_lmdb_store *s)
{
    bool set_aside = false;
    int rc = ss_lmdb_env_get(s->path, -1, &s->options, &set_aside, &s->store.error, &s->env);

    s->pid = getpid();
    s->store.set_aside = s->store.set_aside || set_aside;
    if (rc != 0) {
        s->env = NULL;
        s->next_try = ss_lmdb_monotonic_ms() + SS_LMDB_RETRY_MS;
        s->store.state = SMTPSEC_MEMORY_LOST;
        return rc;
    }
    set_state(s);
    return 0;
}

/* An environment that came to its end is opened anew, for all its stores, by who asks first. */
static void
lmdb_retry(struct ss_store *store)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);
    struct ss_error before = store->error;
    bool set_aside = false;

    if (s->pid != getpid())
        s->env = NULL;
    else if (s->env == NULL && ss_lmdb_monotonic_ms() < s->next_try)
        return;
    memset(&store->error, 0, sizeof(store->error));
    if (s->env == NULL) {
        (void)attach(s);
    } else if (ss_lmdb_env_renew(s->env, s->path, &s->options, &set_aside, &store->error) == 0) {
        set_state(s);
        store->set_aside = store->set_aside || set_aside;
    }
    if (store->state == SMTPSEC_MEMORY_LOST && store->error.code == 0)
        store->error = before;
}

/* A forked child lets go of what it inherited, untouched, and opens its own. */
int
ss_lmdb_enter(struct ss_lmdb_store *s)
{
    int rc;

    if (s->pid != getpid()) {
        s->env = NULL;
        rc = attach(s);
        if (rc != 0)
            return rc == SMTPSEC_E_NOMEM ? rc : SMTPSEC_E_MEMORY;
    }
    if (ss_lmdb_env_whole(s->env))
        return 0;
    s->store.state = SMTPSEC_MEMORY_LOST;
    memset(&s->store.error, 0, sizeof(s->store.error));
    return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY,
                        "%s: the file was cut or removed while it was in use", s->path);
}

bool
ss_lmdb_mend(struct ss_lmdb_env *env, int rc, int attempt)
{
    switch (rc) {
    case MDB_READERS_FULL:
        return attempt == 0 && ss_lmdb_env_clear_readers(env);
    case MDB_MAP_RESIZED:
        return !ss_lmdb_env_is_volatile(env) && ss_lmdb_env_follow(env);
    case MDB_MAP_FULL:
        /* First let pages go that dead readers pin. */
        if (attempt == 0)
            return ss_lmdb_env_clear_readers(env);
        return !ss_lmdb_env_is_volatile(env) && ss_lmdb_env_grow(env);
    default:
        return false;
    }
}

int
ss_lmdb_read_begin(struct ss_lmdb_env *env, MDB_txn **txn)
{
    int attempt, rc = MDB_PANIC;

    for (attempt = 0; attempt < SS_LMDB_TRIES; attempt++) {
        pthread_rwlock_rdlock(&env->gate);
        /* Another thread may have lost the map meanwhile. */
        rc = atomic_load(&env->broken) ? MDB_PANIC : mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, txn);
        if (rc == 0)
            return 0;
        pthread_rwlock_unlock(&env->gate);
        if (!ss_lmdb_mend(env, rc, attempt))
            break;
    }
    return rc;
}

void
ss_lmdb_read_end(struct ss_lmdb_env *env, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&env->gate);
}

MDB_val
ss_lmdb_val(struct ss_bytes bytes)
{
    MDB_val val = { bytes.len, (void *)(uintptr_t)bytes.data };

    return val;
}

struct ss_bytes
ss_lmdb_bytes(const MDB_val *val)
{
    return (struct ss_bytes){ val->mv_data, val->mv_size };
}

int
ss_lmdb_find(const struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table,
             struct ss_bytes key, MDB_val *value, enum ss_store_table *where)
{
    enum ss_store_table beside = ss_store_beside(table);
    MDB_val k = ss_lmdb_val(key);
    int rc = env->there[table] ? mdb_get(txn, env->tables[table], &k, value) : MDB_NOTFOUND;

    *where = table;
    if (rc != MDB_NOTFOUND || beside == SS_TABLE_COUNT || !env->there[beside])
        return rc;
    rc = mdb_get(txn, env->tables[beside], &k, value);
    if (rc == 0)
        *where = beside;
    return rc;
}

static int
get_entered(struct ss_lmdb_store *s, enum ss_store_table table, struct ss_bytes key,
            struct ss_buf *value)
{
    enum ss_store_table where;
    MDB_txn *txn = NULL;
    MDB_val v;
    int rc = ss_lmdb_read_begin(s->env, &txn);

    if (rc != 0)
        return ss_lmdb_failed(s, "read", rc);
    rc = ss_lmdb_find(s->env, txn, table, key, &v, &where);
    if (rc == 0)
        ss_buf_put(value, v.mv_data, v.mv_size);
    ss_lmdb_read_end(s->env, txn);
    if (rc == MDB_NOTFOUND)
        return SMTPSEC_E_NOT_FOUND;
    if (rc != 0)
        return ss_lmdb_failed(s, "read", rc);
    if (value->nomem)
        return SMTPSEC_E_NOMEM;
    return value->full ? SMTPSEC_E_LIMIT : 0;
}

static int
lmdb_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
         struct ss_buf *value)
{
    struct ss_lmdb_store *s;
    int rc = ss_lmdb_enter_table(ss_lmdb_store_of(store), table, &s);

    if (rc == 0)
        rc = get_entered(s, table, key, value);
    return rc == SMTPSEC_E_MEMORY && ss_store_is_volatile(table) ? SMTPSEC_E_NOT_FOUND : rc;
}

static void
lmdb_close(struct ss_store *store)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);

    ss_lmdb_plans_close(s);
    if (s->env != NULL && s->pid == getpid())
        ss_lmdb_env_put(s->env);
    free(s->path);
    free(s);
}

static int
lmdb_lease(struct ss_store *store, uint64_t name, struct ss_lease **out)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);
    int rc = ss_lmdb_enter(s);

    return rc != 0 ? rc : ss_lmdb_lease(s->env, name, &s->store.error, out);
}

static const struct ss_store_kind lmdb_kind = {
    .get = lmdb_get,
    .update = ss_lmdb_update,
    .each = ss_lmdb_each,
    .close = lmdb_close,
    .lease = lmdb_lease,
    .figures = ss_lmdb_figures,
    .check = ss_lmdb_check,
    .retry = lmdb_retry,
    .reader_open = ss_lmdb_reader_open,
    .reader_get = ss_lmdb_reader_get,
    .reader_close = ss_lmdb_reader_close,
    .discard = ss_lmdb_discard,
};

int
ss_store_lmdb_open(const char *directory, const struct ss_store_lmdb_options *options,
                   bool *set_aside, struct ss_store **out)
{
    static const struct ss_store_limits none;
    struct ss_lmdb_store *s = calloc(1, sizeof(*s));
    int rc = SMTPSEC_E_NOMEM;

    *out = NULL;
    if (s == NULL)
        goto out;
    s->store.kind = &lmdb_kind;
    if (options != NULL)
        s->options = *options;
    /* Without random numbers, only the order in which strangers go can be guessed. */
    (void)!getrandom(&s->store.limits.seed, sizeof(s->store.limits.seed), GRND_NONBLOCK);
    ss_store_set_limits(&s->store, &none);
    s->path = strdup(directory);
    if (s->path == NULL)
        goto out;
    rc = attach(s);
    if (rc == SMTPSEC_E_NOMEM)
        goto out;
    if (set_aside != NULL) {
        *set_aside = s->store.set_aside;
        s->store.set_aside = false;
    }
    *out = &s->store;
    s = NULL;
    rc = 0;
out:
    if (s != NULL)
        free(s->path);
    free(s);
    return rc;
}
