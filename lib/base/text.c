/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char hex_digits[] = "0123456789abcdef";

struct ss_text
ss_text_of(const char *string)
{
    struct ss_text t = { string != NULL ? string : "", string != NULL ? strlen(string) : 0 };

    return t;
}

bool
ss_text_equal(struct ss_text a, const char *b)
{
    size_t len = strlen(b);

    return a.len == len && (len == 0 || memcmp(a.at, b, len) == 0);
}

bool
ss_text_equal_nocase(struct ss_text a, const char *b)
{
    size_t i;

    if (a.len != strlen(b))
        return false;
    for (i = 0; i < a.len; i++)
        if (ss_lower(a.at[i]) != ss_lower(b[i]))
            return false;
    return true;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct ss_text
ss_text_skip_blanks(struct ss_text t)
{
    while (t.len > 0 && is_blank(t.at[0])) {
        t.at++;
        t.len--;
    }
    return t;
}

struct ss_text
ss_text_trim_blanks(struct ss_text t)
{
    while (t.len > 0 && is_blank(t.at[t.len - 1]))
        t.len--;
    return t;
}

bool
ss_text_cut(struct ss_text t, char mark, struct ss_text *head, struct ss_text *rest)
{
    const char *found = t.len > 0 ? memchr(t.at, mark, t.len) : NULL;
    size_t before;

    if (found == NULL)
        return false;
    before = (size_t)(found - t.at);
    head->at = t.at;
    head->len = before;
    rest->at = found + 1;
    rest->len = t.len - before - 1;
    return true;
}

bool
ss_text_number(struct ss_text t, size_t max_digits, uint64_t *out)
{
    uint64_t v = 0;
    size_t i;

    /* 19 digits always fit into 64 bits. */
    if (t.len == 0 || t.len > max_digits || t.len > 19)
        return false;
    for (i = 0; i < t.len; i++) {
        if (!ss_is_digit(t.at[i]))
            return false;
        v = v * 10 + (uint64_t)(t.at[i] - '0');
    }
    *out = v;
    return true;
}

bool
ss_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
ss_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool
ss_is_alnum(char c)
{
    return ss_is_alpha(c) || ss_is_digit(c);
}

char
ss_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

char *
ss_text_dup(struct ss_text t)
{
    char *copy = t.len < SIZE_MAX ? malloc(t.len + 1) : NULL;

    if (copy == NULL)
        return NULL;
    if (t.len > 0)
        memcpy(copy, t.at, t.len);
    copy[t.len] = '\0';
    return copy;
}

void
ss_hex_write(char *out, const uint8_t *data, size_t len)
{
    size_t i;

    for (i = 0; i < len; i++) {
        out[2 * i] = hex_digits[data[i] >> 4];
        out[2 * i + 1] = hex_digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int
hex_value(char c)
{
    if (ss_is_digit(c))
        return c - '0';
    c = ss_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
ss_hex_read(struct ss_text t, uint8_t *out, size_t len)
{
    int high;
    int low;
    size_t i;

    if (t.len % 2 != 0 || t.len / 2 != len)
        return false;
    for (i = 0; i < len; i++) {
        high = hex_value(t.at[2 * i]);
        low = hex_value(t.at[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool
is_plain(uint8_t octet)
{
    return octet >= 0x20 && octet < 0x7f && octet != '\\';
}

/* One octet for display; returns how many characters it takes. */
static size_t
escape_octet(char out[4], uint8_t octet)
{
    if (is_plain(octet)) {
        out[0] = (char)octet;
        return 1;
    }
    out[0] = '\\';
    out[1] = 'x';
    out[2] = hex_digits[octet >> 4];
    out[3] = hex_digits[octet & 15];
    return 4;
}

void
ss_text_escape(char *out, size_t room, const void *data, size_t len)
{
    const uint8_t *octets = data;
    size_t at = 0;
    size_t cut = 0; /* the last place between octets where "..." still fits */
    size_t i;
    char one[4];
    size_t width;

    if (room == 0)
        return;
    /* Nearly always there is nothing to do. */
    while (at < len && is_plain(octets[at]))
        at++;
    if (at == len && len < room) {
        if (len > 0)
            memcpy(out, data, len);
        out[len] = '\0';
        return;
    }
    at = 0;
    for (i = 0; i < len; i++) {
        width = escape_octet(one, octets[i]);
        if (at + width >= room) {
            for (at = cut; at < cut + 3 && at + 1 < room; at++)
                out[at] = '.';
            break;
        }
        memcpy(out + at, one, width);
        at += width;
        if (at + 3 < room)
            cut = at;
    }
    out[at] = '\0';
}

/* The day of a count of days from 1970, in the calendar that counts years from March. */
static void
civil_day(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t since = days + 719468; /* from 0000-03-01 */
    int64_t era = since / 146097;
    int64_t in_era = since % 146097;
    int64_t year_of_era = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t from_march = (5 * in_year + 2) / 153;

    *day = in_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

void
ss_time_text(char out[SS_TIME_TEXT], int64_t time)
{
    int64_t year, month, day, second;

    if (time < 0 || time > INT64_C(253402300799)) {
        snprintf(out, SS_TIME_TEXT, "%lld", (long long)time);
        return;
    }
    civil_day(time / 86400, &year, &month, &day);
    second = time % 86400;
    snprintf(out, SS_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)year % 10000, (int)month % 100,
             (int)day % 100, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
}
