/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smtpsec check: evaluate domains and print the plans. It records no outcome,
 * so it raises no claim; the policy cache of the memory may be filled.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

#include "commands.h"
#include "events.h"
#include "explain.h"
#include "print_json.h"
#include "print_table.h"
#include "setup.h"
#include "text.h"
#include "visit.h"

/* Evaluations under way at the same time in the event loop. */
enum { BATCH = 64 };

struct check {
    struct tool_options *options;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    struct smtpsec_message *message; /* NULL: it asks for nothing */
    struct tool_events events;
    struct table_style style;
};

/* One evaluation. */
struct job {
    const char *domain;
    int status;
    int done;
    struct smtpsec_plan *plan;
    struct smtpsec_request *request; /* gone when done */
};

static struct visit *
new_visit(const struct visit_way *way, const struct smtpsec_host *host)
{
    struct visit *visit = calloc(1, sizeof(*visit));

    if (visit == NULL)
        tool_out_of_memory();
    tool_need(visit_host(visit, way, host));
    smtp_client_quit(&visit->client);
    return visit;
}

static int
exit_of_verdict(int32_t verdict)
{
    switch (verdict) {
    case SMTPSEC_VERDICT_DELIVER:
        return TOOL_OK;
    case SMTPSEC_VERDICT_DEFER:
        return TOOL_DEFER;
    default:
        return TOOL_FAIL;
    }
}

/* DIR/DOMAIN_HOST.req; a slash in a stranger's name does not leave the directory. */
/* Visit the hosts of a plan. Returns the exit code that follows. */
static int
visit_all(const struct check *check, const struct smtpsec_plan *plan, struct visit **visits)
{
    struct visit_way way;
    struct smtpsec_tally *tally = NULL;
    int accepted = 0;
    int code;
    size_t i;

    tool_need(smtpsec_tally_new(plan, &tally));
    visit_way_init(&way, check->options, check->anchors, smtpsec_plan_port(plan));
    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, i);

        if (smtpsec_host_action(host) != SMTPSEC_ACTION_USE)
            continue;
        visits[i] = new_visit(&way, host);
        accepted = accepted || visits[i]->accepted;
        tool_need(smtpsec_tally_add(tally, i, visit_failure(visits[i])));
    }
    code = accepted ? TOOL_OK : exit_of_verdict(smtpsec_tally_verdict(tally));
    smtpsec_tally_free(tally);
    return code;
}

static int
save_requirement(const struct check *check, const struct smtpsec_requirement *requirement)
{
    char name[600];
    char path[2048];
    uint8_t *data = NULL;
    size_t len = 0;
    char *c;
    int rc = smtpsec_requirement_write(check->context, requirement, &data, &len);

    if (rc != 0) {
        tool_say("requirement: %s", smtpsec_strerror(rc));
        return tool_exit_of_error(rc);
    }
    snprintf(name, sizeof(name), "%s_%s.req", smtpsec_requirement_domain(requirement),
             smtpsec_requirement_host(requirement));
    for (c = name; *c != '\0'; c++) {
        if (*c == '/')
            *c = '_';
    }
    rc = snprintf(path, sizeof(path), "%s/%s", check->options->save_requirements, name);
    if (rc < 0 || (size_t)rc >= sizeof(path) || text_write_file(path, data, len) != 0)
        rc = TOOL_CANNOT_CREATE;
    else
        rc = TOOL_OK;
    smtpsec_bytes_free(data);
    return rc;
}

static int
save_requirements(const struct check *check, const struct smtpsec_plan *plan)
{
    int code = TOOL_OK;
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        const struct smtpsec_requirement *requirement =
            smtpsec_host_requirement(smtpsec_plan_host(plan, i));

        if (requirement != NULL)
            code = tool_worse(code, save_requirement(check, requirement));
    }
    return code;
}

static void
print_json_plan(struct check *check, const struct smtpsec_plan *plan, struct visit *const *visits)
{
    size_t count = smtpsec_plan_host_count(plan);
    json_t **connects = calloc(count + 1, sizeof(json_t *));
    json_t *object = NULL;
    size_t i;

    if (connects == NULL)
        tool_out_of_memory();
    for (i = 0; i < count; i++)
        connects[i] = visits[i] != NULL ? visit_json(visits[i]) : NULL;
    object = json_plan(plan, connects);
    json_put(object, "events", events_json(&check->events, smtpsec_plan_domain(plan)));
    json_print_line(object);
    free(connects);
}

static int
finish_plan(struct check *check, const struct smtpsec_plan *plan)
{
    size_t count = smtpsec_plan_host_count(plan);
    struct visit **visits = calloc(count + 1, sizeof(*visits));
    int code = exit_of_verdict(smtpsec_plan_verdict(plan));
    size_t i;

    if (visits == NULL)
        tool_out_of_memory();
    if (check->options->connect && code == TOOL_OK)
        code = visit_all(check, plan, visits);
    if (check->options->save_requirements != NULL)
        code = tool_worse(code, save_requirements(check, plan));
    if (check->options->json) {
        if (check->options->explain)
            explain_plan_json(plan, visits);
        else
            print_json_plan(check, plan, visits);
    } else if (check->options->explain) {
        events_say(&check->events);
        explain_plan(plan, visits);
    } else {
        events_say(&check->events);
        table_plan(&check->style, plan, visits);
    }
    for (i = 0; i < count; i++) {
        if (visits[i] != NULL)
            visit_end(visits[i]);
        free(visits[i]);
    }
    free(visits);
    return code;
}

