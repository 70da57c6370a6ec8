/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/refresh.h"
#include "decision/plan.h"
#include "engine/answers.h"

struct smtpsec_request {
    struct smtpsec_context *context;
    struct ss_job *job;
    smtpsec_done done;
    void *user;
    int64_t end_ms; /* of its time, by the loop's clock */
};

/* ---- Answers that are kept (engine/answers.h) ---- */

/*
 * Before the first question. Where it is known that the resolver does not
 * validate, what is remembered asks for live answers.
 */
static int
recall_answers(struct smtpsec_context *context, struct ss_lookup *lookup)
{
    if (!context->plan_cache || context->canary.state == SMTPSEC_DNSSEC_LOST)
        return 0;
    return ss_answers_recall(context->store, context->fingerprint, lookup, ss_context_now(context));
}

/*
 * Kept is only what came by a resolver that was seen to validate, or that nobody
 * trusts: one that has only just stopped to would else speak for an hour after
 * it was mended. What was kept before came so.
 */
static bool
resolver_known(const struct smtpsec_context *context, const struct ss_lookup *lookup)
{
    return context->canary.state == SMTPSEC_DNSSEC_VALIDATES ||
           context->canary.state == SMTPSEC_DNSSEC_UNTRUSTED ||
           (context->canary.state == SMTPSEC_DNSSEC_UNKNOWN &&
            lookup->recalled == lookup->evidence.dns_count);
}

/*
 * Nor while the clock is not believed. A failure costs the next evaluation some
 * questions, and nothing else.
 */
static void
keep_answers(struct smtpsec_context *context, const struct ss_lookup *lookup,
             const struct smtpsec_plan *plan, int64_t now)
{
    if (context->plan_cache && context->store->state == SMTPSEC_MEMORY_OK &&
        resolver_known(context, lookup) && lookup->evidence.memory_at == 0 &&
        !ss_answers_doubted(plan))
        (void)ss_answers_keep(context->store, context->fingerprint, lookup, now);
}

/* The canary is asked when somebody else is: what is kept was seen to be validated when it came. */
static int
ask_canary(struct smtpsec_context *context, struct ss_lookup *lookup)
{
    size_t open = 1;
    int r = 0;

    if (ss_answers_recalled(lookup))
        r = ss_lookup_step(lookup, ss_context_now(context), &open);
    if (r == 0 && open > 0)
        ss_canary_ask(context);
    return r;
}

/* ---- Evaluations ---- */

static void job_done(void *arg, int status, struct ss_lookup *lookup);

/* The lookup is given away unless this fails. */
static int
start(struct smtpsec_request *request, struct ss_lookup *lookup, int32_t deadline_ms)
{
    int r = ask_canary(request->context, lookup);

    return r == 0 ? ss_runner_start(&request->context->runner, lookup, deadline_ms, job_done,
                                    request, &request->job)
                  : r;
}

/*
 * A plan that refuses is made of fresh answers alone: one made of others is
 * dropped before anybody hears of it, and all is asked. True if that has begun.
 */
static bool
ask_again(struct smtpsec_request *request, struct ss_lookup *lookup,
          const struct smtpsec_plan *plan)
{
    int64_t left_ms = request->end_ms - ss_loop_now_ms(request->context->runner.loop);

    if (!ss_answers_recalled(lookup) || !ss_answers_doubted(plan) || left_ms < 1)
        return false;
    ss_answers_take_back(lookup);
    lookup->evidence.dnssec = SMTPSEC_DNSSEC_UNKNOWN;
    lookup->evidence.memory_at = 0;
    return start(request, lookup, (int32_t)left_ms) == 0;
}

static void
job_done(void *arg, int status, struct ss_lookup *lookup)
{
    struct smtpsec_request *request = arg;
    struct smtpsec_context *context = request->context;
    int64_t now = ss_context_now(context);
    struct smtpsec_plan *plan = NULL;
    smtpsec_done done = request->done;
    void *user = request->user;

    if (status == 0)
        status = ss_context_decide(context, lookup, now, &plan);
    if (status == 0 && ask_again(request, lookup, plan)) {
        ss_plan_free(plan);
        return;
    }
    free(request);
    if (status == 0) {
        lookup->shared = resolver_known(context, lookup);
        ss_context_accept(context, lookup, now, plan);
        keep_answers(context, lookup, plan, now);
    }
    if (status == 0 && lookup->deferred)
        ss_background_start(context, &lookup->evidence.destination);
    ss_lookup_free(lookup);
    done(user, status, plan);
}

