/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/varint.h"

#include "memory/codec.h"

void
ss_varint_write(struct ss_buf *out, uint64_t v)
{
    while (v > 0x7f) {
        ss_buf_u8(out, (uint8_t)(v & 0x7f) | 0x80);
        v >>= 7;
    }
    ss_buf_u8(out, (uint8_t)v);
}

uint64_t
ss_varint_read(struct ss_rd *rd)
{
    uint64_t v = 0;
    unsigned shift;
    uint8_t octet;

    for (shift = 0; shift < 63; shift += 7) {
        octet = ss_rd_u8(rd);
        v |= (uint64_t)(octet & 0x7f) << shift;
        if ((octet & 0x80) != 0)
            continue;
        if (octet == 0 && shift > 0)
            rd->bad = true; /* a longer form of a shorter number */
        return rd->bad ? 0 : v;
    }
    rd->bad = true;
    return 0;
}

int64_t
ss_time_kept(int64_t time)
{
    if (time < 0)
        return 0;
    return time > SS_CODEC_TIME_MAX ? SS_CODEC_TIME_MAX : time;
}

void
ss_time_near_write(struct ss_buf *out, int64_t time, int64_t from)
{
    int64_t distance = ss_time_kept(time) - ss_time_kept(from);
    uint64_t size = (uint64_t)(distance < 0 ? -distance : distance);

    /* The sign goes below, or all that is earlier would be long; 0 has one sign. */
    ss_varint_write(out, distance < 0 ? 2 * size - 1 : 2 * size);
}

int64_t
ss_time_near_read(struct ss_rd *rd, int64_t from)
{
    uint64_t v = ss_varint_read(rd);
    int64_t time;

    if (v > 2 * (uint64_t)SS_CODEC_TIME_MAX) {
        rd->bad = true;
        return 0;
    }
    time = ss_time_kept(from) +
           ((v & 1) != 0 ? -(int64_t)(v / 2) - 1 : (int64_t)(v / 2));
    if (time < 0 || time > SS_CODEC_TIME_MAX) {
        rd->bad = true;
        return 0;
    }
    return time;
}
