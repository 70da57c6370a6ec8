/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers that are mostly small: seven bits an octet, the lowest first, the top
 * bit set on all but the last. Times are kept as the distance to one that
 * stands before them. One number has one form.
 */
#ifndef SS_MEMORY_VARINT_H
#define SS_MEMORY_VARINT_H

#include <stdint.h>

#include "base/bytes.h"

void ss_varint_write(struct ss_buf *out, uint64_t v);
uint64_t ss_varint_read(struct ss_rd *rd);

/* A time from 1970 to SS_CODEC_TIME_MAX, by its distance from another; the nearest that fits. */
void ss_time_near_write(struct ss_buf *out, int64_t time, int64_t from);
int64_t ss_time_near_read(struct ss_rd *rd, int64_t from);
/* What the writer makes of a time. */
int64_t ss_time_kept(int64_t time);

#endif
