/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of the LMDB store: read, decide, make room and write, in one transaction. */
#include <stdio.h>
#include <string.h>

#include "memory/store_lmdb.h"
#include "memory/store_room.h"

/* From one that is looked at to the next that is: neighbours may be one stranger's. */
#define STEPS 8
/* The first place is found by steps; a later one from where the last was left. */
#define FIRST_STEPS 65536
/* Of a volatile table: octets for each entry that it may have, and in any case. */
#define VOLATILE_OCTETS 2048
#define VOLATILE_LEAST (4 * 1024 * 1024)
#define MAP_SANE ((uint64_t)1 << 33)

/* A change on its way; the edit is asked once, however often the transaction is tried. */
struct change {
    struct ss_store *store;
    enum ss_store_table table;
    struct ss_bytes key;
    ss_store_edit edit;
    void *arg;
    bool asked;
    enum ss_edit what;
    struct ss_buf value;
    int verdict; /* of the edit, or of its value */
    bool full;   /* nobody could go for it */
    bool commit; /* there is something to commit */
};

static void
ask_edit(struct change *change, const struct ss_bytes *old)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(change->store);

    s->editing = true;
    change->verdict = change->edit(change->arg, old, &change->value, &change->what);
    s->editing = false;
    change->asked = true;
    if (change->verdict >= 0)
        change->verdict = 0;
    if (change->verdict == 0 && (change->what == SS_EDIT_PUT || change->what == SS_EDIT_PUT_NEW)) {
        if (change->value.nomem)
            change->verdict = SMTPSEC_E_NOMEM;
        else if (change->value.full)
            change->verdict = SMTPSEC_E_LIMIT;
    }
}

static int
step(MDB_cursor *cursor, MDB_val *k, MDB_val *v)
{
    int rc = mdb_cursor_get(cursor, k, v, MDB_NEXT);

    return rc == MDB_NOTFOUND ? mdb_cursor_get(cursor, k, v, MDB_FIRST) : rc;
}

static int
steps(MDB_cursor *cursor, MDB_val *k, MDB_val *v, uint64_t count)
{
    int rc = 0;

    for (; rc == 0 && count > 0; count--)
        rc = step(cursor, k, v);
    return rc;
}

/* A table's hand stands where the last search ended; it goes round like that of a clock. */
static void
hand_name(char name[16], enum ss_store_table table)
{
    snprintf(name, 16, "hand-%d", (int)table);
}

/* Stand where the hand is; without one, anywhere. */
static int
find_hand(struct change *change, struct ss_lmdb_env *env, MDB_txn *txn, MDB_cursor *cursor,
          enum ss_store_table table, size_t entries)
{
    char name[16];
    MDB_val k, v;
    int rc;

    hand_name(name, table);
    k = ss_lmdb_val((struct ss_bytes){ (const uint8_t *)name, strlen(name) });
    rc = mdb_get(txn, env->tables[SS_TABLE_META], &k, &v);
    if (rc == 0 && v.mv_size > 0 && v.mv_size <= SS_STORE_KEY_MAX) {
        k = v;
        rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
        return rc == MDB_NOTFOUND ? mdb_cursor_get(cursor, &k, &v, MDB_FIRST) : rc;
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
    if (rc != 0)
        return rc;
    return steps(cursor, &k, &v,
                 ss_store_random(change->store, entries < FIRST_STEPS ? entries : FIRST_STEPS));
}

static int
leave_hand(struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table,
           const struct ss_room *place)
{
    char name[16];
    MDB_val k, v = ss_lmdb_val((struct ss_bytes){ place->key, place->key_len });

    hand_name(name, table);
    k = ss_lmdb_val((struct ss_bytes){ (const uint8_t *)name, strlen(name) });
    return mdb_put(txn, env->tables[SS_TABLE_META], &k, &v, 0);
}

/* Look at some, and remember where that ended. */
static int
look_round(struct change *change, struct ss_lmdb_env *env, MDB_txn *txn, size_t entries,
           struct ss_room *room)
{
    struct ss_room place;
    MDB_cursor *cursor = NULL;
    MDB_val k, v;
    int rc = mdb_cursor_open(txn, env->tables[room->table], &cursor);

