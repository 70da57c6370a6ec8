/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One fetch for all who want the same policy: lookups of this process share a
 * flight; processes that share a memory take turns by a lease. Whoever gets
 * its turn first looks into the memory again, for another may have fetched.
 */
#ifndef SS_DRIVE_FLIGHT_H
#define SS_DRIVE_FLIGHT_H

#include "engine/lookup.h"

struct ss_flight;
struct ss_runner;

/* How often a process looks whether another's fetch is over. */
#define SS_FLIGHT_LOOK_MS 50

/* One lookup's need; embedded in its owner, who sets it to zero first. */
struct ss_passenger {
    struct ss_lookup *lookup;
    struct ss_need *need; /* of kind HTTPS */
    /* The need is closed; status: 0 or NOMEM. Called only from inside the loop. */
    void (*landed)(void *arg, int status);
    void *arg;
    struct ss_flight *flight; /* NULL: not on one */
    struct ss_passenger *next;
};

/* Join the flight to this policy host, or begin one. Returns 0, NOMEM. */
int ss_flight_board(struct ss_runner *runner, struct ss_passenger *passenger);
/* Leave it; the others fly on, and with the last one the fetch ends. Idempotent. */
void ss_flight_leave(struct ss_passenger *passenger);
/* In a forked child: close what is the parent's, and let everything else lie. */
void ss_flights_abandon(struct ss_runner *runner);

#endif
