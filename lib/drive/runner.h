/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs lookups in the loop: asks their needs of the resolver and the fetcher
 * and hands the answers back. It decides nothing.
 */
#ifndef SS_DRIVE_RUNNER_H
#define SS_DRIVE_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "drive/fetch.h"
#include "drive/flight.h"
#include "drive/loop.h"
#include "drive/resolver.h"
#include "engine/lookup.h"
#include "memory/store.h"
#include "smtpsec.h"

struct ss_runner {
    struct ss_loop *loop;
    struct ss_resolver *resolver;
    const struct ss_fetch_module *module; /* NULL: no HTTPS, such needs fail */
    struct ss_fetcher *fetcher;
    void (*load_fetch)(struct ss_runner *runner); /* when module is first wanted; NULL: cannot be */
    void *load_user;
    int load_status; /* why it could not be loaded; evaluations that need it end with this */
    struct ss_store *store; /* for turns, and for what others fetched; may be NULL */
    const struct smtpsec_anchors *anchors;
    bool allow_private;
    int32_t fetch_timeout_ms;
    int64_t (*clock)(void *user);
    void *clock_user;
    struct ss_job *jobs; /* all that run */
    struct ss_flight *flights;
};

struct ss_job;

/*
 * A lookup is through, or its deadline is: the callee decides with what there
 * is. status: 0 or NOMEM. The job is gone afterwards; the lookup is the callee's.
 */
typedef void (*ss_job_done)(void *arg, int status, struct ss_lookup *lookup);

/* Start a lookup, which is given away unless this fails. Never calls back before returning. 0, NOMEM. */
int ss_runner_start(struct ss_runner *runner, struct ss_lookup *lookup, int32_t deadline_ms,
                    ss_job_done done, void *arg, struct ss_job **out);
/* Stop without a callback; frees the lookup. */
void ss_job_cancel(struct ss_job *job);
/* Stop all jobs without callbacks; returns their args through `gone`, so that owners can free them. */
void ss_runner_stop(struct ss_runner *runner, void (*gone)(void *arg));
/* In a forked child: close what would keep the parent's leases alive; the rest is let lie. */
void ss_runner_abandon(struct ss_runner *runner);

#endif
