/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/refresh.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/due.h"
#include "engine/learn.h"

/* Domains refreshed at once. */
#define AT_ONCE 4

/* One domain on its way. The runner frees it when it is stopped. */
struct task {
    struct smtpsec_refreshing *refreshing;
    struct ss_job *job;
};

struct smtpsec_refreshing {
    struct smtpsec_context *context;
    struct smtpsec_due *due;
    size_t next;             /* of the list */
    size_t running;
    struct task *tasks[AT_ONCE];
    int64_t end_ms;          /* by the loop's clock */
    size_t counts[3];        /* by enum ss_refreshed */
    size_t removed;
    int status;
    struct ss_timer go_on;
    smtpsec_refresh_done done;
    void *user;
    struct smtpsec_refreshing *later; /* of the context */
    struct smtpsec_refreshing **prev;
};

static void
free_refreshing(struct smtpsec_refreshing *refreshing)
{
    ss_loop_untimer(&refreshing->go_on);
    *refreshing->prev = refreshing->later;
    if (refreshing->later != NULL)
        refreshing->later->prev = refreshing->prev;
    smtpsec_due_free(refreshing->due);
    free(refreshing);
}

void
ss_refreshings_free(struct smtpsec_context *context)
{
    while (context->refreshings != NULL)
        free_refreshing(context->refreshings);
}

int
ss_context_refresh_lookup(struct smtpsec_context *context,
                          const struct smtpsec_destination *destination, struct ss_lookup **out)
{
    int r = ss_context_lookup(context, destination, out);

    if (r == 0)
        (*out)->evidence.refresh = true;
    return r;
}

/* STSA-15: somebody must hear of it well before the policy is over. */
static void
tell_failure(struct smtpsec_context *context, const struct ss_name *domain, int64_t now)
{
    struct ss_reference reference;
    struct ss_sts_entry entry;
    struct ss_refresh state;
    int fault = 0;

    if (ss_recall_policy(context->store, domain, &entry, &fault) != 0)
        return;
    ss_reference_set(&reference, domain);
    if (ss_refresh_judge(&entry, ss_policy_key(domain), context->refresh_seed, now, &state) == 0 &&
        state.alarm)
        ss_events_add(&context->events, SMTPSEC_EVENT_STS_REFRESH_FAILING, now, reference.text,
                      "the policy (mode %s) could not be fetched anew for %lld hours, ends in %lld",
                      smtpsec_sts_mode_name(state.mode),
                      (long long)(now - state.failing_since) / 3600,
                      (long long)(state.expires - now) / 3600);
    ss_sts_entry_free(&entry);
}

int
ss_context_refreshed(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                     enum ss_refreshed *what)
{
    const struct ss_name *domain = &lookup->evidence.destination.domain;
    struct ss_reference reference;
    struct ss_lowered lowered;
    struct ss_memory_time time;
    int r;

    *what = SS_REFRESHED_NOT;
    if (context->store == NULL)
        return 0;
    time = ss_context_memory_time(context, now);
    lookup->evidence.memory_at = time.held ? time.now : 0;
    lowered.count = 0;
    lookup->lowered = &lowered;
    r = ss_learn_refresh(context->store, lookup, now, what);
    lookup->lowered = NULL;
    if (r == SMTPSEC_E_NOMEM)
        return r;
    if (r != 0) {
        ss_reference_set(&reference, domain);
        ss_tell_write_failed(context, now, reference.text, r);
    } else {
        ss_tell_lowered(context, domain, &lowered, now);
    }
    if (*what == SS_REFRESHED_FAILED)
        tell_failure(context, domain, now);
    return 0;
}

/* ---- Many domains ---- */

static void
forget_task(struct smtpsec_refreshing *refreshing, const struct task *task)
{
    size_t i;

    for (i = 0; i < AT_ONCE; i++)
        if (refreshing->tasks[i] == task)
            refreshing->tasks[i] = NULL;
    refreshing->running--;
}

static void
task_done(void *arg, int status, struct ss_lookup *lookup)
{
    struct task *task = arg;
    struct smtpsec_refreshing *refreshing = task->refreshing;
    struct smtpsec_context *context = refreshing->context;
    enum ss_refreshed what = SS_REFRESHED_NOT;

    if (status == 0)
        status = ss_context_refreshed(context, lookup, ss_context_now(context), &what);
    ss_lookup_free(lookup);
    forget_task(refreshing, task);
    free(task);
    refreshing->counts[what]++;
    if (status != 0)
        refreshing->status = status;
    /* Without memory for a timer the one that is there has fired: go on at once. */
    if (ss_loop_timer(context->runner.loop, &refreshing->go_on, 0) != 0)
        refreshing->go_on.fire(refreshing);
}

