/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * All destinations have the same plan but for their own key, which its checksum
 * covers: hosts with DANE, a TLSA record and two addresses each. They are put
 * in by LMDB itself, many a transaction, beside a context that has them open.
 */
#include "plans.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "bench.h"
#include "decision/kept.h"
#include "memory/store_lmdb.h"
#include "stores.h"

#define LIFE 3600

static void
must(int rc, const char *what)
{
    if (rc == 0)
        return;
    fprintf(stderr, "benchmark: %s: %s\n", what, smtpsec_strerror(rc));
    exit(1);
}

/* ---- Asking ---- */

static struct smtpsec_anchors *anchors; /* of all contexts of the process */

void
asker_prepare(void)
{
    if (anchors != NULL)
        return;
    must(smtpsec_anchors_new(&anchors), "anchors");
    must(smtpsec_anchors_load_system(anchors), "the system's anchors");
}

void
asker_open(struct asker *asker, const char *directory, uint64_t plans)
{
    struct smtpsec_options *options;

    asker_prepare();
    must(smtpsec_options_new(&options), "options");
    must(smtpsec_options_set_anchors(options, anchors), "anchors");
    must(smtpsec_options_set_memory(options, directory), "memory");
    must(smtpsec_options_add_resolver(options, "127.0.0.1", 1), "resolver");
    /* What is measured here never fetches; bench_context has what the HTTPS part costs. */
    must(smtpsec_options_set_fetch_late(options, 1), "late");
    if (plans > 200000)
        must(smtpsec_options_set_plan_cache_limit(options, plans + plans / 2), "limit");
    must(smtpsec_context_new(options, &asker->context), "context");
    smtpsec_options_free(options);
    must(smtpsec_cached_new(asker->context, &asker->cached), "cached");
}

void
asker_close(struct asker *asker)
{
    smtpsec_cached_free(asker->cached);
    smtpsec_context_free(asker->context);
}

uint64_t
asker_ask(struct asker *asker, const char *domain)
{
    const struct smtpsec_cached *cached = asker->cached;
    uint64_t sum;
    size_t i;

    if (smtpsec_cached_find(asker->cached, domain, POPULATION_T0) != 1) {
        fprintf(stderr, "benchmark: no plan is kept for %s\n", domain);
        exit(1);
    }
    sum = (uint64_t)smtpsec_cached_verdict(cached);
    for (i = 0; i < smtpsec_cached_host_count(cached); i++) {
        sum += (uint64_t)smtpsec_cached_host_action(cached, i);
        sum += (uint64_t)smtpsec_cached_host_level(cached, i);
        sum += (uint64_t)smtpsec_cached_host_tls(cached, i);
        sum += (uint64_t)smtpsec_cached_host_identities(cached, i);
        sum += (uint64_t)smtpsec_cached_host_name(cached, i)[0];
        sum += (uint64_t)smtpsec_cached_host_digest(cached, i)[0];
    }
    return sum;
}

/* ---- Filling ---- */

static void
fill_requirement(struct smtpsec_requirement *requirement, const struct ss_name *host)
{
    static const uint8_t record[35] = { 3, 1, 1, 0x5a, 0xa5, 0x17, 0x71, 0x33, 0xcc };
    struct ss_bytes rdata = { record, sizeof(record) };

    population_domain_name(0, &requirement->key.domain);
    requirement->key.port = 25;
    population_domain(0, requirement->domain);
    ss_reference_set(&requirement->host, host);
    ss_reference_set(&requirement->sni, host);
    ss_reference_set(&requirement->dane_names[0], host);
    requirement->dane_name_count = 1;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = SMTPSEC_IDENTITY_DANE;
    requirement->sources = SMTPSEC_SOURCE_DANE;
    requirement->level = SMTPSEC_LEVEL_DANE;
    requirement->mx_secure = true;
    requirement->tls_version = 0x0303;
    requirement->expires = POPULATION_T0 + LIFE;
    requirement->tlsa_expires = POPULATION_T0 + LIFE;
    requirement->tlsa_inception = POPULATION_T0 - SS_DAY;
    requirement->tlsa_expiration = POPULATION_T0 + 7 * SS_DAY;
    requirement->reported = ss_requirement_enforced(requirement);
    must(ss_tlsa_set_read(&requirement->tlsa, &rdata, 1, false, false, NULL), "TLSA");
    must(ss_requirement_seal_digest(requirement), "digest");
}

static void
fill_host(struct smtpsec_host *host, size_t n)
{
    static const char *const addresses[] = { "192.0.2.25", "2001:db8::25" };
    struct ss_name name;
    char text[64];
    size_t i;

    snprintf(text, sizeof(text), "mx%zu.mailhosting.example.net", n + 1);
    if (!ss_name_from_text(&name, text, strlen(text)))
        bench_fail("a name");
    ss_reference_set(&host->reference, &name);
    host->text = strdup(text);
    host->preference = (uint16_t)(10 * (n + 1));
    host->addresses = calloc(2, sizeof(*host->addresses));
    if (host->text == NULL || host->addresses == NULL)
        bench_fail("out of memory");
    host->address_count = 2;
    for (i = 0; i < 2; i++)
        snprintf(host->addresses[i], sizeof(host->addresses[i]), "%s", addresses[i]);
    host->action = SMTPSEC_ACTION_USE;
    must(ss_requirement_new(&host->requirement), "requirement");
    fill_requirement(host->requirement, &name);
}

