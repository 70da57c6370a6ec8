/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "population.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "memory/claim.h"
#include "memory/sts_entry.h"

#define T0 POPULATION_T0

static uint64_t random_state = 1;

static uint64_t
next_random(void)
{
    return bench_random(&random_state);
}

const char *
population_name(enum population kind)
{
    static const char *const names[] = { "encrypted", "DANE", "MTA-STS policy" };

    return names[kind];
}

enum ss_store_table
population_table(enum population kind)
{
    return kind == POPULATION_STS ? SS_TABLE_POLICIES : SS_TABLE_CLAIMS;
}

void
population_domain(uint64_t n, char text[64])
{
    static const char *const ends[] = { "com", "de", "net", "org", "nl", "co.uk", "cz", "fr" };
    size_t i, len;

    random_state = n * UINT64_C(0x9e3779b97f4a7c15) + 1;
    len = 7 + next_random() % 12;
    for (i = 0; i < len; i++)
        text[i] = (char)('a' + next_random() % 26);
    snprintf(text + len, 64 - len, ".%s", ends[next_random() % 8]);
}

void
population_domain_name(uint64_t n, struct ss_name *name)
{
    char text[64];

    population_domain(n, text);
    if (!ss_name_from_text(name, text, strlen(text)))
        bench_fail("a name");
}

static void
host_of(const char *domain, size_t n, bool hosted, struct ss_name *host)
{
    char text[128];

    if (hosted)
        snprintf(text, sizeof(text), "mx%zu.mailhosting%d.example.net", n + 1,
                 (int)(next_random() % 50));
    else
        snprintf(text, sizeof(text), "mx%zu.%s", n + 1, domain);
    if (!ss_name_from_text(host, text, strlen(text)))
        bench_fail("a name");
}

/* What one accepted delivery, many times repeated, leaves of a host: its kinds, the same days. */
static void
add_host(struct ss_record *record, const struct ss_name *host, bool dane)
{
    int64_t first = T0 - (int64_t)(next_random() % (80 * SS_DAY)) - 20 * SS_DAY;
    int64_t last = T0 - (int64_t)(next_random() % (10 * SS_DAY));
    int64_t counted = last - (int64_t)(next_random() % 3600);
    static const int32_t kinds[] = { SMTPSEC_CLAIM_DANE, SMTPSEC_CLAIM_ENCRYPTED };
    struct ss_claim *claim;
    uint64_t digest = next_random();
    size_t i, j;

    for (i = dane ? 0 : 1; i < 2; i++) {
        claim = ss_record_add(record, kinds[i], host);
        if (claim == NULL)
            bench_fail("a claim");
        claim->first_seen = first;
        claim->last_seen = last;
        claim->counted = counted;
        claim->days = 1 + (uint32_t)((last - first) / SS_DAY / 2);
        /* One of them keeps the server's key, the other its TLSA set. */
        for (j = 0; j < sizeof(claim->spki_digest); j++) {
            if (kinds[i] == SMTPSEC_CLAIM_DANE)
                claim->tlsa_digest[j] = (uint8_t)(digest >> j % 8 * 8 ^ j);
            else
                claim->spki_digest[j] = (uint8_t)(digest >> j % 8 * 8 ^ j ^ 1);
        }
        if (kinds[i] == SMTPSEC_CLAIM_DANE) {
            claim->expires = last + 3600;
            claim->inception = last - 3 * SS_DAY;
            claim->signature_expiration = last + 11 * SS_DAY;
        }
    }
}

static void
make_record(uint64_t n, size_t hosts, bool dane, struct ss_buf *key, struct ss_buf *value)
{
    struct ss_memory_key whose;
    struct ss_record record;
    struct ss_name host;
    char domain[64];
    bool hosted;
    size_t i;

    population_domain(n, domain);
    memset(&whose, 0, sizeof(whose));
    if (!ss_name_from_text(&whose.domain, domain, strlen(domain)))
        bench_fail("a name");
    whose.port = 25;
    ss_record_init(&record, &whose);
    record.mx_inception = dane ? T0 - 3 * SS_DAY : 0;
    record.mx_expiration = dane ? T0 + 11 * SS_DAY : 0;
    hosted = next_random() % 2 == 0;
    if (hosts == 0)
        hosts = 1 + (next_random() % 3 == 0);
    for (i = 0; i < hosts; i++) {
        host_of(domain, i, hosted, &host);
        add_host(&record, &host, dane);
    }
    ss_memory_key_write(key, &whose);
    ss_record_write(value, &record);
    ss_record_free(&record);
}

