/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store over LMDB: each call is one transaction, and none outlives its call. */
#include "memory/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory/store_lmdb.h"

/* A list is copied out in pieces of about this size, and shown with no transaction open. */
#define PIECE_OCTETS (256 * 1024)
#define PIECE_ENTRIES 256
/* How often a transaction is begun again for what can be mended. */
#define TRIES 4

struct lmdb_store {
    struct ss_store store;
    char *path;
    bool read_only;
    pid_t pid;
    struct ss_lmdb_env *env; /* NULL: not open */
};

static struct lmdb_store *
lmdb_of(struct ss_store *store)
{
    return (struct lmdb_store *)(void *)store;
}

static int
failed(struct lmdb_store *s, const char *what, int rc)
{
    if (rc == ENOMEM)
        return SMTPSEC_E_NOMEM;
    return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY, "%s: %s: %s", s->path, what,
                        mdb_strerror(rc));
}

static int
attach(struct lmdb_store *s, bool *set_aside)
{
    int rc = ss_lmdb_env_get(s->path, s->read_only, set_aside, &s->store.error, &s->env);

    s->pid = getpid();
    if (rc != 0) {
        s->env = NULL;
        s->store.state = SMTPSEC_MEMORY_LOST;
        return rc;
    }
    s->store.state = s->read_only || s->env->read_only ? SMTPSEC_MEMORY_READ_ONLY
                                                       : SMTPSEC_MEMORY_OK;
    return 0;
}

/* Before each use. A forked child lets go of what it inherited, untouched, and opens its own. */
static int
enter(struct lmdb_store *s)
{
    bool set_aside = false;
    int rc;

    if (s->pid != getpid()) {
        s->env = NULL;
        rc = attach(s, &set_aside);
        if (rc != 0)
            return rc == SMTPSEC_E_NOMEM ? rc : SMTPSEC_E_MEMORY;
    }
    if (!ss_lmdb_env_whole(s->env)) {
        s->store.state = SMTPSEC_MEMORY_LOST;
        return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY,
                            "%s: the file was cut while it was in use", s->path);
    }
    return 0;
}

/* Mend what kept a transaction from beginning or from ending well; true: try again. */
static bool
mend(struct ss_lmdb_env *env, int rc, int attempt)
{
    switch (rc) {
    case MDB_READERS_FULL:
        return mdb_reader_check(env->mdb, NULL) == 0 && attempt == 0;
    case MDB_MAP_RESIZED:
        return ss_lmdb_env_follow(env);
    case MDB_MAP_FULL:
        /* First let pages go that dead readers pin. */
        if (attempt == 0)
            return mdb_reader_check(env->mdb, NULL) == 0;
        return ss_lmdb_env_grow(env);
    default:
        return false;
    }
}

/* Begin a read transaction, with the gate held when it succeeds. */
static int
begin_reading(struct ss_lmdb_env *env, MDB_txn **txn)
{
    int attempt, rc = MDB_PANIC;

    for (attempt = 0; attempt < TRIES; attempt++) {
        pthread_rwlock_rdlock(&env->gate);
        /* Another thread may have lost the map meanwhile. */
        rc = atomic_load(&env->cut) ? MDB_PANIC : mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, txn);
        if (rc == 0)
            return 0;
        pthread_rwlock_unlock(&env->gate);
        if (!mend(env, rc, attempt))
            break;
    }
    return rc;
}

static void
end_reading(struct ss_lmdb_env *env, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&env->gate);
}

static MDB_val
val_of(struct ss_bytes bytes)
{
    MDB_val val = { bytes.len, (void *)(uintptr_t)bytes.data };

    return val;
}

static struct ss_bytes
bytes_of(const MDB_val *val)
{
    return (struct ss_bytes){ val->mv_data, val->mv_size };
}

static int
lmdb_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key, struct ss_buf *value)
{
    struct lmdb_store *s = lmdb_of(store);
    MDB_val k = val_of(key), v;
    MDB_txn *txn = NULL;
    int rc = enter(s);

    if (rc != 0)
        return rc;
    rc = begin_reading(s->env, &txn);
    if (rc != 0)
        return failed(s, "read", rc);
    rc = mdb_get(txn, s->env->tables[table], &k, &v);
    if (rc == 0)
        ss_buf_put(value, v.mv_data, v.mv_size);
    end_reading(s->env, txn);
    if (rc == MDB_NOTFOUND)
        return SMTPSEC_E_NOT_FOUND;
    if (rc != 0)
        return failed(s, "read", rc);
    if (value->nomem)
        return SMTPSEC_E_NOMEM;
    return value->full ? SMTPSEC_E_LIMIT : 0;
}

