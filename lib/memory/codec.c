/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/codec.h"

#include <string.h>

#include "base/text.h"
#include "smtpsec.h"

#define ENVELOPE 6 /* kind, version, checksum */

/* CRC is linear: two of them exclusive-ored notice what each would notice alone. */
static uint32_t
checksum(const uint8_t *data, size_t len, struct ss_bytes key)
{
    uint32_t crc = ss_crc32c(data, len);

    if (key.len > 0)
        crc ^= ss_crc32c(key.data, key.len);
    return crc;
}

size_t
ss_codec_begin(struct ss_buf *out, uint8_t kind, uint8_t version)
{
    size_t start = out->len;

    ss_buf_u8(out, kind);
    ss_buf_u8(out, version);
    return start;
}

void
ss_codec_end(struct ss_buf *out, size_t start, struct ss_bytes key)
{
    if (!ss_buf_ok(out))
        return;
    ss_buf_le32(out, checksum(out->data + start, out->len - start, key));
}

bool
ss_codec_sound(struct ss_bytes value, struct ss_bytes key)
{
    struct ss_rd tail;

    if (value.len < ENVELOPE)
        return false;
    ss_rd_init(&tail, value.data + value.len - 4, 4);
    return ss_rd_le32(&tail) == checksum(value.data, value.len - 4, key);
}

int
ss_codec_open(struct ss_rd *rd, struct ss_bytes value, uint8_t kind, uint8_t version,
              struct ss_bytes key)
{
    ss_rd_init(rd, NULL, 0);
    if (!ss_codec_sound(value, key) || value.data[0] != kind || value.data[1] == 0)
        return SMTPSEC_E_FORMAT;
    if (value.data[1] > version)
        return SMTPSEC_E_VERSION;
    ss_rd_init(rd, value.data + 2, value.len - ENVELOPE);
    return 0;
}

void
ss_codec_time_write(struct ss_buf *out, int64_t time)
{
    uint64_t v;

    if (time < 0)
        time = 0;
    if (time > SS_CODEC_TIME_MAX)
        time = SS_CODEC_TIME_MAX;
    v = (uint64_t)time;
    ss_buf_le32(out, (uint32_t)(v & 0xffffffffu));
    ss_buf_u8(out, (uint8_t)(v >> 32));
}

int64_t
ss_codec_time_read(struct ss_rd *rd)
{
    uint64_t low = ss_rd_le32(rd);
    uint64_t high = ss_rd_u8(rd);

    return (int64_t)(high << 32 | low);
}

int64_t
ss_codec_time_read_if(struct ss_rd *rd, unsigned flags, unsigned bit)
{
    int64_t time;

    if ((flags & bit) == 0)
        return 0;
    time = ss_codec_time_read(rd);
    /* One value, one form: what is zero must be left out. */
    if (time == 0)
        rd->bad = true;
    return time;
}

unsigned
ss_codec_time_flag(int64_t time, unsigned bit)
{
    return time > 0 ? bit : 0;
}

bool
ss_codec_id_ok(const char *id)
{
    size_t i;

    for (i = 0; i <= SS_CODEC_ID_MAX && id[i] != '\0'; i++) {
        if (!ss_is_alnum(id[i]))
            return false;
    }
    return i <= SS_CODEC_ID_MAX;
}

void
ss_codec_id_write(struct ss_buf *out, const char *id)
{
    size_t len = strnlen(id, SS_CODEC_ID_MAX);

    ss_buf_u8(out, (uint8_t)len);
    ss_buf_put(out, id, len);
}

void
ss_codec_id_read(struct ss_rd *rd, char id[SS_CODEC_ID_MAX + 1])
{
    size_t len = ss_rd_u8(rd);
    const uint8_t *octets = ss_rd_take(rd, len);

    id[0] = '\0';
    if (octets == NULL || len == 0 || len > SS_CODEC_ID_MAX) {
        rd->bad = true;
        return;
    }
    memcpy(id, octets, len);
    id[len] = '\0';
    if (strlen(id) != len || !ss_codec_id_ok(id))
        rd->bad = true;
}
