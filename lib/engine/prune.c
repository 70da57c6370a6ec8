/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/prune.h"

#include "engine/kept.h"
#include "memory/prune.h"

struct pruning {
    struct ss_bytes key;
    const struct ss_memory_settings *settings;
    int64_t now;
    enum ss_pruned what;
};

/* out: what remains, or NULL when nobody wants it. */
static int
prune(struct pruning *pruning, struct ss_bytes value, struct ss_buf *out)
{
    struct ss_memory_key key;
    struct ss_record record;
    bool changed;
    int r;

    pruning->what = SS_PRUNED_NOTHING;
    if (!ss_memory_key_read(&key, pruning->key))
        return 0;
    r = ss_record_read(&record, &key, value);
    if (r != 0)
        return r == SMTPSEC_E_NOMEM ? r : 0;
    changed = ss_record_prune(&record, pruning->settings, pruning->now);
    if (ss_record_spent(&record, pruning->settings, pruning->now)) {
        pruning->what = SS_PRUNED_ALL;
    } else if (changed) {
        pruning->what = SS_PRUNED_CLAIMS;
        if (out != NULL)
            ss_record_write(out, &record);
    }
    ss_record_free(&record);
    return 0;
}

int
ss_prune_judge(struct ss_bytes key, struct ss_bytes value,
               const struct ss_memory_settings *settings, int64_t now, enum ss_pruned *what)
{
    struct pruning pruning = {key, settings, now, SS_PRUNED_NOTHING};
    int r = prune(&pruning, value, NULL);

    *what = pruning.what;
    return r;
}

static int
edit(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    /* Losing claims lifts nothing off probation, and puts nothing on it. */
    static const enum ss_edit choices[] = {SS_EDIT_KEEP, SS_EDIT_PUT_NEW, SS_EDIT_DELETE};
    struct pruning *pruning = arg;
    int r = 0;

    pruning->what = SS_PRUNED_NOTHING;
    if (old != NULL)
        r = prune(pruning, *old, out);
    *choice = choices[pruning->what];
    return r;
}

int
ss_prune_destination(struct ss_store *store, struct ss_bytes key,
                     const struct ss_memory_settings *settings, int64_t now, enum ss_pruned *what)
{
    struct pruning pruning = {key, settings, now, SS_PRUNED_NOTHING};
    int r = ss_kept_update_spent(store, SS_TABLE_CLAIMS, key, edit, &pruning);

    *what = r == 0 ? pruning.what : SS_PRUNED_NOTHING;
    return r;
}