static int
finish_invalid(struct check *check, const char *domain)
{
    if (check->options->json) {
        json_t *object = json_invalid_domain(check->options, domain);

        json_put(object, "events", events_json(&check->events, domain));
        json_print_line(object);
    } else {
        table_invalid_domain(&check->style, domain);
    }
    return TOOL_FAIL;
}

/* Print what came of a job, and free its plan. */
static int
finish(struct check *check, struct job *job)
{
    int code = 0;

    events_take(&check->events, check->context);
    if (job->status == 0 && check->message != NULL)
        job->status = setup_plan_for_message(check->message, &job->plan);
    if (job->status == SMTPSEC_E_NAME)
        return finish_invalid(check, job->domain);
    if (job->status != 0) {
        char shown[300];

        text_escape(shown, sizeof(shown), job->domain, strlen(job->domain));
        tool_say("%s: %s", shown, smtpsec_strerror(job->status));
        return tool_exit_of_error(job->status);
    }
    code = finish_plan(check, job->plan);
    smtpsec_plan_free(job->plan);
    job->plan = NULL;
    return code;
}

/* ---- The blocking way --------------------------------------------------- */

static int
run_blocking(struct check *check)
{
    int code = TOOL_OK;
    size_t i;

    for (i = 0; i < check->options->operand_count; i++) {
        struct job job = {check->options->operands[i], 0, 0, NULL, NULL};
        struct smtpsec_destination *destination = NULL;

        job.status = setup_destination(check->options, job.domain, &destination);
        if (job.status == 0)
            job.status = smtpsec_evaluate_destination(check->context, destination,
                                                      check->options->timeout_ms, &job.plan);
        smtpsec_destination_free(destination);
        code = tool_worse(code, finish(check, &job));
    }
    return code;
}

/* ---- The event loop ----------------------------------------------------- */

static void
job_done(void *user, int status, struct smtpsec_plan *plan)
{
    struct job *job = user;

    job->status = status;
    job->plan = plan;
    job->done = 1;
}

static void
start_job(struct check *check, struct job *job)
{
    struct smtpsec_destination *destination = NULL;

    job->status = setup_destination(check->options, job->domain, &destination);
    if (job->status == 0)
        job->status = smtpsec_start(check->context, destination, check->options->timeout_ms,
                                    job_done, job, &job->request);
    if (job->status != 0)
        job->done = 1;
    smtpsec_destination_free(destination);
}

static int
all_done(const struct job *jobs, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (!jobs[i].done)
            return 0;
    }
    return 1;
}

/* Wait until every job of a batch is done. Returns 0 or a SMTPSEC_E_*. */
static int
run_loop(struct check *check, const struct job *jobs, size_t count)
{
    int rc = 0;

    while (rc == 0 && !all_done(jobs, count)) {
        struct pollfd p = {smtpsec_fd(check->context), POLLIN, 0};

        if (poll(&p, 1, smtpsec_timeout_ms(check->context)) < 0 && errno != EINTR)
            rc = SMTPSEC_E_SYSTEM;
        else
            rc = smtpsec_process(check->context);
    }
    return rc;
}

static int
run_batch(struct check *check, char **domains, size_t count)
{
    struct job jobs[BATCH];
    int code = TOOL_OK;
    int rc;
    size_t i;

    for (i = 0; i < count; i++) {
        memset(&jobs[i], 0, sizeof(jobs[i]));
        jobs[i].domain = domains[i];
        start_job(check, &jobs[i]);
    }
    rc = run_loop(check, jobs, count);
    for (i = 0; i < count; i++) {
        if (!jobs[i].done) {
            /* The array ends here: nobody may be called back with it later. */
            smtpsec_cancel(jobs[i].request);
            jobs[i].status = rc;
        }
        code = tool_worse(code, finish(check, &jobs[i]));
    }
    return code;
}

static int
run_batches(struct check *check)
{
    size_t total = check->options->operand_count;
    int code = TOOL_OK;
    size_t from;

    for (from = 0; from < total; from += BATCH) {
        size_t count = total - from < BATCH ? total - from : BATCH;

        code = tool_worse(code, run_batch(check, check->options->operands + from, count));
    }
    return code;
}

/* ---- The command -------------------------------------------------------- */

static int
check_open(struct check *check)
{
    int code = setup_anchors(check->options, &check->anchors);
    int rc = 0;

    check->options->prepare = setup_once;
    if (code == 0)
        code = setup_context(check->options, SETUP_EVALUATE, check->anchors, &check->context);
    if (code == 0 && (check->options->requiretls || check->options->tls_required_no))
        rc = setup_message(check->options, 0, &check->message);
    return rc != 0 ? tool_exit_of_error(rc) : code;
}

int
check_command(struct tool_options *options)
{
    struct check check;
    int code;

    if (options->operand_count == 0)
        return options_usage(options->explain ? COMMAND_EXPLAIN : COMMAND_CHECK, "no domain given");
    memset(&check, 0, sizeof(check));
    check.options = options;
    table_style_init(&check.style, options->verbose);
    code = check_open(&check);
    if (code == 0)
        code = options->via == VIA_LOOP ? run_batches(&check) : run_blocking(&check);
    events_say(&check.events);
    events_free(&check.events);
    smtpsec_message_free(check.message);
    smtpsec_context_free(check.context);
    smtpsec_anchors_free(check.anchors);
    return code;
}
