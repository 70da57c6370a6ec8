/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an evaluation costs beside its bare exchange with the resolver, how
 * many domains a second one process gets through, and how the time of a cold
 * one grows with the number of MX hosts and the delay of the DNS.
 *
 * bench_evaluate [--quick] [--only warm|stream|cold] [--resolver PORT [--pid PID]] [--label WORDS]
 * bench_evaluate --profile DOMAINS [--only plain|dane]
 *
 * Without a port it starts responders of its own (responder.h); a resolver
 * must serve the same names. Memory is off. We run on the last processor.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <smtpsec.h>

#include "bench.h"
#include "exchange.h"
#include "responder.h"

#define DOMAINS 512 /* different ones that are asked for in turn */
#define DEADLINE_MS 10000
#define FIGURE 128

struct setup {
    bool quick;
    const char *only; /* NULL: all of warm, stream, cold */
    size_t profile;   /* so many domains for a profiler, and nothing else; 0: no */
    const char *label;
    uint16_t port;  /* of the resolver */
    long resolver;  /* process */
    int ours;       /* processor */
    int resolvers;
};

static struct smtpsec_context *
make_context(uint16_t port, bool sts)
{
    struct smtpsec_context *context = NULL;
    struct smtpsec_options *options = NULL;
    struct smtpsec_anchors *anchors = NULL;
    char address[32];

    snprintf(address, sizeof(address), "127.0.0.1#%u", (unsigned)port);
    if (smtpsec_options_new(&options) != 0 || smtpsec_anchors_new(&anchors) != 0)
        bench_fail("options");
    /* No policy host is ever asked: the anchors only have to be there. */
    if (sts && (smtpsec_anchors_load_system(anchors) != 0 ||
                smtpsec_options_set_anchors(options, anchors) != 0))
        bench_fail("the system's CA certificates");
    if (smtpsec_options_add_resolver(options, address, 1) != 0 ||
        smtpsec_options_set_mta_sts(options, sts) != 0 ||
        smtpsec_context_new(options, &context) != 0)
        bench_fail("a context");
    smtpsec_anchors_free(anchors);
    smtpsec_options_free(options);
    return context;
}

static void
name_domain(char *out, size_t room, const char *zone, unsigned number, unsigned hosts)
{
    snprintf(out, room, "d%u-%u.%s.test", number, hosts, zone);
}

static bool
is_asked_for(const struct setup *setup, const char *part)
{
    return setup->only == NULL || strcmp(setup->only, part) == 0;
}

/* The plan must be what it is for, or the figure is about something else. */
static void
check_plan(const struct smtpsec_plan *plan, const char *zone, unsigned hosts)
{
    bool dane = strcmp(zone, "dane") == 0;

    if (smtpsec_plan_host_count(plan) != hosts ||
        smtpsec_plan_verdict(plan) != SMTPSEC_VERDICT_DELIVER ||
        (smtpsec_plan_level(plan) == SMTPSEC_LEVEL_DANE) != dane)
        bench_fail("a plan that is not what it should be: is the resolver set up?");
}

static void
evaluate(struct smtpsec_context *context, const char *domain, const char *zone, unsigned hosts)
{
    struct smtpsec_plan *plan;

    if (smtpsec_evaluate(context, domain, DEADLINE_MS, &plan) != 0)
        bench_fail("an evaluation");
    check_plan(plan, zone, hosts);
    smtpsec_plan_free(plan);
}

/* ---- Warm: one domain beside its bare exchange ---- */

static void
warm(const struct setup *setup, const char *zone, unsigned hosts)
{
    struct smtpsec_context *context = make_context(setup->port, true);
    struct exchange exchange;
    struct bench_pair pair;
    char domain[64], figure[FIGURE];
    size_t runs = setup->quick ? 500 : 5000;
    uint64_t begun;
    size_t i;

    name_domain(domain, sizeof(domain), zone, 1, hosts);
    snprintf(figure, sizeof(figure), "warm evaluation, %s, %u MX, %s", zone, hosts, setup->label);
    exchange_learn(&exchange, context, domain, setup->port, smtpsec_context_now(context));
    for (i = 0; i < 50; i++)
        evaluate(context, domain, zone, hosts);
    bench_pair_init(&pair, figure, "bare exchange of the same queries", "ns", 1.25, 0);
    bench_field(&pair, "mx", hosts);
    bench_field(&pair, "queries", (double)exchange.count);
    bench_field(&pair, "waves", (double)exchange.wave_count);
    for (i = 0; i < runs; i++) {
        begun = bench_now();
        exchange_run(&exchange, setup->port);
        bench_floor(&pair, (double)(bench_now() - begun));
        begun = bench_now();
        evaluate(context, domain, zone, hosts);
        bench_ours(&pair, (double)(bench_now() - begun));
    }
    bench_report(&pair);
    smtpsec_context_free(context);
}

