/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/export.h"

#include <string.h>

#include "api/memory_walk.h"

struct writing {
    enum ss_store_table table;
    bool begun;
    smtpsec_line line;
    void *user;
};

/* The first line waits for what follows it: nothing is said of a memory that cannot be read. */
static int
begin(struct writing *writing)
{
    if (writing->begun)
        return 0;
    writing->begun = true;
    return writing->line(writing->user, SS_EXPORT_HEAD);
}

static int
write_entry(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct writing *writing = arg;
    int r = begin(writing);

    if (r != 0)
        return r;
    return ss_export_entry(writing->table, key, value, writing->line, writing->user, NULL);
}

int
smtpsec_memory_export(struct smtpsec_context *context, const char *domain, smtpsec_line line,
                      void *user)
{
    struct writing writing = {SS_TABLE_CLAIMS, false, line, user};
    const struct ss_name *name;
    struct ss_name room;
    int r = ss_memory_ready(context, domain, &room, &name);

    if (r == SMTPSEC_E_INVALID || line == NULL)
        return SMTPSEC_E_INVALID;
    if (r == 0)
        r = ss_memory_walk(context->store, SS_TABLE_CLAIMS, name, write_entry, &writing);
    writing.table = SS_TABLE_POLICIES;
    if (r == 0)
        r = ss_memory_walk(context->store, SS_TABLE_POLICIES, name, write_entry, &writing);
    return r == 0 ? begin(&writing) : r;
}
