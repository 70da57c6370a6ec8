/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to Redis that never keeps anybody waiting. hiredis writes the
 * commands and reads the replies; the socket is ours, because hiredis's own
 * bounds each read and not the whole, resolves names without any bound, and
 * raises SIGPIPE.
 */
#ifndef EXAMPLES_REDIS_LINK_H
#define EXAMPLES_REDIS_LINK_H

#include <hiredis/hiredis.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/error.h"
#include "store_redis.h"

#define LINK_NAME_MAX 64
#define LINK_SCRIPTS 2

struct link {
    unsigned refs; /* a lease may outlive its store */
    struct sockaddr_storage address;
    socklen_t address_len;
    char *user, *password;
    char prefix[33];
    int timeout_ms, retry_ms, lease_ms;
    int fd; /* -1: not connected */
    pid_t pid; /* who connected; a child makes a connection of its own */
    redisReader *reader;
#if HIREDIS_MAJOR < 1
    redisReplyObjectFunctions makers; /* the reader's own, but for arrays, which are bounded */
    void (*make_array)(void);
#endif
    int64_t deadline;  /* of the operation that is going on; CLOCK_MONOTONIC, ms */
    int64_t next_try;  /* when it is LOST */
    int wait_ms;       /* until then, next time */
    char id[48];       /* of the memory that was found here; "": none yet */
    bool other;        /* another memory stands in its place; who reads it may clear it */
    char sha[LINK_SCRIPTS][41];
    struct ss_error error;
};

/* Returns 0, INVALID, NOMEM. */
int link_new(const struct store_redis_options *options, struct link **out);
void link_unref(struct link *link); /* takes NULL */

/* The full name of a key of ours; the braces keep all of them on one node of a cluster. */
void link_name(const struct link *link, const char *what, char name[LINK_NAME_MAX]);

struct link_args {
    int count;
    const char *values[80];
    size_t lengths[80];
};

void link_arg(struct link_args *args, const void *value, size_t len);
void link_arg_text(struct link_args *args, const char *text);

/* Begin an operation: connect where needed. Returns 0 or MEMORY. */
int link_begin(struct link *link);
/*
 * One command, one reply, within the operation's time. again: it may be sent a
 * second time where a connection proves to be dead (it changes nothing).
 * Returns 0 and a reply, which may be Redis's error, or MEMORY or NOMEM; then
 * the connection is gone, and whether the command was done is not known.
 */
int link_command(struct link *link, const struct link_args *args, bool again, redisReply **out);
/* Run a script of scripts.h. Returns as above. */
int link_script(struct link *link, size_t script, const struct link_args *args, redisReply **out);
/* Drop the connection, and say why; returns code. */
int link_fail(struct link *link, int code, const char *what, const char *why);
int64_t link_now(void);

/* ---- For the two files of it ---- */

/* Connect anew. Returns 0, MEMORY, NOMEM. */
int link_open(struct link *link);
void link_close(struct link *link);
/* Wait for the socket; false: the operation's time is over. */
bool link_wait(const struct link *link, short events);
/* One command, one reply; or what went wrong. *any: the server said something. */
const char *link_exchange(struct link *link, const struct link_args *args, redisReply **out,
                          bool *any);

#endif
