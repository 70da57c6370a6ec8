/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/refresh.h"

struct smtpsec_request {
    struct smtpsec_context *context;
    struct ss_job *job;
    smtpsec_done done;
    void *user;
};

static void
job_done(void *arg, int status, struct ss_lookup *lookup)
{
    struct smtpsec_request *request = arg;
    struct smtpsec_context *context = request->context;
    struct smtpsec_plan *plan = NULL;
    smtpsec_done done = request->done;
    void *user = request->user;

    free(request);
    if (status == 0)
        status = ss_context_conclude(context, lookup, ss_context_now(context), &plan);
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
    ss_canary_ask(context);
    r = ss_context_lookup(context, destination, &lookup);
    if (r == 0) {
        lookup->shared = true;
        r = ss_runner_start(&context->runner, lookup, deadline_ms, job_done, request, &request->job);
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
