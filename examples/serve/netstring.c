/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "netstring.h"

/* Digits of the longest length; more of them cannot be one within any limit. */
#define DIGITS 5

/* Read "123:". Returns as serve_netstring_read(); at is then behind the colon. */
static int
read_length(const char *octets, size_t len, size_t limit, size_t *at, size_t *value)
{
    size_t i;

    *value = 0;
    for (i = 0; i < len; i++) {
        if (octets[i] == ':' && i > 0) {
            *at = i + 1;
            return SERVE_NETSTRING_WHOLE;
        }
        /* A length has one form only: no sign, no blank, no zero in front of another digit. */
        if (octets[i] < '0' || octets[i] > '9' || i == DIGITS || (i > 0 && octets[0] == '0'))
            return SERVE_NETSTRING_BROKEN;
        *value = *value * 10 + (size_t)(octets[i] - '0');
        if (*value > limit)
            return SERVE_NETSTRING_BROKEN;
    }
    return SERVE_NETSTRING_MORE;
}

int
serve_netstring_read(const char *octets, size_t len, size_t limit, struct serve_netstring *out)
{
    size_t start = 0, content = 0;
    int rc = read_length(octets, len, limit, &start, &content);

    if (rc != SERVE_NETSTRING_WHOLE)
        return rc;
    if (len - start <= content)
        return SERVE_NETSTRING_MORE;
    if (octets[start + content] != ',')
        return SERVE_NETSTRING_BROKEN;
    out->start = start;
    out->len = content;
    out->taken = start + content + 1;
    return SERVE_NETSTRING_WHOLE;
}
