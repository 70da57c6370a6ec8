/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

void
ss_rd_init(struct ss_rd *rd, const void *data, size_t len)
{
    /* No data is the same as data of no length; a pointer is always there. */
    rd->at = data != NULL ? data : (const void *)"";
    rd->left = data != NULL ? len : 0;
    rd->bad = false;
}

const uint8_t *
ss_rd_take(struct ss_rd *rd, size_t len)
{
    const uint8_t *at = rd->at;

    if (rd->bad || len > rd->left) {
        rd->bad = true;
        return NULL;
    }
    rd->at += len;
    rd->left -= len;
    return at;
}

uint8_t
ss_rd_u8(struct ss_rd *rd)
{
    const uint8_t *p = ss_rd_take(rd, 1);

    return p != NULL ? p[0] : 0;
}

uint16_t
ss_rd_be16(struct ss_rd *rd)
{
    const uint8_t *p = ss_rd_take(rd, 2);

    return p != NULL ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

uint32_t
ss_rd_be32(struct ss_rd *rd)
{
    const uint8_t *p = ss_rd_take(rd, 4);

    if (p == NULL)
        return 0;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint64_t
little_endian(const uint8_t *p, size_t len)
{
    uint64_t v = 0;

    if (p == NULL)
        return 0;
    while (len > 0)
        v = v << 8 | p[--len];
    return v;
}

uint16_t
ss_rd_le16(struct ss_rd *rd)
{
    return (uint16_t)little_endian(ss_rd_take(rd, 2), 2);
}

uint32_t
ss_rd_le32(struct ss_rd *rd)
{
    return (uint32_t)little_endian(ss_rd_take(rd, 4), 4);
}

uint64_t
ss_rd_le64(struct ss_rd *rd)
{
    return little_endian(ss_rd_take(rd, 8), 8);
}

bool
ss_rd_done(const struct ss_rd *rd)
{
    return !rd->bad && rd->left == 0;
}

void
ss_buf_init(struct ss_buf *buf, size_t limit)
{
    memset(buf, 0, sizeof(*buf));
    buf->limit = limit;
}

void
ss_buf_free(struct ss_buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = 0;
    buf->cap = 0;
}

bool
ss_buf_ok(const struct ss_buf *buf)
{
    return !buf->full && !buf->nomem;
}

/* Make room for len more octets; the capacity doubles, but never passes the limit. */
static bool
buf_room(struct ss_buf *buf, size_t len)
{
    size_t cap = buf->cap > 0 ? buf->cap : 64;
    uint8_t *data;

    if (len > buf->limit - buf->len) {
        buf->full = true;
        return false;
    }
    if (len <= buf->cap - buf->len)
        return true;
    while (cap < buf->len + len)
        cap = cap <= SIZE_MAX / 2 ? cap * 2 : buf->len + len;
    if (cap > buf->limit)
        cap = buf->limit;
    data = realloc(buf->data, cap);
    if (data == NULL) {
        buf->nomem = true;
        return false;
    }
    buf->data = data;
    buf->cap = cap;
    return true;
}

void
ss_buf_expect(struct ss_buf *buf, size_t len)
{
    if (ss_buf_ok(buf) && len <= buf->limit - buf->len)
        buf_room(buf, len);
}

void
ss_buf_put(struct ss_buf *buf, const void *data, size_t len)
{
    if (!ss_buf_ok(buf) || len == 0 || !buf_room(buf, len))
        return;
    memcpy(buf->data + buf->len, data, len);
    buf->len += len;
}

void
ss_buf_u8(struct ss_buf *buf, uint8_t v)
{
    ss_buf_put(buf, &v, 1);
}

void
ss_buf_be16(struct ss_buf *buf, uint16_t v)
{
    uint8_t octets[2] = { (uint8_t)(v >> 8), (uint8_t)(v & 0xff) };

    ss_buf_put(buf, octets, sizeof(octets));
}

void
ss_buf_be32(struct ss_buf *buf, uint32_t v)
{
    uint8_t octets[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16 & 0xff), (uint8_t)(v >> 8 & 0xff),
                          (uint8_t)(v & 0xff) };

    ss_buf_put(buf, octets, sizeof(octets));
}

static void
put_little_endian(struct ss_buf *buf, uint64_t v, size_t len)
{
    uint8_t octets[8];
    size_t i;

    for (i = 0; i < len; i++, v >>= 8)
        octets[i] = (uint8_t)(v & 0xff);
    ss_buf_put(buf, octets, len);
}

void
ss_buf_le16(struct ss_buf *buf, uint16_t v)
{
    put_little_endian(buf, v, 2);
}

void
ss_buf_le32(struct ss_buf *buf, uint32_t v)
{
    put_little_endian(buf, v, 4);
}

void
ss_buf_le64(struct ss_buf *buf, uint64_t v)
{
    put_little_endian(buf, v, 8);
}

bool
ss_equal_ct(const void *a, const void *b, size_t len)
{
    const uint8_t *p = a;
    const uint8_t *q = b;
    /* volatile keeps the compiler from leaving the loop at the first difference. */
    volatile uint8_t differ = 0;
    size_t i;

    for (i = 0; i < len; i++)
        differ = (uint8_t)(differ | (p[i] ^ q[i]));
    return differ == 0;
}
