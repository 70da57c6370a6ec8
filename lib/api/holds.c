/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/holds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool
same_key(const struct ss_memory_key *a, const struct ss_memory_key *b)
{
    return a->port == b->port && ss_name_equal(&a->domain, &b->domain) &&
           ss_name_equal(&a->relay, &b->relay);
}

static size_t
find(const struct ss_holds *holds, const struct ss_memory_key *key)
{
    size_t i;

    for (i = 0; i < holds->count; i++) {
        if (same_key(holds->list[i].key, key))
            break;
    }
    return i;
}

static void
drop(struct ss_holds *holds, size_t n)
{
    free(holds->list[n].key);
    holds->count--;
    memmove(&holds->list[n], &holds->list[n + 1], (holds->count - n) * sizeof(holds->list[0]));
}

void
ss_holds_free(struct ss_holds *holds)
{
    while (holds->count > 0)
        drop(holds, holds->count - 1);
}

void
ss_holds_begin(struct ss_holds *holds, const struct ss_memory_key *key, int64_t at)
{
    struct ss_memory_key *copy;

    if (find(holds, key) < holds->count)
        return;
    copy = malloc(sizeof(*copy));
    if (copy == NULL)
        return;
    *copy = *key;
    if (holds->count == SS_HOLDS)
        drop(holds, 0);
    holds->list[holds->count].key = copy;
    holds->list[holds->count].since = at;
    holds->count++;
}

int64_t
ss_holds_since(const struct ss_holds *holds, const struct ss_memory_key *key)
{
    size_t n = find(holds, key);

    return n < holds->count ? holds->list[n].since : 0;
}

void
ss_holds_end(struct ss_holds *holds, const struct ss_memory_key *key)
{
    size_t n = find(holds, key);

    if (n < holds->count)
        drop(holds, n);
}
