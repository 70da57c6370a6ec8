/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "../text.h"
#include "accept.h"
#include "answer.h"
#include "netstring.h"
#include "question.h"

/* Requests of one connection that are taken and not answered. */
#define SLOTS 16
/* socketmap_table(5) allows that much. */
#define QUERY_OCTETS 10000
/* Read ahead: a whole request must find room. */
#define INPUT_OCTETS 16384
/* No further reply is made while so much waits to be read by the client. */
#define OUTPUT_OCTETS 131072
/* For the second half of a request, and for a client to read anything of its replies. */
#define STALL_S 30

enum { SLOT_WAITS = 0, SLOT_READY = 1 };

static const char no_demand[] = "NOTFOUND ";

struct slot {
    struct serve_waiter waiter; /* first: it is cast back */
    struct serve_client *client;
    int state;
    int dialect;
    int status;
    const char *reply;       /* static, or NULL: by the plan or the status */
    struct serve_plan *plan;
    int64_t begun_us;
    int64_t ready_s;
    uint64_t reloads;    /* when the plan was had */
    char asked[100];     /* for the log, safe to print */
    char key[SERVE_KEY]; /* to ask once more */
};

struct serve_client {
    struct serve_server *server;
    struct serve_client *next;
    struct serve_client *previous;
    struct serve_peer *peer;
    struct bufferevent *stream;
    struct event *half;  /* half a request has come */
    struct event *wake;  /* a slot became ready */
    struct slot slots[SLOTS]; /* a ring */
    size_t first;
    size_t count;
    int is_unix;
    int input_ended; /* what has come is answered, more is not read */
    int half_waits;
    int cause; /* SERVE_END_* to be counted */
};

static void
client_free(struct serve_client *client)
{
    struct serve_server *server = client->server;
    size_t i;

    for (i = 0; i < client->count; i++) {
        struct slot *slot = &client->slots[(client->first + i) % SLOTS];

        serve_flights_leave(&slot->waiter, serve_up_ms());
        serve_plan_release(slot->plan);
    }
    if (client->next != NULL)
        client->next->previous = client->previous;
    if (client->previous != NULL)
        client->previous->next = client->next;
    else
        server->clients = client->next;
    client->peer->connections--;
    serve_peers_settle(&server->peers, client->peer);
    bufferevent_free(client->stream);
    event_free(client->half);
    event_free(client->wake);
    server->figures.ends[client->cause]++;
    free(client);
    server->client_count--;
    if (server->stopping && server->client_count == 0)
        event_base_loopexit(server->base, NULL); /* nobody is left to be answered */
    serve_accept_more(server);
}

static void
client_end(struct serve_client *client, int cause)
{
    client->cause = cause;
    client_free(client);
}

/* ---- Requests ---- */

static void
ready(struct slot *slot, int status, struct serve_plan *plan)
{
    slot->state = SLOT_READY;
    slot->status = status;
    slot->plan = plan;
    slot->ready_s = serve_up_s();
    slot->reloads = slot->client->server->figures.reloads;
}

/* An evaluation has landed. Nothing is sent from in here: the client's turn comes. */
static void
landed(struct serve_waiter *waiter, int status, struct serve_plan *plan)
{
    struct slot *slot = (struct slot *)(void *)waiter;

    ready(slot, status, plan);
    event_active(slot->client->wake, EV_TIMEOUT, 1);
}

/* Fill in what is known at once: a static reply, a plan kept, or else wait for an evaluation. */
static void
ask(struct slot *slot, const struct serve_question *question)
{
    struct serve_client *client = slot->client;
    struct serve_server *server = client->server;
    struct serve_plan *plan;
    int rc = 0;

    ready(slot, 0, NULL);
    if (question->asks == SERVE_REPLY) {
        slot->reply = question->reply;
        return;
    }
    snprintf(slot->key, sizeof(slot->key), "%s", question->key);
    plan = serve_plans_find(&server->plans, question->key,
                            smtpsec_context_now(server->engine.context), serve_up_s());
    if (plan != NULL) {
        server->figures.cache_hits++;
        ready(slot, 0, plan);
        return;
    }
    /* Once evaluations have been ended by a stop, no other begins. */
    rc = server->stopping == 2 ? SMTPSEC_E_LIMIT
                               : serve_flights_join(&server->flights, question, client->peer,
                                                    &slot->waiter, serve_up_ms());
    ready(slot, rc, NULL);
    if (rc == 0)
        slot->state = SLOT_WAITS;
    else if (rc == SMTPSEC_E_LIMIT)
        server->figures.queue_refusals++;
}

/*
 * A plan may have waited in here for the reply to an earlier request: it is not
 * answered from after a reload, nor when it has expired meanwhile. (One that
 * expires as it is made is answered from at once.)
 */
