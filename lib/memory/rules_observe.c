/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an observation changes (DESIGN 6.1, 6.2; PREC-10). What the DNS says
 * under a signature, or no longer says under one, is in rules_signed.c.
 *
 * A host whose accepted delivery lacked TLS stays known by an ENCRYPTED claim
 * of no days: it asks for nothing, and votes so.
 */
#include "memory/rules.h"

#include <string.h>

#include "memory/life.h"
#include "memory/work.h"

void
ss_work_drop(struct ss_work *work, const struct ss_claim *claim)
{
    if (claim == NULL)
        return;
    ss_record_remove(work->record, claim);
    work->changed = true;
}

/* DESIGN 6.12: the claim with the least evidence goes, but none that is in force. */
static void
make_room(struct ss_work *work)
{
    const struct ss_record *record = work->record;
    const struct ss_claim *least = NULL, *claim;
    size_t i;

    if (record->count < SS_CLAIMS_MAX)
        return;
    for (i = 0; i < record->count; i++) {
        claim = &record->claims[i];
        if (ss_claim_in_force(claim, work->settings, work->at))
            continue;
        if (least == NULL || claim->days < least->days ||
            (claim->days == least->days && claim->last_seen < least->last_seen))
            least = claim;
    }
    ss_work_drop(work, least);
}

static void
start_anew(struct ss_claim *claim, int64_t at)
{
    struct ss_claim fresh = { .kind = claim->kind, .host = claim->host };

    *claim = fresh;
    claim->first_seen = at;
    claim->last_seen = at;
    claim->counted = at;
    claim->days = 1;
}

/* Count a proof: at most one day a day. True when the record must be written for it. */
static bool
count_proof(struct ss_claim *claim, const struct ss_memory_settings *settings, int64_t at)
{
    int64_t before = claim->last_seen;

    if (claim->days == 0 || ss_claim_faded(claim, settings, at)) {
        start_anew(claim, at);
        return true;
    }
    /* Older than what is known already, or the clock went back: nothing moves back. */
    if (at <= before)
        return false;
    claim->last_seen = at;
    if (at / SS_DAY > claim->counted / SS_DAY) {
        claim->counted = at;
        claim->days++;
        return true;
    }
    return at - before >= SS_WORTH_WRITING;
}

/*
 * Raise one kind of claim on the host of a delivery. What is not worth a write
 * is not kept either, so that the record stays what the store holds.
 */
static int
raise_claim(struct ss_work *work, int32_t kind)
{
    const struct ss_observation *seen = work->seen;
    struct ss_claim *claim = ss_record_find(work->record, kind, &seen->host);
    struct ss_claim next;
    bool write = false;

    if (claim == NULL) {
        make_room(work);
        if (work->record->count >= SS_CLAIMS_MAX)
            return 0;
        claim = ss_record_add(work->record, kind, &seen->host);
        if (claim == NULL)
            return SMTPSEC_E_NOMEM;
        write = true;
    }
    next = *claim;
    write = count_proof(&next, work->settings, work->at) || write;
    if (kind == SMTPSEC_CLAIM_DANE) {
        write = ss_claim_extend(&next, work) || write;
        write = ss_claim_take_evidence(&next, seen, SS_WORTH_WRITING) || write;
    } else if (kind == SMTPSEC_CLAIM_ENCRYPTED && !seen->unseen) {
        /* One place is enough for the key, and every TLS delivery has this claim. */
        memcpy(next.spki_digest, seen->spki_digest, SS_CLAIM_DIGEST);
    }
    if (!write)
        return 0;
    *claim = next;
    work->changed = true;
    return 0;
}

/* The property was missing: before the claim binds, or after its hold, it must be earned again. */
static void
weaken(struct ss_work *work, int32_t kind, const struct ss_name *host, bool hold_ended)
{
    struct ss_claim *claim = ss_record_find(work->record, kind, host);

    /* A delivery from before the last proof says nothing about what came after it. */
    if (claim == NULL || work->at < claim->last_seen)
        return;
    if (!ss_claim_in_force(claim, work->settings, work->at) ||
        (!ss_claim_is_hard(claim, work->at) && hold_ended))
        ss_work_drop(work, claim);
}

