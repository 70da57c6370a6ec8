/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the lines of a log say together: which delivery went over TLS, which
 * without, and of which nobody can tell. Bounded: what is pushed out is
 * forgotten, and of what is not known nothing is told. Pure.
 */
#ifndef OBSERVE_TRACK_H
#define OBSERVE_TRACK_H

#include <stddef.h>
#include <stdint.h>

#include "line.h"

struct tracker;

/* What is known of one delivery. */
enum track_result {
    TRACK_NOTHING = 0,   /* the line tells of no accepted delivery */
    TRACK_TLS,
    TRACK_PLAIN,
    TRACK_REUSED,        /* by a connection that had served before */
    TRACK_NULL_SENDER,   /* raises nothing */
    TRACK_SENDER_UNKNOWN,/* its line of qmgr(8) was not seen */
    TRACK_TLS_UNKNOWN    /* there may have been TLS, or not */
};

struct tracked {
    char domain[LOG_NAME_MAX + 1];
    char host[LOG_NAME_MAX + 1];
    uint16_t port;
    int64_t at;
};

/* NULL without memory. */
struct tracker *tracker_new(void);
void tracker_free(struct tracker *tracker);
/* Take in a line, said at that time. What it tells of, if anything, is put into out. */
enum track_result tracker_take(struct tracker *tracker, const struct log_line *line, int64_t at,
                               struct tracked *out);
/* Lines may be missing here: what was seen before them says nothing about what comes. */
void tracker_gap(struct tracker *tracker);
const char *track_result_name(enum track_result result);

#endif
