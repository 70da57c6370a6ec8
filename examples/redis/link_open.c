/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a connection begins: socket, reader, log-in, whose memory is there, scripts. */
#include "link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "scripts.h"

#define ELEMENTS_MAX 1024
/* The first words of the value that says whose memory this is; then 32 digits. */
#define FORMAT "smtpsec-1 "

#if HIREDIS_MAJOR < 1
/* A server that announces two thousand million elements would have room made for them. */
static void *
bounded_array(const redisReadTask *task, int elements)
{
    const struct link *link = task->privdata;

    if (elements < 0 || elements > ELEMENTS_MAX)
        return NULL;
    return ((void *(*)(const redisReadTask *, int))link->make_array)(task, elements);
}
#endif

static bool
new_reader(struct link *link)
{
    link->reader = redisReaderCreate();
    if (link->reader == NULL)
        return false;
#if HIREDIS_MAJOR < 1
    link->makers = *link->reader->fn;
    link->make_array = (void (*)(void))link->makers.createArray;
    link->makers.createArray = bounded_array;
    link->reader->fn = &link->makers;
    link->reader->privdata = link;
#else
    link->reader->maxelements = ELEMENTS_MAX;
#endif
    return true;
}

static const char *
open_socket(struct link *link)
{
    int one = 1, failed = 0;
    socklen_t len = sizeof(failed);

    link->fd = socket(link->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (link->fd == -1)
        return strerror(errno);
    if (link->address.ss_family != AF_UNIX)
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(link->fd, (struct sockaddr *)&link->address, link->address_len) == 0)
        return NULL;
    if (errno != EINPROGRESS)
        return strerror(errno);
    if (!link_wait(link, POLLOUT))
        return "no answer in time";
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failed, &len) == -1)
        return strerror(errno);
    return failed != 0 ? strerror(failed) : NULL;
}

/* A command while connecting: an error of Redis's is a failure. */
static int
ask(struct link *link, const struct link_args *args, redisReply **out)
{
    bool any = false;
    const char *why = link_exchange(link, args, out, &any);

    if (why != NULL)
        return link_fail(link, SMTPSEC_E_MEMORY, "connecting", why);
    if ((*out)->type == REDIS_REPLY_ERROR) {
        link_fail(link, SMTPSEC_E_MEMORY, "refused", (*out)->str);
        freeReplyObject(*out);
        *out = NULL;
        return SMTPSEC_E_MEMORY;
    }
    return 0;
}

static int
log_in(struct link *link)
{
    struct link_args args = { 0 };
    redisReply *reply = NULL;
    int r;

    if (link->password == NULL)
        return 0;
    link_arg_text(&args, "AUTH");
    if (link->user != NULL)
        link_arg_text(&args, link->user);
    link_arg_text(&args, link->password);
    r = ask(link, &args, &reply);
    freeReplyObject(reply);
    return r;
}

static int
load_scripts(struct link *link)
{
    struct link_args args;
    redisReply *reply;
    size_t i;
    int r = 0;

    for (i = 0; r == 0 && i < LINK_SCRIPTS; i++) {
        memset(&args, 0, sizeof(args));
        reply = NULL;
        link_arg_text(&args, "SCRIPT");
        link_arg_text(&args, "LOAD");
        link_arg_text(&args, redis_scripts[i]);
        r = ask(link, &args, &reply);
        if (r == 0 && (reply->type != REDIS_REPLY_STRING || reply->len != 40))
            r = link_fail(link, SMTPSEC_E_MEMORY, "SCRIPT LOAD", "not a digest");
        if (r == 0)
            memcpy(link->sha[i], reply->str, 41);
        freeReplyObject(reply);
    }
    return r;
}

/* Which memory is this? Everyone who finds none offers an identity; one wins. */
static int
ask_id(struct link *link, bool offer, char id[48])
{
    struct link_args args = { 0 };
    redisReply *reply = NULL;
    char name[LINK_NAME_MAX], own[48];
    uint64_t random[2];
    int r;

    link_name(link, "id", name);
    link_arg_text(&args, offer ? "SET" : "GET");
    link_arg_text(&args, name);
    if (offer) {
        if (getrandom(random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
            return link_fail(link, SMTPSEC_E_MEMORY, "connecting", "no random numbers");
        snprintf(own, sizeof(own), FORMAT "%016llx%016llx", (unsigned long long)random[0],
                 (unsigned long long)random[1]);
        link_arg_text(&args, own);
        link_arg_text(&args, "NX");
    }
    r = ask(link, &args, &reply);
    id[0] = '\0';
    if (r == 0 && !offer && reply->type == REDIS_REPLY_STRING) {
        if (reply->len != strlen(FORMAT) + 32 || memcmp(reply->str, FORMAT, strlen(FORMAT)) != 0)
            r = link_fail(link, SMTPSEC_E_MEMORY, name, "not a memory of this format");
        else
            memcpy(id, reply->str, reply->len + 1);
    }
    freeReplyObject(reply);
    return r;
}

static int
find_memory(struct link *link)
{
    char id[48];
    int r = ask_id(link, false, id);

    if (r == 0 && id[0] == '\0') {
        r = ask_id(link, true, id);
        if (r == 0)
            r = ask_id(link, false, id);
    }
    if (r == 0 && id[0] == '\0')
        r = link_fail(link, SMTPSEC_E_MEMORY, "connecting", "it keeps nothing");
    if (r != 0)
        return r;
    /* What was known is gone: emptied, restarted without its file, or another server. */
    if (link->id[0] != '\0' && strcmp(link->id, id) != 0)
        link->other = true;
    strcpy(link->id, id);
    return 0;
}

int
link_open(struct link *link)
{
    const char *why;
    int r;

    link_close(link);
    why = open_socket(link);
    if (why != NULL)
        return link_fail(link, SMTPSEC_E_MEMORY, "connecting", why);
    if (!new_reader(link)) {
        link_close(link);
        return SMTPSEC_E_NOMEM;
    }
    link->pid = getpid();
    r = log_in(link);
    if (r == 0)
        r = find_memory(link);
    return r == 0 ? load_scripts(link) : r;
}
