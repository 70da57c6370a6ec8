/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists: Redis's sorted sets of one score are in the order of octets, a prefix first. */
#include <stdlib.h>
#include <string.h>

#include "redis_store.h"

#define PIECE 32

/* Keys after one, at most PIECE, of one index. */
static int
read_keys(struct redis_store *redis, const char *index, struct ss_bytes after, redisReply **out)
{
    uint8_t from[1 + SS_STORE_KEY_MAX] = { '(' };
    struct link_args args = { 0 };
    size_t i;
    int r;

    link_arg_text(&args, "ZRANGEBYLEX");
    link_arg_text(&args, index);
    if (after.len > 0) {
        memcpy(from + 1, after.data, after.len);
        link_arg(&args, from, 1 + after.len);
    } else {
        link_arg_text(&args, "-");
    }
    link_arg_text(&args, "+");
    link_arg_text(&args, "LIMIT");
    link_arg_text(&args, "0");
    link_arg_text(&args, "32");
    r = redis_run(redis, &args, out);
    if (r != 0)
        return r;
    if ((*out)->type != REDIS_REPLY_ARRAY || (*out)->elements > PIECE)
        r = redis_refused(redis, *out, false);
    for (i = 0; r == 0 && i < (*out)->elements; i++) {
        /* A key that we cannot have written would stop or blind the walk. */
        if ((*out)->element[i]->type != REDIS_REPLY_STRING || (*out)->element[i]->len == 0 ||
            (*out)->element[i]->len > SS_STORE_KEY_MAX)
            r = redis_failed(redis,
                             link_fail(redis->link, SMTPSEC_E_MEMORY, index, "not a key of ours"));
    }
    if (r == 0)
        return 0;
    freeReplyObject(*out);
    *out = NULL;
    return r;
}

static struct ss_bytes
key_at(const redisReply *keys, size_t at)
{
    struct ss_bytes key = { (const uint8_t *)keys->element[at]->str, keys->element[at]->len };

    return key;
}

static int
compare(struct ss_bytes a, struct ss_bytes b)
{
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Of two sorted lists one, each key once: it may have moved from one to the other meanwhile. */
static size_t
merge(const redisReply *kept, const redisReply *new, struct ss_bytes *keys, size_t most)
{
    size_t k = 0, n = 0, count = 0;
    int order;

    while (count < most && (k < kept->elements || (new != NULL && n < new->elements))) {
        if (new == NULL || n == new->elements)
            order = -1;
        else if (k == kept->elements)
            order = 1;
        else
            order = compare(key_at(kept, k), key_at(new, n));
        keys[count++] = order <= 0 ? key_at(kept, k) : key_at(new, n);
        k += order <= 0;
        n += order >= 0;
    }
    return count;
}

struct piece {
    redisReply *kept, *new, *values; /* new is NULL where there is but one index */
    struct ss_bytes keys[PIECE];
    size_t count;
};

static void
piece_free(struct piece *piece)
{
    freeReplyObject(piece->kept);
    freeReplyObject(piece->new);
    freeReplyObject(piece->values);
    memset(piece, 0, sizeof(*piece));
}

static int
read_piece(struct redis_store *redis, const struct redis_table *where, struct ss_bytes after,
           size_t most, struct piece *piece)
{
    int r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    /* Entries go from the one on probation to the other: asked in this order none is missed. */
    if (strcmp(where->kept, where->new) != 0)
        r = read_keys(redis, where->new, after, &piece->new);
    if (r == 0)
        r = read_keys(redis, where->kept, after, &piece->kept);
    if (r != 0)
        return r;
    piece->count = merge(piece->kept, piece->new, piece->keys, most < PIECE ? most : PIECE);
    if (piece->count == 0)
        return 0;
    return redis_read_many(redis, where, piece->keys, piece->count, &piece->values);
}

/* How many were shown is taken off *most; what went meanwhile is not shown. */
static int
show(const struct piece *piece, bool only_new, size_t *most, ss_store_each each, void *arg)
{
    const redisReply *value;
    int rc = 0;
    size_t i;

    for (i = 0; rc == 0 && i < piece->count; i++) {
        value = piece->values->element[i];
        if (value->type == REDIS_REPLY_NIL || (only_new && !redis_is_new(value)))
            continue;
        --*most;
        rc = each(arg, piece->keys[i], redis_value(value));
    }
    return rc;
}

int
redis_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
           ss_store_each each, void *arg)
{
    struct redis_store *redis = redis_store_of(store);
    struct piece now = { 0 }, before = { 0 };
    struct redis_table where;
    int rc;

    redis_table(redis, table, &where);
    do {
        rc = read_piece(redis, &where, after, most, &now);
        piece_free(&before);
        before = now;
        memset(&now, 0, sizeof(now));
        if (rc != 0 || before.count == 0)
            break;
        after = before.keys[before.count - 1];
        rc = show(&before, redis_only_new(table), &most, each, arg);
    } while (rc == 0 && most > 0);
    piece_free(&before);
    piece_free(&now);
    return rc;
}
