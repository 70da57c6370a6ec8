/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leaps of the clock, told from idleness: one row, one use of the memory after another. */
#include "table.h"

#include <string.h>

#include "memory/clock.h"
#include "memory/codec.h"
#include "smtpsec.h"

#define HOUR ((int64_t)3600)
#define DAY (24 * HOUR)
#define T INT64_C(1800000000)
#define BOOT 7

/* ---- One use ---- */

struct row {
    const char *name;
    struct ss_clock_mark last;
    struct ss_clock_reading reading;
    enum ss_clock_change want_change;
    int64_t want_memory; /* beside T */
    bool want_held;
    int64_t want_stepped_at; /* beside T, when held */
};

static const struct row rows[] = {
    {"PREC-10 the first use of all believes the clock", {0}, {T, BOOT, 9}, SS_CLOCK_SAME, 0, false, 0},
    {"PREC-10 a minute later", {T, BOOT, 9, 0, 0}, {T + 60, BOOT, 69}, SS_CLOCK_SAME, 60, false, 0},
    {"PREC-10 48 hours later, nothing else known", {T, 0, 0, 0, 0}, {T + 48 * HOUR, 0, 0},
     SS_CLOCK_SAME, 48 * HOUR, false, 0},
    {"PREC-10 a second more is a leap", {T, 0, 0, 0, 0}, {T + 48 * HOUR + 1, 0, 0},
     SS_CLOCK_STEPPED, 0, true, 48 * HOUR + 1},
    {"PREC-10 a month idle on a running machine is no leap", {T, BOOT, 9, 0, 0},
     {T + 30 * DAY, BOOT, 9 + 30 * DAY}, SS_CLOCK_SAME, 30 * DAY, false, 0},
    {"PREC-10 a month idle and 48 hours wrong", {T, BOOT, 9, 0, 0},
     {T + 32 * DAY, BOOT, 9 + 30 * DAY}, SS_CLOCK_SAME, 32 * DAY, false, 0},
    {"PREC-10 a month idle and a second more", {T, BOOT, 9, 0, 0},
     {T + 32 * DAY + 1, BOOT, 9 + 30 * DAY}, SS_CLOCK_STEPPED, 0, true, 32 * DAY + 1},
    {"PREC-10 idle since another boot is not known to be idle", {T, BOOT, 9, 0, 0},
     {T + 30 * DAY, BOOT + 1, 9 + 30 * DAY}, SS_CLOCK_STEPPED, 0, true, 30 * DAY},
    {"PREC-10 the same boot, but its clock ran back: another machine", {T, BOOT, 40 * DAY, 0, 0},
     {T + 30 * DAY, BOOT, 9}, SS_CLOCK_STEPPED, 0, true, 30 * DAY},
    {"PREC-10 a reading that does not count leaves the gap to decide", {T, BOOT, 9, 0, 0},
     {T + 30 * DAY, 0, 0}, SS_CLOCK_STEPPED, 0, true, 30 * DAY},
    {"PREC-10 a day back is followed", {T, BOOT, 9, 0, 0}, {T - DAY, BOOT, 10}, SS_CLOCK_SAME, -DAY,
     false, 0},
    {"PREC-10 a year back is a leap too", {T, BOOT, 9, 0, 0}, {T - 365 * DAY, BOOT, 10},
     SS_CLOCK_STEPPED, 0, true, -365 * DAY},
    {"PREC-10 back is back, however long the machine was idle", {T, BOOT, 9, 0, 0},
     {T - 3 * DAY, BOOT, 9 + 30 * DAY}, SS_CLOCK_STEPPED, 0, true, -3 * DAY},
    {"PREC-10 before 1970", {T, 0, 0, 0, 0}, {INT64_MIN, 0, 0}, SS_CLOCK_STEPPED, 0, true, 1 - T},
    {"PREC-10 the end of the number range", {T, 0, 0, 0, 0}, {INT64_MAX, 0, 0}, SS_CLOCK_STEPPED, 0,
     true, INT64_MAX - T},
    /* Since a leap from T to T + 100 days, its mark is an hour old. */
    {"PREC-10 after a leap: an hour later the memory's time stands",
     {T + 100 * DAY + HOUR, BOOT, 9 + HOUR, T, T + 100 * DAY},
     {T + 100 * DAY + 2 * HOUR, BOOT, 9 + 2 * HOUR}, SS_CLOCK_SAME, 0, true, 100 * DAY},
    {"PREC-10 after a leap: a second short of 48 hours", {T + 101 * DAY, 0, 0, T, T + 100 * DAY},
     {T + 102 * DAY - 1, 0, 0}, SS_CLOCK_SAME, 0, true, 100 * DAY},
    {"PREC-10 after a leap: 48 hours of use settle it", {T + 101 * DAY, 0, 0, T, T + 100 * DAY},
     {T + 102 * DAY, 0, 0}, SS_CLOCK_SETTLED, 102 * DAY, false, 0},
    {"PREC-10 after a leap: another is not use", {T + 100 * DAY, 0, 0, T, T + 100 * DAY},
     {T + 103 * DAY, 0, 0}, SS_CLOCK_SAME, 0, true, 103 * DAY},
    {"PREC-10 after a leap: nor are 47 hours in one of the machine's",
     {T + 100 * DAY + HOUR, BOOT, 9, T, T + 100 * DAY}, {T + 102 * DAY, BOOT, 9 + HOUR},
     SS_CLOCK_SAME, 0, true, 102 * DAY - 2 * HOUR},
    {"PREC-10 after a leap: idle for a week on a running machine",
     {T + 100 * DAY, BOOT, 9, T, T + 100 * DAY}, {T + 107 * DAY, BOOT, 9 + 7 * DAY},
     SS_CLOCK_SETTLED, 107 * DAY, false, 0},
    {"PREC-10 after a leap: the old time is back", {T + 100 * DAY, 0, 0, T, T + 100 * DAY},
     {T + HOUR, 0, 0}, SS_CLOCK_SETTLED, HOUR, false, 0},
    {"PREC-10 after a leap: back, with the day that went by",
     {T + 101 * DAY, 0, 0, T, T + 100 * DAY}, {T + 70 * HOUR, 0, 0}, SS_CLOCK_SETTLED, 70 * HOUR,
     false, 0},
    {"PREC-10 after a leap: back, and further", {T + 100 * DAY, 0, 0, T, T + 100 * DAY},
     {T - 3 * DAY, 0, 0}, SS_CLOCK_SAME, 0, true, -3 * DAY},
    {"PREC-10 a machine that starts in 1970: then the time comes",
     {1000, BOOT, 9, T, 1000}, {T + HOUR, BOOT, 100}, SS_CLOCK_SETTLED, HOUR, false, 0},
};

