/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/clock.h"

#include <string.h>

#include "api/context.h"
#include "api/tell.h"
#include "drive/uptime.h"

/* In seconds: who keeps a clock right moves it by less. */
#define SET_BACK 60

static bool
same(const struct ss_clock_mark *a, const struct ss_clock_mark *b)
{
    return a->seen == b->seen && a->boot == b->boot && a->uptime == b->uptime &&
           a->stepped_from == b->stepped_from && a->stepped_at == b->stepped_at;
}

static int
read_mark(struct ss_store *store, struct ss_clock_mark *mark)
{
    struct ss_bytes value;
    struct ss_buf buf;
    int r;

    memset(mark, 0, sizeof(*mark));
    ss_buf_init(&buf, SS_STORE_VALUE_MAX);
    r = ss_store_get(store, SS_TABLE_META, ss_clock_key(), &buf);
    value.data = buf.data;
    value.len = buf.len;
    if (r == 0)
        r = ss_clock_mark_read(mark, value);
    ss_buf_free(&buf);
    return r == SMTPSEC_E_NOT_FOUND ? 0 : r;
}

/* What another process noted since counts; our own is newer than what we stored ourselves. */
static void
catch_up(struct smtpsec_context *context, int64_t now)
{
    struct ss_memory_clock *clock = &context->clock;
    struct ss_clock_mark mark;
    int r = read_mark(context->store, &mark);

    if (r == SMTPSEC_E_FORMAT && !clock->damage_told) {
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_LOST, now, "",
                      "the memory's note of the time was damaged and is begun anew: "
                      "a leap of the clock before now is not noticed");
        clock->damage_told = true;
    }
    if (r != 0 && r != SMTPSEC_E_FORMAT)
        return;
    if (r == 0)
        clock->damage_told = false;
    if (mark.seen != 0 && !same(&mark, &clock->stored))
        clock->mark = mark;
    clock->stored = mark;
}

static void
tell(struct smtpsec_context *context, const struct ss_clock_verdict *verdict, int64_t now)
{
    struct ss_memory_clock *clock = &context->clock;
    int64_t hours = (now - verdict->memory_now) / 3600;

    if (verdict->held == clock->told)
        return;
    clock->told = verdict->held;
    if (verdict->held)
        ss_events_add(&context->events, SMTPSEC_EVENT_CLOCK_STEPPED, now, "",
                      "the clock leapt %s by %lld hours: the memory judges by the old time and "
                      "learns nothing until the new one was used for 48 hours; if it is wrong, "
                      "set it right", hours < 0 ? "back" : "ahead",
                      (long long)(hours < 0 ? -hours : hours));
    else
        ss_events_add(&context->events, SMTPSEC_EVENT_CLOCK_SETTLED, now, "",
                      verdict->returned
                          ? "the clock is back where it was: the memory goes on as before"
                          : "the new time is believed: the memory judges by it and learns again");
}

struct writing {
    const struct ss_clock_mark *expected;
    const struct ss_clock_mark *mark;
    bool done;
};

/* Another process may have been faster: then its mark stays, and is read at the next use. */
static int
write_mark(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    struct writing *writing = arg;
    struct ss_clock_mark stored;
    int r = 0;

    memset(&stored, 0, sizeof(stored));
    if (old != NULL)
        r = ss_clock_mark_read(&stored, *old);
    *choice = SS_EDIT_KEEP;
    writing->done = false;
    if (r == SMTPSEC_E_VERSION || !same(&stored, writing->expected))
        return 0;
    ss_clock_mark_write(out, writing->mark);
    *choice = SS_EDIT_PUT;
    writing->done = true;
    return 0;
}

/* Plans and answers that were kept by a later time would come to life with it, long dead. */
static void
discard_later(struct smtpsec_context *context)
{
    if (context->store->state == SMTPSEC_MEMORY_OK)
        (void)ss_store_discard_volatile(context->store);
}

static void
keep(struct smtpsec_context *context, int64_t now)
{
    struct ss_memory_clock *clock = &context->clock;
    struct writing writing = {&clock->stored, &clock->mark, false};
    int r;

    if (context->store->state != SMTPSEC_MEMORY_OK ||
        !ss_clock_worth_writing(&clock->stored, &clock->mark))
        return;
    /* A write that fails may have waited for a lock: not at each use. */
    if (clock->failed != 0 && now >= clock->failed && now - clock->failed < SS_CLOCK_WRITE)
        return;
    if (clock->stored.seen - clock->mark.seen >= SS_CLOCK_WRITE)
        discard_later(context);
    r = ss_store_update(context->store, SS_TABLE_META, ss_clock_key(), write_mark, &writing);
    clock->failed = r != 0 ? now : 0;
    if (r != 0)
        ss_tell_write_failed(context, now, "", r);
    else if (writing.done)
        clock->stored = clock->mark;
}

struct ss_memory_time
ss_context_memory_time(struct smtpsec_context *context, int64_t now)
{
    struct ss_memory_clock *clock = &context->clock;
    struct ss_memory_time time = {now, false};
    struct ss_clock_reading reading;
    struct ss_clock_verdict verdict;

    if (context->store == NULL)
        return time;
    /* Our own last use; what was stored is older, and is looked at where it is written. */
    if (now < clock->mark.seen - SET_BACK)
        discard_later(context);
    catch_up(context, now);
    ss_uptime_read(clock->boot, now, &reading);
    ss_clock_judge(&clock->mark, &reading, &verdict);
    clock->mark = verdict.mark;
    tell(context, &verdict, now);
    keep(context, now);
    time.now = verdict.memory_now;
    time.held = verdict.held;
    return time;
}
