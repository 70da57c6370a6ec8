/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smtpsec memory promote: say who would be refused were a kind of claim
 * enforced, then ask, then switch it in the operator's policy file. What is
 * evaluated learns nothing: the memory is only read.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <smtpsec.h>

#include "memory.h"
#include "policy_edit.h"
#include "print_json.h"
#include "setup.h"
#include "text.h"
#include "visit.h"

/* Evaluations under way at the same time. */
enum { BATCH = 32 };

/* A destination with a claim of the kind. */
struct target {
    char *domain;
    int by_relay;
    uint16_t port;
};

/* One evaluation. */
struct job {
    const struct target *target;
    int status;
    int done;
    struct smtpsec_plan *plan;
    struct smtpsec_request *request; /* gone when done */
};

/* What came of one destination; the worse outranks. */
enum fate { MET, UNTOLD, REFUSED, FATES };

static const char *const fate_names[FATES] = {"met", "unknown", "refused"};

struct promotion {
    struct tool_options *options;
    int32_t kind;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    struct target *targets;
    size_t count;
    size_t finished;
    size_t tally[FATES];
};

/* ---- Whom it concerns ---- */

static void
add_target(struct promotion *promotion, const struct smtpsec_claim *claim)
{
    int by_relay = strcmp(smtpsec_claim_route(claim), "relay") == 0;
    struct target *last = promotion->count > 0 ? &promotion->targets[promotion->count - 1] : NULL;
    struct target *list;

    /* Claims of one destination stand together. */
    if (last != NULL && strcmp(last->domain, smtpsec_claim_domain(claim)) == 0 &&
        last->by_relay == by_relay && last->port == smtpsec_claim_port(claim))
        return;
    list = realloc(promotion->targets, (promotion->count + 1) * sizeof(*list));
    if (list == NULL)
        tool_out_of_memory();
    promotion->targets = list;
    list += promotion->count++;
    list->domain = strdup(smtpsec_claim_domain(claim));
    list->by_relay = by_relay;
    list->port = smtpsec_claim_port(claim);
    if (list->domain == NULL)
        tool_out_of_memory();
}

/* Those of a domain, or of all, in which a claim of the kind is in force by its evidence. */
static int
add_targets(struct promotion *promotion, const char *domain)
{
    struct smtpsec_claims *claims = NULL;
    size_t before = promotion->count;
    int rc = smtpsec_memory_list(promotion->context, domain, &claims);
    size_t i;

    if (rc != 0) {
        tool_say("memory: %s", smtpsec_strerror(rc));
        return tool_exit_of_error(rc);
    }
    for (i = 0; i < smtpsec_claims_count(claims); i++) {
        const struct smtpsec_claim *claim = smtpsec_claims_get(claims, i);

        if (smtpsec_claim_kind(claim) == promotion->kind && smtpsec_claim_in_force(claim))
            add_target(promotion, claim);
    }
    smtpsec_claims_free(claims);
    if (domain != NULL && promotion->count == before) {
        char shown[300];

        text_escape(shown, sizeof(shown), domain, strlen(domain));
        tool_say("%s: no claim of kind %s is in force", shown, smtpsec_claim_name(promotion->kind));
    }
    return TOOL_OK;
}

/* ---- What it would mean ---- */

static int
is_of_memory(int32_t reason)
{
    return reason == SMTPSEC_REASON_DOWNGRADE || reason == SMTPSEC_REASON_ANSWER_HELD ||
           reason == SMTPSEC_REASON_DNSSEC_LOST;
}

/* claim: the kind behind it, 0 when it is the domain's own. */
static void
print_row(const struct promotion *promotion, const struct target *target, const char *host,
          enum fate fate, int32_t claim, int32_t reason, const char *text)
{
    const char *claim_name = smtpsec_claim_name(claim != 0 ? claim : promotion->kind);
    json_t *object;

    if (!promotion->options->json) {
        printf("%-30s  %-30s  %-7s  %-9s  %-20s  %s\n", target->domain,
               host[0] != '\0' ? host : "-", fate_names[fate], claim_name,
               smtpsec_reason_name(reason), text);
        return;
    }
    object = json_new_object();
    json_put_text(object, "domain", target->domain);
    json_put_text(object, "route", target->by_relay ? "relay" : "mx");
    json_put_number(object, "port", target->port);
    json_put_text(object, "host", host);
    json_put_text(object, "result", fate_names[fate]);
    json_put_text(object, "claim", claim_name);
    json_put(object, "reason", json_reason(reason));
    json_put_text(object, "text", text);
    json_print_line(object);
}

static const char *
host_text(const struct smtpsec_host *host, int32_t reason)
{
    const char *text = smtpsec_host_floor_text(host);

    return text != NULL && text[0] != '\0' ? text : smtpsec_reason_text(reason);
}

