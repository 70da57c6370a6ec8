/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "flights.h"

#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

int
serve_flights_init(struct serve_flights *flights, const struct serve_pilot *pilot,
                   struct serve_peers *peers, uint64_t seed)
{
    size_t most = flights->most_running + flights->most_queued;

    flights->pilot = *pilot;
    flights->peers = peers;
    return serve_table_init(&flights->table, most, seed);
}

/* ---- The queue ---- */

static void
queue_add(struct serve_flights *flights, struct serve_flight *flight, int in_front)
{
    struct serve_flight *next = in_front ? flights->queue_first : NULL;
    struct serve_flight *previous = in_front ? NULL : flights->queue_last;

    flight->queue_next = next;
    flight->queue_previous = previous;
    if (next != NULL)
        next->queue_previous = flight;
    else
        flights->queue_last = flight;
    if (previous != NULL)
        previous->queue_next = flight;
    else
        flights->queue_first = flight;
    flights->queued++;
}

static void
queue_remove(struct serve_flights *flights, struct serve_flight *flight)
{
    if (flight->queue_next != NULL)
        flight->queue_next->queue_previous = flight->queue_previous;
    else
        flights->queue_last = flight->queue_previous;
    if (flight->queue_previous != NULL)
        flight->queue_previous->queue_next = flight->queue_next;
    else
        flights->queue_first = flight->queue_next;
    flight->queue_next = NULL;
    flight->queue_previous = NULL;
    flights->queued--;
}

/* ---- One flight ---- */

/* It neither runs nor queues after this. */
static void
ground(struct serve_flight *flight)
{
    struct serve_flights *flights = flight->flights;

    if (!flight->running) {
        queue_remove(flights, flight);
        return;
    }
    flight->running = 0;
    flight->evaluation = NULL;
    flight->peer->running--;
    flights->running--;
}

static void
dispose(struct serve_flight *flight)
{
    struct serve_flights *flights = flight->flights;

    flight->peer->flights--;
    serve_peers_settle(flights->peers, flight->peer);
    free(flight);
}

static void
detach(struct serve_waiter *waiter)
{
    if (waiter->next != NULL)
        waiter->next->previous = waiter->previous;
    if (waiter->previous != NULL)
        waiter->previous->next = waiter->next;
    else
        waiter->flight->waiters = waiter->next;
    waiter->flight = NULL;
    waiter->next = NULL;
    waiter->previous = NULL;
}

static void
attach(struct serve_flight *flight, struct serve_waiter *waiter)
{
    waiter->flight = flight;
    waiter->previous = NULL;
    waiter->next = flight->waiters;
    if (flight->waiters != NULL)
        flight->waiters->previous = waiter;
    flight->waiters = waiter;
}

/* Tell all who wait, and forget it. It is grounded already. */
static void
tell(struct serve_flight *flight, int status, struct serve_plan *plan)
{
    serve_table_remove(&flight->flights->table, &flight->node);
    while (flight->waiters != NULL) {
        struct serve_waiter *waiter = flight->waiters;

        detach(waiter);
        waiter->landed(waiter, status, plan != NULL ? serve_plan_hold(plan) : NULL);
    }
    dispose(flight);
}

static int
start(struct serve_flight *flight, int64_t now_ms)
{
    struct serve_flights *flights = flight->flights;
    int64_t left = flight->deadline_ms - now_ms;
    int rc;

    if (flight->again && left < SERVE_FLIGHT_AGAIN_MS)
        left = SERVE_FLIGHT_AGAIN_MS;
    flight->hurried = left < flights->timeout_ms / 2;
    rc = flights->pilot.start(flights->pilot.user, flight, left > 1 ? (int32_t)left : 1);
    if (rc != 0)
        return rc;
    queue_remove(flights, flight);
    flight->running = 1;
    flight->peer->running++;
    flights->running++;
    return 0;
}

/* Start what may be started, in order; but a peer that has its share waits for itself alone. */
static void
depart(struct serve_flights *flights, int64_t now_ms)
{
    size_t share = serve_peer_share(flights->most_running);
    struct serve_flight *flight = flights->queue_first;

    while (flight != NULL && flights->running < flights->most_running) {
        struct serve_flight *next = flight->queue_next;

        if (flight->peer->running < share) {
            int rc = start(flight, now_ms);

            if (rc != 0) {
                ground(flight);
                tell(flight, rc, NULL);
            }
        }
        flight = next;
    }
}

/* ---- From outside ---- */

static struct serve_flight *
make(struct serve_flights *flights, const struct serve_question *question,
     struct serve_peer *peer, int64_t now_ms)
{
    struct serve_flight *flight = calloc(1, sizeof(*flight));

