/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Evaluations under way: one for each key, however many wait for it; so many at
 * once, and the others queue. Pure: who evaluates is given from outside.
 */
#ifndef SERVE_FLIGHTS_H
#define SERVE_FLIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "peers.h"
#include "plans.h"
#include "question.h"
#include "table.h"

/* What a flight that had to begin again has left at least. */
#define SERVE_FLIGHT_AGAIN_MS 20000

struct serve_flight;

/*
 * One who waits. Lies in what belongs to him, so waiting takes no memory.
 * landed: status is 0 and the plan is held for the callee, or a SMTPSEC_E_*;
 * it must not join, leave or land anything.
 */
struct serve_waiter {
    struct serve_flight *flight; /* NULL: does not wait */
    struct serve_waiter *next;
    struct serve_waiter *previous;
    void (*landed)(struct serve_waiter *waiter, int status, struct serve_plan *plan);
};

struct serve_flight {
    struct serve_node node; /* first: the table gives it back */
    struct serve_flights *flights;
    struct serve_waiter *waiters;
    struct serve_flight *queue_next;
    struct serve_flight *queue_previous;
    struct serve_peer *peer; /* who asked first, or made it start: counts as his */
    struct serve_question question;
    int running;
    int again;
    int hurried; /* less than half of its time was left when it began */
    int64_t deadline_ms;
    void *evaluation; /* the pilot's */
};

/* Who evaluates. */
struct serve_pilot {
    /* Never lands the flight before it returns. Returns a SMTPSEC_E_*. */
    int (*start)(void *user, struct serve_flight *flight, int32_t deadline_ms);
    void (*stop)(void *user, struct serve_flight *flight);
    void *user;
};

struct serve_flights {
    struct serve_table table;
    struct serve_flight *queue_first;
    struct serve_flight *queue_last;
    struct serve_peers *peers;
    struct serve_pilot pilot;
    size_t running;
    size_t queued;
    size_t most_running;
    size_t most_queued;
    int32_t timeout_ms; /* of one flight, queueing included */
    uint64_t joined; /* how often one came to a flight that was there */
};

int serve_flights_init(struct serve_flights *flights, const struct serve_pilot *pilot,
                       struct serve_peers *peers, uint64_t seed);
/* Stops all; nobody must wait any more. */
void serve_flights_free(struct serve_flights *flights);
/*
 * Wait for the answer to a question. now_ms: milliseconds that never step back.
 * Returns 0, NOMEM, LIMIT (no room in the queue), or why it could not be started.
 */
int serve_flights_join(struct serve_flights *flights, const struct serve_question *question,
                       struct serve_peer *peer, struct serve_waiter *waiter, int64_t now_ms);
/* Wait no more. A flight for nobody is stopped. */
void serve_flights_leave(struct serve_waiter *waiter, int64_t now_ms);
/* An evaluation is done: tell all who wait. plan may be NULL when status is not 0. */
void serve_flights_land(struct serve_flight *flight, int status, struct serve_plan *plan,
                        int64_t now_ms);
/* End those in the queue that have waited too long; called now and then. */
void serve_flights_tick(struct serve_flights *flights, int64_t now_ms);
/* Stop all that run, and put them in front of the queue. Begin again with serve_flights_tick(). */
void serve_flights_recall(struct serve_flights *flights);
/* End all, with this status. */
void serve_flights_end(struct serve_flights *flights, int status);

#endif