static int
start_task(struct smtpsec_refreshing *refreshing, const struct ss_name *domain, int64_t left_ms)
{
    struct smtpsec_context *context = refreshing->context;
    struct task *task = calloc(1, sizeof(*task));
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;
    size_t i;
    int r;

    if (task == NULL)
        return SMTPSEC_E_NOMEM;
    memset(&destination, 0, sizeof(destination));
    destination.domain = *domain;
    destination.port = 25;
    task->refreshing = refreshing;
    r = ss_context_refresh_lookup(context, &destination, &lookup);
    if (r == 0) {
        r = ss_runner_start(&context->runner, lookup, (int32_t)left_ms, task_done, task,
                            &task->job);
        if (r != 0)
            ss_lookup_free(lookup);
    }
    if (r != 0) {
        free(task);
        return r;
    }
    for (i = 0; refreshing->tasks[i] != NULL; i++)
        ;
    refreshing->tasks[i] = task;
    refreshing->running++;
    return 0;
}

static void
go_on(void *arg)
{
    struct smtpsec_refreshing *refreshing = arg;
    int64_t left_ms = refreshing->end_ms - ss_loop_now_ms(refreshing->context->runner.loop);
    smtpsec_refresh_done done = refreshing->done;
    void *user = refreshing->user;
    size_t refreshed, failed, removed;
    int status;

    while (refreshing->status == 0 && left_ms > 0 && refreshing->running < AT_ONCE &&
           refreshing->next < refreshing->due->count)
        refreshing->status = start_task(
            refreshing, &refreshing->due->list[refreshing->next++].domain.name, left_ms);
    if (refreshing->running > 0)
        return;
    status = refreshing->status;
    refreshed = refreshing->counts[SS_REFRESHED_YES];
    failed = refreshing->counts[SS_REFRESHED_FAILED];
    removed = refreshing->removed;
    free_refreshing(refreshing);
    done(user, status, refreshed, failed, removed);
}

static int
remove_outlived(struct smtpsec_refreshing *refreshing, size_t most)
{
    struct smtpsec_context *context = refreshing->context;
    struct smtpsec_due *old;
    bool removed;
    size_t i;
    int r = ss_due_list(context, SS_REFRESH_REMOVE, most, &old);

    if (r != 0)
        return r;
    for (i = 0; r == 0 && i < old->count; i++) {
        r = ss_refresh_remove(context->store, ss_policy_key(&old->list[i].domain.name),
                              ss_context_now(context), &removed);
        refreshing->removed += removed ? 1 : 0;
    }
    smtpsec_due_free(old);
    return r;
}

static int
check_start(const struct smtpsec_context *context, size_t most, int32_t deadline_ms)
{
    int r;

    if (context == NULL || most == 0 || deadline_ms < 1)
        return SMTPSEC_E_INVALID;
    r = ss_context_check(context);
    if (r == 0 && context->runner.loop == NULL)
        r = SMTPSEC_E_RESOLVER;
    if (r == 0 && ss_context_memory_state(context) != SMTPSEC_MEMORY_OK)
        r = SMTPSEC_E_MEMORY;
    return r;
}

int
smtpsec_refresh_start(struct smtpsec_context *context, size_t most, int32_t deadline_ms,
                      smtpsec_refresh_done done, void *user, struct smtpsec_refreshing **out)
{
    struct smtpsec_refreshing *refreshing;
    int r = check_start(context, most, deadline_ms);

    if (r != 0 || done == NULL)
        return r != 0 ? r : SMTPSEC_E_INVALID;
    refreshing = calloc(1, sizeof(*refreshing));
    if (refreshing == NULL)
        return SMTPSEC_E_NOMEM;
    refreshing->context = context;
    refreshing->done = done;
    refreshing->user = user;
    refreshing->end_ms = ss_loop_now_ms(context->runner.loop) + deadline_ms;
    refreshing->go_on.fire = go_on;
    refreshing->go_on.arg = refreshing;
    refreshing->later = context->refreshings;
    refreshing->prev = &context->refreshings;
    if (refreshing->later != NULL)
        refreshing->later->prev = &refreshing->later;
    context->refreshings = refreshing;
    r = remove_outlived(refreshing, most);
    if (r == 0)
        r = ss_due_list(context, SS_REFRESH_FETCH, most, &refreshing->due);
    if (r == 0)
        r = ss_loop_timer(context->runner.loop, &refreshing->go_on, 0);
    if (r != 0) {
        free_refreshing(refreshing);
        return r;
    }
    if (out != NULL)
        *out = refreshing;
    return 0;
}

