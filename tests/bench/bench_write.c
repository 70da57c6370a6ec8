/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a delivery writes: one that changes what is remembered, and one that does
 * not. Counted are LMDB's transactions,
 * which another process looks up, and the octets given to the kernel. The floor
 * of the time is LMDB's own write of a value of that size, with its sync.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"
#include "decision/requirement.h"
#include "plans.h"
#include "stores.h"

#define SAME 20 /* deliveries more to each domain */

/* Octets of all write() and pwrite() of this process. */
static double
octets_written(void)
{
    FILE *file = fopen("/proc/self/io", "r");
    double octets = 0;
    char line[128];

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "wchar: %lf", &octets) == 1)
            break;
    }
    fclose(file);
    return octets;
}

/* last PATH: the number of the last transaction */
static int
last_transaction(char **argv)
{
    MDB_envinfo info;
    MDB_env *env;

    if (mdb_env_create(&env) != 0 || mdb_env_open(env, argv[2], MDB_RDONLY, 0600) != 0 ||
        mdb_env_info(env, &info) != 0)
        bench_fail("LMDB");
    printf("%zu\n", info.me_last_txnid);
    mdb_env_close(env);
    return 0;
}

static double
transactions(const char *directory)
{
    struct bench_child *child =
        bench_child_start((const char *const[]){ "last", directory, NULL });
    double last = bench_child_number(child);

    bench_child_end(child);
    return last;
}

struct cost {
    double transactions;
    double octets;
    double ns;
};

/* A delivery with TLS, as a log tells of it, so many times. */
static struct cost
deliver(struct asker *asker, const char *directory, const struct smtpsec_requirement *requirement,
        int64_t now, size_t times)
{
    struct cost cost = { transactions(directory), octets_written(), 0 };
    struct smtpsec_outcome *outcome;
    uint64_t began = bench_now();
    size_t i;

    for (i = 0; i < times; i++) {
        if (smtpsec_outcome_new(requirement, now + (int64_t)i, &outcome) != 0 ||
            smtpsec_outcome_set_observed(outcome, SMTPSEC_STARTTLS_DONE) != 0 ||
            smtpsec_outcome_set_accepted(outcome, 1) != 0 ||
            smtpsec_record(asker->context, outcome, now + (int64_t)i) != 0)
            bench_fail("a delivery is not recorded");
        smtpsec_outcome_free(outcome);
    }
    cost.ns = (double)(bench_now() - began) / (double)times;
    cost.octets = (octets_written() - cost.octets) / (double)times;
    cost.transactions = (transactions(directory) - cost.transactions) / (double)times;
    return cost;
}

/* LMDB alone, in a store of the same size: one value, one commit. */
static double
bare_write(struct bare *bare, uint64_t count, uint64_t *state, double *octets)
{
    struct ss_buf key, value;
    uint64_t began;
    MDB_txn *txn;
    MDB_val k, v;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    population_entry(POPULATION_ENCRYPTED, bench_random(state) % count, 1, &key, &value);
    k = (MDB_val){ key.len, key.data };
    v = (MDB_val){ value.len, value.data };
    *octets = octets_written();
    began = bench_now();
    if (mdb_txn_begin(bare->env, NULL, 0, &txn) != 0 ||
        mdb_put(txn, bare->table, &k, &v, 0) != 0 || mdb_txn_commit(txn) != 0)
        bench_fail("LMDB's write");
    began = bench_now() - began;
    *octets = octets_written() - *octets;
    ss_buf_free(&key);
    ss_buf_free(&value);
    return (double)began;
}

/* The requirement of one domain is made that of another. */
static void
next_domain(struct smtpsec_requirement *requirement, uint64_t n)
{
    population_domain_name(n, &requirement->key.domain);
    population_domain(n, requirement->domain);
    if (ss_requirement_seal_digest(requirement) != 0)
        bench_fail("a requirement");
}

static void
report(const char *figure, double values[], size_t count, uint64_t size, const char *unit,
       double goal)
{
    bench_value(figure, unit, bench_percentile(values, count, 0.5), goal, size);
}

static void
measure(const char *directory, const char *floor_directory, uint64_t count, size_t domains)
{
    double changed[100], changed_octets[100], same[100], same_octets[100], same_ns[100];
    double floor_octets[100], took;
    struct smtpsec_requirement *requirement;
    struct bench_pair pair;
    struct asker asker;
    struct bare bare;
    struct cost cost;
    char domain[64];
    uint64_t state;
    int64_t now;
    size_t i;

    bench_seed(&state, 3);
    population_domain(0, domain);
    asker_open(&asker, directory, count);
    (void)asker_ask(&asker, domain);
    if (smtpsec_cached_requirement(asker.cached, 0, &requirement) != 0)
        bench_fail("no requirement");
    bare_open(&bare, floor_directory, "claims", 0);
    /* The first of a day writes the clock, too. */
    (void)deliver(&asker, directory, requirement, POPULATION_T0 - 1, 1);
    bench_pair_init(&pair, "record a delivery that changes what is remembered",
                    "LMDB: one put, one commit", "ns", 0, count);
    for (i = 0; i < domains; i++) {
        now = POPULATION_T0 + (int64_t)i;
        next_domain(requirement, bench_random(&state) % count);
        cost = deliver(&asker, directory, requirement, now, 1);
        changed[i] = cost.transactions;
        changed_octets[i] = cost.octets;
        bench_ours(&pair, cost.ns);
        took = bare_write(&bare, count, &state, &floor_octets[i]);
        bench_floor(&pair, took);
        cost = deliver(&asker, directory, requirement, now + 60, SAME);
        same[i] = cost.transactions;
        same_octets[i] = cost.octets;
        same_ns[i] = cost.ns;
    }
    bench_report(&pair);
    report("transactions a delivery that changes what is remembered", changed, domains, count, "",
           1);
    report("octets written for one", changed_octets, domains, count, "octets", 0);
    report("octets written, LMDB: one put, one commit", floor_octets, domains, count, "octets", 0);
    report("transactions a delivery that changes nothing", same, domains, count, "", 0);
    report("octets written for a delivery that changes nothing", same_octets, domains, count,
           "octets", 0);
    report("record a delivery that changes nothing", same_ns, domains, count, "ns", 0);
    smtpsec_requirement_free(requirement);
    bare_close(&bare);
    asker_close(&asker);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv), made;
    uint64_t count = quick ? 10000 : 1000000;
    const char *directory, *floor_directory;

    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        plans_fill(argv + 2);
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "last") == 0)
        return last_transaction(argv);
    stores_on_disk();
    directory = plans_directory("write", 1000, 1, count);
    if (directory != NULL) {
        floor_directory = stores_directory("write-floor", &made);
        if (made) {
            stores_bulk(floor_directory, POPULATION_DANE, count);
            stores_filled(floor_directory);
        }
        measure(directory, floor_directory, count, quick ? 5 : 40);
        stores_remove(directory); /* it is not as it was made */
    }
    stores_end();
    return 0;
}
