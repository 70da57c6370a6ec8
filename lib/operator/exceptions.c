/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator/exceptions.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

struct ss_exceptions {
    atomic_uint references;
    size_t count;
    size_t room;
    struct ss_exception *list; /* sorted by domain, then scope */
};

struct ss_exceptions *
ss_exceptions_ref(struct ss_exceptions *table)
{
    if (table != NULL)
        atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

void
ss_exceptions_unref(struct ss_exceptions *table)
{
    if (table == NULL ||
        atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1)
        return;
    free(table->list);
    free(table);
}

size_t
ss_exceptions_count(const struct ss_exceptions *table)
{
    return table == NULL ? 0 : table->count;
}

const struct ss_exception *
ss_exceptions_at(const struct ss_exceptions *table, size_t n)
{
    return n < ss_exceptions_count(table) ? &table->list[n] : NULL;
}

static int
compare(const struct ss_exception *one, const struct ss_name *domain, bool below)
{
    int order = ss_name_compare(&one->domain, domain);

    return order != 0 ? order : (int)one->below - (int)below;
}

/* Where the first of that domain and scope stands, or would. */
static size_t
place_of(const struct ss_exceptions *table, const struct ss_name *domain, bool below)
{
    size_t low = 0, high = table->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare(&table->list[middle], domain, below) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* A table of one's own with room for one more. */
static struct ss_exceptions *
copy_wider(const struct ss_exceptions *table)
{
    struct ss_exceptions *copy = calloc(1, sizeof(*copy));
    size_t count = ss_exceptions_count(table);

    if (copy == NULL)
        return NULL;
    atomic_init(&copy->references, 1);
    copy->room = count < 8 ? 8 : count * 2;
    copy->list = calloc(copy->room, sizeof(*copy->list));
    if (copy->list == NULL) {
        free(copy);
        return NULL;
    }
    if (count > 0)
        memcpy(copy->list, table->list, count * sizeof(*copy->list));
    copy->count = count;
    return copy;
}

int
ss_exceptions_add(struct ss_exceptions **table, const struct ss_exception *exception)
{
    struct ss_exceptions *mine = *table;
    size_t at;

    if (ss_exceptions_count(mine) >= SS_EXCEPTIONS_MAX)
        return SMTPSEC_E_LIMIT;
    if (mine == NULL || mine->count == mine->room ||
        atomic_load_explicit(&mine->references, memory_order_acquire) != 1) {
        mine = copy_wider(*table);
        if (mine == NULL)
            return SMTPSEC_E_NOMEM;
        ss_exceptions_unref(*table);
        *table = mine;
    }
    at = place_of(mine, &exception->domain, exception->below);
    memmove(&mine->list[at + 1], &mine->list[at], (mine->count - at) * sizeof(*mine->list));
    mine->list[at] = *exception;
    mine->count++;
    return 0;
}

/* Of those for one domain and scope: the one that lasts longest. exact: for just this kind. */
static const struct ss_exception *
longest(const struct ss_exceptions *table, const struct ss_name *domain, bool below, int32_t kind,
        bool exact)
{
    const struct ss_exception *best = NULL, *one;
    size_t i;

    for (i = place_of(table, domain, below); i < table->count; i++) {
        one = &table->list[i];
        if (compare(one, domain, below) != 0)
            break;
        if ((one->kind == kind || (!exact && one->kind == 0 && kind <= SMTPSEC_CLAIM_DNSSEC)) &&
            (best == NULL || one->until > best->until))
            best = one;
    }
    return best;
}

const struct ss_exception *
ss_exceptions_exact(const struct ss_exceptions *table, const struct ss_name *domain, bool below,
                    int32_t kind)
{
    return table == NULL ? NULL : longest(table, domain, below, kind, true);
}

const struct ss_exception *
ss_exceptions_find(const struct ss_exceptions *table, const struct ss_name *domain, int32_t kind,
                   int64_t now)
{
    const struct ss_exception *best, *one;
    struct ss_name above;
    size_t at;

    if (ss_exceptions_count(table) == 0 || domain->len <= 1)
        return NULL;
    best = longest(table, domain, false, kind, false);
    /* Each parent but the root, for which nobody can make an exception. */
    for (at = 1 + (size_t)domain->wire[0]; at + 1 < domain->len;
         at += 1 + (size_t)domain->wire[at]) {
        above.len = (uint8_t)(domain->len - at);
        memcpy(above.wire, domain->wire + at, above.len);
        one = longest(table, &above, true, kind, false);
        if (one != NULL && (best == NULL || one->until > best->until))
            best = one;
    }
    return best != NULL && now <= best->until ? best : NULL;
}