void
smtpsec_refresh_cancel(struct smtpsec_refreshing *refreshing)
{
    size_t i;

    if (refreshing == NULL)
        return;
    /* In a child the loop is its parent's, see smtpsec_cancel(). */
    for (i = 0; i < AT_ONCE && ss_context_check(refreshing->context) == 0; i++)
        if (refreshing->tasks[i] != NULL) {
            ss_job_cancel(refreshing->tasks[i]->job);
            free(refreshing->tasks[i]);
        }
    if (ss_context_check(refreshing->context) == 0)
        free_refreshing(refreshing);
}

size_t
smtpsec_refresh_total(const struct smtpsec_refreshing *refreshing)
{
    return refreshing == NULL ? 0 : refreshing->due->count;
}

size_t
smtpsec_refresh_finished(const struct smtpsec_refreshing *refreshing)
{
    return refreshing == NULL ? 0 : refreshing->next - refreshing->running;
}

/* ---- Waiting for it ---- */

struct waiting {
    bool done;
    int status;
    size_t refreshed;
    size_t failed;
    size_t removed;
};

static void
wait_over(void *user, int status, size_t refreshed, size_t failed, size_t removed)
{
    struct waiting *waiting = user;

    waiting->done = true;
    waiting->status = status;
    waiting->refreshed = refreshed;
    waiting->failed = failed;
    waiting->removed = removed;
}

int
smtpsec_refresh(struct smtpsec_context *context, size_t most, int32_t deadline_ms,
                size_t *refreshed, size_t *failed, size_t *removed)
{
    struct smtpsec_refreshing *refreshing = NULL;
    struct waiting waiting;
    int r;

    memset(&waiting, 0, sizeof(waiting));
    r = smtpsec_refresh_start(context, most, deadline_ms, wait_over, &waiting, &refreshing);
    while (r == 0 && !waiting.done) {
        struct pollfd fd = {smtpsec_fd(context), POLLIN, 0};

        if (poll(&fd, 1, smtpsec_timeout_ms(context)) < 0 && errno != EINTR)
            r = SMTPSEC_E_SYSTEM;
        else
            r = smtpsec_process(context);
    }
    if (!waiting.done) {
        smtpsec_refresh_cancel(refreshing);
        return r;
    }
    if (refreshed != NULL)
        *refreshed = waiting.refreshed;
    if (failed != NULL)
        *failed = waiting.failed;
    if (removed != NULL)
        *removed = waiting.removed;
    return waiting.status;
}

/* ---- Apart from an evaluation ---- */

/* The runner frees it when it is stopped, and the context's list then goes too. */
struct ss_background {
    struct smtpsec_context *context;
    struct ss_name domain;
    struct ss_background *next;
};

static void
background_done(void *arg, int status, struct ss_lookup *lookup)
{
    struct ss_background *background = arg;
    struct smtpsec_context *context = background->context;
    struct ss_background **at = &context->backgrounds;
    enum ss_refreshed what;

    if (status == 0)
        (void)ss_context_refreshed(context, lookup, ss_context_now(context), &what);
    ss_lookup_free(lookup);
    while (*at != background)
        at = &(*at)->next;
    *at = background->next;
    free(background);
}

static bool
room_for(const struct smtpsec_context *context, const struct ss_name *domain)
{
    const struct ss_background *at;
    size_t count = 0;

    for (at = context->backgrounds; at != NULL; at = at->next, count++)
        if (ss_name_equal(&at->domain, domain))
            return false;
    return count < SS_BACKGROUND_MAX;
}

void
ss_background_start(struct smtpsec_context *context, const struct smtpsec_destination *destination)
{
    struct ss_background *background;
    struct ss_lookup *lookup;
    /* Record, addresses and policy, each with its own time. */
    int64_t wait_ms = 2 * (int64_t)context->dns_timeout_ms + context->runner.fetch_timeout_ms;

    if (!room_for(context, &destination->domain))
        return;
    background = calloc(1, sizeof(*background));
    if (background == NULL)
        return;
    background->context = context;
    background->domain = destination->domain;
    if (ss_context_refresh_lookup(context, destination, &lookup) != 0) {
        free(background);
        return;
    }
    if (ss_runner_start(&context->runner, lookup, (int32_t)wait_ms, background_done, background,
                        NULL) != 0) {
        ss_lookup_free(lookup);
        free(background);
        return;
    }
    background->next = context->backgrounds;
    context->backgrounds = background;
}