    if (flight == NULL)
        return NULL;
    flight->flights = flights;
    flight->question = *question;
    flight->node.key = flight->question.key;
    flight->peer = peer;
    peer->flights++;
    flight->deadline_ms = now_ms + flights->timeout_ms;
    serve_table_add(&flights->table, &flight->node);
    queue_add(flights, flight, 0);
    return flight;
}

/*
 * A flight in the queue waits for its peer's share. One who has room should not
 * wait for a stranger's: a program run wild would hold up all the names that it
 * ever asks for. So it becomes his, with his time, where that starts it at once.
 */
static void
adopt(struct serve_flight *flight, struct serve_peer *peer, int64_t now_ms)
{
    struct serve_flights *flights = flight->flights;
    struct serve_peer *before = flight->peer;

    if (flight->running || before == peer || flights->running >= flights->most_running ||
        peer->running >= serve_peer_share(flights->most_running))
        return;
    flight->peer = peer;
    peer->flights++;
    before->flights--;
    flight->deadline_ms = now_ms + flights->timeout_ms;
    if (start(flight, now_ms) != 0)
        flight->deadline_ms = now_ms; /* told by the next tick */
    serve_peers_settle(flights->peers, before);
}

int
serve_flights_join(struct serve_flights *flights, const struct serve_question *question,
                   struct serve_peer *peer, struct serve_waiter *waiter, int64_t now_ms)
{
    struct serve_flight *flight =
        (struct serve_flight *)(void *)serve_table_find(&flights->table, question->key);
    int rc = 0;

    if (flight != NULL) {
        adopt(flight, peer, now_ms);
        attach(flight, waiter);
        flights->joined++;
        return 0;
    }
    if (flights->queued >= flights->most_queued ||
        peer->flights - peer->running >= serve_peer_share(flights->most_queued))
        return SMTPSEC_E_LIMIT;
    flight = make(flights, question, peer, now_ms);
    if (flight == NULL)
        return SMTPSEC_E_NOMEM;
    if (flights->running < flights->most_running &&
        peer->running < serve_peer_share(flights->most_running))
        rc = start(flight, now_ms);
    if (rc != 0) {
        ground(flight);
        tell(flight, rc, NULL);
        return rc;
    }
    attach(flight, waiter);
    return 0;
}

void
serve_flights_leave(struct serve_waiter *waiter, int64_t now_ms)
{
    struct serve_flight *flight = waiter->flight;
    struct serve_flights *flights;

    if (flight == NULL)
        return;
    flights = flight->flights;
    detach(waiter);
    if (flight->waiters != NULL)
        return;
    if (flight->running)
        flights->pilot.stop(flights->pilot.user, flight);
    ground(flight);
    tell(flight, 0, NULL); /* nobody */
    depart(flights, now_ms);
}

void
serve_flights_land(struct serve_flight *flight, int status, struct serve_plan *plan,
                   int64_t now_ms)
{
    struct serve_flights *flights = flight->flights;

    ground(flight);
    tell(flight, status, plan);
    depart(flights, now_ms);
}

void
serve_flights_tick(struct serve_flights *flights, int64_t now_ms)
{
    struct serve_flight *flight = flights->queue_first;

    while (flight != NULL) {
        struct serve_flight *next = flight->queue_next;

        if (!flight->again && flight->deadline_ms <= now_ms) {
            ground(flight);
            tell(flight, SMTPSEC_E_LIMIT, NULL);
        }
        flight = next;
    }
    depart(flights, now_ms);
}

/* The table has no order; a list of those that run is not kept for this alone. */
static struct serve_flight *
any_running(const struct serve_flights *flights)
{
    size_t i;

    for (i = 0; i <= flights->table.mask; i++) {
        struct serve_node *node;

        for (node = flights->table.heads[i]; node != NULL; node = node->next) {
            struct serve_flight *flight = (struct serve_flight *)(void *)node;

            if (flight->running)
                return flight;
        }
    }
    return NULL;
}

void
serve_flights_recall(struct serve_flights *flights)
{
    struct serve_flight *flight;

    while (flights->running > 0 && (flight = any_running(flights)) != NULL) {
        flights->pilot.stop(flights->pilot.user, flight);
        ground(flight);
        flight->again = 1;
        queue_add(flights, flight, 1);
    }
}

void
serve_flights_end(struct serve_flights *flights, int status)
{
    if (flights->table.heads == NULL)
        return;
    serve_flights_recall(flights);
    while (flights->queue_first != NULL) {
        struct serve_flight *flight = flights->queue_first;

        ground(flight);
        tell(flight, status, NULL);
    }
}

void
serve_flights_free(struct serve_flights *flights)
{
    serve_flights_end(flights, SMTPSEC_E_LIMIT);
    serve_table_free(&flights->table);
}
