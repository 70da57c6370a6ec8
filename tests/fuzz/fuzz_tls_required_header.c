/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLS-Required in a header section, beside a second reading of the same
 * grammar: whoever lowers the requirement by one octet too many is found out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "requiretls/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Where a line was folded; an octet of the input that looks so is made something else. */
#define FOLD '\v'

static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == FOLD;
}

static char *
unfold(const char *text, size_t len, size_t *out_len)
{
    char *out = malloc(len + 1);
    size_t i, used = 0;

    if (out == NULL)
        abort();
    for (i = 0; i < len; i++) {
        size_t end = text[i] == '\n'                                             ? 1
                     : text[i] == '\r' && i + 1 < len && text[i + 1] == '\n' ? 2
                                                                             : 0;

        if (end == 0 || i + end >= len || (text[i + end] != ' ' && text[i + end] != '\t')) {
            out[used++] = text[i] == FOLD ? 'x' : text[i];
        } else {
            out[used++] = FOLD;
            i += end - 1;
        }
    }
    *out_len = used;
    return out;
}

/* Up to the first empty line. */
static size_t
section(const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && text[at] != '\n' &&
           !(text[at] == '\r' && (at + 1 == len || text[at + 1] == '\n'))) {
        const char *lf = memchr(text + at, '\n', len - at);

        if (lf == NULL)
            return len;
        at = (size_t)(lf - text) + 1;
    }
    return at;
}

/* Is this no field? Its first line has no colon then, and what follows may be body to others (TRN-06). */
static bool
is_torn(const char *line, size_t size)
{
    const char *fold = memchr(line, FOLD, size);

    return !is_blank(line[0]) && memchr(line, ':', fold != NULL ? (size_t)(fold - line) : size) == NULL;
}

/* The other way: unfold all first, then look at whole fields. */
static int
second_reading(const char *text, size_t len)
{
    static const char name[] = "tls-required";
    size_t at = 0, total, folded, fields = 0, good = 0;
    char *plain = unfold(text, section(text, len), &total);
    bool torn = false;

    while (at < total) {
        const char *line = plain + at;
        const char *lf = memchr(line, '\n', total - at);
        size_t size = lf != NULL ? (size_t)(lf - line) : total - at;
        size_t i = sizeof(name) - 1;

        at += size + (lf != NULL);
        if (size > 0 && line[size - 1] == '\r')
            size--;
        if (size == 0)
            break;
        torn = torn || is_torn(line, size);
        if (size < i || strncasecmp(line, name, i) != 0)
            continue;
        folded = 0;
        while (i < size && is_blank(line[i]))
            folded += line[i++] == FOLD;
        if (i < size && line[i] != ':' && folded == 0)
            continue;
        fields++;
        if (i == size || folded > 0)
            continue;
        i++;
        while (i < size && is_blank(line[i]))
            i++;
        while (size > i && is_blank(line[size - 1]))
            size--;
        good += !torn && size - i == 2 && strncasecmp(line + i, "no", 2) == 0;
    }
    free(plain);
    return fields == 1 && good == 1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ss_text text = {(const char *)data, len};

    if (ss_tls_required_no(text) != (second_reading(text.at, len) != 0))
        abort();
    return 0;
}
