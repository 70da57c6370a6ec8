/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A clock that leaps (design 6.2). Lives of claims are counted by the clock,
 * and whoever moves it by months would end them all. So the time of the last
 * use is kept; when the next one is days away from it and the machine was not
 * merely idle, the memory's time stands still until the new time has been used
 * for two days, or the old one has come back.
 */
#ifndef SS_MEMORY_CLOCK_H
#define SS_MEMORY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* A leap is longer than this; and so long is the new time used before it is believed. */
#define SS_CLOCK_STEP (48 * (int64_t)3600)
/* The mark is written no more often than this, but for leaps and their ends. */
#define SS_CLOCK_WRITE (3 * (int64_t)3600)

/* What one use of the memory knows of the time. */
struct ss_clock_reading {
    int64_t now;
    uint64_t boot;  /* which start of the machine; 0: not known, or `now` is not the machine's */
    int64_t uptime; /* seconds since then, sleep included */
};

/* What is kept of the last use. */
struct ss_clock_mark {
    int64_t seen;         /* its time; 0: there was none */
    uint64_t boot;        /* and by the machine's own clock; 0: not known */
    int64_t uptime;
    int64_t stepped_from; /* since a leap: where the memory's time stands; 0: none */
    int64_t stepped_at;   /* and since when the new time has been used, in the new time */
};

enum ss_clock_change { SS_CLOCK_SAME, SS_CLOCK_STEPPED, SS_CLOCK_SETTLED };

struct ss_clock_verdict {
    struct ss_clock_mark mark;  /* of this use */
    enum ss_clock_change change;
    bool returned;              /* SETTLED: the old time came back */
    int64_t memory_now;         /* the time at which the memory judges */
    bool held;                  /* it stands still: nothing ends, nothing is raised */
};

/* Judge a use by the mark of the last one. Pure. */
void ss_clock_judge(const struct ss_clock_mark *last, const struct ss_clock_reading *reading,
                    struct ss_clock_verdict *out);
/* Is the new mark worth a write over what is stored? */
bool ss_clock_worth_writing(const struct ss_clock_mark *stored, const struct ss_clock_mark *mark);

/* The mark's key in the store's table of single values. */
struct ss_bytes ss_clock_key(void);
void ss_clock_mark_write(struct ss_buf *out, const struct ss_clock_mark *mark);
/* Returns 0, FORMAT, VERSION; then the mark is empty. */
int ss_clock_mark_read(struct ss_clock_mark *mark, struct ss_bytes value);

#endif