    if (rc != 0)
        return rc;
    rc = find_hand(change, env, txn, cursor, room->table, entries);
    while (rc == 0 && room->looked < SS_ROOM_LOOKS) {
        rc = steps(cursor, &k, &v, 1 + ss_store_random(change->store, STEPS));
        if (rc == 0)
            ss_room_look(room, ss_lmdb_bytes(&k), ss_lmdb_bytes(&v));
    }
    if (rc == 0 && k.mv_size > sizeof(place.key))
        rc = MDB_CORRUPTED;
    if (rc == 0) {
        place.key_len = k.mv_size;
        memcpy(place.key, k.mv_data, k.mv_size);
    }
    mdb_cursor_close(cursor);
    return rc != 0 ? rc : leave_hand(env, txn, room->table, &place);
}

/* Let one go that matters least, of some; change->full when none of them may. */
static int
let_one_go(struct change *change, struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table,
           size_t entries)
{
    struct ss_room room;
    struct ss_bytes key;
    MDB_val k;
    int rc;

    ss_room_init(&room, change->store, table);
    rc = look_round(change, env, txn, entries, &room);
    if (rc != 0)
        return rc;
    /* The hand has moved on in any case, or the next would look at the same ones. */
    change->commit = true;
    change->full = !ss_room_leaves(&room, &key);
    if (change->full)
        return 0;
    k = ss_lmdb_val(key);
    return mdb_del(txn, env->tables[table], &k, NULL);
}

/* A volatile table may hold what anyone causes to be kept, in values of any size. */
static bool
is_heavy(enum ss_store_table table, uint64_t bound, const MDB_stat *stat)
{
    uint64_t pages = stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
    uint64_t most = VOLATILE_LEAST;

    if (!ss_store_is_volatile(table) || stat->ms_entries == 0)
        return false;
    if (bound > most / VOLATILE_OCTETS)
        most = bound < MAP_SANE / VOLATILE_OCTETS ? bound * VOLATILE_OCTETS : MAP_SANE;
    return pages * stat->ms_psize > most;
}

/* A bound that was made smaller is reached by and by: two go for one that comes. */
static int
make_room(struct change *change, struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table,
          bool there)
{
    uint64_t bound = ss_store_bound(change->store, table);
    bool heavy = false;
    MDB_stat stat;
    int rc = mdb_stat(txn, env->tables[table], &stat);

    if (rc == 0)
        heavy = is_heavy(table, bound, &stat);
    if (rc == 0 && (heavy || (!there && stat.ms_entries > bound))) {
        rc = let_one_go(change, env, txn, table, stat.ms_entries);
        stat.ms_entries--;
    }
    if (rc == 0 && !change->full && !there && stat.ms_entries > 0 &&
        (heavy || stat.ms_entries >= bound))
        rc = let_one_go(change, env, txn, table, stat.ms_entries);
    return rc;
}

static int
put(struct change *change, struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table,
    bool there)
{
    MDB_val k = ss_lmdb_val(change->key);
    MDB_val v = ss_lmdb_val((struct ss_bytes){ change->value.data, change->value.len });
    /* A new value of a volatile table may be larger than the one it replaces. */
    int rc = there && !ss_store_is_volatile(table) ? 0 : make_room(change, env, txn, table, there);

    if (rc != 0 || change->full)
        return rc;
    change->commit = true;
    return mdb_put(txn, env->tables[table], &k, &v, 0);
}

/* where: in which table the key stands now, if any. */
static int
store_value(struct change *change, struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table where)
{
    enum ss_store_table table = change->table, beside = ss_store_beside(table);
    bool was_new = beside != SS_TABLE_COUNT && where == beside;
    MDB_val k = ss_lmdb_val(change->key), v;
    int rc;

    if (change->what == SS_EDIT_PUT_NEW && beside != SS_TABLE_COUNT && where != table)
        return put(change, env, txn, beside, was_new);
    rc = put(change, env, txn, table, where == table);
    if (rc != 0 || !was_new)
        return rc;
    if (!change->full)
        return mdb_del(txn, env->tables[beside], &k, NULL);
    /* Ripe, and no place is free: better on probation than not at all. */
    v = ss_lmdb_val((struct ss_bytes){ change->value.data, change->value.len });
    return mdb_put(txn, env->tables[beside], &k, &v, 0);
}

static int
apply(struct ss_lmdb_env *env, MDB_txn *txn, struct change *change)
{
    enum ss_store_table where;
    MDB_val k = ss_lmdb_val(change->key), v;
    struct ss_bytes old;
    int rc = ss_lmdb_find(env, txn, change->table, change->key, &v, &where);

    if (rc != 0 && rc != MDB_NOTFOUND)
        return rc;
    if (rc == 0)
        old = ss_lmdb_bytes(&v);
    else
        where = SS_TABLE_COUNT;
    if (!change->asked)
        ask_edit(change, rc == 0 ? &old : NULL);
    change->full = change->commit = false;
    if (change->verdict != 0 || change->what == SS_EDIT_KEEP)
        return 0;
    if (change->what != SS_EDIT_DELETE)
        return store_value(change, env, txn, where);
    if (where == SS_TABLE_COUNT)
        return 0;
    change->commit = true;
    return mdb_del(txn, env->tables[where], &k, NULL);
}

/* One try, with the gate held. */
static int
change_once(struct ss_lmdb_env *env, struct change *change)
{
    MDB_txn *txn = NULL;
    bool sound;
    int rc = MDB_PANIC;

    pthread_rwlock_rdlock(&env->gate);
    if (!atomic_load(&env->broken)) {
        /* Readers that died would pin pages for ever. */
        (void)mdb_reader_check(env->mdb, NULL);
        rc = mdb_txn_begin(env->mdb, NULL, 0, &txn);
    }
    if (rc == 0)
        rc = apply(env, txn, change);
    if (txn != NULL && rc == 0 && change->commit) {
        sound = ss_lmdb_signed_now(env);
        rc = mdb_txn_commit(txn);
        txn = NULL;
        if (rc == 0 && sound)
            ss_lmdb_sign(env);
    }
    if (txn != NULL)
        mdb_txn_abort(txn);
    pthread_rwlock_unlock(&env->gate);
    return rc;
}

static int
change_locked(struct ss_lmdb_store *s, struct change *change)
{
    int attempt, rc = MDB_PANIC;

    for (attempt = 0; attempt < SS_LMDB_TRIES; attempt++) {
        rc = change_once(s->env, change);
        if (rc == 0 || !ss_lmdb_mend(s->env, rc, attempt))
            break;
    }
    if (rc != 0)
        return ss_lmdb_failed(s, "write", rc);
    return change->full ? SMTPSEC_E_LIMIT : change->verdict;
}

/* What was written where nobody looks any more was not written. */
static int
change_kept(struct ss_lmdb_store *s, struct change *change, int rc)
{
    if (rc != 0 || !change->commit || ss_lmdb_plans_in_place(s->env))
        return rc;
    ss_lmdb_plans_leave(s);
    return SMTPSEC_E_MEMORY;
}

int
ss_lmdb_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
               ss_store_edit edit, void *arg)
{
    struct ss_lmdb_store *s;
    struct change change = { .table = table, .key = key, .edit = edit, .arg = arg,
                             .what = SS_EDIT_KEEP };
    int lock, rc = ss_lmdb_enter_table(ss_lmdb_store_of(store), table, &s);

    if (rc != 0)
        return rc;
    change.store = &s->store;
    if (s->store.state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    lock = ss_lmdb_write_lock(s->env);
    if (lock == -1) {
        memset(&s->store.error, 0, sizeof(s->store.error));
        return ss_error_set(&s->store.error, SMTPSEC_E_MEMORY,
                            "%s: another process keeps it locked", s->path);
    }
    ss_buf_init(&change.value, SS_STORE_VALUE_MAX);
    rc = change_locked(s, &change);
    ss_lmdb_write_unlock(lock);
    rc = change_kept(s, &change, rc);
    ss_buf_free(&change.value);
    return rc;
}
