/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A repeated question: the domain's name in, the requirement of every host
 * out, beside LMDB's bare renew, get and reset of the same value in the same
 * file. LMDB knows a file once in a process, so the floor is measured by a child
 * that takes turns with us, a block of random keys each, on one processor.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "plans.h"
#include "stores.h"

#define BLOCK 500
#define COUNTED 1000

enum way { WAY_GET, WAY_GET_ALONE, WAYS }; /* with renew and reset, or within one transaction */

static void
stay_on_one_processor(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(0, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

/* What a look at the clock costs; it is taken off each sample. */
static double
clock_cost(void)
{
    double costs[1001];
    uint64_t began;
    size_t i;

    for (i = 0; i < 1001; i++) {
        began = bench_now();
        costs[i] = (double)(bench_now() - began);
    }
    return bench_percentile(costs, 1001, 0.5);
}

static double
sample(uint64_t took, double cost)
{
    return (double)took > cost ? (double)took - cost : 0;
}

/* ---- in the child: LMDB ---- */

struct floor_keys {
    struct bare bare;
    struct ss_name names[COUNTED > BLOCK ? COUNTED : BLOCK];
    uint64_t sum;
};

static struct floor_keys floor_keys;

static struct ss_bytes
floor_key(size_t i)
{
    return (struct ss_bytes){ floor_keys.names[i].wire, floor_keys.names[i].len };
}

static void
floor_get(size_t i, enum way way)
{
    struct ss_bytes key = floor_key(i), value;
    MDB_val k = { key.len, (void *)(uintptr_t)key.data }, v;
    bool got;

    if (way == WAY_GET) {
        got = bare_get(&floor_keys.bare, key, &value);
    } else {
        got = mdb_get(floor_keys.bare.txn, floor_keys.bare.table, &k, &v) == 0;
        value.data = v.mv_data;
    }
    if (!got)
        bench_fail("a plan is not there");
    floor_keys.sum += value.data[0];
}

static void
counted_gets(void *arg)
{
    size_t i;

    (void)arg;
    for (i = 0; i < COUNTED; i++)
        floor_get(i, WAY_GET);
}

static void
floor_block(const uint64_t *order, uint64_t block, enum way way, double cost)
{
    uint64_t began, i;
    double took;

    for (i = 0; i < BLOCK; i++)
        population_domain_name(order[block * BLOCK + i], &floor_keys.names[i]);
    if (way == WAY_GET_ALONE)
        mdb_txn_renew(floor_keys.bare.txn);
    for (i = 0; i < BLOCK; i++) {
        began = bench_now();
        floor_get(i, way);
        took = sample(bench_now() - began, cost);
        printf("%.0f\n", took);
    }
    if (way == WAY_GET_ALONE)
        mdb_txn_reset(floor_keys.bare.txn);
    fflush(stdout);
}

/* floor PATH COUNT BLOCKS: a block each way, each time it is told to go on */
static int
floor_child(char **argv)
{
    uint64_t *order = population_shuffled(strtoull(argv[3], NULL, 10), 11), i;
    uint64_t blocks = strtoull(argv[4], NULL, 10);
    double cost = clock_cost();
    int64_t before;
    int way;

    stay_on_one_processor();
    bare_open(&floor_keys.bare, argv[2], PLANS_TABLE, MDB_RDONLY);
    for (i = 0; i < blocks; i++) {
        for (way = 0; way < WAYS; way++) {
            bench_child_wait();
            /* Never keys that have just been asked for: they would be in the processor's caches. */
            floor_block(order, (i + blocks / 3 * (uint64_t)(way + 1)) % blocks, (enum way)way,
                        cost);
        }
    }
    for (i = 0; i < COUNTED; i++)
        population_domain_name(order[i], &floor_keys.names[i]);
    before = bench_allocations();
    counted_gets(NULL);
    printf("%" PRId64 "\n", before < 0 ? -1 : bench_allocations() - before);
    printf("%" PRId64 "\n", bench_system_calls(counted_gets, NULL));
    bare_close(&floor_keys.bare);
    free(order);
    return 0;
}

/* ---- ours ---- */

struct questions {
    struct asker asker;
    char domains[COUNTED > BLOCK ? COUNTED : BLOCK][64];
    uint64_t sum;
};

static struct questions questions;

static void
counted_questions(void *arg)
{
    size_t i;

    (void)arg;
    for (i = 0; i < COUNTED; i++)
        questions.sum += asker_ask(&questions.asker, questions.domains[i]);
}

static void
our_block(const uint64_t *order, uint64_t block, double cost, double took[BLOCK])
{
    uint64_t began, i;

    for (i = 0; i < BLOCK; i++)
        population_domain(order[block * BLOCK + i], questions.domains[i]);
    for (i = 0; i < BLOCK; i++) {
        began = bench_now();
        questions.sum += asker_ask(&questions.asker, questions.domains[i]);
        took[i] = sample(bench_now() - began, cost);
    }
}

static void
take_turns(struct bench_child *child, const uint64_t *order, uint64_t blocks,
           struct bench_pair pairs[WAYS])
{
    double cost = clock_cost(), took[BLOCK];
    uint64_t block, i;
    int way;

    for (block = 0; block < blocks; block++) {
        our_block(order, block, cost, took);
        for (way = 0; way < WAYS; way++) {
            bench_child_go(child);
            for (i = 0; i < BLOCK; i++) {
                bench_floor(&pairs[way], bench_child_number(child));
                bench_ours(&pairs[way], took[i]);
            }
        }
    }
}

static void
report_counts(struct bench_child *child, const uint64_t *order, uint64_t count, size_t hosts)
{
    int64_t before;
    uint64_t i;

    for (i = 0; i < COUNTED; i++)
        population_domain(order[i], questions.domains[i]);
    before = bench_allocations();
    counted_questions(NULL);
    if (before >= 0)
        bench_value("heap allocations in 1,000 cached decisions", "",
                    (double)(bench_allocations() - before), 0, count);
    bench_value("heap allocations in 1,000 LMDB gets", "", bench_child_number(child), 0, count);
    bench_value("system calls in 1,000 cached decisions", "",
                (double)bench_system_calls(counted_questions, NULL), 0, count);
    bench_value("system calls in 1,000 LMDB gets", "", bench_child_number(child), 0, count);
    (void)hosts;
}

static void
one_size(uint64_t count, size_t hosts, uint64_t blocks, double goal)
{
    const char *directory = plans_directory("plans", count, hosts, hosts == 1 ? count : 0);
    char *path, count_text[32], blocks_text[32];
    struct bench_pair pairs[WAYS];
    struct bench_child *child;
    uint64_t *order;
    int way;

    if (directory == NULL)
        return;
    path = plans_path(directory);
    snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    snprintf(blocks_text, sizeof(blocks_text), "%" PRIu64, blocks);
    order = population_shuffled(count, 11);
    asker_open(&questions.asker, directory, count);
    population_domain(order[0], questions.domains[0]);
    /* Ours first: who finds LMDB in other hands before it has looked at the file keeps away. */
    (void)asker_ask(&questions.asker, questions.domains[0]);
    child = bench_child_start(
        (const char *const[]){ "floor", path, count_text, blocks_text, NULL });
    bench_pair_init(&pairs[WAY_GET], "cached decision", "LMDB get", "ns", goal, count);
    bench_pair_init(&pairs[WAY_GET_ALONE], "cached decision", "LMDB get, one transaction for all",
                    "ns", 0, count);
    for (way = 0; way < WAYS; way++)
        bench_field(&pairs[way], "mx", (double)hosts);
    take_turns(child, order, blocks, pairs);
    for (way = 0; way < WAYS; way++)
        bench_report(&pairs[way]);
    report_counts(child, order, count, hosts);
    asker_close(&questions.asker);
    bench_child_end(child);
    bench_value(hosts == 1 ? "file a kept plan, 1 MX" : "file a kept plan, 5 MX", "octets",
                (double)stores_file_size(path, "data.mdb") / (double)count, 0, count);
    free(order);
    free(path);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);

    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        plans_fill(argv + 2);
        return 0;
    }
    if (argc == 5 && strcmp(argv[1], "floor") == 0)
        return floor_child(argv);
    stay_on_one_processor();
    one_size(10000, 1, 20, 2);
    if (quick) {
        one_size(10000, 5, 20, 0);
    } else {
        one_size(1000000, 1, 200, 1.5);
        one_size(1000000, 5, 200, 2);
        one_size(10000000, 1, 200, 1.5);
    }
    stores_end();
    return 0;
}
