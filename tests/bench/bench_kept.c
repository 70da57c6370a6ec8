/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A decision that is kept: domain as text in, what is required of every host
 * out, beside LMDB's get of the same octets from a file of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "bench.h"
#include "decision/kept.h"
#include "engine/learn.h"
#include "stores.h"

#define BATCH 64 /* of one sample */

static uint64_t fingerprint;
static size_t hosts;
static uint64_t total; /* so that nothing is optimised away */

static int64_t
clock_of_bench(void *user)
{
    (void)user;
    return POPULATION_T0;
}

/* A plan of so many hosts with DANE. */
static void
make_plan(struct smtpsec_plan *plan, const struct ss_name *domain)
{
    uint8_t octets[32];
    struct ss_tlsa record = {.usage = 3, .selector = 1, .matching = 1, .data = octets, .len = 32};
    size_t i;

    memset(octets, 7, sizeof(octets));
    for (i = 0; i < plan->count; i++) {
        struct smtpsec_host *host = &plan->hosts[i];
        struct smtpsec_requirement *requirement;
        char label[32];

        snprintf(label, sizeof(label), "mx%zu", i);
        if (ss_requirement_new(&requirement) != 0)
            bench_fail("no memory");
        requirement->key.domain = *domain;
        requirement->key.port = 25;
        ss_name_prepend(&host->reference.name, label, domain);
        ss_reference_set(&host->reference, &host->reference.name);
        host->text = strdup(host->reference.text);
        host->addresses = calloc(2, sizeof(*host->addresses));
        if (host->text == NULL || host->addresses == NULL)
            bench_fail("no memory");
        strcpy(host->addresses[0], "192.0.2.1");
        strcpy(host->addresses[1], "2001:db8::1");
        host->address_count = 2;
        requirement->host = requirement->sni = requirement->dane_names[0] = host->reference;
        requirement->dane_name_count = 1;
        requirement->level = SMTPSEC_LEVEL_DANE;
        requirement->tls = SMTPSEC_TLS_REQUIRED;
        requirement->identities = SMTPSEC_IDENTITY_DANE;
        requirement->sources = SMTPSEC_SOURCE_DANE;
        if (ss_tlsa_set_add(&requirement->tlsa, &record) != 0 ||
            ss_requirement_seal_digest(requirement) != 0)
            bench_fail("no memory");
        host->requirement = requirement;
    }
}

static void
entry(void *arg, uint64_t n, struct ss_buf *key, struct ss_buf *value)
{
    const uint64_t *order = arg;
    struct ss_kept_head head = {.fingerprint = fingerprint, .made = POPULATION_T0 - 60,
                                .expires = POPULATION_T0 + 3540};
    struct smtpsec_plan *plan;
    struct ss_name domain;

    population_domain_name(order[n], &domain);
    if (ss_plan_new(&plan) != 0)
        bench_fail("no memory");
    plan->hosts = calloc(hosts, sizeof(*plan->hosts));
    plan->count = hosts;
    memset(plan->digest_hex, 'a', 2 * SS_SHA256_LEN);
    if (plan->hosts == NULL)
        bench_fail("no memory");
    make_plan(plan, &domain);
    key->len = value->len = 0;
    ss_buf_put(key, domain.wire, domain.len);
    ss_kept_write(value, (struct ss_bytes){key->data, key->len}, &head, plan);
    ss_plan_free(plan);
}

static struct smtpsec_context *
open_context(const char *directory, uint64_t count)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    if (smtpsec_options_new(&options) != 0 ||
        smtpsec_options_set_clock(options, clock_of_bench, NULL) != 0 ||
        smtpsec_options_set_memory(options, directory) != 0 ||
        smtpsec_options_set_plan_cache_limit(options, count + 1000) != 0 ||
        smtpsec_context_new(options, &context) != 0)
        bench_fail("no context");
    smtpsec_options_free(options);
    return context;
}

static uint64_t
ask_ours(struct smtpsec_cached *cached, char (*domains)[64])
{
    uint64_t began = bench_now();
    size_t i, n;

    for (i = 0; i < BATCH; i++) {
        if (smtpsec_cached_find(cached, domains[i], POPULATION_T0) != 1)
            bench_fail("a plan is not kept");
        for (n = 0; n < smtpsec_cached_host_count(cached); n++)
            total += (uint64_t)smtpsec_cached_host_action(cached, n) +
                     (uint64_t)smtpsec_cached_host_tls(cached, n) +
                     (uint64_t)smtpsec_cached_host_identities(cached, n) +
                     (uint64_t)smtpsec_cached_host_digest(cached, n)[0] +
                     (uint64_t)smtpsec_cached_host_name(cached, n)[0];
    }
    return bench_now() - began;
}

static uint64_t
ask_bare(struct bare *bare, const struct ss_name *names)
{
    struct ss_bytes value;
    uint64_t began = bench_now();
    size_t i;

    for (i = 0; i < BATCH; i++) {
        if (!bare_get(bare, (struct ss_bytes){names[i].wire, names[i].len}, &value))
            bench_fail("a key is not there");
        total += value.data[0];
    }
    return bench_now() - began;
}

static void
measure(uint64_t count, double goal, bool quick)
{
    const char *ours = stores_scratch("kept-ours", count * (1500 + 900 * hosts));
    const char *theirs = stores_scratch("kept-bare", count * (1500 + 900 * hosts));
    struct smtpsec_context *context = open_context(ours, count);
    uint64_t *order = population_sorted(count), state, i, samples = quick ? 500 : 5000;
    struct smtpsec_cached *cached;
    struct bench_pair pair;
    struct bare bare;
    struct ss_buf key, value;

    fingerprint = context->fingerprint;
    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_KEPT_OCTETS);
    for (i = 0; i < count; i++) {
        entry(order, i, &key, &value);
        stores_put(context->store, SS_TABLE_PLANS, &key, &value);
    }
    bare_fill(theirs, NULL, count, entry, order);
    bare_open(&bare, theirs, NULL, 0);
    if (smtpsec_cached_new(context, &cached) != 0)
        bench_fail("no memory");
    bench_pair_init(&pair, hosts == 1 ? "kept decision, 1 MX" : "kept decision, 5 MX",
                    "LMDB get", "ns", goal, count);
    bench_seed(&state, 11);
    for (i = 0; i < samples; i++) {
        char domains[BATCH][64];
        struct ss_name names[BATCH];
        size_t k;

        for (k = 0; k < BATCH; k++) {
            uint64_t n = bench_random(&state) % count;

            population_domain(n, domains[k]);
            population_domain_name(n, &names[k]);
        }
        /* Neither goes first always: who does brings the processor's caches in. */
        if (i % 2 == 0)
            bench_ours(&pair, (double)ask_ours(cached, domains) / BATCH);
        bench_floor(&pair, (double)ask_bare(&bare, names) / BATCH);
        if (i % 2 == 1)
            bench_ours(&pair, (double)ask_ours(cached, domains) / BATCH);
    }
    bench_field(&pair, "octets", (double)value.len);
    bench_report(&pair);
    ss_buf_free(&key);
    ss_buf_free(&value);
    free(order);
    smtpsec_cached_free(cached);
    smtpsec_context_free(context);
    bare_close(&bare);
    stores_remove(ours);
    stores_remove(theirs);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);

    hosts = 1;
    measure(10000, 2, quick);
    if (!quick)
        measure(1000000, 1.5, quick);
    hosts = 5;
    measure(quick ? 10000 : 1000000, 2, quick);
    stores_end();
    return total == 0;
}
