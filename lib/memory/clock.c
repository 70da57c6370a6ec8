/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaps of the clock, told from idleness (DESIGN 6.2). */
#include "memory/clock.h"

#include <string.h>

#include "memory/codec.h"
#include "memory/life.h"
#include "smtpsec.h"

#define VERSION 1

static const char key_text[] = "clock";

static int64_t
distance(int64_t from, int64_t to)
{
    return ss_time_add(to, from < 0 ? INT64_MAX : -from);
}

static bool
far_apart(int64_t a, int64_t b)
{
    return distance(a, b) > SS_CLOCK_STEP || distance(b, a) > SS_CLOCK_STEP;
}

/* Both were taken since the same start of the machine, whose own clock only goes on. */
static bool
same_boot(const struct ss_clock_mark *last, const struct ss_clock_reading *reading)
{
    return last->boot != 0 && last->boot == reading->boot && reading->uptime >= last->uptime;
}

/* How much further the clock went than time did, as far as that can be told. */
static int64_t
excess(const struct ss_clock_mark *last, const struct ss_clock_reading *reading)
{
    int64_t gap = distance(last->seen, reading->now);

    return same_boot(last, reading) ? distance(distance(last->uptime, reading->uptime), gap) : gap;
}

static bool
leaps(const struct ss_clock_mark *last, const struct ss_clock_reading *reading)
{
    int64_t gap = distance(last->seen, reading->now);

    /* Back is back, however long the machine was idle: no idleness makes it earlier. */
    return gap < -SS_CLOCK_STEP || excess(last, reading) > SS_CLOCK_STEP;
}

/* Is it about as late as it would be without the leap? */
static bool
is_back(const struct ss_clock_mark *last, int64_t now)
{
    int64_t used = distance(last->stepped_at, last->seen);

    return !far_apart(last->stepped_from, now) ||
           !far_apart(ss_time_add(last->stepped_from, used), now);
}

/* Another use of the new time; one more leap, and its two days begin again. */
static void
judge_stepped(const struct ss_clock_mark *last, const struct ss_clock_reading *reading,
              struct ss_clock_verdict *out)
{
    struct ss_clock_mark *mark = &out->mark;
    int64_t more = 0;

    if (is_back(last, reading->now)) {
        out->returned = true;
    } else if (leaps(last, reading)) {
        mark->stepped_at = reading->now;
        return;
    } else {
        /* Where it can be told, two days are two days of the machine, and no small leaps. */
        if (same_boot(last, reading))
            more = excess(last, reading);
        mark->stepped_at = ss_time_add(mark->stepped_at, more);
        if (mark->stepped_at > reading->now)
            mark->stepped_at = reading->now;
        if (distance(mark->stepped_at, reading->now) < SS_CLOCK_STEP)
            return;
    }
    mark->stepped_from = 0;
    mark->stepped_at = 0;
    out->change = SS_CLOCK_SETTLED;
}

void
ss_clock_judge(const struct ss_clock_mark *last, const struct ss_clock_reading *reading,
               struct ss_clock_verdict *out)
{
    struct ss_clock_mark *mark = &out->mark;

    memset(out, 0, sizeof(*out));
    *mark = *last;
    mark->seen = reading->now > 0 ? reading->now : 1;
    mark->boot = reading->boot;
    mark->uptime = reading->boot != 0 ? reading->uptime : 0;
    if (last->seen > 0 && last->stepped_from > 0) {
        judge_stepped(last, reading, out);
    } else if (last->seen > 0 && leaps(last, reading)) {
        mark->stepped_from = last->seen;
        mark->stepped_at = mark->seen;
        out->change = SS_CLOCK_STEPPED;
    }
    out->held = mark->stepped_from > 0;
    out->memory_now = out->held ? mark->stepped_from : reading->now;
}

bool
ss_clock_worth_writing(const struct ss_clock_mark *stored, const struct ss_clock_mark *mark)
{
    int64_t moved = distance(stored->seen, mark->seen);

    return stored->seen == 0 || moved >= SS_CLOCK_WRITE || moved <= -SS_CLOCK_WRITE ||
           stored->stepped_from != mark->stepped_from;
}

struct ss_bytes
ss_clock_key(void)
{
    struct ss_bytes key = {(const uint8_t *)key_text, sizeof(key_text) - 1};

    return key;
}

void
ss_clock_mark_write(struct ss_buf *out, const struct ss_clock_mark *mark)
{
    size_t start = ss_codec_begin(out, SS_CODEC_CLOCK, VERSION);

    ss_codec_time_write(out, mark->seen);
    ss_buf_le64(out, mark->boot);
    ss_codec_time_write(out, mark->uptime);
    ss_codec_time_write(out, mark->stepped_from);
    ss_codec_time_write(out, mark->stepped_at);
    ss_codec_end(out, start, ss_clock_key());
}

int
ss_clock_mark_read(struct ss_clock_mark *mark, struct ss_bytes value)
{
    struct ss_rd rd;
    int r;

    memset(mark, 0, sizeof(*mark));
    r = ss_codec_open(&rd, value, SS_CODEC_CLOCK, VERSION, ss_clock_key());
    if (r != 0)
        return r;
    mark->seen = ss_codec_time_read(&rd);
    mark->boot = ss_rd_le64(&rd);
    mark->uptime = ss_codec_time_read(&rd);
    mark->stepped_from = ss_codec_time_read(&rd);
    mark->stepped_at = ss_codec_time_read(&rd);
    if (ss_rd_done(&rd) && mark->seen > 0)
        return 0;
    memset(mark, 0, sizeof(*mark));
    return SMTPSEC_E_FORMAT;
}
