/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec serve: the socketmap service for an unmodified Postfix. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <smtpsec.h>

#include "../commands.h"
#include "../text.h"
#include "accept.h"
#include "answer.h"
#include "client.h"
#include "engine.h"
#include "notify.h"
#include "page.h"
#include "privileges.h"
#include "server.h"
#include "upkeep.h"

/* Postfix waits 100 s for a reply; what is left is for a reload on the way. */
#define TIMEOUT_MOST_MS 75000
/* Evaluations in the queue for each that may run. */
#define QUEUE_FACTOR 10
/* Descriptors of one evaluation at most, about; and those of everything else. */
#define EVALUATION_FDS 8
#define OTHER_FDS 128
/* How long --check waits to learn whether the resolver validates. */
#define CHECK_MS 10000

int64_t
serve_up_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
serve_up_ms(void)
{
    return serve_up_us() / 1000;
}

int64_t
serve_up_s(void)
{
    return serve_up_us() / 1000000;
}

/* ---- Its end ---- */

static void
stop_in(struct serve_server *server, int seconds)
{
    const struct timeval after = {seconds, 0};

    evtimer_add(server->stop_timer, &after);
}

/* First evaluations had time to end, then clients to read their replies. */
static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
    struct serve_server *server = arg;

    (void)fd;
    (void)what;
    if (server->stopping == 1) {
        server->stopping = 2;
        serve_flights_end(&server->flights, SMTPSEC_E_LIMIT);
        stop_in(server, SERVE_STOP_FLUSH_S);
        return;
    }
    event_base_loopexit(server->base, NULL);
}

static void
on_stop(evutil_socket_t sig, short what, void *arg)
{
    struct serve_server *server = arg;

    (void)sig;
    (void)what;
    if (server->stopping)
        return;
    serve_notify("STOPPING=1");
    tool_say("stopping");
    server->stopping = 1;
    serve_accept_end(server);
    serve_upkeep_end(server);
    serve_clients_finish(server);
    stop_in(server, SERVE_STOP_S);
    if (server->client_count == 0)
        event_base_loopexit(server->base, NULL);
}

/* ---- Its life ---- */

static void
on_reload(evutil_socket_t sig, short what, void *arg)
{
    struct serve_server *server = arg;

    (void)sig;
    (void)what;
    if (server->stopping)
        return;
    serve_notify_reloading();
    serve_engine_reload(server);
    serve_notify("READY=1");
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct serve_server *server = arg;

    (void)fd;
    (void)what;
    serve_flights_tick(&server->flights, serve_up_ms());
}

static int
begin_events(struct serve_server *server)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    const struct timeval second = {1, 0};
    size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        server->signals[i] = evsignal_new(server->base, numbers[i],
                                          numbers[i] == SIGHUP ? on_reload : on_stop, server);
        if (server->signals[i] == NULL || event_add(server->signals[i], NULL) != 0)
            return TOOL_SYSTEM;
    }
    server->stop_timer = evtimer_new(server->base, on_stop_timer, server);
    server->tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
    if (server->stop_timer == NULL || server->tick == NULL ||
        event_add(server->tick, &second) != 0)
        return TOOL_SYSTEM;
    return TOOL_OK;
}

static int
begin_tables(struct serve_server *server)
{
    const struct serve_settings *settings = &server->options->serve;
    struct serve_pilot pilot;
    uint64_t seeds[2] = {0, 0};

    if (getrandom(seeds, sizeof(seeds), 0) != (ssize_t)sizeof(seeds))
        return TOOL_SYSTEM;
    serve_engine_pilot(server, &pilot);
    server->flights.most_running = settings->evaluations;
    server->flights.most_queued = settings->evaluations * QUEUE_FACTOR;
    server->flights.timeout_ms = server->options->timeout_ms;
    if (serve_flights_init(&server->flights, &pilot, &server->peers, seeds[0]) != 0 ||
        serve_plans_init(&server->plans, settings->plans, seeds[1]) != 0)
        return TOOL_SYSTEM;
    return TOOL_OK;
}

static int
begin(struct serve_server *server)
{
    server->base = event_base_new();
    if (server->base == NULL || begin_tables(server) != TOOL_OK ||
        begin_events(server) != TOOL_OK) {
        tool_say("out of memory, or of descriptors");
        return TOOL_SYSTEM;
    }
    return serve_engine_open(server);
}

static int
run(struct serve_server *server)
{
    int code = serve_upkeep_begin(server);

    if (code == TOOL_OK)
        code = serve_accept_begin(server);
    if (code != TOOL_OK)
        return code;
    serve_notify("READY=1\nSTATUS=answering");
    tool_say("answering");
    if (event_base_dispatch(server->base) < 0) {
        tool_say("the event loop failed");
        return TOOL_SYSTEM;
    }
    return TOOL_OK;
}

