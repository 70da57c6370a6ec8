/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/learn.h"

#include <stdlib.h>
#include <string.h>

#include "decision/observe.h"
#include "decision/resolve.h"
#include "decision/sts_view.h"
#include "engine/kept.h"
#include "engine/refresh.h"
#include "memory/rank.h"

static struct ss_bytes
view(const struct ss_buf *buf)
{
    struct ss_bytes bytes;

    bytes.data = buf->data;
    bytes.len = buf->len;
    return bytes;
}

/* ---- Claims ---- */

struct claim_edit {
    const struct ss_memory_key *key;
    const struct ss_memory_settings *settings;
    const struct ss_observation *list;
    size_t count;
    bool ends_seen;   /* an unsigned end was seen: start or keep its day */
    bool ends_gone;   /* the domain answers: forget that day */
    int64_t now;      /* the memory's */
    struct ss_lowered *lowered; /* receives what proofs ended; NULL: nobody asks */
};

static bool
mark_ends(const struct claim_edit *edit, struct ss_record *record)
{
    /* Without claims too: a live policy alone holds such an answer, and its day must end. */
    if (edit->ends_seen && record->held_until == 0) {
        record->held_until = edit->now + SS_DAY;
        return true;
    }
    if (edit->ends_gone && record->held_until != 0) {
        record->held_until = 0;
        return true;
    }
    return false;
}

static int
observe_and_note(const struct claim_edit *edit, struct ss_record *record,
                 const struct ss_observation *seen, bool *changed)
{
    struct ss_record before;
    int r;

    if (edit->lowered == NULL)
        return ss_record_observe(record, edit->settings, seen, changed);
    r = ss_record_copy(&before, record);
    if (r == 0)
        r = ss_record_observe(record, edit->settings, seen, changed);
    if (r == 0 && *changed)
        ss_lowered_note(edit->lowered, &before, record, edit->settings, seen, edit->now);
    ss_record_free(&before);
    return r;
}

/* What an edit makes of a record; asked on a copy, and done in the transaction. */
static int
apply_edit(const struct claim_edit *edit, struct ss_record *record, bool *changed)
{
    bool any;
    size_t i;
    int r = 0;

    *changed = false;
    for (i = 0; r == 0 && i < edit->count; i++) {
        r = observe_and_note(edit, record, &edit->list[i], &any);
        *changed = *changed || any;
    }
    if (r == 0)
        *changed = mark_ends(edit, record) || *changed;
    return r;
}

static int
edit_claims(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct claim_edit *edit = arg;
    struct ss_record record;
    bool changed = false;
    int r = 0;

    if (edit->lowered != NULL)
        edit->lowered->count = 0; /* of an earlier time it was asked */
    ss_record_init(&record, edit->key);
    if (old != NULL)
        r = ss_record_read(&record, edit->key, *old);
    /* Damaged: what was there is lost already, and was said when it was read. Newer: left alone. */
    if (r == SMTPSEC_E_FORMAT) {
        ss_record_init(&record, edit->key);
        r = 0;
    }
    if (r == 0)
        r = apply_edit(edit, &record, &changed);
    *choice = SS_EDIT_KEEP;
    if (r == 0 && changed &&
        (record.count > 0 || record.mx_inception != 0 || record.held_until != 0)) {
        ss_record_write(out, &record);
        *choice = ss_record_ripe(&record) ? SS_EDIT_PUT : SS_EDIT_PUT_NEW;
    } else if (r == 0 && changed && old != NULL) {
        *choice = SS_EDIT_DELETE;
    }
    ss_record_free(&record);
    return r;
}

static int
write_claims(struct ss_store *store, struct claim_edit *edit)
{
    struct ss_buf key;
    int r;

    ss_buf_init(&key, 1024);
    ss_memory_key_write(&key, edit->key);
    r = ss_buf_ok(&key) ? ss_kept_update(store, SS_TABLE_CLAIMS, view(&key), edit_claims, edit,
                                         edit->now)
                        : SMTPSEC_E_NOMEM;
    ss_buf_free(&key);
    return r;
}

/* Would the claims change at all? Asked on a copy, so that an unchanged domain opens no transaction. */
static int
claims_change(const struct ss_record *record, const struct claim_edit *edit, bool *changes)
{
    struct ss_record copy;
    int r;

    *changes = false;
    r = ss_record_copy(&copy, record);
    if (r == 0)
        r = apply_edit(edit, &copy, changes);
    ss_record_free(&copy);
    return r;
}

/* ---- Policies ---- */

struct policy_edit {
    struct ss_bytes key;
    const struct ss_sts_view *view;
    bool refresh; /* no mail asked for it */
    int64_t now;
};

static int64_t
day_of(int64_t now)
{
    return now - now % SS_DAY;
}

