/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing JSON (RFC 8259) into a bounded buffer: the little that a report needs. */
#ifndef SS_REPORT_JSON_H
#define SS_REPORT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Text of ours, put as it stands. */
void ss_json_raw(struct ss_buf *out, const char *text);
/* A member's name and colon. */
void ss_json_key(struct ss_buf *out, const char *key);
void ss_json_number(struct ss_buf *out, int64_t number);
/*
 * A string. Every octet that is not printable ASCII is written as \u00NN, a
 * stranger's text being octets of no known character set: what comes out is
 * ASCII, and nothing of it is lost.
 */
void ss_json_text(struct ss_buf *out, const void *text, size_t len);

#endif
