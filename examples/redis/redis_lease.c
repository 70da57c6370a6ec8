/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leases: a key that ends by itself. Weaker than a lock on a file in two ways:
 * a holder that dies keeps it until then, and one that takes longer has lost it
 * without knowing. Both cost a fetch too many or a wait, and no decision.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "redis_store.h"
#include "scripts.h"

struct held {
    struct ss_lease lease;
    struct link *link;
    pid_t pid;
    char name[LINK_NAME_MAX];
    char token[33];
};

static void
end_held(struct ss_lease *lease)
{
    struct held *held = (struct held *)(void *)lease;
    struct link_args args = { 0 };
    redisReply *reply = NULL;

    link_arg_text(&args, "");
    link_arg_text(&args, "");
    link_arg_text(&args, "1");
    link_arg_text(&args, held->name);
    link_arg_text(&args, held->token);
    /* In a child it is the parent's. If Redis does not hear of it, it ends by itself. */
    if (held->pid == getpid() && held->link->fd != -1 && link_begin(held->link) == 0 &&
        link_script(held->link, SCRIPT_RELEASE, &args, &reply) == 0)
        freeReplyObject(reply);
    link_unref(held->link);
    free(held);
}

static int
set_token(struct held *held)
{
    uint64_t random[2];

    if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
        return SMTPSEC_E_MEMORY;
    snprintf(held->token, sizeof(held->token), "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    return 0;
}

static int
take(struct redis_store *redis, const struct held *held)
{
    struct link_args args = { 0 };
    redisReply *reply = NULL;
    char life[16];
    int r = link_begin(redis->link);

    if (r != 0)
        return redis_failed(redis, r);
    snprintf(life, sizeof(life), "%d", redis->link->lease_ms);
    link_arg_text(&args, "SET");
    link_arg_text(&args, held->name);
    link_arg_text(&args, held->token);
    link_arg_text(&args, "NX");
    link_arg_text(&args, "PX");
    link_arg_text(&args, life);
    /* Once more on a new connection is no harm: at worst our own token stands in the way. */
    r = redis_run(redis, &args, &reply);
    if (r != 0)
        return r;
    if (reply->type == REDIS_REPLY_NIL)
        r = SMTPSEC_E_PENDING;
    else if (reply->type != REDIS_REPLY_STATUS)
        r = redis_refused(redis, reply, true);
    freeReplyObject(reply);
    return r;
}

int
redis_lease(struct ss_store *store, uint64_t name, struct ss_lease **out)
{
    struct redis_store *redis = redis_store_of(store);
    struct held *held = calloc(1, sizeof(*held));
    char what[32];
    int r;

    if (held == NULL)
        return SMTPSEC_E_NOMEM;
    held->lease.refs = 1;
    held->lease.end = end_held;
    held->pid = getpid();
    snprintf(what, sizeof(what), "lease:%016llx", (unsigned long long)name);
    link_name(redis->link, what, held->name);
    r = set_token(held);
    if (r == 0)
        r = take(redis, held);
    if (r != 0) {
        free(held);
        return r;
    }
    held->link = redis->link;
    held->link->refs++;
    *out = &held->lease;
    return 0;
}