/* A change on its way; the edit is asked once, however often the transaction is tried. */
struct change {
    enum ss_store_table table;
    struct ss_bytes key;
    ss_store_edit edit;
    void *arg;
    bool asked;
    enum ss_edit what;
    struct ss_buf value;
    int verdict; /* of the edit, or of its value */
};

static void
ask_edit(struct change *change, const struct ss_bytes *old)
{
    change->verdict = change->edit(change->arg, old, &change->value, &change->what);
    change->asked = true;
    if (change->verdict >= 0)
        change->verdict = 0;
    if (change->verdict == 0 && change->what == SS_EDIT_PUT) {
        if (change->value.nomem)
            change->verdict = SMTPSEC_E_NOMEM;
        else if (change->value.full)
            change->verdict = SMTPSEC_E_LIMIT;
    }
}

/* Returns LMDB's code; *done when there was nothing to commit. */
static int
apply(struct ss_lmdb_env *env, MDB_txn *txn, struct change *change, bool *done)
{
    MDB_val k = val_of(change->key), v;
    MDB_dbi dbi = env->tables[change->table];
    struct ss_bytes old;
    int rc;

    if (!change->asked) {
        rc = mdb_get(txn, dbi, &k, &v);
        if (rc != 0 && rc != MDB_NOTFOUND)
            return rc;
        if (rc == 0)
            old = bytes_of(&v);
        ask_edit(change, rc == 0 ? &old : NULL);
    }
    *done = change->verdict != 0 || change->what == SS_EDIT_KEEP;
    if (*done)
        return 0;
    if (change->what == SS_EDIT_PUT) {
        v = val_of((struct ss_bytes){ change->value.data, change->value.len });
        return mdb_put(txn, dbi, &k, &v, 0);
    }
    rc = mdb_del(txn, dbi, &k, NULL);
    *done = rc == MDB_NOTFOUND;
    return *done ? 0 : rc;
}

/* One try, with the gate held. */
static int
change_once(struct ss_lmdb_env *env, struct change *change)
{
    MDB_txn *txn = NULL;
    bool done = false;
    int rc;

    pthread_rwlock_rdlock(&env->gate);
    rc = atomic_load(&env->cut) ? MDB_PANIC : mdb_txn_begin(env->mdb, NULL, 0, &txn);
    if (rc == 0)
        rc = apply(env, txn, change, &done);
    if (txn != NULL && rc == 0 && !done) {
        rc = mdb_txn_commit(txn);
        txn = NULL;
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    pthread_rwlock_unlock(&env->gate);
    return rc;
}

static int
change_locked(struct lmdb_store *s, struct change *change)
{
    int attempt, rc = MDB_PANIC;

    /* Readers that died would pin pages for ever. */
    (void)mdb_reader_check(s->env->mdb, NULL);
    for (attempt = 0; attempt < TRIES; attempt++) {
        rc = change_once(s->env, change);
        if (rc == 0 || !mend(s->env, rc, attempt))
            break;
    }
    if (rc != 0)
        return failed(s, "write", rc);
    return change->verdict;
}

static int
lmdb_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key, ss_store_edit edit,
            void *arg)
{
    struct lmdb_store *s = lmdb_of(store);
    struct change change = { .table = table, .key = key, .edit = edit, .arg = arg,
                             .what = SS_EDIT_KEEP };
    int lock, rc = enter(s);

    if (rc != 0)
        return rc;
    if (s->store.state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    lock = ss_lmdb_write_lock(s->env);
    if (lock == -1)
        return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY,
                            "%s: another process keeps it locked", s->path);
    ss_buf_init(&change.value, SS_STORE_VALUE_MAX);
    rc = change_locked(s, &change);
    ss_lmdb_write_unlock(lock);
    ss_buf_free(&change.value);
    return rc;
}

/* A run of entries copied out: key length, value length, key, value. */
struct piece {
    struct ss_buf octets;
    size_t count;
};

static bool
piece_full(const struct piece *piece, size_t most)
{
    return piece->count >= most || piece->count >= PIECE_ENTRIES ||
           piece->octets.len >= PIECE_OCTETS;
}

static void
piece_add(struct piece *piece, const MDB_val *k, const MDB_val *v)
{
    ss_buf_le32(&piece->octets, (uint32_t)k->mv_size);
    ss_buf_le32(&piece->octets, (uint32_t)v->mv_size);
    ss_buf_put(&piece->octets, k->mv_data, k->mv_size);
    ss_buf_put(&piece->octets, v->mv_data, v->mv_size);
    piece->count++;
}