/* Until the process ends: with its handler gone a late signal would kill it on its way out. */
static void
hear_no_signal(void)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
}

static void
end(struct serve_server *server)
{
    size_t i;

    hear_no_signal();
    server->stopping = 2;
    serve_upkeep_end(server);
    serve_clients_end(server);
    serve_pages_end(server);
    serve_accept_end(server);
    serve_flights_free(&server->flights);
    serve_plans_free(&server->plans);
    serve_peers_free(&server->peers);
    serve_engine_close(server);
    for (i = 0; i < sizeof(server->signals) / sizeof(server->signals[0]); i++) {
        if (server->signals[i] != NULL)
            event_free(server->signals[i]);
    }
    if (server->stop_timer != NULL)
        event_free(server->stop_timer);
    if (server->tick != NULL)
        event_free(server->tick);
    if (server->base != NULL)
        event_base_free(server->base);
    libevent_global_shutdown();
}

/* ---- Try everything, serve nobody ---- */

/* An evaluation, of a name that never exists (RFC 6761), makes the library ask the resolver. */
static int
ask_resolver(struct smtpsec_context *context)
{
    struct smtpsec_plan *plan = NULL;
    int rc = smtpsec_evaluate(context, "check.invalid", CHECK_MS, &plan);
    int64_t end_ms = serve_up_ms() + CHECK_MS;

    smtpsec_plan_free(plan);
    while (rc == 0 && smtpsec_context_dnssec(context) == SMTPSEC_DNSSEC_UNKNOWN &&
           serve_up_ms() < end_ms) {
        struct pollfd p = {smtpsec_fd(context), POLLIN, 0};

        poll(&p, 1, 100);
        rc = smtpsec_process(context);
    }
    return rc;
}

static int
try_all(struct serve_server *server)
{
    struct smtpsec_context *context = server->engine.context;
    int rc = ask_resolver(context);
    int32_t dnssec = smtpsec_context_dnssec(context);
    int32_t memory = smtpsec_context_memory_state(context);

    serve_engine_events(server);
    if (rc != 0) {
        tool_say("%s", smtpsec_strerror(rc));
        return tool_exit_of_error(rc);
    }
    printf("resolver %s\nmemory %s\n", smtpsec_dnssec_name(dnssec),
           smtpsec_memory_state_name(memory));
    return dnssec == SMTPSEC_DNSSEC_VALIDATES &&
                   (memory == SMTPSEC_MEMORY_OK || memory == SMTPSEC_MEMORY_OFF)
               ? TOOL_OK
               : TOOL_FAIL;
}

/* ---- The command ---- */

static const char *
wrong_use(const struct tool_options *options)
{
    if (options->operand_count > 0)
        return "no operand is wanted here";
    if (options->timeout_ms > TIMEOUT_MOST_MS)
        return "--timeout: at most 75: Postfix waits for 100 seconds";
    return NULL;
}

static int
has_clients(const struct serve_sockets *sockets)
{
    size_t i = 0;

    while (i < sockets->count && sockets->list[i].metrics)
        i++;
    return i < sockets->count;
}

/*
 * Connections must not take the descriptors that evaluations need: all would be
 * told TEMP. Where there are too few, connections have half of them at least.
 */
static void
share_descriptors(struct serve_settings *settings)
{
    size_t others = settings->evaluations * EVALUATION_FDS + OTHER_FDS;
    size_t limit = serve_need_descriptors(settings->connections + others);
    size_t left = limit - (others < limit / 2 ? others : limit / 2);

    if (left >= settings->connections)
        return;
    settings->connections = left;
    tool_say("so no more than %zu connections", left);
}

/* As the user who started us: the sockets. As the one who is to serve: all else. */
static int
open_all(struct serve_server *server)
{
    const struct serve_settings *settings = &server->options->serve;
    int code = settings->only_try ? TOOL_OK : serve_listen(settings, &server->sockets);

    if (code == TOOL_OK && !settings->only_try && !has_clients(&server->sockets))
        return options_usage(COMMAND_SERVE, "where? give --listen");
    if (code != TOOL_OK)
        return code;
    share_descriptors(&server->options->serve);
    if (settings->user != NULL)
        code = serve_become(settings->user);
    return code == TOOL_OK ? begin(server) : code;
}

int
serve_command(struct tool_options *options)
{
    struct serve_server server;
    const char *wrong = wrong_use(options);
    int code;

    if (wrong != NULL)
        return options_usage(COMMAND_SERVE, wrong);
    memset(&server, 0, sizeof(server));
    server.options = options;
    options->prepare = serve_answer_options;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* nothing is to be read anew before it has been read */
    code = open_all(&server);
    if (code == TOOL_OK)
        code = options->serve.only_try ? try_all(&server) : run(&server);
    end(&server);
    return code;
}
