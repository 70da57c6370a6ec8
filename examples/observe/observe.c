/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * smtpsec observe: the deliveries of an unmodified Postfix, out of its log
 * into the memory. A log shows no certificate: TLS is all that is learnt.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

#include "commands.h"
#include "events.h"
#include "line.h"
#include "print_json.h"
#include "setup.h"
#include "source.h"
#include "text.h"
#include "track.h"

/* Plans kept, and for how long: hosts of a domain change seldom, and a delivery is told within seconds. */
enum { PLANS = 64, PLAN_LIFE = 300 };
/* Older than this, an outcome is refused by the library. */
enum { OUTCOME_AGE = 86400 };

struct kept_plan {
    char domain[LOG_NAME_MAX + 1];
    struct smtpsec_plan *plan; /* NULL: it could not be made */
    int64_t until;
};

/* What came of a delivery that was told of. */
enum told {
    TOLD_TLS = 0,
    TOLD_PLAIN,
    TOLD_REUSED,
    TOLD_NULL_SENDER,
    TOLD_SENDER_UNKNOWN,
    TOLD_TLS_UNKNOWN,
    TOLD_OLD,
    TOLD_NO_PLAN,
    TOLD_OTHER_HOST, /* no MX host of the domain: a relay, or a transport of its own */
    TOLD_NOT_WRITTEN,
    TOLD_COUNT
};

static const char *const told_names[TOLD_COUNT] = {
    "tls",         "plaintext", "reused",  "null-sender", "sender-unknown",
    "tls-unknown", "old",       "no-plan", "other-host",  "not-written"};

struct observer {
    struct tool_options *options;
    struct smtpsec_context *context;
    struct tracker *tracker;
    struct kept_plan plans[PLANS];
    size_t next;
    uint64_t lines;
    uint64_t counts[TOLD_COUNT];
};

/* ---- Plans ---- */

static struct smtpsec_plan *
evaluate(struct observer *observer, const char *domain)
{
    struct smtpsec_destination *destination = NULL;
    struct smtpsec_plan *plan = NULL;
    int rc = setup_destination(observer->options, domain, &destination);

    if (rc == 0)
        rc = smtpsec_evaluate_destination(observer->context, destination,
                                          observer->options->timeout_ms, &plan);
    smtpsec_destination_free(destination);
    return rc == 0 ? plan : NULL;
}

static const struct smtpsec_plan *
plan_of(struct observer *observer, const char *domain, int64_t now)
{
    struct kept_plan *kept;
    size_t i;

    for (i = 0; i < PLANS; i++) {
        kept = &observer->plans[i];
        if (kept->until > now && strcmp(kept->domain, domain) == 0)
            return kept->plan;
    }
    kept = &observer->plans[observer->next++ % PLANS];
    smtpsec_plan_free(kept->plan);
    kept->plan = evaluate(observer, domain);
    kept->until = now + PLAN_LIFE;
    snprintf(kept->domain, sizeof(kept->domain), "%s", domain);
    return kept->plan;
}

static const struct smtpsec_requirement *
requirement_of(const struct smtpsec_plan *plan, const struct tracked *tracked)
{
    size_t i;

    if (tracked->port != smtpsec_plan_port(plan))
        return NULL;
    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, i);

        if (strcmp(smtpsec_host_name(host), tracked->host) == 0)
            return smtpsec_host_requirement(host);
    }
    return NULL;
}

/* ---- One delivery ---- */

static int
record(struct observer *observer, const struct smtpsec_requirement *requirement,
       const struct tracked *tracked, int tls, int64_t now)
{
    struct smtpsec_outcome *outcome = NULL;
    int rc = smtpsec_outcome_new(requirement, tracked->at, &outcome);

    if (rc == 0)
        rc = smtpsec_outcome_set_observed(outcome, tls ? SMTPSEC_STARTTLS_DONE
                                                       : SMTPSEC_STARTTLS_ABSENT);
    if (rc == 0)
        rc = smtpsec_outcome_set_accepted(outcome, 1);
    if (rc == 0)
        rc = smtpsec_record(observer->context, outcome, now);
    smtpsec_outcome_free(outcome);
    return rc;
}

static enum told
learn(struct observer *observer, const struct tracked *tracked, int tls, int64_t now)
{
    const struct smtpsec_requirement *requirement;
    const struct smtpsec_plan *plan;

    /* Not even asked about: a long log is read through in no time. */
    if (tracked->at < now - OUTCOME_AGE || tracked->at > now + OUTCOME_AGE)
        return TOLD_OLD;
    plan = plan_of(observer, tracked->domain, now);
    if (plan == NULL)
        return TOLD_NO_PLAN;
    requirement = requirement_of(plan, tracked);
    if (requirement == NULL)
        return TOLD_OTHER_HOST;
    switch (record(observer, requirement, tracked, tls, now)) {
    case 0:
        return tls ? TOLD_TLS : TOLD_PLAIN;
    case SMTPSEC_E_STALE:
        return TOLD_OLD;
    default:
        return TOLD_NOT_WRITTEN;
    }
}

