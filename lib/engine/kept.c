/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/kept.h"

#include <string.h>

#include "engine/learn.h"

static struct ss_bytes
view(const struct ss_buf *buf)
{
    return (struct ss_bytes){buf->data, buf->len};
}

/* ---- Marks ---- */

struct marking {
    enum ss_store_table table;
    struct ss_bytes key;   /* of the plan */
    struct ss_stamp stamp; /* of what will be remembered */
    int64_t now;
};

/* What the other table's writer said of its part still stands. */
static int
edit_mark(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct marking *marking = arg;
    struct ss_kept_head head;

    if (old == NULL || ss_kept_head_read(&head, *old, marking->key) != SS_KEPT_MARK)
        memset(&head, 0, sizeof(head));
    head.made = marking->now;
    if (marking->table == SS_TABLE_CLAIMS) {
        head.of_claims = true;
        head.stamps.claims = marking->stamp;
    } else {
        head.of_policy = true;
        head.stamps.policy = marking->stamp;
    }
    ss_kept_mark_write(out, marking->key, &head);
    *choice = SS_EDIT_PUT;
    return 0;
}

static int
edit_drop_plan(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct marking *marking = arg;
    struct ss_kept_head head;

    (void)out;
    *choice = SS_EDIT_KEEP;
    if (old != NULL && ss_kept_head_read(&head, *old, marking->key) != SS_KEPT_MARK)
        *choice = SS_EDIT_DELETE;
    return 0;
}

struct change {
    struct ss_store *store;
    ss_store_edit edit;
    void *arg;
    struct marking marking;
    bool spent;
    bool concerns; /* there may be a plan made of it */
    bool unmarked; /* and no mark could be written */
};

/* Is a kept plan made of what stands under this key? Which domain's? */
static bool
find_domain(enum ss_store_table table, struct ss_bytes key, struct ss_memory_key *whose,
            struct ss_bytes *domain)
{
    *domain = key;
    if (table == SS_TABLE_POLICIES)
        return true;
    if (!ss_memory_key_read(whose, key) || whose->relay.len > 0 || whose->port != 25)
        return false;
    *domain = ss_policy_key(&whose->domain);
    return true;
}

static bool
put_mark(struct change *change)
{
    ss_store_edit edit = change->spent ? edit_drop_plan : edit_mark;

    return ss_store_update(change->store, SS_TABLE_PLANS, change->marking.key, edit,
                           &change->marking) == 0;
}

/*
 * Inside the write of the memory, before it is committed. A plan that could not
 * be marked must not stay, and nobody knows what else will fail: all go. The
 * mark is then still wanted, against who keeps a plan before the commit.
 */
static void
mark(struct change *change)
{
    change->unmarked = false;
    if (!change->concerns || put_mark(change))
        return;
    (void)ss_store_discard_volatile(change->store);
    change->unmarked = !put_mark(change);
}

static int
edit_change(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    struct change *change = arg;
    struct ss_bytes none = {NULL, 0};
    int r = change->edit(change->arg, old, out, choice);

    if (r < 0 || *choice == SS_EDIT_KEEP)
        return r;
    change->marking.stamp = ss_stamp_of(*choice == SS_EDIT_DELETE ? none : view(out));
    mark(change);
    return r;
}

static int
update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key, ss_store_edit edit,
       void *arg, bool spent, int64_t now)
{
    struct change change = {store, edit, arg, {table, {NULL, 0}, {0, 0}, now}, spent, false, false};
    struct ss_memory_key whose;
    int r;

    change.concerns = find_domain(table, key, &whose, &change.marking.key);
    r = ss_store_update(store, table, key, edit_change, &change);
    /* What others kept since the first time was made of what is gone now. */
    if (change.unmarked)
        (void)ss_store_discard_volatile(store);
    return r;
}

int
ss_kept_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
               ss_store_edit edit, void *arg, int64_t now)
{
    return update(store, table, key, edit, arg, false, now);
}

int
ss_kept_update_spent(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                     ss_store_edit edit, void *arg)
{
    return update(store, table, key, edit, arg, true, 0);
}

/* ---- Keeping ---- */

enum kept { KEPT_NOT, KEPT_YES, KEPT_STALE, KEPT_MARKED };

struct offer {
    struct ss_store *store;
    const struct ss_name *domain;
    struct ss_stamps stamps; /* what the plan was made of */
    struct ss_bytes value;
    enum kept result;
};

/* The mark speaks of another value than the one that the plan was made of. */
static bool
forbids(const struct ss_kept_head *head, const struct ss_stamps *stamps)
{
    return (head->of_claims && !ss_stamp_equal(head->stamps.claims, stamps->claims)) ||
           (head->of_policy && !ss_stamp_equal(head->stamps.policy, stamps->policy));
}

