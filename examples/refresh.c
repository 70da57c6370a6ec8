/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec refresh: fetch what is due anew, well before it expires. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <smtpsec.h>

#include "commands.h"
#include "events.h"
#include "print_json.h"
#include "setup.h"
#include "text.h"

/* How many at most when nothing else is said, and how long for each four of them. */
#define MOST 1000
#define ROUND_MS 60000

struct result {
    int done;
    int status;
    size_t refreshed;
    size_t failed;
    size_t removed;
};

static void
refresh_done(void *user, int status, size_t refreshed, size_t failed, size_t removed)
{
    struct result *result = user;

    result->done = 1;
    result->status = status;
    result->refreshed = refreshed;
    result->failed = failed;
    result->removed = removed;
}

static void
print_due(const struct tool_options *options, const struct smtpsec_due *due, int64_t now, size_t n)
{
    int64_t since = smtpsec_due_failing_since(due, n);
    json_t *object;

    if (!options->json) {
        printf("%-40s %-8s due for %lld h, ends in %lld h%s\n", smtpsec_due_domain(due, n),
               smtpsec_sts_mode_name(smtpsec_due_mode(due, n)),
               (long long)(now - smtpsec_due_time(due, n)) / 3600,
               (long long)(smtpsec_due_expires(due, n) - now) / 3600,
               since != 0 ? ", failing" : "");
        return;
    }
    object = json_new_object();
    json_put_text(object, "domain", smtpsec_due_domain(due, n));
    json_put_text(object, "mode", smtpsec_sts_mode_name(smtpsec_due_mode(due, n)));
    json_put_number(object, "due", smtpsec_due_time(due, n));
    json_put_number(object, "expires", smtpsec_due_expires(due, n));
    json_put_number(object, "failing_since", since);
    json_print_line(object);
}

static int
list(const struct tool_options *options, struct smtpsec_context *context, size_t most)
{
    struct smtpsec_due *due = NULL;
    int rc = smtpsec_refresh_due(context, most, &due);
    size_t i;

    if (rc != 0)
        tool_say("refresh: %s", smtpsec_strerror(rc));
    for (i = 0; i < smtpsec_due_count(due); i++)
        print_due(options, due, smtpsec_context_now(context), i);
    smtpsec_due_free(due);
    return tool_exit_of_error(rc);
}

/* One line that is written over again; only where somebody looks, and when it takes a while. */
static void
show_progress(size_t finished, size_t total)
{
    if (total > 8 && isatty(STDERR_FILENO))
        fprintf(stderr, "\rrefresh: %zu of %zu%s", finished, total, finished == total ? "\n" : "");
}

static int
wait_for(struct smtpsec_context *context, const struct smtpsec_refreshing *refreshing,
         const struct result *result)
{
    size_t total = smtpsec_refresh_total(refreshing);
    int rc = 0;

    while (rc == 0 && !result->done) {
        struct pollfd fd = {smtpsec_fd(context), POLLIN, 0};

        show_progress(smtpsec_refresh_finished(refreshing), total);
        if (poll(&fd, 1, smtpsec_timeout_ms(context)) < 0 && errno != EINTR)
            rc = SMTPSEC_E_SYSTEM;
        else
            rc = smtpsec_process(context);
    }
    show_progress(total, total);
    return rc;
}

static void
print_result(const struct tool_options *options, const struct result *result)
{
    json_t *object;

    if (!options->json) {
        printf("refreshed %zu, failed %zu, removed %zu\n", result->refreshed, result->failed,
               result->removed);
        return;
    }
    object = json_new_object();
    json_put_number(object, "refreshed", (int64_t)result->refreshed);
    json_put_number(object, "failed", (int64_t)result->failed);
    json_put_number(object, "removed", (int64_t)result->removed);
    json_print_line(object);
}

static int
refresh(const struct tool_options *options, struct smtpsec_context *context, size_t most)
{
    struct smtpsec_refreshing *refreshing = NULL;
    struct result result;
    size_t rounds = most / 4 + 1;
    int32_t deadline_ms = rounds > 1440 ? 86400000 : (int32_t)rounds * ROUND_MS;
    int rc;

    memset(&result, 0, sizeof(result));
    rc = smtpsec_refresh_start(context, most, deadline_ms, refresh_done, &result, &refreshing);
    if (rc == 0)
        rc = wait_for(context, refreshing, &result);
    if (rc == 0)
        rc = result.status;
    if (rc != 0)
        tool_say("refresh: %s", smtpsec_strerror(rc));
    else
        print_result(options, &result);
    return rc == 0 && result.failed > 0 ? TOOL_FAIL : tool_exit_of_error(rc);
}

int
refresh_command(struct tool_options *options)
{
    struct smtpsec_anchors *anchors = NULL;
    struct smtpsec_context *context = NULL;
    struct tool_events events = {NULL, 0};
    size_t most = options->most != 0 ? options->most : MOST;
    int code;

    if (options->memory == NULL)
        return options_usage(COMMAND_REFRESH, "which memory? give --memory");
    if (options->operand_count > 0)
        return options_usage(COMMAND_REFRESH, "no domain is wanted here");
    code = options->list ? 0 : setup_anchors(options, &anchors);
    if (code == 0)
        code = setup_context(options, options->list ? SETUP_MEMORY_READ : SETUP_EVALUATE, anchors,
                             &context);
    if (code == 0)
        code = options->list ? list(options, context, most) : refresh(options, context, most);
    if (context != NULL)
        events_take(&events, context);
    events_say(&events);
    events_free(&events);
    smtpsec_context_free(context);
    smtpsec_anchors_free(anchors);
    return code;
}
