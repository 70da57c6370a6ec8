/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/due.h"

#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "engine/learn.h"

struct listing {
    const struct smtpsec_context *context;
    enum ss_refresh_action action;
    size_t most;
    int64_t now;
    struct smtpsec_due *due;
};

static int
by_time(const void *a, const void *b)
{
    const struct ss_due_item *left = a;
    const struct ss_due_item *right = b;

    if (left->refresh.due != right->refresh.due)
        return left->refresh.due < right->refresh.due ? -1 : 1;
    return ss_name_compare(&left->domain.name, &right->domain.name);
}

static void
cut(struct smtpsec_due *due, size_t most)
{
    if (due->count > 0)
        qsort(due->list, due->count, sizeof(*due->list), by_time);
    if (due->count > most)
        due->count = most;
}

/* However many are due, no more than twice what is asked for are held. */
static int
add(struct listing *listing, const struct ss_name *domain, const struct ss_refresh *refresh)
{
    struct smtpsec_due *due = listing->due;
    struct ss_due_item *item;

    if (due->count >= listing->most && due->count - listing->most >= listing->most)
        cut(due, listing->most);
    if (due->count == due->cap) {
        size_t cap = due->cap == 0 ? 16 : due->cap * 2;
        struct ss_due_item *list = realloc(due->list, cap * sizeof(*list));

        if (list == NULL)
            return SMTPSEC_E_NOMEM;
        due->list = list;
        due->cap = cap;
    }
    item = &due->list[due->count++];
    memset(item, 0, sizeof(*item));
    ss_reference_set(&item->domain, domain);
    item->refresh = *refresh;
    return 0;
}

static int
visit(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct listing *listing = arg;
    struct ss_sts_entry entry;
    struct ss_refresh refresh;
    struct ss_name domain;
    int r;

    if (!ss_name_from_wire(&domain, key.data, key.len))
        return 0;
    r = ss_sts_entry_read(&entry, key, value);
    if (r != 0)
        return r == SMTPSEC_E_NOMEM ? r : 0; /* damaged: said when it is used */
    r = ss_refresh_judge(&entry, key, listing->context->refresh_seed, listing->now, &refresh);
    ss_sts_entry_free(&entry);
    return r == 0 && refresh.action == listing->action ? add(listing, &domain, &refresh) : r;
}

int
ss_due_list(struct smtpsec_context *context, enum ss_refresh_action action, size_t most,
            struct smtpsec_due **out)
{
    struct listing listing;
    bool held;
    int r = 0;

    if (context->store == NULL)
        return SMTPSEC_E_MEMORY;
    memset(&listing, 0, sizeof(listing));
    listing.context = context;
    listing.action = action;
    listing.most = most;
    listing.now = ss_context_now(context);
    held = ss_context_memory_time(context, listing.now).held;
    listing.due = calloc(1, sizeof(*listing.due));
    if (listing.due == NULL)
        return SMTPSEC_E_NOMEM;
    /* Nothing is removed by a clock that is not believed (6.2). */
    if (action != SS_REFRESH_REMOVE || !held)
        r = ss_store_walk(context->store, SS_TABLE_POLICIES, visit, &listing);
    if (r != 0) {
        smtpsec_due_free(listing.due);
        return r;
    }
    cut(listing.due, most);
    *out = listing.due;
    return 0;
}

int
smtpsec_refresh_due(struct smtpsec_context *context, size_t most, struct smtpsec_due **out)
{
    if (context == NULL || most == 0 || out == NULL)
        return SMTPSEC_E_INVALID;
    return ss_due_list(context, SS_REFRESH_FETCH, most, out);
}

void
smtpsec_due_free(struct smtpsec_due *due)
{
    if (due == NULL)
        return;
    free(due->list);
    free(due);
}

size_t
smtpsec_due_count(const struct smtpsec_due *due)
{
    return due == NULL ? 0 : due->count;
}

const char *
smtpsec_due_domain(const struct smtpsec_due *due, size_t n)
{
    return due == NULL || n >= due->count ? NULL : due->list[n].domain.text;
}

static const struct ss_refresh *
item(const struct smtpsec_due *due, size_t n)
{
    static const struct ss_refresh none;

    return due == NULL || n >= due->count ? &none : &due->list[n].refresh;
}

int64_t
smtpsec_due_time(const struct smtpsec_due *due, size_t n)
{
    return item(due, n)->due;
}

int64_t
smtpsec_due_expires(const struct smtpsec_due *due, size_t n)
{
    return item(due, n)->expires;
}

int32_t
smtpsec_due_mode(const struct smtpsec_due *due, size_t n)
{
    return item(due, n)->mode;
}

int64_t
smtpsec_due_failing_since(const struct smtpsec_due *due, size_t n)
{
    return item(due, n)->failing_since;
}
