/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The store in Redis, for the tests of what every store does. */
#include <stdio.h>
#include <stdlib.h>

#include "server.h"
#include "store_support.h"

static struct server server;
static int stores;

static void
end(void)
{
    server_end(&server);
}

/* Each has a prefix of its own on one server. */
static struct ss_store *
open_redis(char directory[64])
{
    char prefix[16];

    directory[0] = '\0';
    if (server.pid == 0) {
        server_start(&server);
        atexit(end);
    }
    snprintf(prefix, sizeof(prefix), "t%d", stores++);
    return server_store(&server, prefix, 5000);
}

static void
close_redis(struct ss_store *store, const char *directory)
{
    (void)directory;
    ss_store_close(store);
}

static const struct store_maker redis = { "redis", open_redis, close_redis };

const struct store_maker *const store_makers[] = { &redis, NULL };