static int
collect(MDB_txn *txn, MDB_dbi dbi, struct ss_bytes after, size_t most, struct piece *piece)
{
    MDB_cursor *cursor = NULL;
    MDB_val k = val_of(after), v;
    int rc = mdb_cursor_open(txn, dbi, &cursor);

    if (rc != 0)
        return rc;
    rc = mdb_cursor_get(cursor, &k, &v, after.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && after.len > 0 && k.mv_size == after.len &&
        memcmp(k.mv_data, after.data, after.len) == 0)
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    while (rc == 0 && !piece_full(piece, most)) {
        /* Larger than any that we write: damage. */
        if (v.mv_size > SS_STORE_VALUE_MAX)
            rc = MDB_CORRUPTED;
        else
            piece_add(piece, &k, &v);
        if (rc == 0)
            rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

static int
read_piece(struct lmdb_store *s, enum ss_store_table table, struct ss_bytes after, size_t most,
           struct piece *piece)
{
    MDB_txn *txn = NULL;
    int rc = enter(s);

    ss_buf_init(&piece->octets, PIECE_OCTETS + 2 * SS_STORE_VALUE_MAX);
    piece->count = 0;
    if (rc != 0)
        return rc;
    rc = begin_reading(s->env, &txn);
    if (rc == 0) {
        rc = collect(txn, s->env->tables[table], after, most, piece);
        end_reading(s->env, txn);
    }
    if (rc != 0)
        return failed(s, "list", rc);
    return ss_buf_ok(&piece->octets) ? 0 : SMTPSEC_E_NOMEM;
}

/* Show a piece; *last is the last key, inside the piece. */
static int
show(const struct piece *piece, ss_store_each each, void *arg, struct ss_bytes *last)
{
    struct ss_bytes key, value;
    struct ss_rd rd;
    int rc = 0;

    ss_rd_init(&rd, piece->octets.data, piece->octets.len);
    while (rc == 0 && rd.left > 0) {
        key.len = ss_rd_le32(&rd);
        value.len = ss_rd_le32(&rd);
        key.data = ss_rd_take(&rd, key.len);
        value.data = ss_rd_take(&rd, value.len);
        *last = key;
        rc = each(arg, key, value);
    }
    return rc;
}

static int
lmdb_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
          ss_store_each each, void *arg)
{
    struct lmdb_store *s = lmdb_of(store);
    struct piece now, before;
    int rc;

    ss_buf_init(&before.octets, 0);
    do {
        rc = read_piece(s, table, after, most, &now);
        ss_buf_free(&before.octets);
        before = now;
        if (rc != 0 || now.count == 0)
            break;
        rc = show(&now, each, arg, &after);
        most -= now.count;
    } while (rc == 0 && most > 0);
    ss_buf_free(&before.octets);
    return rc;
}

static void
lmdb_close(struct ss_store *store)
{
    struct lmdb_store *s = lmdb_of(store);

    if (s->env != NULL && s->pid == getpid())
        ss_lmdb_env_put(s->env);
    free(s->path);
    free(s);
}

static int
lmdb_lease(struct ss_store *store, uint64_t name, struct ss_lease **out)
{
    struct lmdb_store *s = lmdb_of(store);
    int rc = enter(s);

    return rc != 0 ? rc : ss_lmdb_lease(s->env->directory, name, &s->store.error, out);
}

static const struct ss_store_kind lmdb_kind = { lmdb_get, lmdb_update, lmdb_each, lmdb_close,
                                                lmdb_lease };

int
ss_store_lmdb_open(const char *directory, bool read_only, bool *set_aside, struct ss_store **out)
{
    struct lmdb_store *s = calloc(1, sizeof(*s));
    bool aside = false;
    int rc = SMTPSEC_E_NOMEM;

    *out = NULL;
    if (s == NULL)
        goto out;
    s->store.kind = &lmdb_kind;
    s->read_only = read_only;
    s->path = strdup(directory);
    if (s->path == NULL)
        goto out;
    rc = attach(s, &aside);
    if (rc == SMTPSEC_E_NOMEM)
        goto out;
    if (set_aside != NULL)
        *set_aside = aside;
    *out = &s->store;
    s = NULL;
    rc = 0;
out:
    if (s != NULL)
        free(s->path);
    free(s);
    return rc;
}