static int
set_policy(struct ss_sts_entry *entry, const struct policy_edit *edit)
{
    const struct ss_sts_view *found = edit->view;
    int64_t now = edit->now;
    uint8_t *body;

    /* A first fetch apart from the evaluation that wanted it is asked for by mail, too. */
    if (!edit->refresh || (found->fetched != NULL && entry->used == 0))
        ss_sts_entry_use(entry, day_of(now));
    if (found->fetched == NULL) {
        /* STSF-13: only the attempt is kept; the policy that is held stays (STSF-12). */
        memcpy(entry->failed_id, found->wanted_id, sizeof(entry->failed_id));
        entry->failed_at = now;
        entry->attempted = now;
        entry->failed_why = found->error == SMTPSEC_RESULT_STS_POLICY_INVALID
                                ? SS_STS_FAILED_GRAMMAR
                                : found->failure; /* RPT-18: for reports on later deliveries */
        if (entry->failing_since == 0)
            entry->failing_since = now;
        return 0;
    }
    body = malloc(found->fetched->len > 0 ? found->fetched->len : 1);
    if (body == NULL)
        return SMTPSEC_E_NOMEM;
    if (found->fetched->len > 0)
        memcpy(body, found->fetched->body, found->fetched->len);
    free(entry->body);
    entry->body = body;
    entry->len = found->fetched->len;
    memcpy(entry->id, found->id, sizeof(entry->id));
    entry->fetched = found->fetched->at;
    entry->max_age = found->policy.max_age;
    entry->failed_id[0] = '\0';
    entry->failed_at = 0;
    entry->attempted = now;
    entry->failing_since = 0;
    entry->failed_why = 0;
    return 0;
}

/* Another lookup of the same fetch has stored it already. */
static bool
stored(const struct ss_sts_entry *entry, const struct policy_edit *edit)
{
    const struct ss_https_fact *fetched = edit->view->fetched;

    if (fetched == NULL)
        return entry->attempted == edit->now && entry->failed_at == edit->now &&
               strcmp(entry->failed_id, edit->view->wanted_id) == 0;
    return entry->fetched == fetched->at && strcmp(entry->id, edit->view->id) == 0 &&
           entry->len == fetched->len && entry->len > 0 &&
           memcmp(entry->body, fetched->body, entry->len) == 0;
}

static int
edit_policy(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct policy_edit *edit = arg;
    struct ss_sts_entry entry;
    int r = 0;

    *choice = SS_EDIT_KEEP;
    ss_sts_entry_init(&entry);
    if (old != NULL)
        r = ss_sts_entry_read(&entry, edit->key, *old);
    if (r == SMTPSEC_E_FORMAT) {
        ss_sts_entry_init(&entry);
        r = 0;
    }
    /*
     * Somebody else may have fetched a newer one meanwhile: the later fetch stays.
     * But one from after now was fetched under a wrong clock.
     */
    if (r == 0 && !stored(&entry, edit) &&
        (edit->view->fetched == NULL || entry.fetched <= edit->view->fetched->at ||
         entry.fetched > edit->now)) {
        r = set_policy(&entry, edit);
        if (r == 0) {
            ss_sts_entry_write(out, edit->key, &entry);
            *choice = ss_sts_entry_ripe(&entry) ? SS_EDIT_PUT : SS_EDIT_PUT_NEW;
        }
    }
    ss_sts_entry_free(&entry);
    return r;
}

/* Only policies that mail asks for are refreshed (refresh.h); a day is exact enough. */
static int
edit_use(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct policy_edit *edit = arg;
    struct ss_sts_entry entry;
    int r;

    *choice = SS_EDIT_KEEP;
    if (old == NULL)
        return 0;
    r = ss_sts_entry_read(&entry, edit->key, *old);
    if (r != 0)
        return r == SMTPSEC_E_NOMEM ? r : 0;
    if (entry.used < day_of(edit->now)) {
        ss_sts_entry_use(&entry, day_of(edit->now));
        ss_sts_entry_write(out, edit->key, &entry);
        *choice = ss_sts_entry_ripe(&entry) ? SS_EDIT_PUT : SS_EDIT_PUT_NEW;
    }
    ss_sts_entry_free(&entry);
    return 0;
}

static int
learn_policy(struct ss_store *store, const struct ss_lookup *lookup, const struct ss_sts_view *found,
             int64_t now)
{
    const struct ss_evidence *evidence = &lookup->evidence;
    struct ss_bytes key = ss_policy_key(&evidence->destination.domain);
    struct policy_edit edit = {key, found, evidence->refresh, now};

    if (found->attempted)
        return ss_kept_update(store, SS_TABLE_POLICIES, key, edit_policy, &edit, now);
    if (evidence->refresh || found->source != SMTPSEC_STS_SOURCE_CACHED ||
        evidence->entry.used >= day_of(now))
        return 0;
    return ss_kept_update(store, SS_TABLE_POLICIES, key, edit_use, &edit, now);
}

