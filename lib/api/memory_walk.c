/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/memory_walk.h"

#include <string.h>

#include "pkix/idna.h"

#define SLICE 64

struct walk {
    ss_store_each each;
    void *arg;
    const struct ss_name *domain;
    struct ss_buf last; /* key of the last entry visited */
    size_t visited;
    bool past; /* the domain's entries are behind us */
};

/* Keys of both tables begin with the domain, whose root ends it. */
static bool
is_of(struct ss_bytes key, const struct ss_name *domain)
{
    return key.len >= domain->len && memcmp(key.data, domain->wire, domain->len) == 0;
}

static int
visit(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct walk *walk = arg;

    walk->past = !is_of(key, walk->domain);
    if (walk->past)
        return 1;
    walk->visited++;
    walk->last.len = 0;
    ss_buf_put(&walk->last, key.data, key.len);
    if (!ss_buf_ok(&walk->last))
        return SMTPSEC_E_NOMEM;
    return walk->each(walk->arg, key, value);
}

/* From just before the shortest key of the domain, which lacks nothing but a route. */
static int
walk_domain(struct ss_store *store, enum ss_store_table table, struct walk *walk)
{
    struct ss_bytes after;
    int r;

    ss_buf_init(&walk->last, 4096);
    ss_buf_put(&walk->last, walk->domain->wire, (size_t)walk->domain->len - 1);
    do {
        walk->visited = 0;
        after.data = walk->last.data;
        after.len = walk->last.len;
        r = ss_buf_ok(&walk->last)
                ? ss_store_each_after(store, table, after, SLICE, visit, walk)
                : SMTPSEC_E_NOMEM;
    } while (r == 0 && walk->visited == SLICE);
    ss_buf_free(&walk->last);
    return walk->past ? 0 : r;
}

int
ss_memory_walk(struct ss_store *store, enum ss_store_table table, const struct ss_name *domain,
               ss_store_each each, void *arg)
{
    struct walk walk;

    if (domain == NULL)
        return ss_store_walk(store, table, each, arg);
    memset(&walk, 0, sizeof(walk));
    walk.each = each;
    walk.arg = arg;
    walk.domain = domain;
    return walk_domain(store, table, &walk);
}

int
ss_memory_ready(const struct smtpsec_context *context, const char *domain, struct ss_name *room,
                const struct ss_name **name)
{
    int r = 0;

    *name = NULL;
    if (context == NULL)
        return SMTPSEC_E_INVALID;
    if (domain != NULL) {
        r = ss_idna_name(room, domain);
        *name = room;
    }
    return r == 0 && context->store == NULL ? SMTPSEC_E_MEMORY : r;
}
