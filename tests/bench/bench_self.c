/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frame looks at itself: percentiles, a line, what is counted. Run with
 * the rules, since a frame that counts wrong makes every figure wrong; not
 * with the unit tests, which valgrind runs, with system calls of its own.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
must(bool holds, const char *what)
{
    if (!holds)
        bench_fail(what);
}

static void
nothing(void *arg)
{
    volatile int *sum = arg;
    int i;

    for (i = 0; i < 1000; i++)
        *sum += i;
}

static void
three_calls(void *arg)
{
    int i;

    (void)arg;
    for (i = 0; i < 3; i++)
        (void)fcntl(0, F_GETFD);
}

static void
counts(void)
{
    int64_t before, heap, calls;
    void *volatile room;
    int sum = 0;

    before = bench_allocations();
    if (before >= 0) {
        room = malloc(10);
        free(room);
        room = calloc(3, 3);
        room = realloc(room, 100);
        free(room);
        heap = bench_allocations() - before;
        must(heap == 3, "three allocations are three");
    } else {
        fprintf(stderr, "allocations are not counted here\n");
    }
    calls = bench_system_calls(three_calls, NULL);
    if (calls < 0) {
        fprintf(stderr, "system calls are not counted here\n");
        return;
    }
    must(calls == 3, "three system calls are three");
    must(bench_system_calls(nothing, &sum) == 0, "no system call is none");
}

int
main(void)
{
    double values[100];
    struct bench_pair pair;
    uint64_t a, b;
    int i;

    for (i = 0; i < 100; i++)
        values[i] = (i * 37 + 11) % 100;
    must(bench_percentile(values, 100, 0.5) == 50, "the median");
    must(bench_percentile(values, 100, 0.99) == 99, "the 99th percentile");
    must(bench_percentile(values, 1, 0.99) == 0, "of one");
    must(bench_percentile(NULL, 0, 0.5) == 0, "of none");
    bench_seed(&a, 7);
    bench_seed(&b, 7);
    must(bench_random(&a) == bench_random(&b) && bench_random(&a) != 0, "the same seed");
    must(bench_now() <= bench_now(), "time goes on");
    counts();
    bench_pair_init(&pair, "the \"frame\"", "itself", "ns", 1.5, 10);
    bench_field(&pair, "mx", 5);
    for (i = 0; i < 10000; i++) {
        bench_ours(&pair, i * 3);
        bench_floor(&pair, i * 2);
    }
    bench_report(&pair);
    bench_value("octets", "octets", 123456789, 0, 0);
    return 0;
}
