/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "scripts.h"

/* A reply is never longer than a slice of the largest values; a longer one is an attack. */
#define REPLY_MAX (12 * 1024 * 1024)

int64_t
link_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
link_close(struct link *link)
{
    if (link->fd != -1)
        close(link->fd);
    link->fd = -1;
    if (link->reader != NULL)
        redisReaderFree(link->reader);
    link->reader = NULL;
}

int
link_fail(struct link *link, int code, const char *what, const char *why)
{
    memset(&link->error, 0, sizeof(link->error));
    ss_error_set(&link->error, code, "redis: %s: %.150s", what, why);
    /* Only now: why may be the reader's own. */
    link_close(link);
    return code;
}

/* ---- Options ---- */

static bool
set_address(struct link *link, const struct store_redis_options *options)
{
    struct sockaddr_un *un = (struct sockaddr_un *)(void *)&link->address;
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&link->address;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)(void *)&link->address;
    uint16_t port = options->port != 0 ? options->port : 6379;

    if (options->path != NULL) {
        if (strlen(options->path) >= sizeof(un->sun_path))
            return false;
        un->sun_family = AF_UNIX;
        strcpy(un->sun_path, options->path);
        link->address_len = sizeof(*un);
        return true;
    }
    if (options->address == NULL)
        return false;
    if (inet_pton(AF_INET, options->address, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        link->address_len = sizeof(*in);
        return true;
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    link->address_len = sizeof(*in6);
    return inet_pton(AF_INET6, options->address, &in6->sin6_addr) == 1;
}

static bool
set_prefix(struct link *link, const char *prefix)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t len = strlen(prefix);

    if (len == 0 || len >= sizeof(link->prefix) || strspn(prefix, allowed) != len)
        return false;
    strcpy(link->prefix, prefix);
    return true;
}

static int
copy_text(char **to, const char *from)
{
    if (from == NULL)
        return 0;
    *to = strdup(from);
    return *to != NULL ? 0 : SMTPSEC_E_NOMEM;
}

int
link_new(const struct store_redis_options *options, struct link **out)
{
    struct link *link = calloc(1, sizeof(*link));
    int r;

    if (link == NULL)
        return SMTPSEC_E_NOMEM;
    link->refs = 1;
    link->fd = -1;
    link->timeout_ms = options->timeout_ms > 0 ? options->timeout_ms : 200;
    link->retry_ms = options->retry_ms > 0 ? options->retry_ms : 1000;
    link->lease_ms = options->lease_ms > 0 ? options->lease_ms : 60000;
    r = copy_text(&link->user, options->user);
    if (r == 0)
        r = copy_text(&link->password, options->password);
    if (r == 0 && (!set_address(link, options) ||
                   !set_prefix(link, options->prefix != NULL ? options->prefix : "smtpsec")))
        r = SMTPSEC_E_INVALID;
    if (r != 0)
        link_unref(link);
    else
        *out = link;
    return r;
}

void
link_unref(struct link *link)
{
    if (link == NULL || --link->refs > 0)
        return;
    link_close(link);
    free(link->user);
    if (link->password != NULL)
        explicit_bzero(link->password, strlen(link->password));
    free(link->password);
    free(link);
}

void
link_name(const struct link *link, const char *what, char name[LINK_NAME_MAX])
{
    snprintf(name, LINK_NAME_MAX, "{%s}:%s", link->prefix, what);
}

/* ---- Commands ---- */

void
link_arg(struct link_args *args, const void *value, size_t len)
{
    static const char none[1];

    if ((size_t)args->count >= sizeof(args->values) / sizeof(args->values[0]))
        return;
    args->values[args->count] = len > 0 ? value : none;
    args->lengths[args->count++] = len;
}

void
link_arg_text(struct link_args *args, const char *text)
{
    link_arg(args, text, strlen(text));
}

bool
link_wait(const struct link *link, short events)
{
    struct pollfd poller = { .fd = link->fd, .events = events };
    int64_t left;
    int r;

    do {
        left = link->deadline - link_now();
        r = left > 0 ? poll(&poller, 1, (int)left) : 0;
    } while (r == -1 && errno == EINTR);
    return r == 1;
}

