/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/runner.h"

#include <stdlib.h>
#include <string.h>

/* One need on its way. */
struct errand {
    struct ss_job *job;
    struct ss_need *need;
    struct ss_query *query;
    struct ss_passenger passenger; /* HTTPS */
    struct errand *next;
};

struct ss_job {
    struct ss_runner *runner;
    struct ss_lookup *lookup;
    ss_job_done done;
    void *arg;
    int status;
    struct ss_timer deadline;
    struct ss_timer finish;   /* the end is told from the loop, never from start */
    struct errand *errands;
    struct ss_job *next;
    struct ss_job **prev;
};

static int64_t
now_of(const struct ss_runner *runner)
{
    return runner->clock(runner->clock_user);
}

static void
drop_errands(struct ss_job *job)
{
    struct errand *errand = job->errands;

    while (errand != NULL) {
        struct errand *next = errand->next;

        if (errand->query != NULL)
            ss_query_cancel(errand->query);
        ss_flight_leave(&errand->passenger);
        free(errand);
        errand = next;
    }
    job->errands = NULL;
}

/* Free the job; its lookup stays. */
static void
free_job(struct ss_job *job)
{
    drop_errands(job);
    ss_loop_untimer(&job->deadline);
    ss_loop_untimer(&job->finish);
    *job->prev = job->next;
    if (job->next != NULL)
        job->next->prev = job->prev;
    free(job);
}

static void
tell(void *arg)
{
    struct ss_job *job = arg;
    struct ss_lookup *lookup = job->lookup;
    ss_job_done done = job->done;
    void *user = job->arg;
    int status = job->status;

    free_job(job);
    done(user, status, lookup);
}

/* Nothing is waited for any more. */
static void
settle(struct ss_job *job, int status)
{
    job->status = status;
    drop_errands(job);
}

static void
end(struct ss_job *job, int status)
{
    settle(job, status);
    /* Without a timer there is no way to tell later; the deadline timer exists and is moved. */
    if (ss_loop_timer(job->runner->loop, &job->finish, 0) != 0)
        ss_loop_timer(job->runner->loop, &job->deadline, 0);
}

static bool pump(struct ss_job *job, int *status);

static void
finish_errand(struct errand *errand)
{
    struct errand **at = &errand->job->errands;

    while (*at != errand)
        at = &(*at)->next;
    *at = errand->next;
    free(errand);
}

static void
dns_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    struct errand *errand = arg;
    struct ss_job *job = errand->job;
    struct ss_need *need = errand->need;
    int64_t now = now_of(job->runner);
    struct ss_bytes bytes = {message, len};
    int r;

    finish_errand(errand);
    if (message != NULL)
        r = ss_lookup_answer_dns(job->lookup, need, bytes, trusted, now);
    else
        r = ss_lookup_answer_failure(job->lookup, need, failure, now);
    /* The loop calls this, so an end is told at once: a timer would cost another turn of it. */
    if (r == 0 && !pump(job, &r))
        return;
    settle(job, r);
    tell(job);
}

static void
fetch_landed(void *arg, int status)
{
    struct errand *errand = arg;
    struct ss_job *job = errand->job;

    finish_errand(errand);
    /* Others on the flight are still to be told of it: the end waits for the loop. */
    if (status != 0 || pump(job, &status))
        end(job, status);
}

static int
start_errand(struct ss_job *job, struct ss_need *need)
{
    struct errand *errand = calloc(1, sizeof(*errand));

    if (errand == NULL)
        return SMTPSEC_E_NOMEM;
    need->taken = true;
    errand->job = job;
    errand->need = need;
    errand->next = job->errands;
    job->errands = errand;
    if (need->kind == SMTPSEC_NEED_DNS)
        return ss_resolver_ask(job->runner->resolver, &need->question, dns_done, errand,
                               &errand->query);
    errand->passenger.lookup = job->lookup;
    errand->passenger.need = need;
    errand->passenger.landed = fetch_landed;
    errand->passenger.arg = errand;
    return ss_flight_board(job->runner, &errand->passenger);
}

/* Open what follows from what is known, and start it. True at the end, with what it comes to. */
static bool
pump(struct ss_job *job, int *status)
{
    struct ss_need *need;
    size_t open, n;
    int r;

    r = ss_lookup_step(job->lookup, now_of(job->runner), &open);
    for (n = 0; r == 0 && (need = ss_lookup_open_need(job->lookup, n)) != NULL; n++)
        if (!need->taken)
            r = start_errand(job, need);
    *status = r;
    return r != 0 || open == 0;
}

int
ss_runner_start(struct ss_runner *runner, struct ss_lookup *lookup, int32_t deadline_ms,
                ss_job_done done, void *arg, struct ss_job **out)
{
    struct ss_job *job = calloc(1, sizeof(*job));
    int r;

    if (job == NULL)
        return SMTPSEC_E_NOMEM;
    job->runner = runner;
    job->lookup = lookup;
    job->done = done;
    job->arg = arg;
    job->deadline.fire = tell;
    job->deadline.arg = job;
    job->finish.fire = tell;
    job->finish.arg = job;
    r = ss_loop_timer(runner->loop, &job->deadline, deadline_ms);
    if (r != 0) {
        free(job);
        return r;
    }
    job->next = runner->jobs;
    job->prev = &runner->jobs;
    if (job->next != NULL)
        job->next->prev = &job->next;
    runner->jobs = job;
    if (pump(job, &r))
        end(job, r);
    if (out != NULL)
        *out = job;
    return 0;
}

void
ss_job_cancel(struct ss_job *job)
{
    struct ss_lookup *lookup = job->lookup;

    free_job(job);
    ss_lookup_free(lookup);
}

void
ss_runner_stop(struct ss_runner *runner, void (*gone)(void *arg))
{
    while (runner->jobs != NULL) {
        void *arg = runner->jobs->arg;

        ss_job_cancel(runner->jobs);
        gone(arg);
    }
}

void
ss_runner_abandon(struct ss_runner *runner)
{
    struct ss_job *job;

    ss_flights_abandon(runner);
    for (job = runner->jobs; job != NULL; job = job->next) {
        ss_lease_release(job->lookup->lease);
        job->lookup->lease = NULL;
    }
}
