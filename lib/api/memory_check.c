/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/context.h"
#include "memory/export.h"

struct checking {
    enum ss_store_table table;
    size_t faults;
};

static int
no_line(void *arg, const char *line)
{
    (void)arg;
    (void)line;
    return 0;
}

/* Sound is what can be read to the end, and so written out. */
static int
check_entry(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    struct checking *checking = arg;
    bool damaged = false;
    int r = ss_export_entry(checking->table, key, value, no_line, NULL, &damaged);

    checking->faults += damaged ? 1 : 0;
    return r;
}

static int
check_entries(struct ss_store *store, struct checking *checking)
{
    int r;

    checking->table = SS_TABLE_CLAIMS;
    r = ss_store_walk(store, SS_TABLE_CLAIMS, check_entry, checking);
    checking->table = SS_TABLE_POLICIES;
    return r == 0 ? ss_store_walk(store, SS_TABLE_POLICIES, check_entry, checking) : r;
}

int
smtpsec_memory_check(struct smtpsec_context *context, size_t *faults)
{
    struct checking checking = {SS_TABLE_CLAIMS, 0};
    bool damaged = false;
    int r;

    if (context == NULL)
        return SMTPSEC_E_INVALID;
    if (context->store == NULL)
        return SMTPSEC_E_MEMORY;
    r = ss_store_check(context->store, &damaged);
    if (r == 0 && damaged)
        checking.faults++;
    /* Behind a damaged page nobody should follow LMDB. */
    if (r == 0 && !damaged)
        r = check_entries(context->store, &checking);
    if (r == SMTPSEC_E_MEMORY || damaged)
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_LOST, ss_context_now(context), "",
                      "the memory cannot be read as a whole: %s",
                      damaged ? "pages are damaged" : context->store->error.text);
    if (faults != NULL)
        *faults = checking.faults;
    return damaged ? SMTPSEC_E_MEMORY : r;
}
