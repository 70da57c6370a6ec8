/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/date.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)
#define MINUTE INT64_C(60)
#define FIRST_YEAR 1970

/* Leap days of the years before this one, by the Gregorian rule. */
static int64_t
leap_days_before(int64_t year)
{
    int64_t last = year - 1;

    return last / 4 - last / 100 + last / 400;
}

/* Days from 1970-01-01 to the first of January of a year. */
static int64_t
days_before_year(int64_t year)
{
    return (year - FIRST_YEAR) * 365 + leap_days_before(year) - leap_days_before(FIRST_YEAR);
}

static int64_t
days_in_month(int64_t year, int64_t month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = days_before_year(year + 1) - days_before_year(year) == 366;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool
read_part(struct ss_text t, size_t from, size_t len, int64_t *out)
{
    struct ss_text part = { t.at + from, len };
    uint64_t number;

    if (!ss_text_number(part, len, &number))
        return false;
    *out = (int64_t)number;
    return true;
}

bool
ss_date_read(struct ss_text t, int64_t *out)
{
    int64_t year, month, day, days, i;

    if (t.len != 10 || t.at[4] != '-' || t.at[7] != '-' || !read_part(t, 0, 4, &year) ||
        !read_part(t, 5, 2, &month) || !read_part(t, 8, 2, &day))
        return false;
    if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    days = days_before_year(year) + day - 1;
    for (i = 1; i < month; i++)
        days += days_in_month(year, i);
    *out = days * DAY;
    return true;
}

void
ss_date_write(char out[SS_DATE_TEXT], int64_t time)
{
    char text[SS_TIME_TEXT];

    ss_time_text(text, time < 0 ? 0 : time > SS_DATE_LAST ? SS_DATE_LAST : time);
    memcpy(out, text, SS_DATE_TEXT - 1);
    out[SS_DATE_TEXT - 1] = '\0';
}

bool
ss_span_read(struct ss_text t, int64_t *out)
{
    struct ss_text digits = { t.at, t.len - 1 };
    uint64_t number;
    int64_t unit;

    if (t.len < 2 || !ss_text_number(digits, 9, &number))
        return false;
    switch (t.at[t.len - 1]) {
    case 'm':
        unit = MINUTE;
        break;
    case 'h':
        unit = HOUR;
        break;
    case 'd':
        unit = DAY;
        break;
    default:
        return false;
    }
    *out = (int64_t)number * unit;
    return true;
}

void
ss_span_write(char out[SS_SPAN_TEXT], int64_t seconds)
{
    int64_t number = seconds;
    char unit = 's';

    /* Holds of some days are spoken of in hours. */
    if (seconds >= 7 * DAY && seconds % DAY == 0) {
        number = seconds / DAY;
        unit = 'd';
    } else if (seconds >= HOUR && seconds % HOUR == 0) {
        number = seconds / HOUR;
        unit = 'h';
    } else if (seconds >= MINUTE && seconds % MINUTE == 0) {
        number = seconds / MINUTE;
        unit = 'm';
    }
    snprintf(out, SS_SPAN_TEXT, "%lld%c", (long long)number, unit);
}