/* An accepted delivery without TLS makes the host known as one that asks for nothing. */
static int
mark_plain(struct ss_work *work)
{
    const struct ss_name *host = &work->seen->host;
    struct ss_claim *claim = ss_record_find(work->record, SMTPSEC_CLAIM_ENCRYPTED, host);
    bool fresh = claim == NULL;

    if (claim != NULL && (claim->days > 0 || work->at - claim->last_seen < SS_DAY))
        return 0;
    if (fresh && work->record->count == 0)
        return 0; /* where nothing was proved there is nothing to vote on */
    if (fresh) {
        make_room(work);
        if (work->record->count >= SS_CLAIMS_MAX)
            return 0;
        claim = ss_record_add(work->record, SMTPSEC_CLAIM_ENCRYPTED, host);
        if (claim == NULL)
            return SMTPSEC_E_NOMEM;
    }
    start_anew(claim, work->at);
    claim->days = 0;
    work->changed = true;
    return 0;
}

/* What a delivery proved; a certificate on an unsigned MX proves no more than TLS (DESIGN 6.1). */
static int32_t
proved_identities(const struct ss_observation *seen)
{
    return seen->tls && seen->mx_secure && !seen->unseen ? seen->identities : 0;
}

static bool
meets(const struct ss_floor *floor, const struct ss_observation *seen)
{
    if (floor->level == SMTPSEC_LEVEL_NONE)
        return true;
    return seen->tls && (proved_identities(seen) & floor->identities) == floor->identities;
}

/*
 * What was asked for has come back: the hold is over before its end. But of
 * outcomes told in another order than they happened (they may be a day old)
 * one from before the refusal says nothing.
 */
static bool
ends_hold(const struct ss_work *work)
{
    int64_t since = work->record->refused_since;

    return since != 0 && (work->at >= since || since - work->at > SS_DAY);
}

/* Held to a claim of its own, and not to what others ask for. */
static bool
has_earned(const struct ss_work *work, const struct ss_name *host)
{
    const struct ss_claim *claim;
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        claim = ss_record_find(work->record, kind, host);
        if (claim != NULL && ss_claim_in_force(claim, work->settings, work->at))
            return true;
    }
    return false;
}

static int
delivered(struct ss_work *work)
{
    const struct ss_observation *seen = work->seen;
    int32_t proved = proved_identities(seen);
    /* Over TLS with a certificate that nobody looked at: no proof, and no lack of one. */
    bool unknown = seen->unseen && seen->tls;
    bool hold_ended = ss_hold_ended(work->record, work->settings, work->at);
    bool known = ss_host_known(work->record, work->settings, &seen->host, work->at);
    struct ss_memory_settings strict = *work->settings;
    struct ss_floor floor;
    bool met, short_of;
    int rc = 0;

    if (seen->host.len == 0)
        return 0;
    /* In report mode too, who falls short of the floor does not get to lower it. */
    if (strict.soft_pkix_mode == SMTPSEC_MODE_REPORT)
        strict.soft_pkix_mode = SMTPSEC_MODE_OFF;
    ss_floor_by_hosts(work->record, &strict, &seen->host, seen->mx_secure, work->at,
                      SS_PASS_REPORTED, &floor);
    met = meets(&floor, seen);
    short_of = !met && !(floor.soft && hold_ended);
    if (!known && short_of)
        return 0;
    if (met && floor.level != SMTPSEC_LEVEL_NONE && ends_hold(work)) {
        work->record->refused_since = 0;
        work->changed = true;
        hold_ended = false;
    }
    if ((proved & SMTPSEC_IDENTITY_DANE) == 0 && !unknown)
        weaken(work, SMTPSEC_CLAIM_DANE, &seen->host, hold_ended);
    if ((proved & SMTPSEC_IDENTITY_PKIX) == 0 && !unknown)
        weaken(work, SMTPSEC_CLAIM_DNSSEC, &seen->host, hold_ended);
    if (!seen->tls) {
        weaken(work, SMTPSEC_CLAIM_MTA_STS, NULL, hold_ended);
        weaken(work, SMTPSEC_CLAIM_ENCRYPTED, &seen->host, hold_ended);
        return short_of ? 0 : mark_plain(work);
    }
    /* Nor does it earn a vote day by day. */
    if (short_of && !has_earned(work, &seen->host))
        return 0;
    rc = raise_claim(work, SMTPSEC_CLAIM_ENCRYPTED);
    if (rc == 0 && (proved & SMTPSEC_IDENTITY_DANE) != 0)
        rc = raise_claim(work, SMTPSEC_CLAIM_DANE);
    if (rc == 0 && (proved & SMTPSEC_IDENTITY_PKIX) != 0)
        rc = raise_claim(work, SMTPSEC_CLAIM_DNSSEC);
    return rc;
}