static const char *
send_all(struct link *link, const char *octets, size_t len)
{
    ssize_t n;

    while (len > 0) {
        n = send(link->fd, octets, len, MSG_NOSIGNAL);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno != EAGAIN)
            return strerror(errno);
        if (n == -1 && !link_wait(link, POLLOUT))
            return "no answer in time";
        if (n > 0) {
            octets += n;
            len -= (size_t)n;
        }
    }
    return NULL;
}

/* Read until there is a reply; *any tells whether the server said anything at all. */
static const char *
read_reply(struct link *link, redisReply **out, bool *any)
{
    char room[16384];
    void *reply = NULL;
    size_t total = 0;
    ssize_t n;

    for (;;) {
        if (redisReaderGetReply(link->reader, &reply) != REDIS_OK)
            return link->reader->errstr[0] != '\0' ? link->reader->errstr : "not a reply";
        if (reply != NULL)
            break;
        n = recv(link->fd, room, sizeof(room), 0);
        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1 && errno == EAGAIN) {
            if (!link_wait(link, POLLIN))
                return "no answer in time";
            continue;
        }
        if (n <= 0)
            return n == 0 ? "it hung up" : strerror(errno);
        *any = true;
        total += (size_t)n;
        /* One who sends an octet now and then is as slow as one who sends none. */
        if (total > REPLY_MAX || link_now() > link->deadline)
            return total > REPLY_MAX ? "too long a reply" : "no answer in time";
        if (redisReaderFeed(link->reader, room, (size_t)n) != REDIS_OK)
            return "no memory";
    }
    if (link->reader->pos != link->reader->len) {
        freeReplyObject(reply);
        return "more than was asked for";
    }
    *out = reply;
    return NULL;
}

const char *
link_exchange(struct link *link, const struct link_args *args, redisReply **out, bool *any)
{
    const char *values[80], *why;
    size_t lengths[80];
    char *command = NULL;
    int len;

    memcpy(values, args->values, sizeof(values));
    memcpy(lengths, args->lengths, sizeof(lengths));
    len = (int)redisFormatCommandArgv(&command, args->count, values, lengths);
    if (len < 0)
        return "no memory";
    why = send_all(link, command, (size_t)len);
    redisFreeCommand(command);
    return why != NULL ? why : read_reply(link, out, any);
}

/* ---- Operations ---- */

int
link_begin(struct link *link)
{
    link->deadline = link_now() + link->timeout_ms;
    /* In a child the connection is the parent's: two who speak on one understand nothing. */
    return link->fd != -1 && link->pid == getpid() ? 0 : link_open(link);
}

int
link_command(struct link *link, const struct link_args *args, bool again, redisReply **out)
{
    bool any = false;
    const char *why;
    int r;

    *out = NULL;
    if (link->fd == -1)
        return SMTPSEC_E_MEMORY;
    why = link_exchange(link, args, out, &any);
    if (why == NULL)
        return 0;
    /* A server that was restarted meanwhile: its old connection ends without a word. */
    if (!again || any || link_now() >= link->deadline)
        return link_fail(link, SMTPSEC_E_MEMORY, args->values[0], why);
    r = link_open(link);
    if (r != 0)
        return r;
    return link_command(link, args, false, out);
}

int
link_script(struct link *link, size_t script, const struct link_args *args, redisReply **out)
{
    struct link_args with = *args;
    int r;

    with.values[0] = "EVALSHA";
    with.lengths[0] = 7;
    with.values[1] = link->sha[script];
    with.lengths[1] = 40;
    r = link_command(link, &with, false, out);
    if (r != 0 || (*out)->type != REDIS_REPLY_ERROR || strncmp((*out)->str, "NOSCRIPT", 8) != 0)
        return r;
    /* Somebody has emptied its list of scripts; nothing was done. */
    freeReplyObject(*out);
    with.values[0] = "EVAL";
    with.lengths[0] = 4;
    with.values[1] = redis_scripts[script];
    with.lengths[1] = strlen(redis_scripts[script]);
    return link_command(link, &with, false, out);
}
