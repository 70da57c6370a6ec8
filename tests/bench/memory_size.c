/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large the memory is: octets of one entry, and the file after a load in
 * the order of keys and after one in no order, an entry a transaction as in
 * life. memory_size [DESTINATIONS]; the directory is made in /dev/shm where
 * there is one, since it is size that is measured.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "memory/claim.h"
#include "memory/store.h"

#define GOAL 100 /* octets a destination: 100 MB for a million */
#define T0 INT64_C(1800000000)

static uint64_t random_state = 1;

static uint64_t
next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * UINT64_C(0x2545f4914f6cdd1d);
}

static void
fail(const char *what)
{
    fprintf(stderr, "memory_size: %s\n", what);
    exit(1);
}

/* The n-th domain: as long as names are, 7 to 18 letters before the end. */
static void
domain_of(uint64_t n, char text[64])
{
    static const char *const ends[] = { "com", "de", "net", "org", "nl", "co.uk", "cz", "fr" };
    size_t i, len;

    random_state = n * UINT64_C(0x9e3779b97f4a7c15) + 1;
    len = 7 + next_random() % 12;
    for (i = 0; i < len; i++)
        text[i] = (char)('a' + next_random() % 26);
    snprintf(text + len, 64 - len, ".%s", ends[next_random() % 8]);
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
        fail("a name");
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
            fail("a claim");
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
make(uint64_t n, size_t hosts, bool dane, struct ss_buf *key, struct ss_buf *value)
{
    struct ss_memory_key whose;
    struct ss_record record;
    struct ss_name host;
    char domain[64];
    bool hosted;
    size_t i;

    domain_of(n, domain);
    memset(&whose, 0, sizeof(whose));
    if (!ss_name_from_text(&whose.domain, domain, strlen(domain)))
        fail("a name");
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
    key->len = value->len = 0;
    ss_memory_key_write(key, &whose);
    ss_record_write(value, &record);
    if (!ss_buf_ok(key) || !ss_buf_ok(value))
        fail("an entry");
    ss_record_free(&record);
}

static int
put(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_buf *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

static struct ss_buf *sorting;

static int
by_key(const void *a, const void *b)
{
    const struct ss_buf *x = &sorting[*(const uint64_t *)a], *y = &sorting[*(const uint64_t *)b];
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return order != 0 ? order : x->len < y->len ? -1 : x->len > y->len;
}

static uint64_t *
order_of(uint64_t count, bool sorted, bool dane)
{
    uint64_t *order = malloc(count * sizeof(*order)), i;
    struct ss_buf value;

    if (order == NULL)
        fail("memory");
    for (i = 0; i < count; i++)
        order[i] = i;
    if (!sorted)
        return order;
    sorting = calloc(count, sizeof(*sorting));
    if (sorting == NULL)
        fail("memory");
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    for (i = 0; i < count; i++) {
        ss_buf_init(&sorting[i], 1024);
        make(i, 0, dane, &sorting[i], &value);
    }
    qsort(order, count, sizeof(*order), by_key);
    for (i = 0; i < count; i++)
        ss_buf_free(&sorting[i]);
    free(sorting);
    ss_buf_free(&value);
    return order;
}

static double
seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void
load(uint64_t count, bool sorted, bool dane)
{
    static const char *const files[] = { "data.mdb", "lock.mdb", "open.lock", "write.lock" };
    char directory[] = "/dev/shm/memory-size-XXXXXX", path[64];
    char *where = mkdtemp(directory);
    uint64_t *order = order_of(count, sorted, dane), i, octets = 0;
    struct ss_store_figures figures;
    struct ss_buf key, value;
    struct ss_store *store;
    double begin;

    if (where == NULL || ss_store_lmdb_open(where, NULL, NULL, &store) != 0 ||
        store->state != SMTPSEC_MEMORY_OK)
        fail("no store");
    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    begin = seconds();
    for (i = 0; i < count; i++) {
        make(order[i], 0, dane, &key, &value);
        octets += key.len + value.len;
        if (ss_store_update(store, SS_TABLE_CLAIMS, (struct ss_bytes){ key.data, key.len }, put,
                            &value) != 0)
            fail(store->error.text);
    }
    begin = seconds() - begin;
    if (ss_store_figures(store, &figures) != 0)
        fail(store->error.text);
    printf("%-14s %-12s %9.1f MB  %6.1f octets a destination (%.1f of key and value; goal %d)  "
           "%.1f us a write\n",
           dane ? "dane+encrypted" : "encrypted", sorted ? "in order:" : "in no order:",
           (double)figures.file_size / 1e6,
           (double)figures.file_size / (double)figures.entries[SS_TABLE_CLAIMS],
           (double)octets / (double)count, GOAL, begin / (double)count * 1e6);
    ss_store_close(store);
    for (i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", where, files[i]);
        unlink(path);
    }
    rmdir(where);
    ss_buf_free(&key);
    ss_buf_free(&value);
    free(order);
}

static void
one_entry(size_t hosts, bool dane)
{
    uint64_t i, keys = 0, values = 0;
    struct ss_buf key, value;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    for (i = 0; i < 10000; i++) {
        make(i, hosts, dane, &key, &value);
        keys += key.len;
        values += value.len;
    }
    /* LMDB: a head of 8 octets and a place of 2 in the page's list. */
    printf("%-14s %zu host%s: key %.1f, value %.1f, LMDB 10 octets\n",
           dane ? "dane+encrypted" : "encrypted", hosts, hosts == 1 ? " " : "s",
           (double)keys / 1e4, (double)values / 1e4);
    ss_buf_free(&key);
    ss_buf_free(&value);
}

int
main(int argc, char **argv)
{
    uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;

    int i;

    if (count == 0)
        fail("how many destinations?");
    for (i = 0; i < 2; i++) {
        one_entry(1, i == 0);
        one_entry(2, i == 0);
        load(count, true, i == 0);
        load(count, false, i == 0);
    }
    return 0;
}
