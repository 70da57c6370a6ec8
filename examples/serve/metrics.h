/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is counted, and its text for Prometheus (text format 0.0.4). Pure. */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stddef.h>
#include <stdint.h>

enum {
    SERVE_SAID_OK = 0,
    SERVE_SAID_NOTFOUND,
    SERVE_SAID_TEMP,
    SERVE_SAID_PERM,
    SERVE_SAID_OTHER,
    SERVE_SAID_KINDS
};

/* Why a connection ended. */
enum {
    SERVE_END_PEER = 0,   /* it went away */
    SERVE_END_MALFORMED,  /* no netstring */
    SERVE_END_STALLED,    /* half a request, or replies not read */
    SERVE_END_SHARE,      /* its peer has its share of connections */
    SERVE_END_ERROR,
    SERVE_END_STOPPED,    /* we ended */
    SERVE_END_KINDS
};

#define SERVE_DIALECTS 3
#define SERVE_BOUNDS 10     /* of the latencies */
#define SERVE_EVENT_KINDS 64 /* more than there are */

struct serve_figures {
    uint64_t requests[SERVE_DIALECTS][SERVE_SAID_KINDS];
    uint64_t latency[SERVE_BOUNDS + 1]; /* the last: longer than all bounds */
    double latency_sum;
    uint64_t connections;
    uint64_t ends[SERVE_END_KINDS];
    uint64_t cache_hits;
    uint64_t evaluations;         /* begun */
    uint64_t evaluation_failures; /* ended by an error of ours */
    uint64_t queue_refusals;
    uint64_t reloads;
    uint64_t reload_failures;
    uint64_t refresh_rounds;
    uint64_t refreshed;
    uint64_t refresh_failures;
    uint64_t policies_removed;
    uint64_t prunes;
    uint64_t prune_failures;
    uint64_t events[SERVE_EVENT_KINDS];
    uint64_t counters_before[SERVE_EVENT_KINDS]; /* of contexts that are gone */
};

/* What stands at the moment. */
struct serve_gauges {
    size_t connections;
    size_t flights_running;
    size_t flights_queued;
    size_t plans;
    uint64_t joined;
    int32_t memory; /* SMTPSEC_MEMORY_* */
    int32_t dnssec; /* SMTPSEC_DNSSEC_* */
    uint64_t counters[SERVE_EVENT_KINDS]; /* of this context, by SMTPSEC_COUNTER_* */
};

/* Count a reply by its first word, and how long it took. */
void serve_figures_reply(struct serve_figures *figures, int dialect, const char *reply,
                         int64_t took_us);
/* The page, to be freed; NULL without memory. */
char *serve_figures_text(const struct serve_figures *figures, const struct serve_gauges *gauges);

#endif
