/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
bench_fail(const char *what)
{
    fprintf(stderr, "benchmark: %s\n", what);
    exit(1);
}

uint64_t
bench_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

bool
bench_quick(int argc, char **argv)
{
    int i;

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            return true;
    }
    return false;
}

void
bench_seed(uint64_t *state, uint64_t seed)
{
    *state = seed != 0 ? seed : 1;
}

/* xorshift64*. */
uint64_t
bench_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static void
keep(struct bench_samples *samples, double value)
{
    size_t room;
    double *values;

    if (samples->count == samples->room) {
        room = samples->room == 0 ? 4096 : samples->room * 2;
        values = realloc(samples->values, room * sizeof(*values));
        if (values == NULL)
            bench_fail("out of memory");
        samples->values = values;
        samples->room = room;
    }
    samples->values[samples->count++] = value;
}

void
bench_pair_init(struct bench_pair *pair, const char *figure, const char *floor, const char *unit,
                double goal, uint64_t size)
{
    memset(pair, 0, sizeof(*pair));
    pair->figure = figure;
    pair->floor = floor;
    pair->unit = unit;
    pair->goal = goal;
    pair->size = size;
}

void
bench_field(struct bench_pair *pair, const char *name, double value)
{
    if (pair->fields == BENCH_FIELDS)
        bench_fail("too many fields of a figure");
    pair->names[pair->fields] = name;
    pair->numbers[pair->fields++] = value;
}

void
bench_ours(struct bench_pair *pair, double value)
{
    keep(&pair->ours, value);
}

void
bench_floor(struct bench_pair *pair, double value)
{
    keep(&pair->under, value);
}

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double
bench_percentile(double *values, size_t count, double share)
{
    size_t at;

    if (count == 0)
        return 0;
    qsort(values, count, sizeof(*values), by_value);
    at = (size_t)(share * (double)count);
    return values[at < count ? at : count - 1];
}

/* Text of a figure: ours alone, but a stray quote must not spoil the line. */
static void
put_text(const char *name, const char *text)
{
    printf("\"%s\":\"", name);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            putchar('\\');
        if ((unsigned char)*text >= 0x20)
            putchar(*text);
    }
    putchar('"');
}

static void
put_head(const char *figure, const char *unit, double goal, uint64_t size)
{
    putchar('{');
    put_text("figure", figure);
    if (size != 0)
        printf(",\"size\":%" PRIu64, size);
    putchar(',');
    put_text("unit", unit);
    if (goal > 0)
        printf(",\"goal\":%.6g", goal);
}

void
bench_report(struct bench_pair *pair)
{
    double ours = bench_percentile(pair->ours.values, pair->ours.count, 0.5);
    double ours_p99 = bench_percentile(pair->ours.values, pair->ours.count, 0.99);
    double under = bench_percentile(pair->under.values, pair->under.count, 0.5);
    double under_p99 = bench_percentile(pair->under.values, pair->under.count, 0.99);
    size_t i;

    put_head(pair->figure, pair->unit, pair->goal, pair->size);
    putchar(',');
    put_text("floor", pair->floor);
    printf(",\"floor_p50\":%.6g,\"floor_p99\":%.6g,\"ours_p50\":%.6g,\"ours_p99\":%.6g", under,
           under_p99, ours, ours_p99);
    if (under > 0)
        printf(",\"ratio\":%.4f", ours / under);
    for (i = 0; i < pair->fields; i++)
        printf(",\"%s\":%.6g", pair->names[i], pair->numbers[i]);
    printf(",\"samples\":%zu}\n", pair->ours.count);
    fflush(stdout);
    free(pair->ours.values);
    free(pair->under.values);
    memset(pair, 0, sizeof(*pair));
}

void
bench_value(const char *figure, const char *unit, double value, double goal, uint64_t size)
{
    put_head(figure, unit, goal, size);
    printf(",\"value\":%.6g}\n", value);
    fflush(stdout);
}
