/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "smtpsec.h"

/* Events taken in one process(): a flood on one descriptor must not starve the host's own loop. */
#define EVENTS_A_CALL 64
#define TIMER_MARK UINT64_MAX
#define NO_SLOT SIZE_MAX
#define NOT_ARMED INT64_MAX

/*
 * A place for one watch. The kernel's events name place and generation, so
 * that an event fetched before the watch was taken away finds nobody, even
 * when the place has a new owner by then.
 */
struct place {
    struct ss_watch *watch; /* NULL: free */
    uint32_t generation;
    size_t next_free;
};

/* Sorted by due, then by order, so that equal times fire in the order they were set. */
struct entry {
    int64_t due_ms;
    uint64_t order;
    struct ss_timer *timer;
};

struct ss_loop {
    int epoll_fd;
    int timer_fd;
    bool running;
    int64_t now_ms;
    int64_t armed_ms;
    bool rang; /* the timer has run off: its descriptor is readable until it is set anew */
    struct place *places;
    size_t place_count;
    size_t first_free;
    struct entry *heap;
    size_t heap_count;
    size_t heap_room;
    uint64_t next_order;
};

static int64_t
monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- timers: a binary heap ---- */

static bool
before(const struct entry *a, const struct entry *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

static void
heap_put(struct ss_loop *loop, size_t slot, struct entry entry)
{
    loop->heap[slot] = entry;
    entry.timer->slot = slot;
}

static void
heap_up(struct ss_loop *loop, size_t slot)
{
    struct entry entry = loop->heap[slot];

    while (slot > 0 && before(&entry, &loop->heap[(slot - 1) / 2])) {
        heap_put(loop, slot, loop->heap[(slot - 1) / 2]);
        slot = (slot - 1) / 2;
    }
    heap_put(loop, slot, entry);
}

static void
heap_down(struct ss_loop *loop, size_t slot)
{
    struct entry entry = loop->heap[slot];
    size_t child;

    for (child = 2 * slot + 1; child < loop->heap_count; child = 2 * slot + 1) {
        if (child + 1 < loop->heap_count && before(&loop->heap[child + 1], &loop->heap[child]))
            child++;
        if (!before(&loop->heap[child], &entry))
            break;
        heap_put(loop, slot, loop->heap[child]);
        slot = child;
    }
    heap_put(loop, slot, entry);
}

static void
heap_remove(struct ss_loop *loop, size_t slot)
{
    struct ss_timer *moved;

    loop->heap[slot].timer->loop = NULL;
    loop->heap_count--;
    if (slot == loop->heap_count)
        return;
    heap_put(loop, slot, loop->heap[loop->heap_count]);
    moved = loop->heap[slot].timer;
    heap_up(loop, slot);
    heap_down(loop, moved->slot);
}

static bool
heap_grow(struct ss_loop *loop)
{
    size_t room = loop->heap_room > 0 ? loop->heap_room * 2 : 16;
    struct entry *heap;

    if (loop->heap_count < loop->heap_room)
        return true;
    heap = reallocarray(loop->heap, room, sizeof(*heap));
    if (heap == NULL)
        return false;
    loop->heap = heap;
    loop->heap_room = room;
    return true;
}

/*
 * Make the one descriptor readable when the first timer is due. The timer's
 * own descriptor is never read: setting it anew clears it.
 */
static void
arm(struct ss_loop *loop)
{
    struct itimerspec when = { { 0, 0 }, { 0, 0 } };
    int64_t due_ms = loop->heap_count > 0 ? loop->heap[0].due_ms : NOT_ARMED;

    /*
     * Inside process() the timers change often and its end arms once. A timer
     * that stands earlier than it need is left: most deadlines are taken away
     * long before they are due, and one needless call later is cheaper.
     */
    if (loop->running || (due_ms >= loop->armed_ms && !loop->rang))
        return;
    if (due_ms != NOT_ARMED) {
        when.it_value.tv_sec = (time_t)(due_ms / 1000);
        when.it_value.tv_nsec = (long)(due_ms % 1000) * 1000000;
        if (when.it_value.tv_sec == 0 && when.it_value.tv_nsec == 0)
            when.it_value.tv_nsec = 1; /* 0 would disarm */
    }
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0) {
        loop->armed_ms = due_ms;
        loop->rang = false;
    }
}

