/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading numbers and tokens in ASCII text; no locale, no errno.
 */
#ifndef SS_BASE_TEXT_H
#define SS_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of text, not terminated; owns nothing. */
struct ss_text {
    const char *at;
    size_t len;
};

struct ss_text ss_text_of(const char *string);
bool ss_text_equal(struct ss_text a, const char *b);
/* The same, ASCII case ignored. */
bool ss_text_equal_nocase(struct ss_text a, const char *b);
/* Cut blanks (space, tab) at the start, at the end. */
struct ss_text ss_text_skip_blanks(struct ss_text t);
struct ss_text ss_text_trim_blanks(struct ss_text t);
/*
 * Cut at the first `mark`: head receives what stands before it, *rest what
 * follows; false, and nothing written, when there is none.
 */
bool ss_text_cut(struct ss_text t, char mark, struct ss_text *head, struct ss_text *rest);
/* A decimal number of 1 to max_digits digits, nothing else; max_digits <= 19. */
bool ss_text_number(struct ss_text t, size_t max_digits, uint64_t *out);
bool ss_is_alpha(char c);
bool ss_is_digit(char c);
bool ss_is_alnum(char c);
char ss_lower(char c);

/* A terminated copy on the heap; NULL without memory. */
char *ss_text_dup(struct ss_text t);
/* Write hex, lower case, terminated: out has room for 2 * len + 1. */
void ss_hex_write(char *out, const uint8_t *data, size_t len);
/* Read exactly len octets of hex; false when the text is anything else. */
bool ss_hex_read(struct ss_text t, uint8_t *out, size_t len);
/*
 * Copy a stranger's octets for display: printable ASCII as it is, the rest and
 * the backslash as \xNN, cut with "..." when out is too small. Always
 * terminated when room > 0.
 */
void ss_text_escape(char *out, size_t room, const void *data, size_t len);


/* Room for a time as text, the end included. */
#define SS_TIME_TEXT 24
/*
 * Write a time as RFC 3339 has it, in UTC: 2027-01-15T08:00:00Z. What has no
 * such form (before 1970, after 9999) is written as seconds.
 */
void ss_time_text(char out[SS_TIME_TEXT], int64_t time);

#endif