static struct smtpsec_plan *
make_plan(size_t hosts)
{
    struct smtpsec_plan *plan;
    size_t i;

    must(ss_plan_new(&plan), "plan");
    plan->hosts = calloc(hosts, sizeof(*plan->hosts));
    if (plan->hosts == NULL)
        bench_fail("out of memory");
    plan->count = hosts;
    for (i = 0; i < hosts; i++)
        fill_host(&plan->hosts[i], i);
    plan->verdict = SMTPSEC_VERDICT_DELIVER;
    plan->level = SMTPSEC_LEVEL_DANE;
    memset(plan->digest_hex, 'd', sizeof(plan->digest_hex) - 1);
    return plan;
}

struct filling {
    struct smtpsec_plan *plan;
    const uint64_t *order;
    struct ss_kept_head head;
};

static void
plan_entry(void *arg, uint64_t i, struct ss_buf *key, struct ss_buf *value)
{
    struct filling *filling = arg;
    struct ss_name name;

    population_domain_name(filling->order[i], &name);
    key->len = value->len = 0;
    ss_buf_put(key, name.wire, name.len);
    ss_kept_write(value, (struct ss_bytes){ key->data, key->len }, &filling->head, filling->plan);
    if (!ss_buf_ok(key) || !ss_buf_ok(value))
        bench_fail("a plan");
}

void
plans_fill(char **arguments)
{
    uint64_t count = strtoull(arguments[1], NULL, 10);
    struct filling filling = { make_plan(strtoull(arguments[2], NULL, 10)),
                               population_sorted(count), { .fingerprint = 0 } };

    filling.head.fingerprint = strtoull(arguments[3], NULL, 10);
    filling.head.stamps.known = true;
    filling.head.made = POPULATION_T0 - 60;
    filling.head.expires = POPULATION_T0 + LIFE - 60;
    bare_fill(arguments[0], PLANS_TABLE, count, plan_entry, &filling);
    ss_plan_free(filling.plan);
    printf("0\n");
}

char *
plans_path(const char *directory)
{
    char *path = NULL;

    if (asprintf(&path, "%s/" PLANS_DIRECTORY, directory) < 0)
        bench_fail("out of memory");
    return path;
}

static int
touch(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    if (old == NULL)
        return -1;
    ss_buf_put(out, old->data, old->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

/*
 * The store throws away what a strange hand wrote, as it should: the hand that
 * was ours is signed for, behind a change that shows it what stands there now.
 */
static void
sign_for(struct ss_store *store)
{
    struct ss_name name;

    population_domain_name(0, &name);
    must(ss_store_update(store, SS_TABLE_PLANS, (struct ss_bytes){ name.wire, name.len }, touch,
                         NULL), "a change");
    ss_lmdb_sign(ss_lmdb_store_of(store)->plans->env);
}

static void
fill_beside(const char *directory, uint64_t count, size_t hosts)
{
    char *path = plans_path(directory), count_text[32], hosts_text[32], fingerprint[32];
    const char *const arguments[] = { "fill", path, count_text, hosts_text, fingerprint, NULL };
    struct bench_child *child;
    struct asker asker;

    asker_open(&asker, directory, count);
    if (asker.context->fingerprint == 0 || !asker.context->plan_cache)
        bench_fail("no plans are kept here");
    /* The tables are made when they are first asked for. */
    if (smtpsec_cached_find(asker.cached, "none.example", POPULATION_T0) != 0)
        bench_fail("a plan where there should be none");
    snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    snprintf(hosts_text, sizeof(hosts_text), "%zu", hosts);
    snprintf(fingerprint, sizeof(fingerprint), "%" PRIu64, asker.context->fingerprint);
    child = bench_child_start(arguments);
    (void)bench_child_number(child);
    bench_child_end(child);
    sign_for(asker.context->store);
    asker_close(&asker);
    free(path);
}

const char *
plans_directory(const char *tag, uint64_t count, size_t hosts, uint64_t remembered)
{
    uint64_t want = count * (300 + 900 * hosts) + remembered * 200 + 100000000;
    const char *directory;
    char name[96];
    bool made;

    snprintf(name, sizeof(name), "%s-%" PRIu64 "-%zu-%" PRIu64, tag, count, hosts, remembered);
    if (!stores_room(want, name))
        return NULL;
    directory = stores_directory(name, &made);
    if (made) {
        if (remembered > 0)
            stores_bulk(directory, POPULATION_DANE, remembered);
        fill_beside(directory, count, hosts);
        stores_filled(directory);
    }
    return directory;
}
