/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

static const char *const said[SERVE_SAID_KINDS] = {"ok", "notfound", "temp", "perm", "other"};
static const char *const ends[SERVE_END_KINDS] = {"peer",  "malformed", "stalled",
                                                  "share", "error",     "stopped"};
static const char *const maps[SERVE_DIALECTS] = {"smtpsec", "smtpsec-tlsrpt", "smtpsec-report"};

static const struct {
    int64_t us;
    const char *seconds;
} bounds[SERVE_BOUNDS] = {
    {1000, "0.001"},   {10000, "0.01"},   {50000, "0.05"},   {100000, "0.1"},   {500000, "0.5"},
    {1000000, "1"},    {5000000, "5"},    {15000000, "15"},  {30000000, "30"},  {60000000, "60"},
};

static int
kind_of(const char *reply)
{
    static const char *const words[] = {"OK ", "NOTFOUND ", "TEMP ", "PERM "};
    int kind;

    for (kind = 0; kind < SERVE_SAID_OTHER; kind++) {
        if (strncmp(reply, words[kind], strlen(words[kind])) == 0)
            return kind;
    }
    return SERVE_SAID_OTHER;
}

void
serve_figures_reply(struct serve_figures *figures, int dialect, const char *reply, int64_t took_us)
{
    size_t i = 0;

    figures->requests[dialect >= 0 && dialect < SERVE_DIALECTS ? dialect : 0][kind_of(reply)]++;
    while (i < SERVE_BOUNDS && took_us > bounds[i].us)
        i++;
    figures->latency[i]++;
    figures->latency_sum += (double)took_us / 1e6;
}

static void
head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP smtpsec_serve_%s %s\n# TYPE smtpsec_serve_%s %s\n", name, help, name,
            type);
}

static void
number(FILE *out, const char *name, const char *type, const char *help, uint64_t value)
{
    head(out, name, type, help);
    fprintf(out, "smtpsec_serve_%s %" PRIu64 "\n", name, value);
}

static void
print_requests(FILE *out, const struct serve_figures *figures)
{
    uint64_t sum = 0;
    size_t i, k;

    head(out, "requests_total", "counter", "Requests answered, by map and kind of reply.");
    for (i = 0; i < SERVE_DIALECTS; i++) {
        for (k = 0; k < SERVE_SAID_KINDS; k++)
            fprintf(out, "smtpsec_serve_requests_total{map=\"%s\",reply=\"%s\"} %" PRIu64 "\n",
                    maps[i], said[k], figures->requests[i][k]);
    }
    head(out, "request_seconds", "histogram", "From a request to its reply.");
    for (i = 0; i < SERVE_BOUNDS; i++) {
        sum += figures->latency[i];
        fprintf(out, "smtpsec_serve_request_seconds_bucket{le=\"%s\"} %" PRIu64 "\n",
                bounds[i].seconds, sum);
    }
    sum += figures->latency[SERVE_BOUNDS];
    fprintf(out,
            "smtpsec_serve_request_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
            "smtpsec_serve_request_seconds_sum %.6f\nsmtpsec_serve_request_seconds_count %" PRIu64
            "\n",
            sum, figures->latency_sum, sum);
}

static void
print_connections(FILE *out, const struct serve_figures *figures, const struct serve_gauges *gauges)
{
    size_t i;

    number(out, "connections", "gauge", "Connections that are open.", gauges->connections);
    number(out, "connections_total", "counter", "Connections accepted.", figures->connections);
    head(out, "connections_ended_total", "counter", "Connections ended, by cause.");
    for (i = 0; i < SERVE_END_KINDS; i++)
        fprintf(out, "smtpsec_serve_connections_ended_total{cause=\"%s\"} %" PRIu64 "\n", ends[i],
                figures->ends[i]);
}

static void
print_evaluations(FILE *out, const struct serve_figures *figures, const struct serve_gauges *gauges)
{
    number(out, "evaluations", "gauge", "Evaluations under way.", gauges->flights_running);
    number(out, "evaluations_queued", "gauge", "Evaluations that wait to begin.",
           gauges->flights_queued);
    number(out, "evaluations_total", "counter", "Evaluations begun.", figures->evaluations);
    number(out, "evaluations_joined_total", "counter",
           "Requests that waited for an evaluation begun by another.", gauges->joined);
    number(out, "evaluation_failures_total", "counter", "Evaluations ended by an error here.",
           figures->evaluation_failures);
    number(out, "queue_refusals_total", "counter", "Requests refused since the queue was full.",
           figures->queue_refusals);
    number(out, "plans", "gauge", "Plans kept.", gauges->plans);
    number(out, "plan_hits_total", "counter", "Requests answered from a plan kept.",
           figures->cache_hits);
}

static void
print_upkeep(FILE *out, const struct serve_figures *figures, const struct serve_gauges *gauges)
{
    number(out, "refresh_rounds_total", "counter", "Looks for policies that are due.",
           figures->refresh_rounds);
    number(out, "policies_refreshed_total", "counter", "Policies fetched anew.",
           figures->refreshed);
    number(out, "policy_refresh_failures_total", "counter", "Policies that could not be.",
           figures->refresh_failures);
    number(out, "policies_removed_total", "counter", "Policies removed.",
           figures->policies_removed);
    number(out, "prunes_total", "counter", "Times that the memory was cleared up.",
           figures->prunes);
    number(out, "prune_failures_total", "counter", "Times that this failed.",
           figures->prune_failures);
    number(out, "reloads_total", "counter", "Reloads that took effect.", figures->reloads);
    number(out, "reload_failures_total", "counter", "Reloads after which all stayed as it was.",
           figures->reload_failures);
    number(out, "memory_state", "gauge", "Memory: 0 off, 1 ok, 2 read only, 3 lost.",
           (uint64_t)gauges->memory);
    number(out, "dnssec_state", "gauge",
           "Does the resolver validate: 0 unknown, 1 yes, 2 not any more, 3 not trusted.",
           (uint64_t)gauges->dnssec);
}

/* Constants with a name have no gaps. */
static void
print_library(FILE *out, const struct serve_figures *figures, const struct serve_gauges *gauges)
{
    int32_t i;

    head(out, "library_total", "counter", "What the library counts.");
    for (i = 1; i < SERVE_EVENT_KINDS && strcmp(smtpsec_counter_name(i), "unknown") != 0; i++)
        fprintf(out, "smtpsec_serve_library_total{what=\"%s\"} %" PRIu64 "\n",
                smtpsec_counter_name(i), figures->counters_before[i] + gauges->counters[i]);
    head(out, "events_total", "counter", "Events, by kind.");
    for (i = 1; i < SERVE_EVENT_KINDS && strcmp(smtpsec_event_name(i), "unknown") != 0; i++)
        fprintf(out, "smtpsec_serve_events_total{kind=\"%s\"} %" PRIu64 "\n",
                smtpsec_event_name(i), figures->events[i]);
}

char *
serve_figures_text(const struct serve_figures *figures, const struct serve_gauges *gauges)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int failed;

    if (out == NULL)
        return NULL;
    print_requests(out, figures);
    print_connections(out, figures, gauges);
    print_evaluations(out, figures, gauges);
    print_upkeep(out, figures, gauges);
    print_library(out, figures, gauges);
    failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}