static void
judge(void **state)
{
    const struct row *row = *state;
    struct ss_clock_verdict got;

    ss_clock_judge(&row->last, &row->reading, &got);
    assert_int_equal(got.change, row->want_change);
    assert_int_equal(got.held, row->want_held);
    assert_int_equal(got.memory_now, T + row->want_memory);
    assert_int_equal(got.mark.seen, row->reading.now > 0 ? row->reading.now : 1);
    assert_int_equal(got.mark.stepped_from, row->want_held ? T : 0);
    assert_int_equal(got.mark.stepped_at, row->want_held ? T + row->want_stepped_at : 0);
    assert_int_equal(got.mark.boot, row->reading.boot);
}

/* ---- Stories ---- */

/* However the clock is moved about, memory time stands unless it was used or came back. */
static void
random_moves(void **state)
{
    static const int64_t moves[] = {HOUR, DAY, 47 * HOUR, 3 * DAY, 400 * DAY, -DAY, -5 * DAY};
    struct ss_clock_mark mark = {T, 0, 0, 0, 0};
    struct ss_clock_reading reading = {T, 0, 0};
    struct ss_clock_verdict got;
    uint32_t dice = 1;
    unsigned held = 0, free_again = 0;
    int i;

    (void)state;
    for (i = 0; i < 200000; i++) {
        int64_t move;

        dice = dice * 1664525u + 1013904223u;
        move = moves[(dice >> 16) % (sizeof(moves) / sizeof(moves[0]))];
        reading.now += move;
        if (reading.now < T || reading.now > T + 100000 * DAY)
            reading.now = T;
        ss_clock_judge(&mark, &reading, &got);
        if (got.held) {
            held++;
            if (mark.stepped_from != 0)
                assert_int_equal(got.memory_now, mark.stepped_from);
            else
                assert_int_equal(got.memory_now, mark.seen);
            assert_in_range(got.mark.stepped_at, 1, reading.now);
        } else {
            free_again += mark.stepped_from != 0 ? 1 : 0;
            assert_int_equal(got.memory_now, reading.now);
            /* No single use of a time believed is more than 48 hours from the last one. */
            if (mark.stepped_from == 0)
                assert_in_range(reading.now - mark.seen + SS_CLOCK_STEP, 0, 2 * SS_CLOCK_STEP);
        }
        mark = got.mark;
    }
    assert_true(held > 1000 && free_again > 1000);
}

