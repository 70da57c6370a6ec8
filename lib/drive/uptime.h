/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The machine's own clock, which nobody sets: how long it has been up, and since which start. */
#ifndef SS_DRIVE_UPTIME_H
#define SS_DRIVE_UPTIME_H

#include "memory/clock.h"

/* A time that is further from the system's is not the machine's (a caller's own clock). */
#define SS_UPTIME_NEAR 300

/* Which start of the machine this is; 0: cannot be told. Reads a file: ask before a chroot. */
uint64_t ss_uptime_boot(void);
/* Fill a reading for `now`, by the machine's clock where `now` is the machine's time. */
void ss_uptime_read(uint64_t boot, int64_t now, struct ss_clock_reading *out);

#endif
