/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that begins: context, first decision, end, beside LMDB's open and
 * first get of the same plan, for ten thousand to ten million domains; and what
 * it holds alone after a hundred thousand decisions. Each in a process of its
 * own. Two ask the same before one of them says what it holds, so that the
 * pages of the file, which all share, are not taken for its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "plans.h"
#include "stores.h"

#define DECISIONS 100000

enum { MADE, FIRST, CLOSED, PHASES };

/* ---- in the child ---- */

static void
say(double number)
{
    printf("%.0f\n", number);
    fflush(stdout);
}

static void
say_what_is_held(void)
{
    say(0);
    bench_child_wait(); /* until the other has asked all that, too */
    say(bench_private_memory());
    bench_child_wait();
}

static void
ask_many(struct asker *asker, uint64_t count)
{
    uint64_t state, i, sum = 0;
    char domain[64];

    bench_seed(&state, 5);
    for (i = 0; i < DECISIONS; i++) {
        population_domain(bench_random(&state) % count, domain);
        sum += asker_ask(asker, domain);
    }
    if (sum == 0)
        bench_fail("nothing was read");
}

static void
get_many(struct bare *bare, uint64_t count)
{
    uint64_t state, i;
    struct ss_bytes value;
    struct ss_name name;

    bench_seed(&state, 5);
    for (i = 0; i < DECISIONS; i++) {
        population_domain_name(bench_random(&state) % count, &name);
        if (!bare_get(bare, (struct ss_bytes){ name.wire, name.len }, &value))
            bench_fail("a plan is not there");
    }
}

static void
ours(const char *directory, uint64_t count, uint64_t n, bool many)
{
    uint64_t began, made, first;
    struct asker asker;
    char domain[64];

    population_domain(n, domain);
    asker_prepare();
    began = bench_now();
    asker_open(&asker, directory, count);
    made = bench_now();
    (void)asker_ask(&asker, domain);
    first = bench_now();
    if (many) {
        ask_many(&asker, count);
        say_what_is_held();
    }
    say((double)(made - began));
    say((double)(first - began));
    began = bench_now();
    asker_close(&asker);
    say((double)(bench_now() - began));
}

static void
under(const char *directory, uint64_t count, uint64_t n, bool many)
{
    char *path = plans_path(directory);
    uint64_t began, made, first;
    struct ss_bytes value;
    struct ss_name name;
    struct bare bare;

    population_domain_name(n, &name);
    began = bench_now();
    bare_open(&bare, path, PLANS_TABLE, 0);
    made = bench_now();
    if (!bare_get(&bare, (struct ss_bytes){ name.wire, name.len }, &value))
        bench_fail("a plan is not there");
    first = bench_now();
    if (many) {
        get_many(&bare, count);
        say_what_is_held();
    }
    say((double)(made - began));
    say((double)(first - began));
    began = bench_now();
    bare_close(&bare);
    say((double)(bench_now() - began));
    free(path);
}

/* child ours|bare|nothing once|many DIRECTORY COUNT N */
static int
child(char **argv)
{
    uint64_t count = strtoull(argv[5], NULL, 10), n = strtoull(argv[6], NULL, 10);
    bool many = strcmp(argv[3], "many") == 0;

    if (strcmp(argv[2], "ours") == 0)
        ours(argv[4], count, n, many);
    else if (strcmp(argv[2], "bare") == 0)
        under(argv[4], count, n, many);
    else
        say_what_is_held();
    return 0;
}

/* ---- in the parent ---- */

static struct bench_child *
start(const char *whose, const char *what, const char *directory, uint64_t count, uint64_t n)
{
    char count_text[32], n_text[32];
    const char *const arguments[] = { "child", whose, what, directory, count_text, n_text, NULL };

    snprintf(count_text, sizeof(count_text), "%" PRIu64, count);
    snprintf(n_text, sizeof(n_text), "%" PRIu64, n);
    return bench_child_start(arguments);
}

static void
once(const char *whose, const char *directory, uint64_t count, uint64_t n, double took[PHASES])
{
    struct bench_child *one = start(whose, "once", directory, count, n);
    int i;

    for (i = 0; i < PHASES; i++)
        took[i] = bench_child_number(one);
    bench_child_end(one);
}

static void
begin_and_end(const char *directory, uint64_t count, uint64_t rounds, bool another)
{
    struct bench_child *beside = another ? start("ours", "many", directory, count, 0) : NULL;
    double took[PHASES], made[1000];
    struct bench_pair first, closed;
    uint64_t i;

    if (another)
        (void)bench_child_number(beside);
    bench_pair_init(&first, another ? "open and first decision, another process has it open"
                                    : "open and first decision",
                    "LMDB: open and first get", "ns", 1.5, count);
    bench_pair_init(&closed, another ? "close, another process has it open" : "close",
                    "LMDB: close", "ns", 0, count);
    for (i = 0; i < rounds; i++) {
        once("ours", directory, count, i * 7919 % count, took);
        made[i] = took[MADE];
        bench_ours(&first, took[FIRST]);
        bench_ours(&closed, took[CLOSED]);
        once("bare", directory, count, i * 7919 % count, took);
        bench_floor(&first, took[FIRST]);
        bench_floor(&closed, took[CLOSED]);
    }
    bench_report(&first);
    bench_report(&closed);
    bench_value(another ? "context creation with a memory, another process has it open"
                        : "context creation with a memory",
                "ns", bench_percentile(made, rounds, 0.5), 1e6, count);
    if (another) {
        bench_child_go(beside);
        (void)bench_child_number(beside);
        bench_child_go(beside);
        bench_child_end(beside);
    }
}

static double
held(const char *whose, const char *directory, uint64_t count)
{
    return bench_child_held(start(whose, "many", directory, count, 0),
                            start(whose, "many", directory, count, 0));
}

static void
one_size(uint64_t count, uint64_t rounds)
{
    const char *directory = plans_directory("plans", count, 1, count);
    double none;

    if (directory == NULL)
        return;
    begin_and_end(directory, count, rounds, false);
    begin_and_end(directory, count, rounds, true);
    none = held("nothing", directory, count);
    bench_value("private memory after 100,000 cached decisions, beyond the program's own", "octets",
                held("ours", directory, count) - none, 1048576, count);
    bench_value("private memory after 100,000 LMDB gets, beyond the program's own", "octets",
                held("bare", directory, count) - none, 0, count);
    bench_value("private memory of the program before it opens anything", "octets", none, 0, count);
}

int
main(int argc, char **argv)
{
    bool quick = bench_quick(argc, argv);

    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        plans_fill(argv + 2);
        return 0;
    }
    if (argc == 7 && strcmp(argv[1], "child") == 0)
        return child(argv);
    one_size(10000, quick ? 10 : 100);
    if (!quick) {
        one_size(1000000, 50);
        one_size(10000000, 20);
    }
    stores_end();
    return 0;
}