int
ss_loop_timer(struct ss_loop *loop, struct ss_timer *timer, int64_t delay_ms)
{
    int64_t now_ms = ss_loop_now_ms(loop);
    struct entry entry;

    if (delay_ms < 0)
        delay_ms = 0;
    ss_loop_untimer(timer);
    if (!heap_grow(loop))
        return SMTPSEC_E_NOMEM;
    timer->due_ms = delay_ms < NOT_ARMED - 1 - now_ms ? now_ms + delay_ms : NOT_ARMED - 1;
    timer->loop = loop;
    entry.due_ms = timer->due_ms;
    entry.order = loop->next_order++;
    entry.timer = timer;
    loop->heap_count++;
    heap_put(loop, loop->heap_count - 1, entry);
    heap_up(loop, loop->heap_count - 1);
    arm(loop);
    return 0;
}

void
ss_loop_untimer(struct ss_timer *timer)
{
    struct ss_loop *loop = timer->loop;

    if (loop == NULL)
        return;
    heap_remove(loop, timer->slot);
    arm(loop);
}

/*
 * Fire what was due and set when process() began. What a callback sets sorts
 * behind that, so it waits for the next call and nothing fires for ever.
 */
static void
fire_due(struct ss_loop *loop, uint64_t orders)
{
    struct ss_timer *timer;

    while (loop->heap_count > 0 && loop->heap[0].due_ms <= loop->now_ms &&
           loop->heap[0].order < orders) {
        timer = loop->heap[0].timer;
        heap_remove(loop, 0);
        timer->fire(timer->arg);
    }
}

/* ---- watches ---- */

static bool
place_take(struct ss_loop *loop, size_t *out)
{
    size_t count = loop->place_count > 0 ? loop->place_count * 2 : 16;
    struct place *places;
    size_t i;

    if (loop->first_free == NO_SLOT) {
        places = reallocarray(loop->places, count, sizeof(*places));
        if (places == NULL)
            return false;
        loop->places = places;
        for (i = count; i-- > loop->place_count;) {
            places[i] = (struct place){ NULL, 0, loop->first_free };
            loop->first_free = i;
        }
        loop->place_count = count;
    }
    *out = loop->first_free;
    loop->first_free = loop->places[*out].next_free;
    return true;
}

static void
place_release(struct ss_loop *loop, size_t slot)
{
    loop->places[slot].watch = NULL;
    loop->places[slot].generation++;
    loop->places[slot].next_free = loop->first_free;
    loop->first_free = slot;
}

static int
control(struct ss_loop *loop, int operation, struct ss_watch *watch, int events)
{
    struct epoll_event event;

    memset(&event, 0, sizeof(event));
    event.events = ((events & SS_LOOP_READ) ? EPOLLIN : 0u) |
                   ((events & SS_LOOP_WRITE) ? EPOLLOUT : 0u);
    event.data.u64 = (uint64_t)loop->places[watch->slot].generation << 32 | watch->slot;
    return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) == 0 ? 0 : SMTPSEC_E_SYSTEM;
}

int
ss_loop_watch(struct ss_loop *loop, struct ss_watch *watch, int fd, int events)
{
    size_t slot;

    ss_loop_unwatch(watch);
    if (!place_take(loop, &slot))
        return SMTPSEC_E_NOMEM;
    watch->fd = fd;
    watch->slot = slot;
    if (control(loop, EPOLL_CTL_ADD, watch, events) != 0) {
        place_release(loop, slot);
        return SMTPSEC_E_SYSTEM;
    }
    watch->loop = loop;
    loop->places[slot].watch = watch;
    return 0;
}

