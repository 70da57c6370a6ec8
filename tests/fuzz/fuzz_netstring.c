/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream of netstrings: what is taken lies within it, and does not depend on how it is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "serve/netstring.h"

#define LIMIT 10000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The answer to a beginning is the same as to all of it, or "more". */
static void
check_beginnings(const char *octets, size_t len, int whole, const struct serve_netstring *found)
{
    struct serve_netstring part;
    size_t i;

    for (i = 0; i < len && i < 64; i++) {
        int rc = serve_netstring_read(octets, i, LIMIT, &part);

        if (rc == SERVE_NETSTRING_MORE)
            continue;
        if (rc != whole || (rc == SERVE_NETSTRING_WHOLE && part.taken != found->taken))
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *octets = malloc(size + 1);
    size_t at = 0;
    int rc = SERVE_NETSTRING_WHOLE;

    if (octets == NULL)
        return 0;
    if (size > 0)
        memcpy(octets, data, size);
    while (rc == SERVE_NETSTRING_WHOLE) {
        struct serve_netstring found = {0, 0, 0};

        rc = serve_netstring_read(octets + at, size - at, LIMIT, &found);
        if (rc == SERVE_NETSTRING_WHOLE &&
            (found.len > LIMIT || found.taken > size - at || found.taken < 3 ||
             found.start + found.len + 1 != found.taken || octets[at + found.taken - 1] != ','))
            abort();
        check_beginnings(octets + at, size - at, rc, &found);
        at += rc == SERVE_NETSTRING_WHOLE ? found.taken : 0;
    }
    free(octets);
    return 0;
}
