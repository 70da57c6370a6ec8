/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory's single values: the mark of the clock and the list of refusals.
 * What the readers accept comes out of the writers octet by octet, and the
 * rules live with it. The first octet chooses; for 2 and 3 the checksum is
 * made right, or nothing would get past it. The next 8 are the time in use.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory/clock.h"
#include "memory/codec.h"
#include "memory/many.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(const struct ss_buf *written, struct ss_bytes value)
{
    if (!ss_buf_ok(written) || written->len != value.len ||
        memcmp(written->data, value.data, value.len) != 0)
        abort();
}

/* Used again and again, each use a while later, the memory comes to believe any clock. */
static void
try_mark(struct ss_bytes value, int64_t now)
{
    struct ss_clock_verdict verdict;
    struct ss_clock_reading reading = {now, (uint64_t)now & 1, now >> 1};
    struct ss_clock_mark mark;
    struct ss_buf out;
    int uses;

    if (ss_clock_mark_read(&mark, value) != 0)
        return;
    ss_buf_init(&out, 4096);
    ss_clock_mark_write(&out, &mark);
    same(&out, value);
    ss_buf_free(&out);
    for (uses = 0; uses < 60; uses++) {
        ss_clock_judge(&mark, &reading, &verdict);
        if (verdict.held != (verdict.mark.stepped_from > 0))
            abort();
        mark = verdict.mark;
        if (reading.now < INT64_MAX - 3600 && reading.uptime < INT64_MAX - 3600) {
            reading.now += 3600;
            reading.uptime += 3600;
        }
    }
    if (now > 0 && now < INT64_MAX / 4 && verdict.held)
        abort();
}

static void
try_list(struct ss_bytes value, int64_t now)
{
    struct ss_many many;
    struct ss_buf out;
    uint32_t domain;

    if (ss_many_read(&many, value) != 0)
        return;
    ss_buf_init(&out, 4096);
    ss_many_write(&out, &many);
    same(&out, value);
    ss_buf_free(&out);
    for (domain = 0; domain < 70; domain++)
        if (ss_many_add(&many, domain, now) > SS_MANY_KEPT || many.count > SS_MANY_KEPT)
            abort();
}

static void
seal(struct ss_buf *out, struct ss_bytes value, struct ss_bytes key)
{
    ss_buf_init(out, SIZE_MAX / 2);
    ss_buf_put(out, value.data, value.len);
    ss_codec_end(out, 0, key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes rest;
    struct ss_buf sealed;
    struct ss_rd rd;
    int64_t now;

    if (size < 10)
        return 0;
    ss_rd_init(&rd, data + 1, 8);
    now = (int64_t)ss_rd_le64(&rd);
    rest = (struct ss_bytes){ data + 9, size - 9 };
    switch (data[0]) {
    case 0:
        try_mark(rest, now);
        break;
    case 1:
        try_list(rest, now);
        break;
    case 2:
        seal(&sealed, rest, ss_clock_key());
        try_mark((struct ss_bytes){ sealed.data, sealed.len }, now);
        ss_buf_free(&sealed);
        break;
    default:
        seal(&sealed, rest, ss_many_key());
        try_list((struct ss_bytes){ sealed.data, sealed.len }, now);
        ss_buf_free(&sealed);
        break;
    }
    return 0;
}
