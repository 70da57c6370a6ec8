/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How large the memory is, and what a bulk load leaves for those who write
 * after it. Entries go in one a transaction, as in life, in the order of keys
 * and in no order; a compact copy of the latter is what LMDB can do at best.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "stores.h"

#define BLOCK 500 /* writes of one sample */

static uint64_t
entries_of(const char *directory, uint64_t count, enum population kind)
{
    struct ss_store *store = stores_open(directory, count);
    struct ss_store_figures figures;
    uint64_t entries;

    if (ss_store_figures(store, &figures) != 0)
        bench_fail(store->error.text);
    entries = figures.entries[population_table(kind)];
    ss_store_close(store);
    return entries;
}

static void
report_size(enum population kind, const char *how, const char *directory, uint64_t count)
{
    double goal = kind == POPULATION_STS ? 350 : 100;
    char figure[128];

    snprintf(figure, sizeof(figure), "file a domain, %s, %s", population_name(kind), how);
    bench_value(figure, "octets", (double)stores_file_size(directory, "data.mdb") /
                (double)entries_of(directory, count, kind), goal, count);
}

static void
report_octets(enum population kind, uint64_t count)
{
    uint64_t i, octets = 0, some = count < 100000 ? count : 100000;
    struct ss_buf key, value;
    char figure[128];

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    for (i = 0; i < some; i++) {
        population_entry(kind, i, 0, &key, &value);
        octets += key.len + value.len;
    }
    snprintf(figure, sizeof(figure), "key and value a domain, %s", population_name(kind));
    bench_value(figure, "octets", (double)octets / (double)some, 0, count);
    ss_buf_free(&key);
    ss_buf_free(&value);
}

static const char *
loaded(enum population kind, uint64_t count, bool sorted)
{
    const char *directory = stores_scratch("load", count * 600 + 10000000);
    uint64_t *order = sorted ? population_sorted(count) : NULL;
    struct ss_store *store = stores_open(directory, count);

    stores_load(store, kind, count, order);
    ss_store_close(store);
    free(order);
    return directory;
}

/* Every second one is a destination that was there, the others are new. */
static double
write_block(struct ss_store *store, enum population kind, uint64_t count, uint64_t block,
            struct ss_buf *key, struct ss_buf *value)
{
    uint64_t state, i, n, began, took = 0;

    bench_seed(&state, block + 1);
    for (i = 0; i < BLOCK; i++) {
        n = bench_random(&state) % count;
        population_entry(kind, i % 2 == 0 ? n : count + block * BLOCK + i, 0, key, value);
        began = bench_now();
        stores_put(store, population_table(kind), key, value);
        took += bench_now() - began;
    }
    return BLOCK * 1e9 / (double)took;
}

static void
write_rates(const char *figure, const char *ours, const char *compact, enum population kind,
            uint64_t count, uint64_t blocks)
{
    struct ss_store *a = stores_open(ours, count), *b = stores_open(compact, count);
    struct ss_buf key, value;
    struct bench_pair pair;
    uint64_t i;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    bench_pair_init(&pair, figure, "the same in a compact copy", "/s", 0.8, count);
    for (i = 0; i < blocks; i++) {
        bench_ours(&pair, write_block(a, kind, count, i, &key, &value));
        bench_floor(&pair, write_block(b, kind, count, i, &key, &value));
    }
    bench_report(&pair);
    ss_store_close(a);
    ss_store_close(b);
    ss_buf_free(&key);
    ss_buf_free(&value);
}

static const char *
compact_copy(const char *directory, uint64_t count)
{
    const char *copy = stores_scratch("compact", count * 600 + 10000000);

    bare_compact(directory, copy);
    return copy;
}

static void
one_kind(enum population kind, uint64_t count, bool quick)
{
    const char *sorted, *shuffled, *compact;

    report_octets(kind, count);
    sorted = loaded(kind, count, true);
    report_size(kind, "loaded in order", sorted, count);
    shuffled = loaded(kind, count, false);
    report_size(kind, "loaded in no order", shuffled, count);
    compact = compact_copy(shuffled, count);
    report_size(kind, "compact copy", compact, count);
    if (kind == POPULATION_DANE) {
        write_rates("writes after a load in no order", shuffled, compact, kind, count,
                    quick ? 5 : 100);
        stores_remove(compact);
        compact = compact_copy(sorted, count);
        write_rates("writes after a load in order", sorted, compact, kind, count,
                    quick ? 5 : 100);
    }
    stores_remove(sorted);
    stores_remove(shuffled);
    stores_remove(compact);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);
    enum population kind;
    const char *small;

    for (kind = 0; kind < POPULATION_KINDS; kind++) {
        small = loaded(kind, 10000, true);
        report_size(kind, "loaded in order", small, 10000);
        stores_remove(small);
        one_kind(kind, quick ? 20000 : 1000000, quick);
    }
    stores_end();
    return 0;
}
