/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The refresh runs in the loop beside all else. To clear up the memory reads
 * all of it, seconds for a large one, and nothing of the library gives way
 * meanwhile: another process does that, `smtpsec memory prune`.
 */
#include "upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../text.h"
#include "engine.h"

/* Policies in one round at most: four at once, so all fit into an hour even when all are slow. */
#define REFRESH_MOST 240
/* The first round comes early, for what became due while nobody ran. */
#define FIRST_S 5
/* Time for a round of the refresh, at least. */
#define REFRESH_S 60
#define PRUNE_S 86400

extern char **environ;

static void
set_round(struct serve_server *server, int32_t seconds)
{
    struct timeval after = {seconds, 0};

    evtimer_add(server->upkeep_timer, &after);
}

/* Called from inside smtpsec_process(). */
static void
refreshed(void *user, int status, size_t done, size_t failed, size_t removed)
{
    struct serve_server *server = user;

    server->refreshing = NULL;
    server->figures.refreshed += done;
    server->figures.refresh_failures += failed;
    server->figures.policies_removed += removed;
    if (status != 0)
        tool_say("refresh: %s", smtpsec_strerror(status));
    else if (done + failed + removed > 0)
        tool_say("refreshed %zu, failed %zu, removed %zu", done, failed, removed);
}

static void
refresh(struct serve_server *server)
{
    int32_t seconds = server->options->serve.upkeep_s;
    int rc;

    if (server->refreshing != NULL)
        return;
    rc = smtpsec_refresh_start(server->engine.context, REFRESH_MOST,
                               (seconds < REFRESH_S ? REFRESH_S : seconds) * 1000, refreshed,
                               server, &server->refreshing);
    server->figures.refresh_rounds++;
    if (rc != 0)
        tool_say("refresh: %s", smtpsec_strerror(rc));
    serve_engine_wait(server);
}

/* `smtpsec memory prune`, by this same program, which an upgrade may have taken away since. */
static int
spawn_prune(const struct tool_options *options, pid_t *pid)
{
    char program[4096], now[24];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    const char *words[12] = {"smtpsec", "memory", "prune", "--memory", options->memory};
    size_t count = 5;
    posix_spawn_file_actions_t actions;
    int error;

    if (len <= 0)
        return errno != 0 ? errno : ENOENT;
    program[len] = '\0';
    if (access(program, X_OK) != 0)
        snprintf(program, sizeof(program), "/proc/self/exe");
    if (options->policy != NULL) {
        words[count++] = "--policy";
        words[count++] = options->policy;
    }
    if (options->has_now) {
        snprintf(now, sizeof(now), "%lld", (long long)options->now);
        words[count++] = "--now";
        words[count++] = now;
    }
    words[count] = NULL;
    error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (error == 0)
        error = posix_spawn(pid, program, &actions, NULL, (char *const *)(const void *)words,
                            environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void
prune(struct serve_server *server)
{
    pid_t pid = 0;
    int error;

    if (server->prune_pid != 0)
        return;
    error = spawn_prune(server->options, &pid);
    if (error != 0) {
        server->figures.prune_failures++;
        tool_say("memory prune: %s", strerror(error));
        return;
    }
    server->prune_pid = pid;
}

static void
on_child(evutil_socket_t fd, short what, void *arg)
{
    struct serve_server *server = arg;
    int status = 0;

    (void)fd;
    (void)what;
    if (server->prune_pid == 0 || waitpid(server->prune_pid, &status, WNOHANG) <= 0)
        return;
    server->prune_pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        server->figures.prunes++;
    else
        server->figures.prune_failures++;
}

static void
on_round(evutil_socket_t fd, short what, void *arg)
{
    struct serve_server *server = arg;
    uint64_t rounds_a_day = PRUNE_S / (uint64_t)server->options->serve.upkeep_s;

    (void)fd;
    (void)what;
    refresh(server);
    if (server->upkeep_rounds++ % (rounds_a_day > 0 ? rounds_a_day : 1) == 0)
        prune(server);
    set_round(server, server->options->serve.upkeep_s);
}

int
serve_upkeep_begin(struct serve_server *server)
{
    int32_t first = server->options->serve.upkeep_s;

    if (server->options->memory == NULL)
        return TOOL_OK;
    server->upkeep_timer = evtimer_new(server->base, on_round, server);
    server->child_signal = evsignal_new(server->base, SIGCHLD, on_child, server);
    if (server->upkeep_timer == NULL || server->child_signal == NULL ||
        event_add(server->child_signal, NULL) != 0) {
        tool_say("out of memory");
        return TOOL_SYSTEM;
    }
    set_round(server, first < FIRST_S ? first : FIRST_S);
    return TOOL_OK;
}

void
serve_upkeep_recall(struct serve_server *server)
{
    smtpsec_refresh_cancel(server->refreshing);
    server->refreshing = NULL;
}

void
serve_upkeep_end(struct serve_server *server)
{
    serve_upkeep_recall(server);
    if (server->prune_pid != 0)
        kill(server->prune_pid, SIGTERM);
    if (server->upkeep_timer != NULL)
        event_free(server->upkeep_timer);
    if (server->child_signal != NULL)
        event_free(server->child_signal);
    server->upkeep_timer = NULL;
    server->child_signal = NULL;
}
