/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "failing_alloc.h"
#include "smtpsec.h"
#include "table.h"

#define FOREVER_MS 10000

/* One end of a socket pair with a watch, and what happened to it. */
struct end {
    int fd;
    int peer;
    struct ss_watch watch;
    int calls;
    int events;
    struct end *victim;    /* unwatched by the callback */
    struct end *newcomer;  /* watched by the callback */
    struct ss_loop *loop;
};

static void
end_ready(void *arg, int events)
{
    struct end *end = arg;

    end->calls++;
    end->events = events;
    if (end->victim != NULL)
        ss_loop_unwatch(&end->victim->watch);
    if (end->newcomer != NULL)
        assert_int_equal(ss_loop_watch(end->loop, &end->newcomer->watch, end->newcomer->fd,
                                       SS_LOOP_READ), 0);
    end->newcomer = NULL;
}

static void
end_open(struct end *end, struct ss_loop *loop)
{
    int fds[2];

    memset(end, 0, sizeof(*end));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    end->fd = fds[0];
    end->peer = fds[1];
    end->loop = loop;
    end->watch.ready = end_ready;
    end->watch.arg = end;
}

static void
end_watch(struct end *end, int events)
{
    assert_int_equal(ss_loop_watch(end->loop, &end->watch, end->fd, events), 0);
}

static void
end_feed(struct end *end)
{
    assert_int_equal(write(end->peer, "x", 1), 1);
}

static void
end_close(struct end *end)
{
    ss_loop_unwatch(&end->watch);
    close(end->fd);
    if (end->peer >= 0)
        close(end->peer);
}

static struct ss_loop *
loop_new(void)
{
    struct ss_loop *loop;

    assert_int_equal(ss_loop_new(&loop), 0);
    return loop;
}

static int
loop_is_readable(struct ss_loop *loop, int wait_ms)
{
    struct pollfd p = { .fd = ss_loop_fd(loop), .events = POLLIN };

    return poll(&p, 1, wait_ms);
}

static void
process(struct ss_loop *loop)
{
    assert_int_equal(ss_loop_process(loop), 0);
}

/* ---- watches ---- */

struct event_row {
    const char *name;
    int watch;
    bool feed;
    bool hang_up;
    int want_events; /* 0: not called */
};

static const struct event_row event_rows[] = {
    { "nothing to read, not called", SS_LOOP_READ, false, false, 0 },
    { "something to read", SS_LOOP_READ, true, false, SS_LOOP_READ },
    { "room to write", SS_LOOP_WRITE, false, false, SS_LOOP_WRITE },
    { "room to write, reading not asked for", SS_LOOP_WRITE, true, false, SS_LOOP_WRITE },
    { "both", SS_LOOP_READ | SS_LOOP_WRITE, true, false, SS_LOOP_READ | SS_LOOP_WRITE },
    { "a peer that is gone gives both", SS_LOOP_READ, false, true, SS_LOOP_READ | SS_LOOP_WRITE },
};

static void
check_events(void **state)
{
    const struct event_row *row = *state;
    struct ss_loop *loop = loop_new();
    struct end end;

    end_open(&end, loop);
    end_watch(&end, row->watch);
    if (row->feed)
        end_feed(&end);
    if (row->hang_up) {
        close(end.peer);
        end.peer = -1;
    }
    assert_int_equal(loop_is_readable(loop, 0), row->want_events != 0);
    process(loop);
    assert_int_equal(end.calls, row->want_events != 0);
    assert_int_equal(end.events, row->want_events);
    end_close(&end);
    ss_loop_free(loop);
}

static void
check_rewatch(void **state)
{
    struct ss_loop *loop = loop_new();
    struct end end;

    (void)state;
    end_open(&end, loop);
    end_watch(&end, SS_LOOP_READ);
    process(loop);
    assert_int_equal(end.calls, 0);
    assert_int_equal(ss_loop_rewatch(&end.watch, SS_LOOP_WRITE), 0);
    process(loop);
    assert_int_equal(end.events, SS_LOOP_WRITE);
    ss_loop_unwatch(&end.watch);
    ss_loop_unwatch(&end.watch);
    assert_int_equal(ss_loop_rewatch(&end.watch, SS_LOOP_READ), SMTPSEC_E_SYSTEM);
    process(loop);
    assert_int_equal(end.calls, 1);
    end_close(&end);
    ss_loop_free(loop);
}