/* ---- Throughput ---- */

struct stream {
    struct smtpsec_context *context;
    const char *zone;
    struct smtpsec_destination *destinations[DOMAINS];
    size_t next;
    size_t to_start;
    size_t running;
};

static void stream_done(void *user, int status, struct smtpsec_plan *plan);

static void
stream_start(struct stream *stream)
{
    if (stream->to_start == 0)
        return;
    stream->to_start--;
    stream->running++;
    if (smtpsec_start(stream->context, stream->destinations[stream->next++ % DOMAINS], DEADLINE_MS,
                      stream_done, stream, NULL) != 0)
        bench_fail("an evaluation cannot be started");
}

static void
stream_done(void *user, int status, struct smtpsec_plan *plan)
{
    struct stream *stream = user;

    if (status != 0)
        bench_fail("an evaluation ended badly");
    check_plan(plan, stream->zone, 1);
    smtpsec_plan_free(plan);
    stream->running--;
    stream_start(stream);
}

static void
stream_run(struct stream *stream, size_t count, size_t in_flight)
{
    struct pollfd fd = {smtpsec_fd(stream->context), POLLIN, 0};

    stream->to_start = count;
    while (in_flight-- > 0)
        stream_start(stream);
    while (stream->running > 0) {
        if (poll(&fd, 1, smtpsec_timeout_ms(stream->context)) < 0 ||
            smtpsec_process(stream->context) != 0)
            bench_fail("the loop");
    }
}

