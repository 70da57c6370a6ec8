/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and writing octets with bounds.
 *
 * Both are sticky: after a failed read all further reads do nothing and give
 * zero, after a failed write all further writes do nothing. A parser is then
 * a list of fields with one check at the end.
 */
#ifndef SS_BASE_BYTES_H
#define SS_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of octets; owns nothing. */
struct ss_bytes {
    const uint8_t *data;
    size_t len;
};

/* A reader over octets that the caller keeps. */
struct ss_rd {
    const uint8_t *at;
    size_t left;
    bool bad;
};

void ss_rd_init(struct ss_rd *rd, const void *data, size_t len);
uint8_t ss_rd_u8(struct ss_rd *rd);
/* Network order, for DNS and DER. */
uint16_t ss_rd_be16(struct ss_rd *rd);
uint32_t ss_rd_be32(struct ss_rd *rd);
/* Little-endian, for our own formats. */
uint16_t ss_rd_le16(struct ss_rd *rd);
uint32_t ss_rd_le32(struct ss_rd *rd);
uint64_t ss_rd_le64(struct ss_rd *rd);
/* The next len octets, or NULL when there are fewer. Length 0 gives a pointer that is not NULL. */
const uint8_t *ss_rd_take(struct ss_rd *rd, size_t len);
/* True when all reads succeeded and nothing is left. */
bool ss_rd_done(const struct ss_rd *rd);

/* A growing buffer with a limit. Zero-initialise with ss_buf_init(), free with ss_buf_free(). */
struct ss_buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t limit;
    bool full;  /* the limit was passed */
    bool nomem; /* an allocation failed */
};

void ss_buf_init(struct ss_buf *buf, size_t limit);
void ss_buf_free(struct ss_buf *buf);
bool ss_buf_ok(const struct ss_buf *buf);
/* Make room for so many more octets at once. A guess: more than the limit leaves it as it is. */
void ss_buf_expect(struct ss_buf *buf, size_t len);
void ss_buf_put(struct ss_buf *buf, const void *data, size_t len);
void ss_buf_u8(struct ss_buf *buf, uint8_t v);
void ss_buf_be16(struct ss_buf *buf, uint16_t v);
void ss_buf_be32(struct ss_buf *buf, uint32_t v);
void ss_buf_le16(struct ss_buf *buf, uint16_t v);
void ss_buf_le32(struct ss_buf *buf, uint32_t v);
void ss_buf_le64(struct ss_buf *buf, uint64_t v);

/* CRC-32C (Castagnoli) over octets, to notice damage, not malice. */
uint32_t ss_crc32c(const void *data, size_t len);
/* The same without the processor's instruction for it, which ss_crc32c() uses where there is one. */
uint32_t ss_crc32c_plain(const void *data, size_t len);
/* Compare in time that depends on the length alone. */
bool ss_equal_ct(const void *a, const void *b, size_t len);

#endif
