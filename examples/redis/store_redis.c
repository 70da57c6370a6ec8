/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store_redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis_store.h"

#define WAIT_MAX_MS 60000 /* from one try to the next */
/*
 * So long after its last change a volatile table ends as a whole; each value has
 * an end of its own inside. That it has one at all lets Redis throw it away
 * (maxmemory-policy volatile-lru) before it refuses to remember.
 */
#define VOLATILE_MS (24 * 3600 * 1000)

struct redis_store *
redis_store_of(struct ss_store *store)
{
    return (struct redis_store *)(void *)store;
}

int
redis_failed(struct redis_store *redis, int rc)
{
    struct link *link = redis->link;

    if (rc != SMTPSEC_E_MEMORY)
        return rc;
    redis->store.state = SMTPSEC_MEMORY_LOST;
    redis->store.error = link->error;
    if (link->wait_ms < link->retry_ms)
        link->wait_ms = link->retry_ms;
    link->next_try = link_now() + link->wait_ms;
    link->wait_ms = link->wait_ms < WAIT_MAX_MS / 2 ? link->wait_ms * 2 : WAIT_MAX_MS;
    return rc;
}

int
redis_run(struct redis_store *redis, const struct link_args *args, redisReply **out)
{
    int r = link_command(redis->link, args, true, out);

    /* It may have had to connect anew, to a server that has lost all. */
    redis->store.set_aside = redis->store.set_aside || redis->link->other;
    redis->link->other = false;
    return redis_failed(redis, r);
}

int
redis_refused(struct redis_store *redis, const redisReply *reply, bool writing)
{
    char text[160];

    snprintf(text, sizeof(text), "%s",
             reply->type == REDIS_REPLY_ERROR ? reply->str : "a reply of another type");
    if (!writing)
        return redis_failed(redis, link_fail(redis->link, SMTPSEC_E_MEMORY, "refused", text));
    memset(&redis->store.error, 0, sizeof(redis->store.error));
    return ss_error_set(&redis->store.error, SMTPSEC_E_MEMORY, "redis: refused: %.150s", text);
}

bool
redis_only_new(enum ss_store_table table)
{
    return table == SS_TABLE_CLAIMS_NEW || table == SS_TABLE_POLICIES_NEW;
}

void
redis_table(const struct redis_store *redis, enum ss_store_table table, struct redis_table *out)
{
    static const struct {
        const char *values, *kept, *new;
        int life_ms;
    } tables[SS_TABLE_COUNT] = {
        [SS_TABLE_CLAIMS] = { "claims", "claims-kept", "claims-new", 0 },
        [SS_TABLE_CLAIMS_NEW] = { "claims", "claims-new", "claims-new", 0 },
        [SS_TABLE_POLICIES] = { "policies", "policies-kept", "policies-new", 0 },
        [SS_TABLE_POLICIES_NEW] = { "policies", "policies-new", "policies-new", 0 },
        [SS_TABLE_META] = { "meta", "meta-keys", "meta-keys", 0 },
        [SS_TABLE_PLANS] = { "plans", "plans-keys", "plans-keys", VOLATILE_MS },
        [SS_TABLE_ANSWERS] = { "answers", "answers-keys", "answers-keys", VOLATILE_MS },
    };

    link_name(redis->link, tables[table].values, out->values);
    link_name(redis->link, tables[table].kept, out->kept);
    link_name(redis->link, tables[table].new, out->new);
    out->life_ms = tables[table].life_ms;
}

struct ss_bytes
redis_value(const redisReply *reply)
{
    struct ss_bytes value = { (const uint8_t *)reply->str, reply->len };

    if (value.len > 0 && (value.data[0] == REDIS_KEPT || value.data[0] == REDIS_NEW)) {
        value.data++;
        value.len--;
    }
    return value;
}

bool
redis_is_new(const redisReply *reply)
{
    return reply->len == 0 || reply->str[0] != REDIS_KEPT;
}

int
redis_read(struct redis_store *redis, const struct redis_table *where, struct ss_bytes key,
           redisReply **out)
{
    struct link_args args = { 0 };
    int r;

    link_arg_text(&args, "HGET");
    link_arg_text(&args, where->values);
    link_arg(&args, key.data, key.len);
    r = redis_run(redis, &args, out);
    if (r != 0)
        return r;
    if ((*out)->type == REDIS_REPLY_STRING || (*out)->type == REDIS_REPLY_NIL)
        return 0;
    r = redis_refused(redis, *out, false);
    freeReplyObject(*out);
    *out = NULL;
    return r;
}

/* As many strings or nothings as were asked for? */
static bool
all_strings(const redisReply *reply, size_t count)
{
    size_t i;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != count)
        return false;
    for (i = 0; i < count; i++) {
        if (reply->element[i]->type != REDIS_REPLY_STRING &&
            reply->element[i]->type != REDIS_REPLY_NIL)
            return false;
    }
    return true;
}

int
redis_read_many(struct redis_store *redis, const struct redis_table *where,
                const struct ss_bytes *keys, size_t count, redisReply **out)
{
    struct link_args args = { 0 };
    size_t i;
    int r;

    link_arg_text(&args, "HMGET");
    link_arg_text(&args, where->values);
    for (i = 0; i < count; i++)
        link_arg(&args, keys[i].data, keys[i].len);
    r = redis_run(redis, &args, out);
    if (r != 0)
        return r;
    if (all_strings(*out, count))
        return 0;
    r = redis_refused(redis, *out, false);
    freeReplyObject(*out);
    *out = NULL;
    return r;
}

