/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the store share. */
#ifndef EXAMPLES_REDIS_STORE_H
#define EXAMPLES_REDIS_STORE_H

#include "link.h"
#include "memory/store_room.h"

struct redis_store {
    struct ss_store store;
    struct link *link;
    bool read_only;
};

/* Before each value stands whether it is on probation. */
#define REDIS_KEPT 'k'
#define REDIS_NEW 'n'

struct redis_store *redis_store_of(struct ss_store *store);
/* After a failure: the store is LOST for a while. Returns rc. */
int redis_failed(struct redis_store *redis, int rc);
/* A command that may be sent twice; a failure is redis_failed()'s. Returns 0, MEMORY, NOMEM. */
int redis_run(struct redis_store *redis, const struct link_args *args, redisReply **out);
/* Redis refused: said in the error. A store that only cannot write is not LOST. */
int redis_refused(struct redis_store *redis, const redisReply *reply, bool writing);

/* Where a table stands. */
struct redis_table {
    char values[LINK_NAME_MAX]; /* a hash */
    char kept[LINK_NAME_MAX];   /* sorted sets of keys */
    char new[LINK_NAME_MAX];    /* the same as kept where nothing is on probation */
    int life_ms;                /* after the last change; 0: for ever */
};

void redis_table(const struct redis_store *redis, enum ss_store_table table,
                 struct redis_table *out);
/* Is it one that shows those on probation alone? */
bool redis_only_new(enum ss_store_table table);
/* One value with the octet before it; a nil reply: none. Returns 0, MEMORY, NOMEM. */
int redis_read(struct redis_store *redis, const struct redis_table *where, struct ss_bytes key,
               redisReply **out);
/* The values of many keys, in their order. Returns as above. */
int redis_read_many(struct redis_store *redis, const struct redis_table *where,
                    const struct ss_bytes *keys, size_t count, redisReply **out);
/* Cut the octet off; what begins with another is handed over whole, and fails in its reader. */
struct ss_bytes redis_value(const redisReply *reply);
bool redis_is_new(const redisReply *reply);

int redis_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                 ss_store_edit edit, void *arg);
int redis_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after,
               size_t most, ss_store_each each, void *arg);
int redis_lease(struct ss_store *store, uint64_t name, struct ss_lease **out);

#endif
