/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notable facts, waiting in a bounded queue until the caller takes them. */
#ifndef SS_API_EVENTS_H
#define SS_API_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#define SS_EVENTS_MAX 256

struct ss_event {
    int32_t kind;
    int64_t time;
    char domain[256];
    char text[1024];
};

struct ss_events {
    struct ss_event *ring; /* SS_EVENTS_MAX + 1: the last one is the present event */
    size_t first;
    size_t count;
    size_t dropped;
};

int ss_events_init(struct ss_events *events);
void ss_events_free(struct ss_events *events);
/* Add one; when the queue is full the oldest is lost and a DROPPED event will say so. */
void ss_events_add(struct ss_events *events, int32_t kind, int64_t time, const char *domain,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