/* Both are ready in one batch and each takes the other away: only one may run. */
static void
check_removed_in_batch(void **state)
{
    struct ss_loop *loop = loop_new();
    struct end a, b;

    (void)state;
    end_open(&a, loop);
    end_open(&b, loop);
    a.victim = &b;
    b.victim = &a;
    end_watch(&a, SS_LOOP_READ);
    end_watch(&b, SS_LOOP_READ);
    end_feed(&a);
    end_feed(&b);
    process(loop);
    assert_int_equal(a.calls + b.calls, 1);
    end_close(&a);
    end_close(&b);
    ss_loop_free(loop);
}

/* The newcomer gets the place of the one removed, but not its event. */
static void
check_place_reused_in_batch(void **state)
{
    struct ss_loop *loop = loop_new();
    struct end a, b, c;

    (void)state;
    end_open(&a, loop);
    end_open(&b, loop);
    end_open(&c, loop);
    a.victim = &b;
    b.victim = &a;
    a.newcomer = &c;
    b.newcomer = &c;
    end_watch(&a, SS_LOOP_READ);
    end_watch(&b, SS_LOOP_READ);
    end_feed(&a);
    end_feed(&b);
    process(loop);
    assert_int_equal(a.calls + b.calls, 1);
    assert_int_equal(c.calls, 0);
    assert_true(c.watch.slot == (a.calls > 0 ? b.watch.slot : a.watch.slot));
    end_feed(&c);
    process(loop);
    assert_int_equal(c.calls, 1);
    end_close(&a);
    end_close(&b);
    end_close(&c);
    ss_loop_free(loop);
}

static void
check_removes_itself(void **state)
{
    struct ss_loop *loop = loop_new();
    struct end a;

    (void)state;
    end_open(&a, loop);
    a.victim = &a;
    end_watch(&a, SS_LOOP_READ);
    end_feed(&a);
    process(loop);
    process(loop);
    assert_int_equal(a.calls, 1);
    end_close(&a);
    ss_loop_free(loop);
}

static void
check_bad_descriptor(void **state)
{
    struct ss_loop *loop = loop_new();
    struct ss_watch watch = { .ready = end_ready };
    struct end end;

    (void)state;
    assert_int_equal(ss_loop_watch(loop, &watch, -1, SS_LOOP_READ), SMTPSEC_E_SYSTEM);
    assert_null(watch.loop);
    ss_loop_unwatch(&watch);
    end_open(&end, loop);
    end_watch(&end, SS_LOOP_WRITE);
    process(loop);
    assert_int_equal(end.calls, 1);
    end_close(&end);
    ss_loop_free(loop);
}

static void
check_events_bounded(void **state)
{
    enum { ENDS = 200 };
    struct ss_loop *loop = loop_new();
    struct end *ends = calloc(ENDS, sizeof(*ends));
    int calls = 0, i;

    (void)state;
    assert_non_null(ends);
    for (i = 0; i < ENDS; i++) {
        end_open(&ends[i], loop);
        ends[i].victim = &ends[i];
        end_watch(&ends[i], SS_LOOP_READ);
        end_feed(&ends[i]);
    }
    process(loop);
    for (i = 0; i < ENDS; i++)
        calls += ends[i].calls;
    assert_in_range(calls, 1, 64);
    for (i = 0; i < ENDS && loop_is_readable(loop, 0); i++)
        process(loop);
    for (i = 0; i < ENDS; i++) {
        assert_int_equal(ends[i].calls, 1);
        end_close(&ends[i]);
    }
    free(ends);
    ss_loop_free(loop);
}

/* ---- timers ---- */

static char fired[256]; /* names in the order they fired */

struct alarm {
    struct ss_timer timer;
    char name;
    struct ss_loop *loop;
    struct alarm *starts; /* set with delay 0 by the callback */
    struct alarm *stops;
};

static void
alarm_fire(void *arg)
{
    struct alarm *alarm = arg;
    size_t len = strlen(fired);

    assert_true(len + 1 < sizeof(fired));
    fired[len] = alarm->name;
    fired[len + 1] = '\0';
    if (alarm->starts != NULL)
        assert_int_equal(ss_loop_timer(alarm->loop, &alarm->starts->timer, 0), 0);
    if (alarm->stops != NULL)
        ss_loop_untimer(&alarm->stops->timer);
}

static struct alarm
alarm_of(struct ss_loop *loop, char name)
{
    struct alarm alarm = { .timer = { .fire = alarm_fire }, .name = name, .loop = loop };

    return alarm;
}

static void
alarm_set(struct alarm *alarm, int64_t delay_ms)
{
    alarm->timer.arg = alarm;
    assert_int_equal(ss_loop_timer(alarm->loop, &alarm->timer, delay_ms), 0);
}

