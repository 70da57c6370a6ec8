/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "server.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store_support.h"

const char *
server_program(void)
{
    const char *program = getenv("REDIS_SERVER");

    if (program != NULL && access(program, X_OK) == 0)
        return program;
    printf("1..0 # SKIP no redis-server on this machine (REDIS_SERVER names it)\n");
    return NULL;
}

/* Before any main: none of these tests says anything without a server. */
__attribute__((constructor)) static void
leave_without(void)
{
    if (server_program() == NULL) {
        fflush(NULL);
        _exit(77);
    }
}

static void
become(const struct server *server)
{
    const char *words[40] = { server_program(), "--port", "0", "--unixsocket", server->path,
                              "--dir", server->directory, "--save", "", "--logfile", "log",
                              "--appendonly", server->durable ? "yes" : "no",
                              "--appendfsync", "always", "--enable-debug-command", "yes" };
    size_t at = 17, i;

    for (i = 0; i < 6 && server->more[i] != NULL; i++)
        words[at++] = server->more[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid(); /* a Ctrl-C is for the test */
    /* exec takes what it will not change as what it may. */
    execv(words[0], (char *const *)(void *)words);
    _exit(127);
}

/* Does it answer? */
static bool
up(const struct server *server)
{
    redisContext *c = redisConnectUnix(server->path);
    redisReply *reply = c != NULL && c->err == 0 ? redisCommand(c, "PING") : NULL;
    bool fine = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    freeReplyObject(reply);
    redisFree(c);
    return fine;
}

void
server_again(struct server *server)
{
    static const struct timespec pause = { 0, 10000000 };
    int i;

    fflush(NULL);
    server->pid = fork();
    assert_true(server->pid >= 0);
    if (server->pid == 0)
        become(server);
    for (i = 0; i < 2000 && !up(server); i++) {
        assert_int_equal(waitpid(server->pid, NULL, WNOHANG), 0);
        nanosleep(&pause, NULL);
    }
    assert_true(i < 2000);
}

void
server_start(struct server *server)
{
    strcpy(server->directory, "/tmp/smtpsec-redis.XXXXXX");
    assert_non_null(mkdtemp(server->directory));
    snprintf(server->path, sizeof(server->path), "%s/socket", server->directory);
    server_again(server);
}

void
server_kill(struct server *server)
{
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
}

void
server_end(struct server *server)
{
    char command[128];

    if (server->pid > 0)
        server_kill(server);
    snprintf(command, sizeof(command), "rm -r %s", server->directory);
    assert_int_equal(system(command), 0);
}

long long
server_say(const struct server *server, int count, const char *const *words)
{
    redisContext *c = redisConnectUnix(server->path);
    redisReply *reply;
    const char *argv[16];
    long long n;
    int i;

    assert_true(count <= 16);
    for (i = 0; i < count; i++)
        argv[i] = words[i];
    assert_true(c != NULL && c->err == 0);
    reply = redisCommandArgv(c, count, argv, NULL);
    assert_non_null(reply);
    if (reply->type == REDIS_REPLY_ERROR)
        fail_msg("%s: %s", words[0], reply->str);
    n = reply->type == REDIS_REPLY_INTEGER ? reply->integer
        : reply->type == REDIS_REPLY_NIL   ? -1
                                           : (long long)reply->len;
    freeReplyObject(reply);
    redisFree(c);
    return n;
}

struct ss_store *
server_store(const struct server *server, const char *prefix, int timeout_ms)
{
    struct store_redis_options options = { .path = server->path, .prefix = prefix,
                                           .timeout_ms = timeout_ms, .retry_ms = 50 };
    struct ss_store *store = NULL;

    assert_int_equal(store_redis_open(&options, &store), 0);
    if (store->state != SMTPSEC_MEMORY_OK)
        fail_msg("%s", store->error.text);
    return store;
}
