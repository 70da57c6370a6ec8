/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Many at once on one memory: eight processes that ask for kept plans beside
 * eight that do LMDB's bare renew, get and reset; and one that asks while
 * another records what was delivered, a few times a second and as fast as it can.
 */
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/context.h"
#include "bench.h"
#include "engine/kept.h"
#include "plans.h"
#include "stores.h"

#define PROCESSES 8
#define BLOCK 2000
#define KEYS 65536 /* names made before, so that making them is not measured */

static char (*domains)[64];
static struct ss_name *names;

static void
stay_on(int processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    (void)sched_setaffinity(0, sizeof(set), &set);
}

/* Every second domain is asked for; the writer has the others. */
static void
make_keys(uint64_t count, uint64_t seed, uint64_t odd)
{
    uint64_t state, i, n;

    domains = calloc(KEYS, sizeof(*domains));
    names = calloc(KEYS, sizeof(*names));
    if (domains == NULL || names == NULL)
        bench_fail("out of memory");
    bench_seed(&state, seed);
    for (i = 0; i < KEYS; i++) {
        n = bench_random(&state) % (count / 2) * 2 + odd;
        population_domain(n, domains[i]);
        population_domain_name(n, &names[i]);
    }
}

static void
say(double number)
{
    printf("%.0f\n", number);
    fflush(stdout);
}

/* ---- eight at once ---- */

static double
questions_a_second(struct asker *asker, uint64_t ns)
{
    uint64_t began = bench_now(), done = 0, sum = 0;

    while (bench_now() - began < ns) {
        for (; done % 64 != 63; done++)
            sum += asker_ask(asker, domains[done % KEYS]);
        done++;
    }
    return (double)(done - done / 64) * 1e9 / (double)(bench_now() - began) + (sum == 1 ? 1 : 0);
}

static double
gets_a_second(struct bare *bare, uint64_t ns)
{
    uint64_t began = bench_now(), done = 0, sum = 0;
    struct ss_bytes value;

    while (bench_now() - began < ns) {
        for (; done % 64 != 63; done++) {
            if (!bare_get(bare, (struct ss_bytes){ names[done % KEYS].wire,
                                                   names[done % KEYS].len }, &value))
                bench_fail("a plan is not there");
            sum += value.data[0];
        }
        done++;
    }
    return (double)(done - done / 64) * 1e9 / (double)(bench_now() - began) + (sum == 1 ? 1 : 0);
}

/* many ours|bare DIRECTORY COUNT SEED MS: a rate, each time it is told to go on; until it ends */
static int
one_of_many(char **argv)
{
    bool ours = strcmp(argv[2], "ours") == 0;
    uint64_t count = strtoull(argv[4], NULL, 10), ns = strtoull(argv[6], NULL, 10) * 1000000;
    char *path = plans_path(argv[3]);
    struct asker asker;
    struct bare bare;

    make_keys(count, strtoull(argv[5], NULL, 10), 0);
    /* Ours first: who finds LMDB in other hands before it has looked at the file keeps away. */
    if (ours) {
        asker_open(&asker, argv[3], count);
        (void)asker_ask(&asker, domains[0]);
    } else {
        bare_open(&bare, path, PLANS_TABLE, MDB_RDONLY);
    }
    say(0);
    while (getchar() == '\n')
        say(ours ? questions_a_second(&asker, ns) : gets_a_second(&bare, ns));
    if (ours)
        asker_close(&asker);
    else
        bare_close(&bare);
    free(path);
    return 0;
}

static void
start_many(struct bench_child *children[], size_t how_many, const char *whose,
           const char *directory, uint64_t count, const char *ms)
{
    char count_text[32], seed[32];
    size_t i;

    snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    for (i = 0; i < how_many; i++) {
        snprintf(seed, sizeof(seed), "%zu", i + 1);
        children[i] = bench_child_start(
            (const char *const[]){ "many", whose, directory, count_text, seed, ms, NULL });
    }
    for (i = 0; i < how_many; i++)
        (void)bench_child_number(children[i]);
}

static double
rate_of(struct bench_child *children[], size_t how_many)
{
    double sum = 0;
    size_t i;

    for (i = 0; i < how_many; i++)
        bench_child_go(children[i]);
    for (i = 0; i < how_many; i++)
        sum += bench_child_number(children[i]);
    return sum;
}

static void
many_at_once(const char *directory, uint64_t count, size_t how_many, bool quick)
{
    struct bench_child *ours[PROCESSES], *under[PROCESSES];
    const char *ms = quick ? "100" : "500";
    struct bench_pair pair;
    size_t i;

    start_many(ours, how_many, "ours", directory, count, ms);
    start_many(under, how_many, "bare", directory, count, ms);
    bench_pair_init(&pair, how_many > 1 ? "cached decisions a second by eight processes"
                                        : "cached decisions a second by one process",
                    "LMDB gets of as many", "/s", how_many > 1 ? 0.65 : 0, count);
    bench_field(&pair, "processors", (double)sysconf(_SC_NPROCESSORS_ONLN));
    for (i = 0; i < (quick ? 3 : 15); i++) {
        bench_ours(&pair, rate_of(ours, how_many));
        bench_floor(&pair, rate_of(under, how_many));
    }
    for (i = 0; i < how_many; i++) {
        bench_child_end(ours[i]);
        bench_child_end(under[i]);
    }
    bench_report(&pair);
}