static enum told
tell(struct observer *observer, enum track_result result, const struct tracked *tracked,
     int64_t now)
{
    switch (result) {
    case TRACK_TLS:
    case TRACK_PLAIN:
        return learn(observer, tracked, result == TRACK_TLS, now);
    case TRACK_REUSED:
        return TOLD_REUSED;
    case TRACK_NULL_SENDER:
        return TOLD_NULL_SENDER;
    case TRACK_SENDER_UNKNOWN:
        return TOLD_SENDER_UNKNOWN;
    default:
        return TOLD_TLS_UNKNOWN;
    }
}

static void
print_delivery(const struct observer *observer, const struct tracked *tracked, enum told told)
{
    char domain[4 * LOG_NAME_MAX + 1], host[4 * LOG_NAME_MAX + 1];
    json_t *object;

    text_escape(domain, sizeof(domain), tracked->domain, strlen(tracked->domain));
    text_escape(host, sizeof(host), tracked->host, strlen(tracked->host));
    if (!observer->options->json) {
        if (observer->options->verbose)
            printf("%lld %s %s:%u %s\n", (long long)tracked->at, domain, host,
                   (unsigned)tracked->port, told_names[told]);
        return;
    }
    object = json_new_object();
    json_put_number(object, "time", tracked->at);
    json_put_text(object, "domain", domain);
    json_put_text(object, "host", host);
    json_put_number(object, "port", tracked->port);
    json_put_text(object, "learnt", told_names[told]);
    json_print_line(object);
}

static void
take(struct observer *observer, const char *text, size_t len)
{
    int64_t now = setup_now(observer->options);
    enum track_result result;
    struct tracked tracked;
    struct log_line line;
    enum told told;
    int64_t at;

    observer->lines++;
    if (log_line_read(text, len, &line) == LOG_OTHER)
        return;
    at = source_time(&line.time, now);
    if (at < 0)
        return;
    result = tracker_take(observer->tracker, &line, at, &tracked);
    if (result == TRACK_NOTHING)
        return;
    told = tell(observer, result, &tracked, now);
    observer->counts[told]++;
    print_delivery(observer, &tracked, told);
}

/* ---- All of them ---- */

static void
say_events(struct smtpsec_context *context)
{
    struct tool_events events = {NULL, 0};

    events_take(&events, context);
    events_say(&events);
    events_free(&events);
}

static int
read_all(struct observer *observer, struct source *source)
{
    const char *line;
    size_t len;
    int r;

    while ((r = source_next(source, &line, &len)) > 0) {
        if (r == SOURCE_GAP)
            tracker_gap(observer->tracker);
        else if (r != SOURCE_IDLE)
            take(observer, line, len);
        if (r != SOURCE_IDLE)
            continue;
        say_events(observer->context);
        if (fflush(stdout) != 0)
            return TOOL_IO;
        source_wait();
    }
    say_events(observer->context);
    return r < 0 ? TOOL_IO : TOOL_OK;
}

static void
print_counts(const struct observer *observer)
{
    json_t *object;
    int i;

    if (!observer->options->json) {
        printf("%llu lines:", (unsigned long long)observer->lines);
        for (i = 0; i < TOLD_COUNT; i++)
            printf(" %s %llu%s", told_names[i], (unsigned long long)observer->counts[i],
                   i + 1 < TOLD_COUNT ? "," : "\n");
        return;
    }
    object = json_new_object();
    json_put_number(object, "lines", (int64_t)observer->lines);
    for (i = 0; i < TOLD_COUNT; i++)
        json_put_number(object, told_names[i], (int64_t)observer->counts[i]);
    json_print_line(object);
}

static int
observe(struct observer *observer, const char *path)
{
    struct source *source = NULL;
    size_t i;
    int code = TOOL_OK;

    observer->tracker = tracker_new();
    if (observer->tracker == NULL)
        tool_out_of_memory();
    if (source_open(path, observer->options->follow, &source) != 0)
        code = TOOL_NO_INPUT;
    else
        code = read_all(observer, source);
    print_counts(observer);
    for (i = 0; i < PLANS; i++)
        smtpsec_plan_free(observer->plans[i].plan);
    tracker_free(observer->tracker);
    source_close(source);
    return code == TOOL_OK && observer->counts[TOLD_NOT_WRITTEN] > 0 ? TOOL_CANNOT_CREATE : code;
}

int
observe_command(struct tool_options *options)
{
    struct observer *observer;
    struct smtpsec_anchors *anchors = NULL;
    const char *path = options->operand_count == 1 ? options->operands[0] : "-";
    int code;

    if (options->memory == NULL)
        return options_usage(COMMAND_OBSERVE, "which memory? give --memory");
    if (options->operand_count > 1 || (options->follow && strcmp(path, "-") == 0))
        return options_usage(COMMAND_OBSERVE, "one file is wanted");
    observer = calloc(1, sizeof(*observer));
    if (observer == NULL)
        tool_out_of_memory();
    observer->options = options;
    code = setup_anchors(options, &anchors);
    if (code == TOOL_OK)
        code = setup_context(options, SETUP_EVALUATE, anchors, &observer->context);
    if (code == TOOL_OK)
        code = observe(observer, path);
    smtpsec_context_free(observer->context);
    smtpsec_anchors_free(anchors);
    free(observer);
    return code;
}
