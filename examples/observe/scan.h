/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading text from the left. A scan that has failed once fails for ever. */
#ifndef OBSERVE_SCAN_H
#define OBSERVE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "line.h"

struct scan {
    const char *at, *end;
    int bad;
};

/* 1 when the word stands here; then it is passed. Never fails the scan. */
int scan_try(struct scan *scan, const char *word);
/* The word must stand here. */
void scan_word(struct scan *scan, const char *word);
/* A number of least to most digits. */
uint32_t scan_digits(struct scan *scan, int least, int most);
/* What consists of these characters: of one to most. */
typedef int (*scan_class)(int c);
struct log_span scan_span(struct scan *scan, scan_class is, size_t most);
/* All that is left. */
struct log_span scan_rest(struct scan *scan);

int scan_is_digit(int c);
int scan_is_alnum(int c);
/* Of a domain name; all above ASCII, too. */
int scan_is_name(int c);
/* Of an address of either family. */
int scan_is_address(int c);
/* Of a local part without quotes (RFC 5321 Dot-string, RFC 6531). */
int scan_is_local(int c);

#endif