/* A session is judged by what the memory asks only where the memory asks. */
static enum fate
judge_session(const struct promotion *promotion, const struct target *target,
              const struct visit_way *way, const struct smtpsec_host *host)
{
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    struct visit visit;
    enum fate fate = MET;

    if ((smtpsec_requirement_sources(requirement) & SMTPSEC_SOURCE_MEMORY) == 0)
        return MET;
    tool_need(visit_host(&visit, way, host));
    smtp_client_quit(&visit.client);
    if (!visit.accepted) {
        fate = visit.starttls == SMTPSEC_STARTTLS_NOT_REACHED ? UNTOLD : REFUSED;
        print_row(promotion, target, smtpsec_host_name(host), fate, smtpsec_host_floor_claim(host),
                  visit.reason, host_text(host, visit.reason));
    }
    visit_end(&visit);
    return fate;
}

static enum fate
judge_host(const struct promotion *promotion, const struct target *target,
           const struct visit_way *way, const struct smtpsec_host *host)
{
    int32_t reason = smtpsec_host_reason(host);

    if (smtpsec_host_action(host) == SMTPSEC_ACTION_USE)
        return promotion->options->connect ? judge_session(promotion, target, way, host) : MET;
    if (!is_of_memory(reason))
        return MET; /* skipped as it is today */
    print_row(promotion, target, smtpsec_host_name(host), REFUSED, smtpsec_host_floor_claim(host),
              reason, host_text(host, reason));
    return REFUSED;
}

static enum fate
judge_plan(const struct promotion *promotion, const struct target *target,
           const struct smtpsec_plan *plan)
{
    int32_t reason = smtpsec_plan_reason(plan);
    struct visit_way way;
    enum fate worst = MET;
    size_t i;

    visit_way_init(&way, promotion->options, promotion->anchors, smtpsec_plan_port(plan));
    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        enum fate fate = judge_host(promotion, target, &way, smtpsec_plan_host(plan, i));

        if (fate > worst)
            worst = fate;
    }
    if (worst == REFUSED || smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER)
        return worst;
    /* No host told it: either the memory holds the answer back, or nobody can be asked today. */
    worst = is_of_memory(reason) ? REFUSED : UNTOLD;
    print_row(promotion, target, "", worst, 0, reason, smtpsec_plan_text(plan));
    return worst;
}

/* ---- Evaluating ---- */

static void
job_done(void *user, int status, struct smtpsec_plan *plan)
{
    struct job *job = user;

    job->status = status;
    job->plan = plan;
    job->done = 1;
}