int
smtpsec_start(struct smtpsec_context *context, const struct smtpsec_destination *destination,
              int32_t deadline_ms, smtpsec_done done, void *user, struct smtpsec_request **out)
{
    struct smtpsec_request *request;
    struct ss_lookup *lookup;
    int r;

    if (context == NULL || destination == NULL || done == NULL || deadline_ms < 1)
        return SMTPSEC_E_INVALID;
    r = ss_context_check(context);
    if (r == 0 && context->runner.loop == NULL)
        r = SMTPSEC_E_RESOLVER;
    if (r != 0)
        return r;
    request = calloc(1, sizeof(*request));
    if (request == NULL)
        return SMTPSEC_E_NOMEM;
    request->context = context;
    request->done = done;
    request->user = user;
    request->end_ms = ss_loop_now_ms(context->runner.loop) + deadline_ms;
    r = ss_context_lookup(context, destination, &lookup);
    if (r == 0) {
        lookup->shared = true;
        r = recall_answers(context, lookup);
        if (r == 0)
            r = start(request, lookup, deadline_ms);
        if (r != 0)
            ss_lookup_free(lookup);
    }
    if (r != 0) {
        free(request);
        return r;
    }
    if (out != NULL)
        *out = request;
    return 0;
}

void
smtpsec_cancel(struct smtpsec_request *request)
{
    if (request == NULL)
        return;
    /* In a child the sockets in the loop are its parent's: they are left alone, as context_free does. */
    if (ss_context_check(request->context) == 0)
        ss_job_cancel(request->job);
    free(request);
}

int
smtpsec_fd(const struct smtpsec_context *context)
{
    return context == NULL || context->runner.loop == NULL ? -1 : ss_loop_fd(context->runner.loop);
}

int32_t
smtpsec_timeout_ms(const struct smtpsec_context *context)
{
    return context == NULL || context->runner.loop == NULL ? -1
                                                           : ss_loop_timeout_ms(context->runner.loop);
}

int
smtpsec_process(struct smtpsec_context *context)
{
    int r;

    if (context == NULL)
        return SMTPSEC_E_INVALID;
    r = ss_context_check(context);
    if (r != 0 || context->runner.loop == NULL)
        return r;
    return ss_loop_process(context->runner.loop);
}

struct waiting {
    bool done;
    int status;
    struct smtpsec_plan *plan;
};

static void
wait_over(void *user, int status, struct smtpsec_plan *plan)
{
    struct waiting *waiting = user;

    waiting->done = true;
    waiting->status = status;
    waiting->plan = plan;
}

int
smtpsec_evaluate_destination(struct smtpsec_context *context,
                             const struct smtpsec_destination *destination, int32_t deadline_ms,
                             struct smtpsec_plan **out)
{
    struct waiting waiting = {false, 0, NULL};
    struct smtpsec_request *request = NULL;
    int r;

    if (out == NULL)
        return SMTPSEC_E_INVALID;
    r = smtpsec_start(context, destination, deadline_ms, wait_over, &waiting, &request);
    while (r == 0 && !waiting.done) {
        struct pollfd fd = {smtpsec_fd(context), POLLIN, 0};

        if (poll(&fd, 1, smtpsec_timeout_ms(context)) < 0 && errno != EINTR)
            r = SMTPSEC_E_SYSTEM;
        else
            r = smtpsec_process(context);
    }
    if (!waiting.done) {
        if (request != NULL)
            smtpsec_cancel(request);
        return r;
    }
    if (waiting.status == 0)
        *out = waiting.plan;
    return waiting.status;
}

int
smtpsec_evaluate(struct smtpsec_context *context, const char *domain, int32_t deadline_ms,
                 struct smtpsec_plan **out)
{
    struct smtpsec_destination *destination;
    int r;

    r = smtpsec_destination_new(domain, &destination);
    if (r != 0)
        return r;
    r = smtpsec_evaluate_destination(context, destination, deadline_ms, out);
    smtpsec_destination_free(destination);
    return r;
}
