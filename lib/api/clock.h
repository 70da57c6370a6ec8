/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The time at which the memory judges: the clock's, unless it has leapt (design 6.2). */
#ifndef SS_API_CLOCK_H
#define SS_API_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/clock.h"

struct smtpsec_context;

/* What a context knows of the memory's time. */
struct ss_memory_clock {
    uint64_t boot;               /* of the machine; 0: not known */
    struct ss_clock_mark mark;   /* of the last use */
    struct ss_clock_mark stored; /* as it was read, or written, last */
    int64_t failed;              /* the last try to write it that failed; 0: none */
    bool told;                   /* a leap was told, and not its end */
    bool damage_told;
};

struct ss_memory_time {
    int64_t now; /* judge claims and holds at this time */
    bool held;   /* the clock has leapt: raise, begin, end and remove nothing */
};

/*
 * The memory's time for a use at `now`; the use is noted. Trouble with the
 * store changes nothing but that other processes do not know of it.
 */
struct ss_memory_time ss_context_memory_time(struct smtpsec_context *context, int64_t now);

#endif