/* A policy as most are published: version, mode, one to three hosts, an age of a week or more. */
static void
make_policy(uint64_t n, size_t hosts, struct ss_buf *key, struct ss_buf *value)
{
    static const int64_t ages[] = { 604800, 604800, 86400, 1209600, 2592000, 31557600 };
    struct ss_sts_entry entry;
    struct ss_name name;
    char domain[64], body[512];
    bool hosted;
    size_t i;
    int at;

    population_domain(n, domain);
    population_domain_name(n, &name); /* the numbers that follow are those after the domain */
    ss_sts_entry_init(&entry);
    snprintf(entry.id, sizeof(entry.id), "%llu",
             (unsigned long long)(UINT64_C(20250101000000) + next_random() % 1000000));
    entry.fetched = T0 - (int64_t)(next_random() % (6 * SS_DAY));
    entry.attempted = entry.fetched;
    entry.max_age = ages[next_random() % 6];
    entry.first_used = T0 - 90 * SS_DAY;
    entry.used = T0 / SS_DAY * SS_DAY;
    hosted = next_random() % 2 == 0;
    if (hosts == 0)
        hosts = 1 + next_random() % 3;
    at = snprintf(body, sizeof(body), "version: STSv1\r\nmode: %s\r\n",
                  next_random() % 4 == 0 ? "testing" : "enforce");
    for (i = 0; i < hosts; i++)
        at += snprintf(body + at, sizeof(body) - (size_t)at, "mx: mx%zu.%s\r\n", i + 1,
                       hosted ? "mailhosting.example.net" : domain);
    at += snprintf(body + at, sizeof(body) - (size_t)at, "max_age: %lld\r\n",
                   (long long)entry.max_age);
    entry.body = (uint8_t *)body;
    entry.len = (size_t)at;
    ss_buf_put(key, name.wire, name.len);
    ss_sts_entry_write(value, (struct ss_bytes){ key->data, key->len }, &entry);
}

void
population_entry(enum population kind, uint64_t n, size_t hosts, struct ss_buf *key,
                 struct ss_buf *value)
{
    key->len = value->len = 0;
    if (kind == POPULATION_STS)
        make_policy(n, hosts, key, value);
    else
        make_record(n, hosts, kind == POPULATION_DANE, key, value);
    if (!ss_buf_ok(key) || !ss_buf_ok(value))
        bench_fail("an entry");
}

/* As much of a name as tells these from one another; in 10 million of them there is no more room. */
struct sorting {
    uint8_t key[28];
    uint32_t n;
};

static int
by_key(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(((struct sorting *)0)->key));
}

uint64_t *
population_sorted(uint64_t count)
{
    uint64_t *order = malloc(count * sizeof(*order)), i;
    struct sorting *keys = calloc(count, sizeof(*keys));
    struct ss_name name;

    if (order == NULL || keys == NULL)
        bench_fail("out of memory");
    for (i = 0; i < count; i++) {
        population_domain_name(i, &name);
        memcpy(keys[i].key, name.wire,
               name.len < sizeof(keys[i].key) ? name.len : sizeof(keys[i].key));
        keys[i].n = (uint32_t)i;
    }
    qsort(keys, count, sizeof(*keys), by_key);
    for (i = 0; i < count; i++)
        order[i] = keys[i].n;
    free(keys);
    return order;
}

uint64_t *
population_shuffled(uint64_t count, uint64_t seed)
{
    uint64_t *order = malloc(count * sizeof(*order)), i, j, kept, state;

    if (order == NULL)
        bench_fail("out of memory");
    bench_seed(&state, seed);
    for (i = 0; i < count; i++) {
        j = bench_random(&state) % (i + 1);
        kept = j == i ? i : order[j];
        order[j] = i;
        order[i] = kept;
    }
    return order;
}