static int
redis_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
          struct ss_buf *value)
{
    struct redis_store *redis = redis_store_of(store);
    struct redis_table where;
    redisReply *reply = NULL;
    struct ss_bytes found;
    int r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    redis_table(redis, table, &where);
    r = redis_read(redis, &where, key, &reply);
    if (r != 0)
        return r;
    if (reply->type == REDIS_REPLY_NIL || (redis_only_new(table) && !redis_is_new(reply))) {
        r = SMTPSEC_E_NOT_FOUND;
    } else {
        found = redis_value(reply);
        /* Longer than any that we write: cut, so that its reader finds the fault. */
        ss_buf_put(value, found.data,
                   found.len < SS_STORE_VALUE_MAX ? found.len : SS_STORE_VALUE_MAX);
        r = value->nomem ? SMTPSEC_E_NOMEM : value->full ? SMTPSEC_E_LIMIT : 0;
    }
    freeReplyObject(reply);
    return r;
}

/* ---- Figures ---- */

static int
ask_number(struct redis_store *redis, const struct link_args *args, uint64_t *out)
{
    redisReply *reply = NULL;
    int r = redis_run(redis, args, &reply);

    if (r != 0)

        return r;
    if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
        *out = (uint64_t)reply->integer;
    else if (reply->type != REDIS_REPLY_NIL)
        r = redis_refused(redis, reply, false);
    freeReplyObject(reply);
    return r;
}

/* What Redis says that a key of its own takes; an operator may forbid the question. */
static int
add_size(struct redis_store *redis, const char *name, uint64_t *total)
{
    struct link_args args = { 0 };
    redisReply *reply = NULL;
    int r;

    link_arg_text(&args, "MEMORY");
    link_arg_text(&args, "USAGE");
    link_arg_text(&args, name);
    r = redis_run(redis, &args, &reply);
    if (r != 0)
        return r;
    if (reply->type == REDIS_REPLY_INTEGER && reply->integer > 0)
        *total += (uint64_t)reply->integer;
    freeReplyObject(reply);
    return 0;
}

static int
redis_figures(struct ss_store *store, struct ss_store_figures *out)
{
    struct redis_store *redis = redis_store_of(store);
    enum ss_store_table table;
    struct redis_table where;
    struct link_args args;
    int r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    out->format = 1;
    for (table = SS_TABLE_CLAIMS; r == 0 && table < SS_TABLE_COUNT; table++) {
        redis_table(redis, table, &where);
        memset(&args, 0, sizeof(args));
        link_arg_text(&args, "ZCARD");
        link_arg_text(&args, where.kept);
        r = ask_number(redis, &args, &out->entries[table]);
        if (r == 0)
            r = add_size(redis, where.kept, &out->file_size);
        if (r == 0 && !redis_only_new(table))
            r = add_size(redis, where.values, &out->file_size);
    }
    return r;
}

/* ---- Volatile tables ---- */

static int
redis_discard(struct ss_store *store)
{
    static const enum ss_store_table tables[] = { SS_TABLE_PLANS, SS_TABLE_ANSWERS };
    struct redis_store *redis = redis_store_of(store);
    struct redis_table where[2];
    struct link_args args = { 0 };
    redisReply *reply = NULL;
    size_t i;
    int r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    link_arg_text(&args, "UNLINK");
    for (i = 0; i < 2; i++) {
        redis_table(redis, tables[i], &where[i]);
        link_arg_text(&args, where[i].values);
        link_arg_text(&args, where[i].kept);
    }
    r = redis_run(redis, &args, &reply);
    if (r == 0 && reply->type != REDIS_REPLY_INTEGER)
        r = redis_refused(redis, reply, true);
    freeReplyObject(reply);
    return r;
}

/* ---- Opening, coming back, closing ---- */

static int
come_up(struct redis_store *redis)
{
    int r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    redis->link->wait_ms = 0;
    redis->store.state = redis->read_only ? SMTPSEC_MEMORY_READ_ONLY : SMTPSEC_MEMORY_OK;
    memset(&redis->store.error, 0, sizeof(redis->store.error));
    redis->store.set_aside = redis->store.set_aside || redis->link->other;
    redis->link->other = false;
    return 0;
}

static void
redis_retry(struct ss_store *store)
{
    struct redis_store *redis = redis_store_of(store);

    if (link_now() >= redis->link->next_try)
        (void)come_up(redis);
}

static void
redis_close(struct ss_store *store)
{
    struct redis_store *redis = redis_store_of(store);

    link_unref(redis->link);
    free(redis);
}

static const struct ss_store_kind redis_kind = {
    .get = redis_get,
    .update = redis_update,
    .each = redis_each,
    .close = redis_close,
    .lease = redis_lease,
    .figures = redis_figures,
    .retry = redis_retry,
    .discard = redis_discard,
};

int
store_redis_open(const struct store_redis_options *options, struct ss_store **out)
{
    static const struct ss_store_limits none;
    struct redis_store *redis = calloc(1, sizeof(*redis));
    int r;

    *out = NULL;
    if (redis == NULL)
        return SMTPSEC_E_NOMEM;
    r = link_new(options, &redis->link);
    if (r != 0) {
        free(redis);
        return r;
    }
    redis->store.kind = &redis_kind;
    redis->read_only = options->read_only;
    ss_store_set_limits(&redis->store, &none);
    if (come_up(redis) == SMTPSEC_E_NOMEM) {
        redis_close(&redis->store);
        return SMTPSEC_E_NOMEM;
    }
    *out = &redis->store;
    return 0;
}
