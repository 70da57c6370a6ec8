/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real Redis on a unix socket in a directory of its own; it dies with the test. */
#ifndef SS_TEST_REDIS_SERVER_H
#define SS_TEST_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "store_redis.h"

struct server {
    char directory[64];
    char path[96];
    bool durable;  /* every change is on disk before it is answered */
    const char *more[6]; /* further words of its command line */
    pid_t pid;
};

/* Where redis-server is; NULL: nowhere, and why was said. */
const char *server_program(void);
/* Make the directory and start it; fails the test where it does not come up. */
void server_start(struct server *server);
/* Start it again on what it has left. */
void server_again(struct server *server);
void server_kill(struct server *server);
/* Kill it and remove the directory. */
void server_end(struct server *server);
/* Say something to it by hand, in words; returns the reply's number, or its length. */
long long server_say(const struct server *server, int count, const char *const *words);
#define SERVER_SAY(server, ...) \
    server_say((server), (int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *)), \
               (const char *const[]){ __VA_ARGS__ })
/* A store on it, which must come up. */
struct ss_store *server_store(const struct server *server, const char *prefix, int timeout_ms);

#endif