static bool
has_soft_in_force(const struct ss_work *work)
{
    const struct ss_record *record = work->record;
    size_t i;

    for (i = 0; i < record->count; i++) {
        if (!ss_claim_is_hard(&record->claims[i], work->at) &&
            ss_claim_in_force(&record->claims[i], work->settings, work->at))
            return true;
    }
    return false;
}

/* A proof of what soft claims ask for came after the refusal, though it was told before it. */
static bool
proved_since(const struct ss_work *work)
{
    size_t i;

    for (i = 0; i < work->record->count; i++) {
        const struct ss_claim *claim = &work->record->claims[i];

        if (claim->kind != SMTPSEC_CLAIM_MTA_STS && claim->days > 0 &&
            claim->last_seen > work->at && claim->last_seen - work->at <= SS_DAY)
            return true;
    }
    return false;
}

/* A hold counts from its first refusal; a later one does not lengthen it, nor a clock set back. */
static void
refused(struct ss_work *work)
{
    int64_t since = work->record->refused_since;

    if (!work->seen->soft || (since != 0 && since <= work->at) || !has_soft_in_force(work) ||
        proved_since(work))
        return;
    work->record->refused_since = work->at;
    work->changed = true;
}

static int
policy_fetched(struct ss_work *work)
{
    const struct ss_observation *seen = work->seen;
    struct ss_claim *claim = ss_record_find(work->record, SMTPSEC_CLAIM_MTA_STS, NULL);
    struct ss_claim next;
    bool write = claim == NULL;

    if (seen->sts_mode == SMTPSEC_STS_ABSENT || (claim != NULL && work->at < claim->last_seen))
        return 0;
    if (seen->sts_mode != SMTPSEC_STS_ENFORCE) {
        /* RFC 8461 8.3: a domain leaves by a policy that says so. */
        ss_work_drop(work, claim);
        return 0;
    }
    if (claim == NULL) {
        make_room(work);
        if (work->record->count >= SS_CLAIMS_MAX)
            return 0;
        claim = ss_record_add(work->record, SMTPSEC_CLAIM_MTA_STS, NULL);
        if (claim == NULL)
            return SMTPSEC_E_NOMEM;
    }
    next = *claim;
    write = count_proof(&next, work->settings, work->at) || write;
    write = write || strcmp(next.sts_id, seen->sts_id) != 0 || next.expires != seen->expires;
    /* The newest fetch decides how long, also when that is shorter (RFC 8461 3.2). */
    next.expires = seen->expires;
    memcpy(next.sts_id, seen->sts_id, sizeof(next.sts_id));
    if (write)
        *claim = next;
    work->changed = work->changed || write;
    return 0;
}

/* A hold without a soft claim left would spoil those that are earned later. */
static void
end_idle_hold(struct ss_work *work)
{
    if (work->record->refused_since == 0 || has_soft_in_force(work))
        return;
    work->record->refused_since = 0;
    work->changed = true;
}

int
ss_record_observe(struct ss_record *record, const struct ss_memory_settings *settings,
                  const struct ss_observation *observation, bool *changed)
{
    struct ss_work work = { record, settings, observation, observation->at, false };
    int rc = 0;

    *changed = false;
    if (work.at <= 0)
        return 0;
    switch (observation->what) {
    case SS_OBSERVED_DELIVERY:
        rc = delivered(&work);
        break;
    case SS_OBSERVED_REFUSAL:
        refused(&work);
        break;
    case SS_OBSERVED_POLICY:
        rc = policy_fetched(&work);
        break;
    case SS_OBSERVED_NO_TLSA:
    case SS_OBSERVED_MX_SET:
    case SS_OBSERVED_TLSA:
    case SS_OBSERVED_NO_DS:
    case SS_OBSERVED_UNSIGNED:
    case SS_OBSERVED_SIGNED:
        ss_observe_signed(&work);
        break;
    }
    if (rc == 0)
        end_idle_hold(&work);
    *changed = work.changed;
    return rc;
}
