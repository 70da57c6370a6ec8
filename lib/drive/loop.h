/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One descriptor for every caller: epoll with watches and timers. Callbacks
 * run only inside ss_loop_process(). Watches and timers are embedded in their
 * owners, who set them to zero before the first use; taking one away is
 * allowed at any time, inside a callback too, and it is never called
 * afterwards. The loop itself must not be freed inside a callback.
 */
#ifndef SS_DRIVE_LOOP_H
#define SS_DRIVE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SS_LOOP_READ = 1, SS_LOOP_WRITE = 2 };

struct ss_loop;

struct ss_watch {
    void (*ready)(void *arg, int events); /* SS_LOOP_READ, SS_LOOP_WRITE; an error gives both */
    void *arg;
    int fd;          /* set by the loop */
    struct ss_loop *loop; /* NULL: not watched */
    size_t slot;
};

struct ss_timer {
    void (*fire)(void *arg);
    void *arg;
    int64_t due_ms;  /* set by the loop: monotonic */
    struct ss_loop *loop; /* NULL: not set */
    size_t slot;
};

int ss_loop_new(struct ss_loop **out); /* 0, NOMEM, SYSTEM */
void ss_loop_free(struct ss_loop *loop);
int ss_loop_fd(const struct ss_loop *loop);
/*
 * Until the next timer: milliseconds, 0 when due, -1 when none. The descriptor
 * becomes readable then, too; now and then earlier, for a timer that was taken away.
 */
int32_t ss_loop_timeout_ms(const struct ss_loop *loop);
/* Monotonic milliseconds, read once per process() and at each start of work. */
int64_t ss_loop_now_ms(const struct ss_loop *loop);
/*
 * Run what is ready, without waiting; a bounded number of events a call.
 * Returns 0, SYSTEM; INVALID from inside a callback.
 */
int ss_loop_process(struct ss_loop *loop);

/* ready and arg are set by the owner before. Returns 0, NOMEM, SYSTEM. */
int ss_loop_watch(struct ss_loop *loop, struct ss_watch *watch, int fd, int events);
int ss_loop_rewatch(struct ss_watch *watch, int events);
/* Idempotent. Call it before closing the descriptor. */
void ss_loop_unwatch(struct ss_watch *watch);
/* Set or move a timer; delay 0: at the next process(). Returns 0, NOMEM. */
int ss_loop_timer(struct ss_loop *loop, struct ss_timer *timer, int64_t delay_ms);
void ss_loop_untimer(struct ss_timer *timer);

#endif