int
ss_learn_lookup(struct ss_store *store, const struct ss_lookup *lookup,
                const struct smtpsec_plan *plan, int64_t now)
{
    const struct ss_evidence *evidence = &lookup->evidence;
    struct ss_observations observations;
    struct ss_resolution resolution;
    struct ss_sts_view found;
    struct claim_edit edit;
    bool changes = false;
    bool full;
    int r;

    if (evidence->destination.literal)
        return 0;
    memset(&found, 0, sizeof(found));
    memset(&observations, 0, sizeof(observations));
    r = ss_resolve(evidence, &lookup->settings, now, NULL, NULL, &resolution);
    if (r == 0 && resolution.reason == SMTPSEC_REASON_NONE)
        r = ss_sts_view_read(evidence, &lookup->settings, &resolution, now, NULL, NULL, &found);
    if (r == 0)
        r = ss_observations_read(evidence, &resolution, &found, now, &observations);
    if (evidence->memory_at != 0)
        ss_observations_hold(&observations, evidence->memory_at);
    if (r == 0)
        r = learn_policy(store, lookup, &found, now);
    /* 6.12: no room for the policy; there may be some for the claims. */
    full = r == SMTPSEC_E_LIMIT;
    if (r != 0 && !full)
        goto out;
    memset(&edit, 0, sizeof(edit));
    edit.key = &evidence->record.key;
    edit.settings = &plan->settings.memory;
    edit.list = observations.list;
    edit.count = observations.count;
    edit.now = ss_evidence_memory_time(evidence, now);
    /* Nothing begins while the clock is not believed. */
    edit.ends_seen = plan->reason == SMTPSEC_REASON_ANSWER_HELD && evidence->memory_at == 0;
    edit.ends_gone = plan->verdict == SMTPSEC_VERDICT_DELIVER;
    r = claims_change(&evidence->record, &edit, &changes);
    edit.lowered = lookup->lowered;
    if (r == 0 && changes)
        r = write_claims(store, &edit);
    if (r == 0 && full)
        r = SMTPSEC_E_LIMIT;
out:
    ss_observations_free(&observations);
    ss_sts_view_free(&found);
    ss_resolution_free(&resolution);
    return r;
}

/* The claims that a refreshed policy proves or lowers, beside those of the destination. */
static int
learn_refreshed_claims(struct ss_store *store, const struct ss_lookup *lookup,
                       const struct ss_sts_view *found, int64_t now)
{
    struct ss_observations observations;
    struct ss_resolution nothing;
    struct claim_edit edit;
    bool changes = false;
    int r;

    memset(&nothing, 0, sizeof(nothing));
    r = ss_observations_read(&lookup->evidence, &nothing, found, now, &observations);
    if (r != 0)
        return r;
    if (lookup->evidence.memory_at != 0)
        ss_observations_hold(&observations, lookup->evidence.memory_at);
    memset(&edit, 0, sizeof(edit));
    edit.key = &lookup->evidence.record.key;
    edit.settings = &lookup->settings.memory;
    edit.list = observations.list;
    edit.count = observations.count;
    edit.now = ss_evidence_memory_time(&lookup->evidence, now);
    r = claims_change(&lookup->evidence.record, &edit, &changes);
    edit.lowered = lookup->lowered;
    if (r == 0 && changes)
        r = write_claims(store, &edit);
    ss_observations_free(&observations);
    return r;
}

int
ss_learn_refresh(struct ss_store *store, const struct ss_lookup *lookup, int64_t now,
                 enum ss_refreshed *what)
{
    struct ss_resolution nothing;
    struct ss_sts_view found;
    int r;

    *what = SS_REFRESHED_NOT;
    memset(&nothing, 0, sizeof(nothing));
    r = ss_sts_view_read(&lookup->evidence, &lookup->settings, &nothing, now, NULL, NULL, &found);
    if (r == 0 && found.attempted) {
        *what = found.fetched != NULL ? SS_REFRESHED_YES : SS_REFRESHED_FAILED;
        r = learn_policy(store, lookup, &found, now);
        if (r == 0 && found.fetched != NULL)
            r = learn_refreshed_claims(store, lookup, &found, now);
    }
    ss_sts_view_free(&found);
    return r;
}

int
ss_learn_outcome(struct ss_store *store, const struct ss_memory_settings *settings,
                 const struct smtpsec_outcome *outcome, int64_t refused, int64_t now)
{
    struct ss_observation list[2];
    struct claim_edit edit;

    if (ss_outcome_stale(outcome, now))
        return SMTPSEC_E_STALE;
    memset(&edit, 0, sizeof(edit));
    memset(list, 0, sizeof(list));
    if (refused != 0) {
        list[0].what = SS_OBSERVED_REFUSAL;
        list[0].at = refused;
        list[0].soft = true;
        edit.count++;
    }
    if (!ss_outcome_observation(outcome, &list[edit.count]))
        return 0;
    edit.key = &outcome->key;
    edit.settings = settings;
    edit.list = list;
    edit.count++;
    edit.now = now;
    return write_claims(store, &edit);
}