/* Reading the memory from inside a write of plans takes no lock that a writer of it may hold. */
static int
edit_keep(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    struct offer *offer = arg;
    struct ss_kept_head head;
    struct ss_stamps now;
    int r;

    *choice = SS_EDIT_KEEP;
    offer->result = KEPT_STALE;
    r = ss_recall_stamps(offer->store, offer->domain, &now);
    if (r != 0)
        return r;
    if (!ss_stamp_equal(now.claims, offer->stamps.claims) ||
        !ss_stamp_equal(now.policy, offer->stamps.policy))
        return 0;
    offer->result = KEPT_MARKED;
    if (old != NULL &&
        ss_kept_head_read(&head, *old, ss_policy_key(offer->domain)) == SS_KEPT_MARK &&
        forbids(&head, &offer->stamps))
        return 0;
    ss_buf_put(out, offer->value.data, offer->value.len);
    *choice = SS_EDIT_PUT;
    offer->result = KEPT_YES;
    return 0;
}

/* ---- Marks of writers that died ---- */

struct sweep {
    struct ss_store *store;
    enum ss_store_table table;
    struct ss_bytes key; /* of the plan */
    struct ss_stamp stamp;
};

static int
edit_sweep(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct sweep *sweep = arg;
    bool claims = sweep->table == SS_TABLE_CLAIMS;
    struct ss_kept_head head;

    *choice = SS_EDIT_KEEP;
    if (old == NULL || ss_kept_head_read(&head, *old, sweep->key) != SS_KEPT_MARK)
        return 0;
    if (claims && !ss_stamp_equal(head.stamps.claims, sweep->stamp))
        head.of_claims = false;
    if (!claims && !ss_stamp_equal(head.stamps.policy, sweep->stamp))
        head.of_policy = false;
    *choice = head.of_claims || head.of_policy ? SS_EDIT_PUT : SS_EDIT_DELETE;
    if (*choice == SS_EDIT_PUT)
        ss_kept_mark_write(out, sweep->key, &head);
    return 0;
}

/* We hold the writers' lock: what stands here is what was committed, and nothing is on its way. */
static int
edit_beside(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    struct sweep *sweep = arg;
    struct ss_bytes none = {NULL, 0};

    (void)out;
    *choice = SS_EDIT_KEEP;
    sweep->stamp = ss_stamp_of(old != NULL ? *old : none);
    return ss_store_update(sweep->store, SS_TABLE_PLANS, sweep->key, edit_sweep, sweep);
}

static int
sweep(struct ss_store *store, const struct ss_name *domain)
{
    struct sweep sweep = {store, SS_TABLE_CLAIMS, ss_policy_key(domain), {0, 0}};
    struct ss_memory_key key;
    struct ss_buf octets;
    int r;

    memset(&key, 0, sizeof(key));
    key.domain = *domain;
    key.port = 25;
    ss_buf_init(&octets, 1024);
    ss_memory_key_write(&octets, &key);
    r = ss_buf_ok(&octets)
            ? ss_store_update(store, SS_TABLE_CLAIMS, view(&octets), edit_beside, &sweep)
            : SMTPSEC_E_NOMEM;
    ss_buf_free(&octets);
    sweep.table = SS_TABLE_POLICIES;
    if (r == 0)
        r = ss_store_update(store, SS_TABLE_POLICIES, sweep.key, edit_beside, &sweep);
    return r;
}

/* ---- The offer ---- */

/* The least life that is worth a write, in seconds. */
#define WORTH_KEEPING 2
/* A plan whose end decides otherwise is halved so often at most. */
#define HALVINGS 6

/* What would be kept already: the same, with at least half of the life still before it. */
static bool
stands_already(struct ss_store *store, struct ss_bytes key, const struct smtpsec_plan *plan,
               const struct ss_kept_head *head)
{
    struct ss_kept_head there;
    struct ss_kept kept;
    struct ss_buf value;
    bool same = false;

    ss_buf_init(&value, SS_KEPT_OCTETS);
    if (ss_store_get(store, SS_TABLE_PLANS, key, &value) == 0 &&
        ss_kept_head_read(&there, view(&value), key) == SS_KEPT_PLAN &&
        ss_stamp_equal(there.stamps.claims, head->stamps.claims) &&
        ss_stamp_equal(there.stamps.policy, head->stamps.policy) &&
        there.expires - head->made >= (head->expires - head->made) / 2)
        same = ss_kept_read(&kept, view(&value), key, head->fingerprint, head->made) &&
               strcmp(ss_kept_digest(&kept), plan->digest_hex) == 0;
    ss_buf_free(&value);
    return same;
}

/*
 * Time alone may change what the same evidence asks for: a claim ends, a replay
 * is held against no more, an unsigned zone is believed. So it is decided again
 * as of its last second; where that differs, the life is halved.
 */
static int
find_end(const struct ss_evidence *evidence, const struct ss_settings *settings,
         const struct smtpsec_plan *plan, int64_t now, int64_t *end)
{
    struct smtpsec_plan *last;
    bool same = false;
    int i, r;

    for (i = 0; i <= HALVINGS && !same && *end - now >= WORTH_KEEPING; i++) {
        if (i > 0)
            *end = now + (*end - now) / 2;
        r = ss_decide(evidence, settings, *end - 1, &last);
        if (r != 0)
            return r;
        same = ss_plan_is_same(plan, last) && ss_plan_is_whole(last, evidence);
        ss_plan_free(last);
    }
    if (!same)
        *end = now;
    return 0;
}

