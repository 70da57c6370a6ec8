/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The envelope that every stored value wears, whatever its version:
 *
 *   kind u8, version u8, body, CRC-32C le32
 *
 * The checksum covers all before it, and the key the value belongs to, so
 * that a value found under another's key is damage too. It is looked at
 * first: only an undamaged value can be said to be of a newer version.
 */
#ifndef SS_MEMORY_CODEC_H
#define SS_MEMORY_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SS_CODEC_RECORD 'C'
#define SS_CODEC_POLICY 'P'
#define SS_CODEC_CLOCK 'T'
#define SS_CODEC_REFUSALS 'R'
#define SS_CODEC_KEPT 'D'
#define SS_CODEC_ANSWERS 'A'

/* Times are kept in 40 bits: from 1970 to beyond the year 36000. */
#define SS_CODEC_TIME_MAX INT64_C(0xffffffffff)
/* An id of RFC 8461 3.1: 1 to 32 letters and digits. */
#define SS_CODEC_ID_MAX 32

/* Begin a value; returns where it starts, for ss_codec_end(). */
size_t ss_codec_begin(struct ss_buf *out, uint8_t kind, uint8_t version);
/* Close it with the checksum. key: what it is stored under, or empty. */
void ss_codec_end(struct ss_buf *out, size_t start, struct ss_bytes key);
/* Is it as it was written, under this key? Whatever it is, and of whatever version. */
bool ss_codec_sound(struct ss_bytes value, struct ss_bytes key);
/* Check the envelope and leave rd at the body. Returns 0, FORMAT, VERSION. */
int ss_codec_open(struct ss_rd *rd, struct ss_bytes value, uint8_t kind, uint8_t version,
                  struct ss_bytes key);

/* A time; those out of range are written as the nearest that fits. */
void ss_codec_time_write(struct ss_buf *out, int64_t time);
int64_t ss_codec_time_read(struct ss_rd *rd);
/* A time that stands there only if its bit is set in flags, and then is not zero. */
int64_t ss_codec_time_read_if(struct ss_rd *rd, unsigned flags, unsigned bit);
/* Bits for the presence of a field. */
unsigned ss_codec_time_flag(int64_t time, unsigned bit);

/* An id: its length, then its octets. The reader accepts 1 to 32 letters and digits. */
void ss_codec_id_write(struct ss_buf *out, const char *id);
void ss_codec_id_read(struct ss_rd *rd, char id[SS_CODEC_ID_MAX + 1]);
/* True for "" or an id that the reader would accept. */
bool ss_codec_id_ok(const char *id);

#endif
