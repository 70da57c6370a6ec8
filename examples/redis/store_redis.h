/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A prototype: the memory in Redis, shared by all hosts of a site. It fills
 * lib/memory/store.h and so uses the library's own headers, which promise
 * nothing to anybody; link it with the static archive of the same source.
 * README.md says what is weaker here than on disk.
 */
#ifndef EXAMPLES_STORE_REDIS_H
#define EXAMPLES_STORE_REDIS_H

#include "memory/store.h"

struct store_redis_options {
    const char *path;     /* a unix socket, or */
    const char *address;  /* an IPv4 or IPv6 literal: a name could hang in a look-up */
    uint16_t port;        /* 0: 6379 */
    const char *user;     /* NULL: Redis's default user */
    const char *password; /* NULL: no AUTH is sent */
    const char *prefix;   /* of all keys, up to 32 of [A-Za-z0-9_-]; NULL: smtpsec */
    int timeout_ms;       /* an operation takes no longer, connecting and all; 0: 200 */
    int retry_ms;         /* from a failure to the next try, doubled up to a minute; 0: 1000 */
    int lease_ms;         /* a lease ends by itself then; 0: 60000 */
    bool read_only;
};

/*
 * Open a store. Returns 0 and a store, whose state may be READ_ONLY or LOST,
 * INVALID (options), or NOMEM. Strings are copied.
 */
int store_redis_open(const struct store_redis_options *options, struct ss_store **out);

#endif
