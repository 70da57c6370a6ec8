/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines out of a file that grows and goes, and the times in front of them. */
#include "table.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "observe/source.h"

/* ---- Times ---- */

struct time_row {
    const char *name;
    struct log_time time;
    int64_t now, want;
};

#define NOW INT64_C(1795471801) /* 2026-11-23 22:10:01 UTC */
#define NEW_YEAR INT64_C(1798761660) /* 2027-01-01 00:01:00 UTC */
#define DAY 86400

static const struct time_row time_rows[] = {
    {"dated", {2026, 11, 23, 22, 10, 1, 1, 0}, 0, NOW},
    {"dated, east of Greenwich", {2026, 11, 23, 22, 10, 1, 1, 3600}, 0, NOW - 3600},
    {"dated, west of it", {2026, 11, 23, 22, 10, 1, 1, -27000}, 0, NOW + 27000},
    {"this year, just now", {0, 11, 23, 22, 10, 1, 0, 0}, NOW, NOW},
    {"a month ago", {0, 10, 24, 22, 10, 1, 0, 0}, NOW, NOW - 30 * DAY},
    {"last year, a minute after new year", {0, 12, 31, 23, 59, 0, 0, 0}, NEW_YEAR, NEW_YEAR - 120},
    {"next year, a minute ahead of our clock", {0, 1, 1, 0, 1, 0, 0, 0}, NEW_YEAR - 120, NEW_YEAR},
    {"what would be two days ahead is of last year", {0, 11, 25, 22, 10, 1, 0, 0}, NOW,
     NOW + 2 * DAY - 365 * DAY},
};

static void
check_time(void **state)
{
    const struct time_row *row = *state;

    assert_int_equal(source_time(&row->time, row->now), row->want);
}

/* ---- Lines ---- */

static char path[64], other[80];

static void
put(const char *where, const char *text, int flags)
{
    int fd = open(where, O_WRONLY | O_CREAT | flags, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static void
next(struct source *source, const char *want)
{
    const char *line;
    size_t len;

    assert_int_equal(source_next(source, &line, &len), 1);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(line, want, len);
}

static void
nothing(struct source *source, int want)
{
    const char *line;
    size_t len;

    assert_int_equal(source_next(source, &line, &len), want);
}

static void
once(void **state)
{
    struct source *source;

    (void)state;
    put(path, "one\n\ntwo\nhalf", O_TRUNC);
    assert_int_equal(source_open(path, 0, &source), 0);
    next(source, "one");
    next(source, "");
    next(source, "two");
    nothing(source, 0);
    source_close(source);
}

static void
followed(void **state)
{
    struct source *source;

    (void)state;
    put(path, "one\nhal", O_TRUNC);
    assert_int_equal(source_open(path, 1, &source), 0);
    next(source, "one");
    nothing(source, SOURCE_IDLE);
    put(path, "f\n", O_APPEND);
    next(source, "half");
    /* Renamed: its last lines come before those of the new one, and half a line does not run on. */
    put(path, "tail\ncut", O_APPEND);
    assert_int_equal(rename(path, other), 0);
    next(source, "tail");
    nothing(source, SOURCE_IDLE);
    put(other, " more\nlate\n", O_APPEND);
    put(path, "new\n", O_TRUNC);
    next(source, "cut more");
    next(source, "late");
    next(source, "new");
    /* Emptied in place. */
    put(path, "", O_TRUNC);
    nothing(source, SOURCE_GAP);
    nothing(source, SOURCE_IDLE);
    put(path, "x\n", O_APPEND);
    next(source, "x");
    source_close(source);
}

/* logrotate makes the new file at once; what logs comes to know of it a while later. */
static void
created_early(void **state)
{
    struct source *source;

    (void)state;
    put(path, "one\n", O_TRUNC);
    assert_int_equal(source_open(path, 1, &source), 0);
    next(source, "one");
    assert_int_equal(rename(path, other), 0);
    put(path, "", O_TRUNC);
    nothing(source, SOURCE_IDLE);
    put(other, "two\n", O_APPEND);
    next(source, "two");
    nothing(source, SOURCE_IDLE);
    put(path, "three\n", O_APPEND);
    next(source, "three");
    source_close(source);
}

static void
bounded(void **state)
{
    static const size_t lengths[] = {LOG_LINE_MAX, LOG_LINE_MAX + 1, 100000};
    static char text[100001];
    size_t i;

    (void)state;
    for (i = 0; i < 3; i++) {
        struct source *source;

        memset(text, 'x', sizeof(text));
        text[lengths[i]] = '\0';
        put(path, text, O_TRUNC);
        put(path, "\nshort\n", O_APPEND);
        assert_int_equal(source_open(path, 0, &source), 0);
        if (i == 0)
            next(source, text);
        next(source, "short");
        nothing(source, 0);
        source_close(source);
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("observe_source");
    int failed;

    setenv("TZ", "UTC0", 1);
    tzset();
    snprintf(path, sizeof(path), "/tmp/observe-%ld.log", (long)getpid());
    snprintf(other, sizeof(other), "%s.1", path);
    SS_TABLE_ROWS(&t, check_time, time_rows);
    ss_table_case(&t, "once, to its end", once);
    ss_table_case(&t, "followed", followed);
    ss_table_case(&t, "the next file is there before it is used", created_early);
    ss_table_case(&t, "lines that are too long", bounded);
    failed = ss_table_run(&t);
    unlink(path);
    unlink(other);
    return failed;
}
