/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changes: read, ask the edit, and put only if what was read still stands; else
 * all is asked anew. Compared in a script and not by WATCH: that belongs to a
 * connection, so that an edit that changes another table on the way would end
 * it, and the room that is made would need a watch on every entry looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "redis_store.h"
#include "scripts.h"

#define TRIES 200
/* Redis's answers. */
#define DONE 0
#define CONFLICT (-1)

struct change {
    struct redis_store *redis;
    enum ss_store_table table;
    struct redis_table where;
    struct ss_bytes key;
    const redisReply *old; /* as it was read, with its first octet */
    struct ss_buf value;   /* as it is put, with its first octet */
    char target;           /* which index */
    long long said;        /* by the script */
    /* Who may go, when somebody must. */
    redisReply *names, *values;
    size_t going[2], going_count;
};

static void
forget_room(struct change *change)
{
    freeReplyObject(change->names);
    freeReplyObject(change->values);
    change->names = change->values = NULL;
    change->going_count = 0;
}

static void
put_reply(struct link_args *args, const redisReply *reply)
{
    link_arg(args, reply->type == REDIS_REPLY_STRING ? reply->str : "",
             reply->type == REDIS_REPLY_STRING ? reply->len : 0);
}

static int
send_change(struct change *change)
{
    struct redis_store *redis = change->redis;
    struct link_args args = { 0 };
    char bound[24], life[16], target[2] = { change->target, '\0' };
    redisReply *reply = NULL;
    size_t i;
    int r;

    snprintf(bound, sizeof(bound), "%llu",
             (unsigned long long)ss_store_bound(
                 &redis->store, change->target == REDIS_NEW && !redis_only_new(change->table)
                                    ? ss_store_beside(change->table)
                                    : change->table));
    snprintf(life, sizeof(life), "%d", change->where.life_ms);
    link_arg_text(&args, "");
    link_arg_text(&args, "");
    link_arg_text(&args, "3");
    link_arg_text(&args, change->where.values);
    link_arg_text(&args, change->where.kept);
    link_arg_text(&args, change->where.new);
    link_arg(&args, change->key.data, change->key.len);
    put_reply(&args, change->old);
    link_arg(&args, change->value.data, change->value.len);
    link_arg_text(&args, target);
    link_arg_text(&args, bound);
    link_arg_text(&args, life);
    for (i = 0; i < change->going_count; i++) {
        put_reply(&args, change->names->element[change->going[i]]);
        put_reply(&args, change->values->element[change->going[i]]);
    }
    r = link_script(redis->link, SCRIPT_CHANGE, &args, &reply);
    if (r != 0)
        return redis_failed(redis, r);
    if (reply->type == REDIS_REPLY_INTEGER)
        change->said = reply->integer;
    else
        r = redis_refused(redis, reply, true);
    freeReplyObject(reply);
    return r;
}

/* ---- Room ---- */

/* Some anywhere: who they are nobody can guess, and each comes but once. */
static int
read_some(struct change *change, enum ss_store_table table)
{
    struct redis_store *redis = change->redis;
    struct ss_bytes keys[SS_ROOM_LOOKS];
    struct link_args args = { 0 };
    char looks[8];
    size_t i;
    int r;

    snprintf(looks, sizeof(looks), "%d", SS_ROOM_LOOKS);
    link_arg_text(&args, "ZRANDMEMBER");
    link_arg_text(&args, table == change->table ? change->where.kept : change->where.new);
    link_arg_text(&args, looks);
    r = redis_run(redis, &args, &change->names);
    if (r != 0)
        return r;
    if (change->names->type != REDIS_REPLY_ARRAY || change->names->elements > SS_ROOM_LOOKS)
        return redis_refused(redis, change->names, false);
    for (i = 0; i < change->names->elements; i++) {
        if (change->names->element[i]->type != REDIS_REPLY_STRING ||
            change->names->element[i]->len > SS_STORE_KEY_MAX)
            return redis_refused(redis, change->names->element[i], false);
        keys[i].data = (const uint8_t *)change->names->element[i]->str;
        keys[i].len = change->names->element[i]->len;
    }
    return i == 0 ? 0 : redis_read_many(redis, &change->where, keys, i, &change->values);
}

/* Of those that were read, the one with the least evidence; SIZE_MAX: none may go. */
static size_t
least(const struct change *change, enum ss_store_table table, size_t but)
{
    const struct ss_store_limits *limits = &change->redis->store.limits;
    uint64_t rank, lowest = SS_STORE_FIXED;
    const redisReply *key, *value;
    size_t i, found = SIZE_MAX;

    for (i = 0; change->values != NULL && i < change->values->elements; i++) {
        if (i == but)
            continue;
        key = change->names->element[i];
        value = change->values->element[i];
        rank = ss_store_is_volatile(table) ? 0 : SS_STORE_FIXED;
        /* What went meanwhile is but a name. */
        if (value->type == REDIS_REPLY_NIL)
            rank = 0;
        else if (limits->rank != NULL)
            rank = limits->rank(limits->arg, table,
                                (struct ss_bytes){ (const uint8_t *)key->str, key->len },
                                redis_value(value));
        if (rank < lowest) {
            lowest = rank;
            found = i;
        }
    }
    return found;
}