/* ---- a writer beside ---- */

static int
put_value(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct ss_buf *value = arg;

    (void)old;
    ss_buf_put(out, value->data, value->len);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* What recording a delivery writes: a mark in place of the plan, and the claims. */
static uint64_t
write_for(struct asker *asker, uint64_t count, uint64_t ns, uint64_t pause_ns, uint64_t *state)
{
    uint64_t began = bench_now(), written = 0;
    struct timespec pause = { 0, (long)pause_ns };
    struct ss_buf key, value;

    ss_buf_init(&key, 1024);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    do {
        population_entry(POPULATION_DANE, bench_random(state) % (count / 2) * 2 + 1, 0, &key,
                         &value);
        if (ss_kept_update(asker->context->store, SS_TABLE_CLAIMS,
                           (struct ss_bytes){ key.data, key.len }, put_value, &value,
                           POPULATION_T0) != 0)
            bench_fail(asker->context->store->error.text);
        written++;
        if (pause_ns > 0)
            nanosleep(&pause, NULL);
    } while (bench_now() - began < ns);
    ss_buf_free(&key);
    ss_buf_free(&value);
    return written;
}

/* writer DIRECTORY COUNT MS PAUSE_MS: writes so long each time it is told to go on */
static int
writer(char **argv)
{
    uint64_t count = strtoull(argv[3], NULL, 10), ns = strtoull(argv[4], NULL, 10) * 1000000;
    uint64_t pause = strtoull(argv[5], NULL, 10) * 1000000, state;
    struct asker asker;

    stay_on(1);
    bench_seed(&state, 99);
    asker_open(&asker, argv[2], count);
    say(0);
    while (getchar() == '\n')
        say((double)write_for(&asker, count, ns, pause, &state) * 1e9 / (double)ns);
    asker_close(&asker);
    return 0;
}

/* The p99 of what is asked for so long, in ns. */
static double
asked_p99(struct asker *asker, uint64_t ns, double *samples, size_t most)
{
    uint64_t end = bench_now() + ns, began = bench_now(), sum = 0;
    size_t count = 0;

    for (; began < end && count < most; count++) {
        sum += asker_ask(asker, domains[count % KEYS]);
        samples[count] = (double)(bench_now() - began);
        began = bench_now();
    }
    return bench_percentile(samples, count, 0.99) + (sum == 1 ? 1 : 0);
}

static void
writer_beside(const char *directory, uint64_t count, bool fast, bool quick)
{
    uint64_t ms = quick ? 100 : 400, i, rounds = quick ? 4 : 20;
    size_t most = 4000000;
    double *samples = calloc(most, sizeof(*samples)), written = 0;
    char count_text[32], ms_text[32];
    struct bench_child *child;
    struct bench_pair pair;
    struct asker asker;

    if (samples == NULL)
        bench_fail("out of memory");
    snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    snprintf(ms_text, sizeof(ms_text), "%" PRIu64, ms + 50);
    asker_open(&asker, directory, count);
    (void)asked_p99(&asker, 50000000, samples, most);
    child = bench_child_start((const char *const[]){ "writer", directory, count_text, ms_text,
                                                     fast ? "0" : "150", NULL });
    (void)bench_child_number(child);
    bench_pair_init(&pair, fast ? "p99 of a cached decision, a writer beside as fast as it can"
                                : "p99 of a cached decision, a writer beside, a few a second",
                    "the same without a writer", "ns", 1.5, count);
    for (i = 0; i < rounds; i++) {
        bench_floor(&pair, asked_p99(&asker, ms * 1000000, samples, most));
        bench_child_go(child);
        bench_ours(&pair, asked_p99(&asker, ms * 1000000, samples, most));
        written += bench_child_number(child) / (double)rounds;
    }
    bench_child_end(child);
    asker_close(&asker);
    bench_field(&pair, "writes_a_second", written);
    bench_report(&pair);
    free(samples);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);
    uint64_t count = quick ? 10000 : 1000000;
    const char *directory;

    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        plans_fill(argv + 2);
        return 0;
    }
    if (argc == 7 && strcmp(argv[1], "many") == 0)
        return one_of_many(argv);
    if (argc == 6 && strcmp(argv[1], "writer") == 0)
        return writer(argv);
    stores_on_disk();
    directory = plans_directory("beside", count, 1, count);
    if (directory != NULL) {
        many_at_once(directory, count, 1, quick);
        many_at_once(directory, count, PROCESSES, quick);
        stay_on(0);
        make_keys(count, 7, 0);
        writer_beside(directory, count, false, quick);
        writer_beside(directory, count, true, quick);
    }
    stores_end();
    free(domains);
    free(names);
    return 0;
}
