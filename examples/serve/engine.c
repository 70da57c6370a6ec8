/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine.h"

#include <string.h>

#include "../setup.h"
#include "../text.h"
#include "upkeep.h"

/* After an error of the library the loop must not turn in circles. */
#define PAUSE_MS 1000

void
serve_engine_events(struct serve_server *server)
{
    struct smtpsec_context *context = server->engine.context;

    while (smtpsec_event_next(context) == 1) {
        int32_t kind = smtpsec_event_kind(context);
        const char *domain = smtpsec_event_domain(context);

        if (kind > 0 && kind < SERVE_EVENT_KINDS)
            server->figures.events[kind]++;
        tool_say("event %s%s%s: %s", smtpsec_event_name(kind), domain[0] != '\0' ? " " : "", domain,
                 smtpsec_event_text(context));
    }
}

static void
set_timer(struct serve_server *server, int32_t ms)
{
    struct timeval after = {ms / 1000, ms % 1000 * 1000};

    if (ms < 0)
        evtimer_del(server->engine.timer);
    else
        evtimer_add(server->engine.timer, &after);
}

void
serve_engine_wait(struct serve_server *server)
{
    set_timer(server, smtpsec_timeout_ms(server->engine.context));
}

/* The context has something to do: evaluations may land in here. */
static void
turn(evutil_socket_t fd, short what, void *arg)
{
    struct serve_server *server = arg;
    int rc = smtpsec_process(server->engine.context);

    (void)fd;
    (void)what;
    serve_engine_events(server);
    if (rc != 0) {
        tool_say("%s", smtpsec_strerror(rc));
        event_del(server->engine.ready);
        set_timer(server, PAUSE_MS);
        return;
    }
    event_add(server->engine.ready, NULL);
    serve_engine_wait(server);
}

/* Make a context from what the options name now. Returns an exit code. */
static int
make_context(struct serve_server *server, struct smtpsec_context **out)
{
    struct smtpsec_anchors *anchors = NULL;
    int code = setup_anchors(server->options, &anchors);

    if (code == TOOL_OK)
        code = setup_context(server->options, SETUP_EVALUATE, anchors, out);
    smtpsec_anchors_free(anchors);
    return code;
}

static void
leave(struct serve_engine *engine)
{
    if (engine->ready != NULL)
        event_free(engine->ready);
    if (engine->timer != NULL)
        event_free(engine->timer);
    smtpsec_context_free(engine->context);
    memset(engine, 0, sizeof(*engine));
}

/* A context in the loop. Returns an exit code. */
static int
make(struct serve_server *server, struct serve_engine *engine)
{
    int code;

    memset(engine, 0, sizeof(*engine));
    code = make_context(server, &engine->context);
    if (code != TOOL_OK)
        return code;
    engine->ready = event_new(server->base, smtpsec_fd(engine->context), EV_READ | EV_PERSIST,
                              turn, server);
    engine->timer = evtimer_new(server->base, turn, server);
    if (engine->ready == NULL || engine->timer == NULL || event_add(engine->ready, NULL) != 0) {
        tool_say("out of memory");
        leave(engine);
        return TOOL_SYSTEM;
    }
    return TOOL_OK;
}

int
serve_engine_open(struct serve_server *server)
{
    int code = make(server, &server->engine);

    if (code == TOOL_OK)
        serve_engine_events(server);
    return code;
}

/* What it counted stays counted. */
static void
retire(struct serve_server *server)
{
    int32_t i;

    for (i = 1; i < SERVE_EVENT_KINDS; i++)
        server->figures.counters_before[i] +=
            smtpsec_context_counter(server->engine.context, i);
    serve_engine_events(server);
    leave(&server->engine);
}

void
serve_engine_reload(struct serve_server *server)
{
    struct serve_engine fresh;

    if (make(server, &fresh) != TOOL_OK) {
        server->figures.reload_failures++;
        tool_say("not reloaded: all stays as it was");
        return;
    }
    /* Nobody is told from now on what follows from the old settings. */
    serve_upkeep_recall(server);
    serve_flights_recall(&server->flights);
    retire(server);
    server->engine = fresh;
    serve_plans_clear(&server->plans);
    serve_flights_tick(&server->flights, serve_up_ms());
    serve_engine_events(server);
    serve_engine_wait(server);
    server->figures.reloads++;
    tool_say("reloaded");
}

void
serve_engine_close(struct serve_server *server)
{
    if (server->engine.context != NULL)
        retire(server);
}

/* ---- Flights ---- */

/* Called from inside smtpsec_process(). */
static void
done(void *user, int status, struct smtpsec_plan *plan)
{
    struct serve_flight *flight = user;
    struct serve_server *server = flight->flights->pilot.user;
    struct serve_plan *shared = NULL;
    int64_t now = smtpsec_context_now(server->engine.context);

    if (status == 0) {
        int64_t until = serve_plan_life(plan, flight->hurried, now);

        shared = serve_plan_new(plan);
        if (shared == NULL)
            status = SMTPSEC_E_NOMEM;
        else
            serve_plans_keep(&server->plans, flight->question.key, shared, until, now,
                             serve_up_s());
    }
    if (status != 0)
        server->figures.evaluation_failures++;
    serve_flights_land(flight, status, shared, serve_up_ms());
    serve_plan_release(shared);
}

static int
start(void *user, struct serve_flight *flight, int32_t deadline_ms)
{
    struct serve_server *server = user;
    const struct serve_question *question = &flight->question;
    struct smtpsec_destination *destination = NULL;
    struct smtpsec_request *request = NULL;
    int rc = smtpsec_destination_new(question->domain, &destination);

    if (rc == 0 && question->relay[0] != '\0')
        rc = smtpsec_destination_set_relay(destination, question->relay);
    if (rc == 0 && question->port != 25)
        rc = smtpsec_destination_set_port(destination, question->port);
    if (rc == 0)
        rc = smtpsec_start(server->engine.context, destination, deadline_ms, done, flight,
                           &request);
    smtpsec_destination_free(destination);
    if (rc != 0) {
        server->figures.evaluation_failures++;
        return rc;
    }
    flight->evaluation = request;
    server->figures.evaluations++;
    serve_engine_wait(server);
    return 0;
}

static void
stop(void *user, struct serve_flight *flight)
{
    (void)user;
    smtpsec_cancel(flight->evaluation);
}

void
serve_engine_pilot(struct serve_server *server, struct serve_pilot *pilot)
{
    pilot->start = start;
    pilot->stop = stop;
    pilot->user = server;
}
