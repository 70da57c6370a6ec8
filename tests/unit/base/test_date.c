/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "table.h"
#include "base/date.h"

#define NONE INT64_C(-1)

struct row {
    const char *name;
    const char *text;
    int64_t want; /* NONE: it is refused */
};

static const struct row dates[] = {
    { "date/the first day", "1970-01-01", 0 },
    { "date/the second", "1970-01-02", 86400 },
    { "date/the last day", "9999-12-31", SS_DATE_LAST - 86399 },
    { "date/today of the tests", "2027-01-15", 1799971200 },
    { "date/a leap day", "2028-02-29", 1835395200 },
    { "date/the day after it", "2028-03-01", 1835481600 },
    { "date/a leap day of a fourth century", "2000-02-29", 951782400 },
    { "date/no leap day", "2027-02-29", NONE },
    { "date/no leap day in 2100", "2100-02-29", NONE },
    { "date/the first of March of 2100", "2100-03-01", 4107542400 },
    { "date/31st of April", "2027-04-31", NONE },
    { "date/31st of December", "2027-12-31", 1830211200 },
    { "date/32nd of December", "2027-12-32", NONE },
    { "date/day 0", "2027-01-00", NONE },
    { "date/month 0", "2027-00-10", NONE },
    { "date/month 13", "2027-13-01", NONE },
    { "date/before 1970", "1969-12-31", NONE },
    { "date/nothing", "", NONE },
    { "date/short", "2027-1-15", NONE },
    { "date/long", "2027-01-150", NONE },
    { "date/year of five digits", "12027-1-15", NONE },
    { "date/slashes", "2027/01/15", NONE },
    { "date/second mark", "2027-01/15", NONE },
    { "date/the other way round", "15-01-2027", NONE },
    { "date/sign", "+027-01-15", NONE },
    { "date/blank", "2027- 1-15", NONE },
};

static void
check_date(void **state)
{
    const struct row *row = *state;
    int64_t time = NONE;
    char text[SS_DATE_TEXT];

    assert_int_equal(ss_date_read(ss_text_of(row->text), &time), row->want != NONE);
    assert_true(time == row->want);
    if (row->want == NONE)
        return;
    ss_date_write(text, time);
    assert_string_equal(text, row->text);
    ss_date_write(text, time + 86399);
    assert_string_equal(text, row->text);
}

/* Each day of four centuries and more: no day is left out, none is twice. */
static void
every_day(void **state)
{
    int64_t day, read;
    char text[SS_DATE_TEXT], before[SS_DATE_TEXT] = "";

    (void)state;
    for (day = 0; day < 160000; day++) {
        ss_date_write(text, day * 86400);
        assert_true(strcmp(before, text) < 0);
        assert_true(ss_date_read(ss_text_of(text), &read));
        assert_true(read == day * 86400);
        memcpy(before, text, sizeof(before));
    }
}

static void
beyond_all_dates(void **state)
{
    char text[SS_DATE_TEXT];

    (void)state;
    ss_date_write(text, INT64_MIN);
    assert_string_equal(text, "1970-01-01");
    ss_date_write(text, INT64_MAX);
    assert_string_equal(text, "9999-12-31");
}

static const struct row spans[] = {
    { "span/minutes", "90m", 5400 },      { "span/hours", "72h", 259200 },
    { "span/days", "3d", 259200 },        { "span/nothing at all", "0h", 0 },
    { "span/no unit", "72", NONE },       { "span/no number", "h", NONE },
    { "span/empty", "", NONE },           { "span/seconds are too fine", "90s", NONE },
    { "span/weeks", "2w", NONE },         { "span/capital", "3D", NONE },
    { "span/two units", "1d2h", NONE },   { "span/sign", "-3d", NONE },
    { "span/fraction", "1.5d", NONE },
    { "span/as many digits as go", "999999999d", 86399999913600 },
    { "span/one digit more", "9999999999d", NONE },
};

static void
check_span(void **state)
{
    const struct row *row = *state;
    int64_t seconds = NONE;

    assert_int_equal(ss_span_read(ss_text_of(row->text), &seconds), row->want != NONE);
    assert_true(seconds == row->want);
}

static const struct row written[] = {
    { "span written/seconds", "59s", 59 },          { "span written/nothing", "0s", 0 },
    { "span written/minutes", "90m", 5400 },        { "span written/hours", "72h", 259200 },
    { "span written/a day in hours", "24h", 86400 },{ "span written/days", "90d", 7776000 },
    { "span written/a week", "7d", 604800 },        { "span written/odd", "604801s", 604801 },
};

static void
check_written(void **state)
{
    const struct row *row = *state;
    char text[SS_SPAN_TEXT];

    ss_span_write(text, row->want);
    assert_string_equal(text, row->text);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("date");

    SS_TABLE_ROWS(&t, check_date, dates);
    SS_TABLE_ROWS(&t, check_span, spans);
    SS_TABLE_ROWS(&t, check_written, written);
    ss_table_case(&t, "date/every day", every_day);
    ss_table_case(&t, "date/beyond all", beyond_all_dates);
    return ss_table_run(&t);
}