int
ss_loop_rewatch(struct ss_watch *watch, int events)
{
    if (watch->loop == NULL)
        return SMTPSEC_E_SYSTEM;
    return control(watch->loop, EPOLL_CTL_MOD, watch, events);
}

void
ss_loop_unwatch(struct ss_watch *watch)
{
    struct ss_loop *loop = watch->loop;

    if (loop == NULL)
        return;
    control(loop, EPOLL_CTL_DEL, watch, 0);
    place_release(loop, watch->slot);
    watch->loop = NULL;
}

static void
dispatch(struct ss_loop *loop, const struct epoll_event *event)
{
    size_t slot = (size_t)(event->data.u64 & UINT32_MAX);
    uint32_t generation = (uint32_t)(event->data.u64 >> 32);
    struct ss_watch *watch;
    int events = 0;

    if (event->data.u64 == TIMER_MARK || slot >= loop->place_count)
        return;
    watch = loop->places[slot].watch;
    if (watch == NULL || loop->places[slot].generation != generation)
        return;
    if (event->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        events |= SS_LOOP_READ;
    if (event->events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        events |= SS_LOOP_WRITE;
    watch->ready(watch->arg, events);
}

/* ---- the loop ---- */

int
ss_loop_new(struct ss_loop **out)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = TIMER_MARK };
    struct ss_loop *loop = calloc(1, sizeof(*loop));

    *out = NULL;
    if (loop == NULL)
        return SMTPSEC_E_NOMEM;
    loop->armed_ms = NOT_ARMED;
    loop->first_free = NO_SLOT;
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (loop->epoll_fd < 0 || loop->timer_fd < 0 ||
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->timer_fd, &event) != 0) {
        ss_loop_free(loop);
        return SMTPSEC_E_SYSTEM;
    }
    *out = loop;
    return 0;
}

/* Owners may outlive the loop: taking away what they had in it must stay harmless. */
void
ss_loop_free(struct ss_loop *loop)
{
    size_t i;

    if (loop == NULL)
        return;
    for (i = 0; i < loop->place_count; i++)
        if (loop->places[i].watch != NULL)
            loop->places[i].watch->loop = NULL;
    for (i = 0; i < loop->heap_count; i++)
        loop->heap[i].timer->loop = NULL;
    if (loop->timer_fd >= 0)
        close(loop->timer_fd);
    if (loop->epoll_fd >= 0)
        close(loop->epoll_fd);
    free(loop->places);
    free(loop->heap);
    free(loop);
}

int
ss_loop_fd(const struct ss_loop *loop)
{
    return loop->epoll_fd;
}

int64_t
ss_loop_now_ms(const struct ss_loop *loop)
{
    return loop->running ? loop->now_ms : monotonic_ms();
}

int32_t
ss_loop_timeout_ms(const struct ss_loop *loop)
{
    int64_t left_ms;

    if (loop->heap_count == 0)
        return -1;
    left_ms = loop->heap[0].due_ms - ss_loop_now_ms(loop);
    if (left_ms < 0)
        return 0;
    return left_ms < INT32_MAX ? (int32_t)left_ms : INT32_MAX;
}

int
ss_loop_process(struct ss_loop *loop)
{
    struct epoll_event events[EVENTS_A_CALL];
    uint64_t orders = loop->next_order;
    int count, i;

    if (loop->running)
        return SMTPSEC_E_INVALID;
    count = epoll_wait(loop->epoll_fd, events, EVENTS_A_CALL, 0);
    if (count < 0 && errno != EINTR)
        return SMTPSEC_E_SYSTEM;
    loop->now_ms = monotonic_ms();
    loop->running = true;
    /* Replies before deadlines: what has arrived in time counts although we look late. */
    for (i = 0; i < count; i++)
        dispatch(loop, &events[i]);
    fire_due(loop, orders);
    loop->running = false;
    loop->rang = loop->armed_ms <= loop->now_ms;
    arm(loop);
    return 0;
}