/* Who goes for it: `need` of them, or LIMIT. */
static int
choose(struct change *change, long long need)
{
    enum ss_store_table table =
        change->target == REDIS_NEW ? ss_store_beside(change->table) : change->table;
    size_t one, but = SIZE_MAX;
    int r;

    forget_room(change);
    if (table == SS_TABLE_COUNT)
        table = change->table;
    r = read_some(change, table);
    while (r == 0 && change->going_count < 2 && (long long)change->going_count < need) {
        one = least(change, table, but);
        if (one == SIZE_MAX)
            return SMTPSEC_E_LIMIT;
        change->going[change->going_count++] = but = one;
    }
    return r;
}

/* Put it where it belongs; change->said is DONE or CONFLICT unless this fails. */
static int
put(struct change *change, char target)
{
    int r;

    change->target = target;
    if (change->value.len > 0)
        change->value.data[0] = (uint8_t)target;
    forget_room(change);
    r = send_change(change);
    if (r != 0 || change->said <= 0)
        return r;
    r = choose(change, change->said);
    if (r == 0)
        r = send_change(change);
    /* More have come in between than one goes for: all anew. */
    if (r == 0 && change->said > 0)
        change->said = CONFLICT;
    return r;
}

/* ---- One change ---- */

static int
store_value(struct change *change, enum ss_edit what)
{
    bool has_new = ss_store_beside(change->table) != SS_TABLE_COUNT;
    bool was_there = change->old->type == REDIS_REPLY_STRING;
    bool was_new = was_there && redis_is_new(change->old);
    int r;

    if (change->value.nomem)
        return SMTPSEC_E_NOMEM;
    if (change->value.full)
        return SMTPSEC_E_LIMIT;
    if (what == SS_EDIT_PUT_NEW && has_new && (!was_there || was_new))
        return put(change, REDIS_NEW);
    r = put(change, REDIS_KEPT);
    if (r != SMTPSEC_E_LIMIT || !has_new || !was_new)
        return r;
    /* Ripe, and no place is free: better on probation than not at all. */
    r = put(change, REDIS_NEW);
    return r == 0 && change->said == DONE ? SMTPSEC_E_LIMIT : r;
}

/* The edit fills a buffer of its own: its bound is not that of the octet before it. */
static int
ask(struct change *change, ss_store_edit edit, void *arg, enum ss_edit *what)
{
    struct link *link = change->redis->link;
    struct ss_bytes old = redis_value(change->old);
    int64_t deadline = link->deadline;
    struct ss_buf own;
    int r;

    ss_buf_init(&own, SS_STORE_VALUE_MAX);
    r = edit(arg, change->old->type == REDIS_REPLY_STRING ? &old : NULL, &own, what);
    /* An edit that changed a volatile table has had a time of its own for that. */
    link->deadline = deadline;
    ss_buf_u8(&change->value, REDIS_KEPT);
    if (own.len > 0)
        ss_buf_put(&change->value, own.data, own.len);
    change->value.nomem = change->value.nomem || own.nomem;
    change->value.full = change->value.full || own.full;
    ss_buf_free(&own);
    return r;
}

static int
try_change(struct change *change, ss_store_edit edit, void *arg)
{
    enum ss_edit what = SS_EDIT_KEEP;
    int r = ask(change, edit, arg, &what);

    change->said = DONE;
    if (r < 0 || what == SS_EDIT_KEEP)
        return r < 0 ? r : 0;
    if (what != SS_EDIT_DELETE)
        return store_value(change, what);
    if (change->old->type != REDIS_REPLY_STRING)
        return 0;
    change->value.len = 0;
    change->target = REDIS_KEPT;
    return send_change(change);
}

/* Those who met go on at different times. */
static void
step_aside(struct redis_store *redis, int attempt)
{
    uint64_t most = attempt < 10 ? 50000u << attempt / 2 : 2000000;
    struct timespec pause = { 0, (long)ss_store_random(&redis->store, most) };

    if (attempt > 1)
        nanosleep(&pause, NULL);
}

int
redis_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
             ss_store_edit edit, void *arg)
{
    struct redis_store *redis = redis_store_of(store);
    struct change change;
    redisReply *old;
    int attempt, r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    for (attempt = 0; attempt < TRIES; attempt++) {
        memset(&change, 0, sizeof(change));
        change.redis = redis;
        change.table = table;
        change.key = key;
        redis_table(redis, table, &change.where);
        old = NULL;
        r = redis_read(redis, &change.where, key, &old);
        if (r != 0)
            return r;
        change.old = old;
        ss_buf_init(&change.value, 1 + SS_STORE_VALUE_MAX);
        r = try_change(&change, edit, arg);
        forget_room(&change);
        ss_buf_free(&change.value);
        freeReplyObject(old);
        if (r != 0 || change.said != CONFLICT)
            return r;
        if (link_now() >= redis->link->deadline)
            break;
        step_aside(redis, attempt);
    }
    memset(&redis->store.error, 0, sizeof(redis->store.error));
    return ss_error_set(&redis->store.error, SMTPSEC_E_MEMORY,
                        "redis: others change the same entry all the time");
}