static int
outdated(const struct slot *slot)
{
    const struct serve_server *server = slot->client->server;
    int64_t waited_s = serve_up_s() - slot->ready_s;
    int64_t now;

    if (slot->plan == NULL)
        return 0;
    if (slot->reloads != server->figures.reloads)
        return 1;
    now = smtpsec_context_now(server->engine.context);
    return waited_s >= SERVE_PLAN_LIFE ||
           (waited_s > 1 && now >= smtpsec_plan_expires(serve_plan_get(slot->plan)));
}

static void
ask_again(struct slot *slot)
{
    struct serve_question question;
    char request[SERVE_KEY + 10];
    int len = snprintf(request, sizeof(request), "smtpsec %s", slot->key);

    serve_plan_release(slot->plan);
    slot->plan = NULL;
    serve_question_parse(request, (size_t)len, &question);
    ask(slot, &question);
}

static void
take(struct serve_client *client, const char *octets, size_t len)
{
    struct slot *slot = &client->slots[(client->first + client->count++) % SLOTS];
    struct serve_question question;

    memset(slot, 0, sizeof(*slot));
    memset(&question, 0, sizeof(question));
    slot->client = client;
    slot->waiter.landed = landed;
    slot->begun_us = serve_up_us();
    text_escape(slot->asked, sizeof(slot->asked), octets, len);
    serve_question_parse(octets, len, &question);
    slot->dialect = question.dialect;
    ask(slot, &question);
}

/* Take the request in front of the input. Returns SERVE_NETSTRING_*. */
static int
take_next(struct serve_client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->stream);
    size_t len = evbuffer_get_length(input);
    struct serve_netstring found;
    const char *octets;
    int rc;

    if (len > QUERY_OCTETS + SERVE_NETSTRING_AROUND)
        len = QUERY_OCTETS + SERVE_NETSTRING_AROUND;
    if (len == 0)
        return SERVE_NETSTRING_MORE;
    octets = (const char *)evbuffer_pullup(input, (ev_ssize_t)len);
    if (octets == NULL)
        return SERVE_NETSTRING_BROKEN;
    rc = serve_netstring_read(octets, len, QUERY_OCTETS, &found);
    if (rc != SERVE_NETSTRING_WHOLE)
        return rc;
    take(client, octets + found.start, found.len);
    evbuffer_drain(input, found.taken);
    return rc;
}

/* ---- Replies ---- */

/* A report has no other purpose than to be read. */
static void
tell_reply(const struct serve_client *client, const struct slot *slot, const char *reply,
           int64_t took_us)
{
    int would = slot->dialect == SERVE_REPORT && strcmp(reply, no_demand) != 0;
    char shown[400];

    if (!would && !client->server->options->verbose)
        return;
    text_escape(shown, sizeof(shown), reply, strlen(reply));
    tool_say("%s: '%s': %s%s (%lld ms)", client->peer->name, slot->asked,
             would ? "would say " : "", shown, (long long)took_us / 1000);
}

static int
send_reply(struct serve_client *client, const struct slot *slot, const char *reply)
{
    struct evbuffer *output = bufferevent_get_output(client->stream);
    int64_t took_us = serve_up_us() - slot->begun_us;

    serve_figures_reply(&client->server->figures, slot->dialect, reply, took_us);
    tell_reply(client, slot, reply, took_us);
    if (slot->dialect == SERVE_REPORT)
        reply = no_demand;
    return evbuffer_add_printf(output, "%zu:%s,", strlen(reply), reply) < 0 ? -1 : 0;
}

/* Answer the oldest request. Returns 0, or -1 without memory. */
static int
answer(struct serve_client *client)
{
    struct slot *slot = &client->slots[client->first];
    const char *reply = slot->reply;
    char *made = NULL;
    int rc = slot->status;

    if (reply == NULL && rc == 0) {
        rc = serve_answer(serve_plan_get(slot->plan), slot->dialect, &made);
        reply = made;
    }
    if (rc != 0)
        reply = serve_answer_error(rc);
    rc = send_reply(client, slot, reply);
    free(made);
    serve_plan_release(slot->plan);
    slot->plan = NULL;
    client->first = (client->first + 1) % SLOTS;
    client->count--;
    return rc;
}

/* ---- A client's turn ---- */

static void
wait_for_half(struct serve_client *client, int waits)
{
    const struct timeval stall = {STALL_S, 0};

    if (waits == client->half_waits)
        return;
    client->half_waits = waits;
    if (waits)
        evtimer_add(client->half, &stall);
    else
        evtimer_del(client->half);
}

