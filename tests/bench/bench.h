/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The frame of the benchmarks. A figure of ours is measured beside its floor,
 * what the work costs without us, in the same run and alternately, so that a
 * noisy moment falls on both and the ratio holds on other machines too.
 *
 * A benchmark prints one JSON object a line on stdout and nothing else there;
 * what else it has to say goes to stderr. With --quick it runs some seconds.
 * Nothing is asserted: tests/bench/run.py makes the table.
 *
 * A goal is the most that a ratio may be; where the unit ends in "/s", the
 * least. For a figure without floor it bounds the value.
 */
#ifndef SS_BENCH_H
#define SS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_FIELDS 6

struct bench_samples {
    double *values;
    size_t count;
    size_t room;
};

/* Samples of ours and of the floor, taken alternately. */
struct bench_pair {
    const char *figure;
    const char *floor;
    const char *unit;
    double goal;   /* 0: none */
    uint64_t size; /* 0: none */
    struct bench_samples ours;
    struct bench_samples under; /* the floor's */
    size_t fields;
    const char *names[BENCH_FIELDS];
    double numbers[BENCH_FIELDS];
};

/* The texts must outlive the pair. */
void bench_pair_init(struct bench_pair *pair, const char *figure, const char *floor,
                     const char *unit, double goal, uint64_t size);
/* One number more to stand in the figure's line, such as "mx"; at most BENCH_FIELDS. */
void bench_field(struct bench_pair *pair, const char *name, double value);
void bench_ours(struct bench_pair *pair, double value);
void bench_floor(struct bench_pair *pair, double value);
/* Print its line, and free what it holds. */
void bench_report(struct bench_pair *pair);
/* A figure without floor: octets, counts. */
void bench_value(const char *figure, const char *unit, double value, double goal, uint64_t size);

/* In ns, CLOCK_MONOTONIC. */
uint64_t bench_now(void);
bool bench_quick(int argc, char **argv);
/* Say to stderr what it is, and end. */
void bench_fail(const char *what);
/* The smallest value that is not below a share (0 to 1) of them; sorts. */
double bench_percentile(double *values, size_t count, double share);

/* Always the same numbers for the same seed; 0 is taken for 1. */
void bench_seed(uint64_t *state, uint64_t seed);
uint64_t bench_random(uint64_t *state);

/* ---- bench_child.c: this program again, in a process of its own ---- */

#define BENCH_CHILD_ARGUMENTS 8

struct bench_child;
/* Run it with these arguments, up to a NULL. */
struct bench_child *bench_child_start(const char *const arguments[]);
/* The next number that it says on its stdout; waits for it. */
double bench_child_number(struct bench_child *child);
/* Let it go on from bench_child_wait(), which the child calls. */
void bench_child_go(struct bench_child *child);
void bench_child_wait(void);
/* Wait for its end, and free. */
void bench_child_end(struct bench_child *child);
/*
 * Two children that do the same, each of which says any number, waits, says what
 * it holds alone, and waits again: the first one's answer, while both live, so
 * that pages of a file that they share are nobody's. Ends both.
 */
double bench_child_held(struct bench_child *one, struct bench_child *other);

/* ---- bench_memory.c ---- */

/*
 * Octets that this process holds alone (Private_* of /proc/self/smaps_rollup).
 * A page of a shared file counts as long as nobody else maps it, too.
 */
double bench_private_memory(void);

/* ---- bench_count.c ---- */

/*
 * Calls of malloc(), calloc(), realloc() and the like made by this thread
 * since it began, by any library in the process. -1: they cannot be counted in
 * this build (a sanitizer, or not glibc).
 */
int64_t bench_allocations(void);
/*
 * Do the work once while another process, of our own making, traces this
 * thread, and count its system calls, whatever they are. Returns -1 where
 * tracing is not allowed: the work is done all the same. The numbers of those
 * that were seen go to stderr.
 */
int64_t bench_system_calls(void (*work)(void *arg), void *arg);

#endif
