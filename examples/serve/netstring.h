/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Netstrings, "5:hello,": what a socketmap request and its reply are wrapped in. Pure. */
#ifndef SERVE_NETSTRING_H
#define SERVE_NETSTRING_H

#include <stddef.h>

enum {
    SERVE_NETSTRING_MORE = 0,   /* the beginning of one; wait for more */
    SERVE_NETSTRING_WHOLE = 1,
    SERVE_NETSTRING_BROKEN = -1 /* cannot become one: nobody knows where the next one begins */
};

/* The length, the colon and the comma around a content of at most 99999 octets. */
#define SERVE_NETSTRING_AROUND 7

struct serve_netstring {
    size_t start; /* of the content */
    size_t len;   /* of the content */
    size_t taken; /* octets of all of it, comma included */
};

/*
 * Is there a whole netstring in front of these octets? Faults are seen with the
 * first octet that makes them. limit: the longest content, at most 99999.
 * Returns SERVE_NETSTRING_*; fills out for WHOLE only.
 */
int serve_netstring_read(const char *octets, size_t len, size_t limit,
                         struct serve_netstring *out);

#endif
