/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the DNS proves by its signatures, and by their end (DESIGN 6.1, 6.4,
 * 6.5; PREC-11). Nothing here raises a claim.
 */
#include <string.h>

#include "memory/life.h"
#include "memory/work.h"

static int64_t
least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- What a TLSA set adds to a claim ---- */

bool
ss_claim_extend(struct ss_claim *claim, const struct ss_work *work)
{
    int64_t expires = least(work->seen->expires, ss_time_add(work->at, SS_TTL_MAX));
    int64_t bound = ss_claim_binds_until(claim, work->settings);
    int64_t old = claim->expires;

    if (expires <= old)
        return false;
    claim->expires = expires;
    return expires > bound && old - work->at < (expires - work->at) / 2;
}

bool
ss_claim_take_evidence(struct ss_claim *claim, const struct ss_observation *seen, int64_t worth)
{
    bool other = memcmp(claim->tlsa_digest, seen->tlsa_digest, sizeof(claim->tlsa_digest)) != 0;
    int64_t newer = seen->inception - claim->inception;

    if (seen->inception != 0 && newer < -SS_REPLAY_SKEW)
        return false;
    memcpy(claim->tlsa_digest, seen->tlsa_digest, sizeof(claim->tlsa_digest));
    /* Another set may stand elsewhere; where, the next look-up tells. */
    if (other && seen->what == SS_OBSERVED_DELIVERY)
        claim->zone = 0;
    if (newer <= 0)
        return other;
    claim->inception = seen->inception;
    claim->signature_expiration = seen->signature_expiration;
    return other || newer >= worth;
}

/*
 * DESIGN 6.1: DNS alone may keep a claim alive that a delivery raised, for as
 * long as the answer lives; it counts no day and is no delivery.
 */
static void
tlsa_seen(struct ss_work *work)
{
    const struct ss_observation *seen = work->seen;
    struct ss_claim *claim = ss_record_find(work->record, SMTPSEC_CLAIM_DANE, &seen->host);
    struct ss_claim next;
    int64_t newer;
    bool write;

    if (claim == NULL || !ss_claim_alive(claim, work->settings, work->at))
        return;
    newer = seen->inception - claim->inception;
    if (seen->inception != 0 && newer < -SS_REPLAY_SKEW)
        return;
    next = *claim;
    write = ss_claim_extend(&next, work);
    /* Where answers are signed as they are asked for, each would be newer by minutes. */
    write = ss_claim_take_evidence(&next, seen, SS_DAY) || write;
    if (seen->inception != 0 && seen->zone != next.zone && (next.zone == 0 || newer > 0)) {
        next.zone = seen->zone;
        write = true;
    }
    if (!write)
        return;
    *claim = next;
    work->changed = true;
}

/* ---- Denials and replays ---- */

/*
 * PREC-11: signed earlier than what is remembered, so it may be a replay; it is
 * held against until the remembered signature ends, and 14 days at most.
 */
static bool
is_replay(int64_t inception, int64_t known, int64_t expiration, int64_t seen, int64_t at)
{
    int64_t until = ss_time_add(seen, SS_REPLAY_HOLD);

    if (inception == 0 || known == 0 || ss_time_add(inception, SS_REPLAY_SKEW) >= known)
        return false;
    if (expiration != 0 && expiration < until)
        until = expiration;
    return at <= until;
}

static void
tlsa_denied(struct ss_work *work)
{
    const struct ss_observation *seen = work->seen;
    struct ss_claim *claim = ss_record_find(work->record, SMTPSEC_CLAIM_DANE, &seen->host);
    int64_t inception = seen->inception;

    if (claim == NULL)
        return;
    /* A set that stands at its own name leaves with it; that no wildcard is there may be old news. */
    if (claim->zone != 0 && seen->name_inception != 0)
        inception = seen->name_inception;
    if (!is_replay(inception, claim->inception, claim->signature_expiration, claim->last_seen,
                   work->at))
        ss_work_drop(work, claim);
}

static bool
in_set(const struct ss_observation *seen, const struct ss_name *host)
{
    size_t i;

    for (i = 0; i < seen->host_count; i++) {
        if (ss_name_equal(&seen->hosts[i], host))
            return true;
    }
    return false;
}

static int64_t
last_proof(const struct ss_record *record)
{
    int64_t last = 0;
    size_t i;

    for (i = 0; i < record->count; i++) {
        if (record->claims[i].last_seen > last)
            last = record->claims[i].last_seen;
    }
    return last;
}

bool
ss_record_mx_replayed(const struct ss_record *record, int64_t inception, int64_t now)
{
    return is_replay(inception, record->mx_inception, record->mx_expiration, last_proof(record),
                     now);
}

/* The set's own data; an unchanged one is not worth a write, nor one signed a little later. */
static void
take_mx_signature(struct ss_work *work)
{
    const struct ss_observation *seen = work->seen;
    struct ss_record *record = work->record;
    int64_t newer = seen->inception - record->mx_inception;
    bool moved = seen->zone != record->mx_zone && (record->mx_zone == 0 || newer > 0);

    if (seen->inception == 0 || (!work->changed && record->mx_inception != 0 && !moved &&
                                 newer < SS_WORTH_WRITING))
        return;
    record->mx_inception = seen->inception;
    record->mx_expiration = seen->signature_expiration;
    record->mx_zone = seen->zone;
    work->changed = true;
}