static void
start_job(const struct promotion *promotion, struct job *job)
{
    const struct target *target = job->target;
    struct smtpsec_destination *destination = NULL;

    job->status = smtpsec_destination_new(target->domain, &destination);
    if (job->status == 0 && target->by_relay)
        job->status = smtpsec_destination_set_relay(destination, target->domain);
    if (job->status == 0)
        job->status = smtpsec_destination_set_port(destination, target->port);
    if (job->status == 0)
        job->status = smtpsec_start(promotion->context, destination, promotion->options->timeout_ms,
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
run_loop(struct smtpsec_context *context, const struct job *jobs, size_t count)
{
    int rc = 0;

    while (rc == 0 && !all_done(jobs, count)) {
        struct pollfd p = {smtpsec_fd(context), POLLIN, 0};

        if (poll(&p, 1, smtpsec_timeout_ms(context)) < 0 && errno != EINTR)
            rc = SMTPSEC_E_SYSTEM;
        else
            rc = smtpsec_process(context);
    }
    return rc;
}

static void
finish_job(struct promotion *promotion, struct job *job)
{
    enum fate fate = UNTOLD;

    if (job->status == 0)
        fate = judge_plan(promotion, job->target, job->plan);
    else
        print_row(promotion, job->target, "", UNTOLD, 0, SMTPSEC_REASON_NONE,
                  smtpsec_strerror(job->status));
    promotion->tally[fate]++;
    promotion->finished++;
    smtpsec_plan_free(job->plan);
    job->plan = NULL;
}

/* One line that is written over again; only where somebody looks, and not between the rows. */
static void
show_progress(const struct promotion *promotion)
{
    if (isatty(STDERR_FILENO) && !isatty(STDOUT_FILENO) && promotion->count > 8)
        fprintf(stderr, "\rpromote: %zu of %zu%s", promotion->finished, promotion->count,
                promotion->finished == promotion->count ? "\n" : "");
}

static void
run_batch(struct promotion *promotion, size_t from, size_t count)
{
    struct job jobs[BATCH];
    int rc;
    size_t i;

    memset(jobs, 0, sizeof(jobs));
    for (i = 0; i < count; i++) {
        jobs[i].target = &promotion->targets[from + i];
        start_job(promotion, &jobs[i]);
    }
    rc = run_loop(promotion->context, jobs, count);
    for (i = 0; i < count; i++) {
        if (!jobs[i].done) {
            smtpsec_cancel(jobs[i].request);
            jobs[i].status = rc;
        }
        finish_job(promotion, &jobs[i]);
    }
    show_progress(promotion);
}

/* The rows tell what becomes of domains; of the rest somebody should know. */
static void
say_events(struct smtpsec_context *context)
{
    while (smtpsec_event_next(context) == 1) {
        if (smtpsec_event_domain(context)[0] == '\0')
            tool_say("event %s: %s", smtpsec_event_name(smtpsec_event_kind(context)),
                     smtpsec_event_text(context));
    }
}

static void
evaluate(struct promotion *promotion)
{
    size_t from;

    for (from = 0; from < promotion->count; from += BATCH) {
        size_t left = promotion->count - from;

        run_batch(promotion, from, left < BATCH ? left : BATCH);
        say_events(promotion->context);
    }
}

static void
print_sum(const struct promotion *promotion)
{
    const size_t *tally = promotion->tally;
    json_t *object;

    if (!promotion->options->json) {
        printf("%s: %zu destinations, %zu met, %zu would be refused, %zu unknown\n",
               smtpsec_claim_name(promotion->kind), promotion->count, tally[MET], tally[REFUSED],
               tally[UNTOLD]);
    } else {
        object = json_new_object();
        json_put_text(object, "kind", smtpsec_claim_name(promotion->kind));
        json_put_number(object, "destinations", (int64_t)promotion->count);
        json_put_number(object, "met", (int64_t)tally[MET]);
        json_put_number(object, "refused", (int64_t)tally[REFUSED]);
        json_put_number(object, "unknown", (int64_t)tally[UNTOLD]);
        json_print_line(object);
    }
    fflush(stdout);
}

/* ---- Switching ---- */

/* Only a plain yes is one; the end of input is none. */
static int
says_yes(const struct promotion *promotion)
{
    char shown[300];
    char answer[16];

    text_escape(shown, sizeof(shown), promotion->options->policy,
                strlen(promotion->options->policy));
    if (promotion->tally[REFUSED] > 0)
        fprintf(stderr, "%zu of %zu would be refused now. ", promotion->tally[REFUSED],
                promotion->count);
    fprintf(stderr, "Switch %s to enforce in %s? [y/N] ", smtpsec_claim_name(promotion->kind),
            shown);
    fflush(stderr);
    if (fgets(answer, sizeof(answer), stdin) == NULL) {
        fputc('\n', stderr);
        return 0;
    }
    answer[strcspn(answer, "\n")] = '\0';
    return text_same(answer, "y") || text_same(answer, "yes");
}

static int
offer(const struct promotion *promotion)
{
    const struct tool_options *options = promotion->options;
    int code;

    if (options->policy == NULL)
        return promotion->tally[REFUSED] > 0 ? TOOL_FAIL : TOOL_OK;
    if (!options->yes && !isatty(STDIN_FILENO)) {
        tool_say("not switched: there is no terminal to ask on, and no --yes");
        return TOOL_DEFER;
    }
    if (!options->yes && !says_yes(promotion)) {
        tool_say("not switched");
        return TOOL_FAIL;
    }
    code = policy_edit_file(options->policy, smtpsec_claim_name(promotion->kind),
                            smtpsec_mode_name(SMTPSEC_MODE_ENFORCE), setup_now(options));
    if (code != TOOL_OK)
        tool_say("not switched");
    else if (!options->json)
        printf("%s is switched to enforce\n", smtpsec_claim_name(promotion->kind));
    return code;
}

static int
run(struct promotion *promotion, char **domains, size_t count)
{
    int code = TOOL_OK;
    size_t i;

    if (count == 0)
        code = add_targets(promotion, NULL);
    for (i = 0; code == TOOL_OK && i < count; i++)
        code = add_targets(promotion, domains[i]);
    if (code != TOOL_OK)
        return code;
    evaluate(promotion);
    print_sum(promotion);
    return offer(promotion);
}

int
memory_promote(struct tool_options *options, int32_t kind, char **domains, size_t count)
{
    struct promotion promotion;
    int code;
    size_t i;

    memset(&promotion, 0, sizeof(promotion));
    promotion.options = options;
    promotion.kind = kind;
    options->modes[kind] = SMTPSEC_MODE_ENFORCE; /* whatever the file says */
    code = setup_anchors(options, &promotion.anchors);
    if (code == TOOL_OK)
        code = setup_context(options, SETUP_REHEARSE, promotion.anchors, &promotion.context);
    if (code == TOOL_OK)
        code = run(&promotion, domains, count);
    if (promotion.context != NULL)
        say_events(promotion.context);
    for (i = 0; i < promotion.count; i++)
        free(promotion.targets[i].domain);
    free(promotion.targets);
    smtpsec_context_free(promotion.context);
    smtpsec_anchors_free(promotion.anchors);
    return code;
}
