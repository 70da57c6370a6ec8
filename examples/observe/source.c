/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

enum { WAIT_MS = 500, DAY = 86400 };

struct source {
    const char *path;
    int fd; /* -1: not there at present */
    int follow;
    int skipping; /* inside a line that is too long */
    int gap;      /* lines may have been lost */
    size_t begin, end; /* what has been read and not given out */
    char octets[2 * LOG_LINE_MAX];
};

static int
open_path(const char *path)
{
    return strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
}

int
source_open(const char *path, int follow, struct source **out)
{
    struct source *source = calloc(1, sizeof(*source));

    if (source == NULL)
        tool_out_of_memory();
    source->path = path;
    source->follow = follow;
    source->fd = open_path(path);
    if (source->fd < 0) {
        tool_say("%s: %s", path, strerror(errno));
        free(source);
        return -1;
    }
    *out = source;
    return 0;
}

void
source_close(struct source *source)
{
    if (source == NULL)
        return;
    if (source->fd >= 0)
        close(source->fd);
    free(source);
}

/* A whole line of what has been read. 0: there is none yet. */
static int
take_line(struct source *source, const char **line, size_t *len)
{
    while (source->begin < source->end) {
        char *at = source->octets + source->begin;
        char *stop = memchr(at, '\n', source->end - source->begin);
        int skip = source->skipping;

        if (stop == NULL)
            return 0;
        source->begin += (size_t)(stop - at) + 1;
        source->skipping = 0;
        if (skip || stop - at > LOG_LINE_MAX)
            continue;
        *line = at;
        *len = (size_t)(stop - at);
        return 1;
    }
    return 0;
}

/* Make room behind the rest of a line; one that does not end is passed over. */
static void
make_room(struct source *source)
{
    size_t rest = source->end - source->begin;

    if (rest > LOG_LINE_MAX) {
        source->skipping = 1;
        rest = 0;
    } else if (rest > 0) {
        memmove(source->octets, source->octets + source->begin, rest);
    }
    source->begin = 0;
    source->end = rest;
}

/* Returns as read(); half a line at the end of a file that is done with is dropped. */
static ssize_t
fill(struct source *source)
{
    ssize_t n;

    make_room(source);
    do
        n = read(source->fd, source->octets + source->end, sizeof(source->octets) - source->end);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        source->end += (size_t)n;
    return n;
}

static void
drop_rest(struct source *source)
{
    source->begin = source->end = 0;
    source->skipping = 0;
}

/* Another file has the name now, or this one was emptied. Returns 1 when there is something to read. */
static int
look_again(struct source *source)
{
    struct stat there, here;
    int fd;

    memset(&here, 0, sizeof(here));
    if (source->fd >= 0 && fstat(source->fd, &here) == 0 &&
        here.st_size < lseek(source->fd, 0, SEEK_CUR)) {
        /* What was added between our last look and the emptying is gone. */
        source->gap = 1;
        drop_rest(source);
        return lseek(source->fd, 0, SEEK_SET) == 0;
    }
    if (stat(source->path, &there) != 0 ||
        (source->fd >= 0 && there.st_dev == here.st_dev && there.st_ino == here.st_ino))
        return 0;
    /*
     * Whoever logs goes on in the old file until told to open anew; a new one
     * that was made beforehand is empty till then. Left too early, lines are
     * lost, and a session whose line is lost looks like none.
     */
    if (source->fd >= 0 && S_ISREG(there.st_mode) && there.st_size == 0)
        return 0;
    /* What was still written to the old one. */
    if (source->fd >= 0 && fill(source) > 0)
        return 1;
    fd = open_path(source->path);
    if (fd < 0)
        return 0;
    if (source->fd >= 0)
        close(source->fd);
    source->fd = fd;
    if (source->begin < source->end || source->skipping)
        source->gap = 1; /* half a line, and who knows what else */
    drop_rest(source);
    return 1;
}

int
source_next(struct source *source, const char **line, size_t *len)
{
    for (;;) {
        ssize_t n = 0;

        if (source->gap) {
            source->gap = 0;
            return SOURCE_GAP;
        }
        if (take_line(source, line, len))
            return 1;
        if (source->fd >= 0)
            n = fill(source);
        if (n < 0) {
            tool_say("%s: %s", source->path, strerror(errno));
            return -1;
        }
        if (n > 0)
            continue;
        if (!source->follow)
            return 0;
        if (!look_again(source))
            return SOURCE_IDLE;
    }
}

void
source_wait(void)
{
    struct timespec pause = {0, WAIT_MS * 1000000L};

    nanosleep(&pause, NULL);
}

static int64_t
in_year(const struct log_time *time, int year)
{
    struct tm tm;

    memset(&tm, 0, sizeof(tm));
    tm.tm_year = year - 1900;
    tm.tm_mon = time->month - 1;
    tm.tm_mday = time->day;
    tm.tm_hour = time->hour;
    tm.tm_min = time->minute;
    tm.tm_sec = time->second;
    tm.tm_isdst = -1;
    return time->zoned ? (int64_t)timegm(&tm) - time->offset : (int64_t)mktime(&tm);
}

int64_t
source_time(const struct log_time *time, int64_t now)
{
    time_t at = (time_t)now;
    struct tm today;
    int64_t value;

    if (time->year != 0)
        return in_year(time, time->year);
    if (localtime_r(&at, &today) == NULL)
        return -1;
    value = in_year(time, today.tm_year + 1900 + 1);
    if (value > now + DAY)
        value = in_year(time, today.tm_year + 1900);
    if (value > now + DAY)
        value = in_year(time, today.tm_year + 1900 - 1);
    return value;
}