/* Told once at its begin and once at its end, however often the memory is used. */
static void
told_once(void **state)
{
    struct ss_clock_mark mark = {T, BOOT, 0, 0, 0};
    struct ss_clock_reading reading = {T + 40 * DAY, BOOT, 60};
    struct ss_clock_verdict got;
    unsigned stepped = 0, settled = 0, uses = 0;

    (void)state;
    for (; reading.uptime < 3 * DAY; reading.now += HOUR, reading.uptime += HOUR) {
        ss_clock_judge(&mark, &reading, &got);
        stepped += got.change == SS_CLOCK_STEPPED ? 1 : 0;
        settled += got.change == SS_CLOCK_SETTLED ? 1 : 0;
        uses += got.held ? 1 : 0;
        mark = got.mark;
    }
    assert_int_equal(stepped, 1);
    assert_int_equal(settled, 1);
    assert_int_equal(uses, 48);
}

/* ---- What is written ---- */

static void
few_writes(void **state)
{
    const struct ss_clock_mark none = {0};
    const struct ss_clock_mark old = {T, BOOT, 9, 0, 0};
    struct ss_clock_mark mark = old;

    (void)state;
    assert_true(ss_clock_worth_writing(&none, &mark));
    assert_false(ss_clock_worth_writing(&old, &mark));
    mark.seen = T + SS_CLOCK_WRITE - 1;
    assert_false(ss_clock_worth_writing(&old, &mark));
    mark.seen++;
    assert_true(ss_clock_worth_writing(&old, &mark));
    mark.seen = T - SS_CLOCK_WRITE;
    assert_true(ss_clock_worth_writing(&old, &mark));
    mark.seen = T;
    mark.stepped_from = T - 9;
    assert_true(ss_clock_worth_writing(&old, &mark));
}

static void
same_mark(const struct ss_clock_mark *a, const struct ss_clock_mark *b)
{
    assert_int_equal(a->seen, b->seen);
    assert_int_equal(a->boot, b->boot);
    assert_int_equal(a->uptime, b->uptime);
    assert_int_equal(a->stepped_from, b->stepped_from);
    assert_int_equal(a->stepped_at, b->stepped_at);
}

static void
round_trip(void **state)
{
    const struct ss_clock_mark mark = {T, UINT64_MAX, 12345, T - 5, T - 3};
    const struct ss_clock_mark none = {0};
    struct ss_clock_mark got;
    struct ss_bytes value;
    struct ss_buf buf;
    size_t i;

    (void)state;
    ss_buf_init(&buf, 1024);
    ss_clock_mark_write(&buf, &mark);
    assert_true(ss_buf_ok(&buf));
    assert_int_equal(buf.len, 34);
    value.data = buf.data;
    value.len = buf.len;
    assert_int_equal(ss_clock_mark_read(&got, value), 0);
    same_mark(&got, &mark);
    for (i = 0; i < buf.len; i++) {
        buf.data[i] ^= 0x10;
        got = mark;
        assert_int_equal(ss_clock_mark_read(&got, value), SMTPSEC_E_FORMAT);
        same_mark(&got, &none);
        buf.data[i] ^= 0x10;
        value.len = i;
        assert_int_equal(ss_clock_mark_read(&got, value), SMTPSEC_E_FORMAT);
        value.len = buf.len;
    }
    ss_buf_free(&buf);
}

/* Undamaged, and of a newer version, or of no use at all. */
static void
other_values(void **state)
{
    const struct ss_clock_mark none = {0};
    struct ss_clock_mark got;
    struct ss_bytes value;
    struct ss_buf buf;
    size_t start;

    (void)state;
    ss_buf_init(&buf, 1024);
    start = ss_codec_begin(&buf, SS_CODEC_CLOCK, 2);
    ss_codec_end(&buf, start, ss_clock_key());
    value.data = buf.data;
    value.len = buf.len;
    assert_int_equal(ss_clock_mark_read(&got, value), SMTPSEC_E_VERSION);
    buf.len = 0;
    ss_clock_mark_write(&buf, &none);
    value.len = buf.len;
    assert_int_equal(ss_clock_mark_read(&got, value), SMTPSEC_E_FORMAT);
    ss_buf_free(&buf);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("memory/clock");

    SS_TABLE_ROWS(&table, judge, rows);
    ss_table_case(&table, "PREC-10 moved about at random, the memory's time never leaps", random_moves);
    ss_table_case(&table, "PREC-10 a leap is told once, and so is its end", told_once);
    ss_table_case(&table, "the mark is written once in three hours", few_writes);
    ss_table_case(&table, "a mark is read as it was written, a damaged one not", round_trip);
    ss_table_case(&table, "a newer mark, and one of no use", other_values);
    return ss_table_run(&table);
}
