/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "scan.h"

#include <string.h>

int
scan_try(struct scan *scan, const char *word)
{
    size_t len = strlen(word);

    if (scan->bad || (size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
        return 0;
    scan->at += len;
    return 1;
}

void
scan_word(struct scan *scan, const char *word)
{
    if (!scan_try(scan, word))
        scan->bad = 1;
}

uint32_t
scan_digits(struct scan *scan, int least, int most)
{
    uint32_t number = 0;
    int count = 0;

    while (!scan->bad && count < most && scan->at < scan->end && scan_is_digit(*scan->at)) {
        number = number * 10 + (uint32_t)(*scan->at++ - '0');
        count++;
    }
    if (count < least)
        scan->bad = 1;
    return scan->bad ? 0 : number;
}

struct log_span
scan_span(struct scan *scan, scan_class is, size_t most)
{
    struct log_span span = {scan->at, 0};

    while (!scan->bad && scan->at < scan->end && is((unsigned char)*scan->at)) {
        scan->at++;
        span.len++;
    }
    if (span.len == 0 || span.len > most)
        scan->bad = 1;
    return span;
}

struct log_span
scan_rest(struct scan *scan)
{
    struct log_span span = {scan->at, (size_t)(scan->end - scan->at)};

    scan->at = scan->end;
    return span;
}

int
scan_is_digit(int c)
{
    return c >= '0' && c <= '9';
}

int
scan_is_alnum(int c)
{
    return scan_is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

int
scan_is_name(int c)
{
    return scan_is_alnum(c) || c == '-' || c == '.' || c == '_' || c >= 0x80;
}

int
scan_is_address(int c)
{
    return scan_is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f') || c == '.' ||
           c == ':';
}

int
scan_is_local(int c)
{
    return c > ' ' && c != 0x7f && strchr("<>()[]\\,;:\"@", c) == NULL;
}