/* Answer what can be answered and take what can be taken, as long as either goes on. */
static int
work(struct serve_client *client)
{
    struct evbuffer *output = bufferevent_get_output(client->stream);
    int rc;

    for (;;) {
        int full = evbuffer_get_length(output) >= OUTPUT_OCTETS;

        if (client->count > 0 && client->slots[client->first].state == SLOT_READY && !full) {
            if (outdated(&client->slots[client->first]))
                ask_again(&client->slots[client->first]);
            else if (answer(client) != 0)
                return -1;
            continue;
        }
        if (client->count == SLOTS || full)
            return SERVE_NETSTRING_WHOLE;
        rc = take_next(client);
        if (rc == SERVE_NETSTRING_MORE)
            return rc;
        if (rc == SERVE_NETSTRING_BROKEN) {
            /* Where the next one begins nobody can know. What came before is answered. */
            client->cause = SERVE_END_MALFORMED;
            client->input_ended = 1;
            evbuffer_drain(bufferevent_get_input(client->stream),
                           evbuffer_get_length(bufferevent_get_input(client->stream)));
            return SERVE_NETSTRING_MORE;
        }
        wait_for_half(client, 0);
    }
}

/* May free the client. */
static void
turn(struct serve_client *client)
{
    int more = work(client);
    size_t unread;

    if (more < 0) {
        client_end(client, SERVE_END_ERROR);
        return;
    }
    unread = evbuffer_get_length(bufferevent_get_input(client->stream));
    if (client->input_ended && more == SERVE_NETSTRING_MORE && client->count == 0 &&
        evbuffer_get_length(bufferevent_get_output(client->stream)) == 0) {
        client_free(client);
        return;
    }
    /* Not read any further while there is no room for it; nothing is dropped. */
    if (client->input_ended || more != SERVE_NETSTRING_MORE)
        bufferevent_disable(client->stream, EV_READ);
    else
        bufferevent_enable(client->stream, EV_READ);
    wait_for_half(client, !client->input_ended && more == SERVE_NETSTRING_MORE && unread > 0);
}

static void
on_data(struct bufferevent *stream, void *arg)
{
    (void)stream;
    turn(arg);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    turn(arg);
}

static void
on_half(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    client_end(arg, SERVE_END_STALLED);
}

/* Nobody is left to read, as against one who only has no more to say. */
static int
gone(const struct serve_client *client)
{
    struct pollfd p = {bufferevent_getfd(client->stream), 0, 0};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0;
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
    struct serve_client *client = arg;

    (void)stream;
    if (what & BEV_EVENT_TIMEOUT) {
        client_end(client, SERVE_END_STALLED);
    } else if ((what & BEV_EVENT_EOF) && !gone(client)) {
        client->input_ended = 1;
        turn(client);
    } else {
        client_end(client, client->cause);
    }
}

/* ---- From outside ---- */

static struct serve_client *
client_new(struct serve_server *server, int fd)
{
    struct serve_client *client = calloc(1, sizeof(*client));
    const struct timeval stall = {STALL_S, 0};

    if (client == NULL)
        return NULL;
    client->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    client->half = evtimer_new(server->base, on_half, client);
    client->wake = event_new(server->base, -1, 0, on_wake, client);
    if (client->stream == NULL || client->half == NULL || client->wake == NULL ||
        bufferevent_set_timeouts(client->stream, NULL, &stall) != 0) {
        if (client->stream != NULL)
            bufferevent_free(client->stream);
        else
            close(fd);
        if (client->half != NULL)
            event_free(client->half);
        if (client->wake != NULL)
            event_free(client->wake);
        free(client);
        return NULL;
    }
    bufferevent_setwatermark(client->stream, EV_READ, 0, INPUT_OCTETS);
    bufferevent_setcb(client->stream, on_data, on_data, on_event, client);
    return client;
}

void
serve_client_accept(struct serve_server *server, int fd, int is_unix, const struct sockaddr *from)
{
    struct serve_client *client;
    struct serve_peer *peer;
    char name[SERVE_PEER_NAME];

    server->figures.connections++;
    serve_peer_name(fd, is_unix, from, name);
    peer = serve_peers_get(&server->peers, name);
    if (peer != NULL &&
        (peer->connections >= serve_peer_share(server->options->serve.connections) ||
         server->client_count >= server->options->serve.connections)) {
        server->figures.ends[SERVE_END_SHARE]++;
        serve_peers_settle(&server->peers, peer);
        close(fd);
        return;
    }
    client = peer != NULL ? client_new(server, fd) : NULL;
    if (client == NULL) {
        server->figures.ends[SERVE_END_ERROR]++;
        if (peer == NULL)
            close(fd);
        else
            serve_peers_settle(&server->peers, peer);
        return;
    }
    client->server = server;
    client->is_unix = is_unix;
    client->peer = peer;
    peer->connections++;
    client->next = server->clients;
    if (client->next != NULL)
        client->next->previous = client;
    server->clients = client;
    server->client_count++;
    bufferevent_enable(client->stream, EV_READ | EV_WRITE);
}

void
serve_clients_finish(struct serve_server *server)
{
    struct serve_client *client = server->clients;

    while (client != NULL) {
        struct serve_client *next = client->next;

        client->input_ended = 1;
        client->cause = SERVE_END_STOPPED;
        turn(client);
        client = next;
    }
}

void
serve_clients_end(struct serve_server *server)
{
    while (server->clients != NULL)
        client_end(server->clients, SERVE_END_STOPPED);
}