/* Run until `count` timers have fired, woken by the one descriptor alone. */
static void
run_until_fired(struct ss_loop *loop, size_t count)
{
    while (strlen(fired) < count) {
        assert_int_equal(loop_is_readable(loop, FOREVER_MS), 1);
        process(loop);
    }
}

static void
check_timer_order(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm a = alarm_of(loop, 'a'), b = alarm_of(loop, 'b'), c = alarm_of(loop, 'c');
    struct alarm d = alarm_of(loop, 'd');

    (void)state;
    fired[0] = '\0';
    assert_int_equal(ss_loop_timeout_ms(loop), -1);
    alarm_set(&a, 40);
    alarm_set(&b, 5);
    alarm_set(&c, 20);
    alarm_set(&d, FOREVER_MS);
    assert_in_range(ss_loop_timeout_ms(loop), 0, 5);
    run_until_fired(loop, 3);
    assert_string_equal(fired, "bca");
    assert_in_range(ss_loop_timeout_ms(loop), 1, FOREVER_MS);
    assert_int_equal(loop_is_readable(loop, 0), 0);
    ss_loop_untimer(&d.timer);
    ss_loop_untimer(&d.timer);
    assert_int_equal(ss_loop_timeout_ms(loop), -1);
    ss_loop_free(loop);
}

static void
check_timer_equal_times(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm alarms[20];
    char want[21] = "";
    size_t i;

    (void)state;
    fired[0] = '\0';
    for (i = 0; i < 20; i++) {
        alarms[i] = alarm_of(loop, (char)('a' + i));
        want[i] = (char)('a' + i);
        alarm_set(&alarms[i], 0);
    }
    process(loop);
    assert_string_equal(fired, want);
    ss_loop_free(loop);
}

/* A chain of delay 0 must not keep process() busy for ever. */
static void
check_timer_zero_in_callback(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm a = alarm_of(loop, 'a'), b = alarm_of(loop, 'b');

    (void)state;
    fired[0] = '\0';
    a.starts = &b;
    b.starts = &a;
    b.timer.arg = &b;
    alarm_set(&a, 0);
    process(loop);
    assert_string_equal(fired, "a");
    assert_int_equal(ss_loop_timeout_ms(loop), 0);
    assert_int_equal(loop_is_readable(loop, FOREVER_MS), 1);
    process(loop);
    assert_string_equal(fired, "ab");
    ss_loop_free(loop);
}

static void
check_timer_stopped_in_callback(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm a = alarm_of(loop, 'a'), b = alarm_of(loop, 'b'), c = alarm_of(loop, 'c');

    (void)state;
    fired[0] = '\0';
    a.stops = &b;
    alarm_set(&a, 0);
    alarm_set(&b, 0);
    alarm_set(&c, 0);
    process(loop);
    process(loop);
    assert_string_equal(fired, "ac");
    ss_loop_free(loop);
}

static void
check_timer_moved(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm a = alarm_of(loop, 'a'), b = alarm_of(loop, 'b');

    (void)state;
    fired[0] = '\0';
    alarm_set(&a, 0);
    alarm_set(&b, 10);
    alarm_set(&a, 30);
    run_until_fired(loop, 2);
    assert_string_equal(fired, "ba");
    ss_loop_free(loop);
}

static void
check_timer_extreme_delays(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm a = alarm_of(loop, 'a'), b = alarm_of(loop, 'b');

    (void)state;
    fired[0] = '\0';
    alarm_set(&a, INT64_MAX);
    assert_int_equal(ss_loop_timeout_ms(loop), INT32_MAX);
    alarm_set(&b, -1000);
    process(loop);
    assert_string_equal(fired, "b");
    assert_int_equal(loop_is_readable(loop, 0), 0);
    ss_loop_free(loop);
}

struct heap_run {
    int64_t last_due_ms;
    size_t fired;
};

struct heap_timer {
    struct ss_timer timer;
    struct heap_run *run;
    bool removed;
};

static void
heap_fire(void *arg)
{
    struct heap_timer *t = arg;

    assert_false(t->removed);
    assert_true(t->timer.due_ms >= t->run->last_due_ms);
    t->run->last_due_ms = t->timer.due_ms;
    t->run->fired++;
}