static uint64_t
processor_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What the resolver has used so far; whoever uses more a domain is the limit. 0: not known. */
static uint64_t
resolver_ns(const struct setup *setup)
{
    char path[64];
    unsigned long long used = 0;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%ld/schedstat", setup->resolver);
    file = fopen(path, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%20llu", &used) != 1)
        used = 0;
    fclose(file);
    return used;
}

static void
stream_open(struct stream *stream, const struct setup *setup, const char *zone)
{
    char domain[64];
    unsigned i;

    memset(stream, 0, sizeof(*stream));
    stream->context = make_context(setup->port, true);
    stream->zone = zone;
    for (i = 0; i < DOMAINS; i++) {
        name_domain(domain, sizeof(domain), zone, i, 1);
        if (smtpsec_destination_new(domain, &stream->destinations[i]) != 0)
            bench_fail("a destination");
    }
}

static void
stream_close(struct stream *stream)
{
    unsigned i;

    for (i = 0; i < DOMAINS; i++)
        smtpsec_destination_free(stream->destinations[i]);
    smtpsec_context_free(stream->context);
}

static void
throughput(const struct setup *setup, const char *zone, size_t in_flight)
{
    static struct stream stream;
    char figure[FIGURE];
    double rates[5], costs[5];
    size_t count = setup->quick ? 2000 : 20000;
    uint64_t begun, begun_processor, begun_resolver;
    size_t i;

    stream_open(&stream, setup, zone);
    stream_run(&stream, 2 * DOMAINS, in_flight); /* the resolver keeps them from here on */
    begun_resolver = resolver_ns(setup);
    for (i = 0; i < 5; i++) {
        begun = bench_now();
        begun_processor = processor_ns();
        stream_run(&stream, count, in_flight);
        rates[i] = (double)count * 1e9 / (double)(bench_now() - begun);
        costs[i] = (double)(processor_ns() - begun_processor) / (double)count / 1e3;
    }
    snprintf(figure, sizeof(figure), "throughput, %s, %s", zone, setup->label);
    bench_value(figure, "domains/s", bench_percentile(rates, 5, 0.5), in_flight == 64 ? 20000 : 0,
                in_flight);
    snprintf(figure, sizeof(figure), "processor time of ours a domain, %s, %s", zone, setup->label);
    bench_value(figure, "us", bench_percentile(costs, 5, 0.5), 0, in_flight);
    snprintf(figure, sizeof(figure), "processor time of the resolver a domain, %s, %s", zone,
             setup->label);
    if (begun_resolver != 0)
        bench_value(figure, "us",
                    (double)(resolver_ns(setup) - begun_resolver) / (double)(5 * count) / 1e3, 0,
                    in_flight);
    stream_close(&stream);
}

/* The bare exchange of one domain after another. */
static void
ceiling(const struct setup *setup, const char *zone)
{
    struct smtpsec_context *context = make_context(setup->port, true);
    struct exchange exchange;
    char domain[64], figure[FIGURE];
    size_t count = setup->quick ? 2000 : 20000;
    uint64_t begun, begun_processor;
    size_t i;

    name_domain(domain, sizeof(domain), zone, 1, 1);
    exchange_learn(&exchange, context, domain, setup->port, smtpsec_context_now(context));
    begun = bench_now();
    begun_processor = processor_ns();
    for (i = 0; i < count; i++)
        exchange_run(&exchange, setup->port);
    snprintf(figure, sizeof(figure), "bare exchange, %s, %s", zone, setup->label);
    bench_value(figure, "domains/s", (double)count * 1e9 / (double)(bench_now() - begun), 0, 1);
    snprintf(figure, sizeof(figure), "processor time of a bare exchange, %s, %s", zone,
             setup->label);
    bench_value(figure, "us", (double)(processor_ns() - begun_processor) / (double)count / 1e3, 0,
                1);
    smtpsec_context_free(context);
}

/* ---- Cold: every answer takes its time ---- */

static void
cold(const struct setup *setup, unsigned hosts, unsigned delay_ms)
{
    struct smtpsec_context *context;
    struct exchange exchange;
    struct bench_pair pair;
    char domain[64];
    size_t runs = setup->quick ? 2 : (delay_ms > 0 ? 5 : 200);
    uint64_t begun;
    uint16_t port;
    pid_t pid = bench_responder_start(delay_ms, setup->resolvers, &port);
    size_t i;

    context = make_context(port, true);
    name_domain(domain, sizeof(domain), "dane", 1, hosts);
    exchange_learn(&exchange, context, domain, port, smtpsec_context_now(context));
    bench_pair_init(&pair, "cold evaluation, dane", "2n+2 look-ups one after another", "ns", 0, 0);
    bench_field(&pair, "mx", hosts);
    bench_field(&pair, "delay_ms", delay_ms);
    bench_field(&pair, "queries", (double)exchange.count);
    bench_field(&pair, "waves", (double)exchange.wave_count);
    for (i = 0; i < runs; i++) {
        begun = bench_now();
        exchange_repeat(&exchange, port, 2 * hosts + 2);
        bench_floor(&pair, (double)(bench_now() - begun));
        begun = bench_now();
        evaluate(context, domain, "dane", hosts);
        bench_ours(&pair, (double)(bench_now() - begun));
    }
    bench_report(&pair);
    smtpsec_context_free(context);
    bench_responder_stop(pid);
}

static void
all_cold(const struct setup *setup)
{
    static const unsigned hosts[] = {1, 2, 5, 10}, delays_ms[] = {0, 10, 50, 100};
    size_t i, k;

    for (i = 0; i < 4; i++)
        for (k = 0; k < 4; k++)
            cold(setup, hosts[i], delays_ms[k]);
}

static void
all_warm(const struct setup *setup)
{
    static const size_t in_flight[] = {1, 8, 64};
    static const char *const zones[] = {"plain", "dane"};
    size_t i, k;

    for (k = 0; k < 2 && is_asked_for(setup, "warm"); k++) {
        warm(setup, zones[k], 1);
        warm(setup, zones[k], 5);
    }
    for (k = 0; k < 2 && is_asked_for(setup, "stream"); k++) {
        ceiling(setup, zones[k]);
        for (i = 0; i < 3; i++)
            throughput(setup, zones[k], in_flight[i]);
    }
}

/* For a profiler: 64 in flight, so many domains, no figure. */
static void
run_profile(const struct setup *setup, const char *zone)
{
    static struct stream stream;

    stream_open(&stream, setup, zone);
    stream_run(&stream, setup->profile, 64);
    stream_close(&stream);
}

int
main(int argc, char **argv)
{
    int processors = (int)sysconf(_SC_NPROCESSORS_ONLN);
    struct setup setup = {bench_quick(argc, argv), NULL, 0, "trivial responder", 0, 0,
                          processors - 1,
                          processors > 1 ? processors - 2 : 0};
    pid_t pid = 0;
    int i;

    for (i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--resolver") == 0)
            setup.port = (uint16_t)atoi(argv[i + 1]);
        if (strcmp(argv[i], "--pid") == 0)
            setup.resolver = atol(argv[i + 1]);
        if (strcmp(argv[i], "--label") == 0)
            setup.label = argv[i + 1];
        if (strcmp(argv[i], "--profile") == 0)
            setup.profile = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--only") == 0)
            setup.only = argv[i + 1];
    }
    bench_pin(setup.ours);
    if (setup.port != 0) {
        all_warm(&setup);
        return 0;
    }
    pid = bench_responder_start(0, setup.resolvers, &setup.port);
    setup.resolver = pid;
    if (setup.profile > 0) {
        run_profile(&setup, setup.only != NULL ? setup.only : "plain");
        bench_responder_stop(pid);
        return 0;
    }
    all_warm(&setup);
    bench_responder_stop(pid);
    if (is_asked_for(&setup, "cold"))
        all_cold(&setup);
    return 0;
}