static int
put(struct offer *offer, const struct smtpsec_plan *plan, const struct ss_kept_head *head)
{
    struct ss_bytes key = ss_policy_key(offer->domain);
    struct ss_buf value;
    int r;

    ss_buf_init(&value, SS_KEPT_OCTETS);
    ss_kept_write(&value, key, head, plan);
    r = ss_buf_ok(&value) ? 0 : value.nomem ? SMTPSEC_E_NOMEM : SMTPSEC_E_LIMIT;
    offer->value = view(&value);
    if (r == 0)
        r = ss_store_update(offer->store, SS_TABLE_PLANS, key, edit_keep, offer);
    if (r == 0 && offer->result == KEPT_MARKED)
        r = sweep(offer->store, offer->domain);
    if (r == 0 && offer->result == KEPT_MARKED)
        r = ss_store_update(offer->store, SS_TABLE_PLANS, key, edit_keep, offer);
    ss_buf_free(&value);
    return r;
}

/* One try, by one state of the memory. */
static int
keep(struct offer *offer, const struct ss_evidence *evidence, const struct ss_settings *settings,
     const struct smtpsec_plan *plan, uint64_t fingerprint, int64_t now)
{
    struct ss_kept_head head;
    int r;

    offer->result = KEPT_NOT;
    memset(&head, 0, sizeof(head));
    head.fingerprint = fingerprint;
    head.stamps = offer->stamps;
    head.made = now;
    head.expires = ss_plan_kept_until(plan, evidence, now);
    if (!ss_plan_is_whole(plan, evidence) || head.expires - now < WORTH_KEEPING)
        return 0;
    if (stands_already(offer->store, ss_policy_key(offer->domain), plan, &head)) {
        offer->result = KEPT_YES;
        return 0;
    }
    r = find_end(evidence, settings, plan, now, &head.expires);
    if (r == 0 && head.expires > now)
        r = put(offer, plan, &head);
    return r;
}

/* The same answers, and the memory as it is now; the policy that was fetched stands there. */
static int
keep_anew(struct offer *offer, const struct ss_lookup *lookup, uint64_t fingerprint, int64_t now)
{
    const struct ss_evidence *before = &lookup->evidence;
    struct ss_evidence evidence = *before;
    struct smtpsec_plan *plan;
    int fault = 0;
    int r;

    r = ss_recall_stamped(offer->store, &before->destination, &evidence.record, &evidence.entry,
                          &offer->stamps, &fault);
    if (r != 0)
        return r;
    memset(&evidence.https, 0, sizeof(evidence.https));
    r = fault != 0 ? SMTPSEC_E_MEMORY : ss_decide(&evidence, &lookup->settings, now, &plan);
    if (r == 0) {
        r = keep(offer, &evidence, &lookup->settings, plan, fingerprint, now);
        ss_plan_free(plan);
    }
    ss_record_free(&evidence.record);
    ss_sts_entry_free(&evidence.entry);
    return r;
}

/* Somebody gave up waiting: what was asked and is not answered counts as failed. */
static bool
has_holes(const struct ss_lookup *lookup)
{
    size_t i;

    for (i = 0; i < lookup->need_count; i++)
        if (lookup->needs[i]->open && lookup->needs[i]->wanted)
            return true;
    return false;
}

int
ss_kept_offer(struct ss_store *store, const struct ss_lookup *lookup,
              const struct smtpsec_plan *plan, uint64_t fingerprint, int64_t now)
{
    const struct ss_evidence *evidence = &lookup->evidence;
    struct offer offer = {store, &evidence->destination.domain, lookup->stamps, {NULL, 0},
                          KEPT_NOT};
    int r = 0;

    if (lookup->deferred || has_holes(lookup) || !ss_plan_is_whole(plan, evidence))
        return 0;
    offer.result = KEPT_STALE;
    if (offer.stamps.known && !evidence->https.known)
        r = keep(&offer, evidence, &lookup->settings, plan, fingerprint, now);
    if (r == 0 && offer.result == KEPT_STALE)
        r = keep_anew(&offer, lookup, fingerprint, now);
    return r != 0 ? r : offer.result == KEPT_YES;
}

/* ---- Forgetting ---- */

static int
edit_forget(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    (void)arg;
    (void)out;
    *choice = old != NULL ? SS_EDIT_DELETE : SS_EDIT_KEEP;
    return 0;
}

int
ss_kept_forget(struct ss_store *store, const struct ss_name *domain)
{
    struct marking marking = {SS_TABLE_CLAIMS, ss_policy_key(domain), {0, 0}, 0};
    int r = ss_store_update(store, SS_TABLE_PLANS, marking.key, edit_drop_plan, &marking);

    if (r == 0)
        r = ss_store_update(store, SS_TABLE_ANSWERS, marking.key, edit_forget, NULL);
    return r;
}