/* DESIGN 6.4, 6.5: removal from a signed set ends a claim and its vote. */
static void
mx_set_seen(struct ss_work *work)
{
    const struct ss_observation *seen = work->seen;
    struct ss_record *record = work->record;
    size_t i = record->count;

    /* Appearing in an answer makes nobody known: nothing is remembered for it alone. */
    if (record->count == 0 || ss_record_mx_replayed(record, seen->inception, work->at))
        return;
    while (i-- > 0) {
        if (record->claims[i].host.len > 0 && !in_set(seen, &record->claims[i].host))
            ss_work_drop(work, &record->claims[i]);
    }
    take_mx_signature(work);
}

/* ---- A zone without DNSSEC ---- */

/* Does the claim rest on the signatures of the zone that was seen: the host's, or the MX set's? */
static bool
rests_on_zone(const struct ss_work *work, const struct ss_claim *claim)
{
    if (work->seen->host.len == 0)
        return claim->kind == SMTPSEC_CLAIM_DANE || claim->kind == SMTPSEC_CLAIM_DNSSEC;
    return claim->kind == SMTPSEC_CLAIM_DANE && ss_name_equal(&claim->host, &work->seen->host);
}

/* When was the zone last proved to be signed? 0: nothing rests on it. */
static int64_t
last_signed(const struct ss_work *work)
{
    const struct ss_record *record = work->record;
    int64_t last = 0;
    size_t i;

    for (i = 0; i < record->count; i++)
        if (rests_on_zone(work, &record->claims[i]) && record->claims[i].last_seen > last)
            last = record->claims[i].last_seen;
    return last;
}

static void
set_count(struct ss_work *work, int64_t since, int64_t seen)
{
    struct ss_claim *claim;

    if (work->seen->host.len == 0) {
        work->changed = work->changed || work->record->unsigned_seen != seen;
        work->record->unsigned_since = since;
        work->record->unsigned_seen = seen;
        return;
    }
    claim = ss_record_find(work->record, SMTPSEC_CLAIM_DANE, &work->seen->host);
    if (claim == NULL)
        return;
    work->changed = work->changed || claim->unsigned_seen != seen;
    claim->unsigned_since = since;
    claim->unsigned_seen = seen;
}

/* What rested on the zone goes; ENCRYPTED and MTA_STS rest on other things. */
static void
zone_gone(struct ss_work *work)
{
    struct ss_record *record = work->record;
    size_t i = record->count;

    set_count(work, 0, 0);
    while (i-- > 0)
        if (rests_on_zone(work, &record->claims[i]))
            ss_work_drop(work, &record->claims[i]);
}

/*
 * A denial from before the last proof may be a replay from the time before the
 * zone was signed: it is held against until a newer one comes, 14 days at most.
 */
static void
ds_denied(struct ss_work *work)
{
    int64_t last = last_signed(work);

    if (last == 0 || (ss_time_add(work->seen->inception, SS_DS_SKEW) < last &&
                      work->at <= ss_time_add(last, SS_REPLAY_HOLD)))
        return;
    zone_gone(work);
}

/*
 * Under opt-out nobody can prove that a delegation is unsigned. What is seen
 * for three days, without a pause of one, by a resolver that validates
 * other names meanwhile, is believed.
 */
static void
unsigned_seen(struct ss_work *work)
{
    const struct ss_record *record = work->record;
    const struct ss_claim *claim =
        ss_record_find(record, SMTPSEC_CLAIM_DANE, &work->seen->host);
    bool mx = work->seen->host.len == 0;
    int64_t since, seen;

    if (last_signed(work) == 0 || (!mx && claim == NULL))
        return;
    since = mx ? record->unsigned_since : claim->unsigned_since;
    seen = mx ? record->unsigned_seen : claim->unsigned_seen;
    if (since == 0 || work->at < seen || work->at - seen > SS_UNSIGNED_GAP)
        set_count(work, work->at, work->at);
    else if (work->at - since >= SS_UNSIGNED_HOLD)
        zone_gone(work);
    else if (work->at - seen >= SS_UNSIGNED_WRITE)
        set_count(work, since, work->at);
}

void
ss_observe_signed(struct ss_work *work)
{
    switch (work->seen->what) {
    case SS_OBSERVED_NO_TLSA:
        tlsa_denied(work);
        break;
    case SS_OBSERVED_MX_SET:
        mx_set_seen(work);
        break;
    case SS_OBSERVED_TLSA:
        tlsa_seen(work);
        break;
    case SS_OBSERVED_NO_DS:
        ds_denied(work);
        break;
    case SS_OBSERVED_UNSIGNED:
        unsigned_seen(work);
        break;
    default:
        set_count(work, 0, 0);
        break;
    }
}