static void
check_timer_heap(void **state)
{
    enum { TIMERS = 1000 };
    struct ss_loop *loop = loop_new();
    struct heap_timer *timers = calloc(TIMERS, sizeof(*timers));
    struct heap_run run = { 0, 0 };
    uint32_t random = 12345;
    size_t i, removed = 0;

    (void)state;
    assert_non_null(timers);
    for (i = 0; i < TIMERS; i++) {
        random = random * 1103515245u + 12345u;
        timers[i].run = &run;
        timers[i].timer.fire = heap_fire;
        timers[i].timer.arg = &timers[i];
        assert_int_equal(ss_loop_timer(loop, &timers[i].timer, 50 + (random >> 16) % 50), 0);
    }
    for (i = 0; i < TIMERS; i += 3, removed++) {
        ss_loop_untimer(&timers[i].timer);
        timers[i].removed = true;
    }
    while (ss_loop_timeout_ms(loop) >= 0) {
        assert_int_equal(loop_is_readable(loop, FOREVER_MS), 1);
        process(loop);
    }
    assert_int_equal(run.fired, TIMERS - removed);
    free(timers);
    ss_loop_free(loop);
}

/* ---- the loop itself ---- */

static int nested_result;

static void
nested_fire(void *arg)
{
    nested_result = ss_loop_process(arg);
}

static void
check_nested(void **state)
{
    struct ss_loop *loop = loop_new();
    struct ss_timer timer = { .fire = nested_fire, .arg = loop };

    (void)state;
    nested_result = 1;
    assert_int_equal(ss_loop_timer(loop, &timer, 0), 0);
    process(loop);
    assert_int_equal(nested_result, SMTPSEC_E_INVALID);
    process(loop);
    ss_loop_free(loop);
}

static void
check_free_with_owners(void **state)
{
    struct ss_loop *loop = loop_new();
    struct alarm a = alarm_of(loop, 'a');
    struct end end;

    (void)state;
    end_open(&end, loop);
    end_watch(&end, SS_LOOP_READ);
    alarm_set(&a, 5);
    ss_loop_free(loop);
    ss_loop_untimer(&a.timer);
    end_close(&end);
    ss_loop_free(NULL);
}

static void
check_close_on_exec(void **state)
{
    struct ss_loop *loop = loop_new();

    (void)state;
    assert_true(fcntl(ss_loop_fd(loop), F_GETFD) & FD_CLOEXEC);
    ss_loop_free(loop);
}

static void
check_no_memory(void **state)
{
    struct ss_timer timer = { .fire = alarm_fire };
    struct ss_loop *loop;
    struct end end;

    (void)state;
    alloc_fail_set(1);
    assert_int_equal(ss_loop_new(&loop), SMTPSEC_E_NOMEM);
    assert_null(loop);
    alloc_fail_set(0);
    loop = loop_new();
    end_open(&end, loop);
    alloc_fail_set(1);
    assert_int_equal(ss_loop_timer(loop, &timer, 1), SMTPSEC_E_NOMEM);
    assert_null(timer.loop);
    alloc_fail_set(1);
    assert_int_equal(ss_loop_watch(loop, &end.watch, end.fd, SS_LOOP_READ), SMTPSEC_E_NOMEM);
    assert_null(end.watch.loop);
    assert_true(alloc_fail_reached());
    alloc_fail_set(0);
    process(loop);
    end_watch(&end, SS_LOOP_WRITE);
    process(loop);
    assert_int_equal(end.calls, 1);
    end_close(&end);
    ss_loop_free(loop);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("drive/loop");

    SS_TABLE_ROWS(&t, check_events, event_rows);
    ss_table_case(&t, "the events of a watch change", check_rewatch);
    ss_table_case(&t, "a watch removed in a batch is not called in it", check_removed_in_batch);
    ss_table_case(&t, "a place reused in a batch gets no old event", check_place_reused_in_batch);
    ss_table_case(&t, "a watch removes itself", check_removes_itself);
    ss_table_case(&t, "a bad descriptor is refused", check_bad_descriptor);
    ss_table_case(&t, "events a call are bounded, and none starves", check_events_bounded);
    ss_table_case(&t, "timers fire by time and wake the descriptor", check_timer_order);
    ss_table_case(&t, "equal times fire in the order they were set", check_timer_equal_times);
    ss_table_case(&t, "delay 0 in a callback waits for the next call",
                  check_timer_zero_in_callback);
    ss_table_case(&t, "a timer stopped in a callback stays silent",
                  check_timer_stopped_in_callback);
    ss_table_case(&t, "a timer is moved", check_timer_moved);
    ss_table_case(&t, "extreme delays", check_timer_extreme_delays);
    ss_table_case(&t, "a thousand timers, some removed, fire in order", check_timer_heap);
    ss_table_case(&t, "process inside a callback is refused", check_nested);
    ss_table_case(&t, "owners may outlive the loop", check_free_with_owners);
    ss_table_case(&t, "the descriptor is closed on exec", check_close_on_exec);
    ss_table_case(&t, "no memory", check_no_memory);
    return ss_table_run(&t);
}
