/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Days and spans of time as people write them; UTC, no locale, no clock. */
#ifndef SS_BASE_DATE_H
#define SS_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define SS_DATE_TEXT 11
#define SS_SPAN_TEXT 24
/* The last second that has a date: 9999-12-31. */
#define SS_DATE_LAST INT64_C(253402300799)

/* Read YYYY-MM-DD, 1970 to 9999, a day that exists; *out receives its first second. */
bool ss_date_read(struct ss_text t, int64_t *out);
/* The day of a time; times before 1970 or after 9999 give the nearest day. */
void ss_date_write(char out[SS_DATE_TEXT], int64_t time);

/* Read a number and its unit, m, h or d, such as 72h; *out receives seconds. */
bool ss_span_read(struct ss_text t, int64_t *out);
/* The same from seconds that are not negative: 90d, 72h, 45m, 10s. */
void ss_span_write(char out[SS_SPAN_TEXT], int64_t seconds);

#endif
