/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which floor the claims ask for (DESIGN 6.3, 6.4, 6.8; PREC-09, PREC-10). */
#include "memory/rules.h"

#include <string.h>

#include "memory/life.h"

/* One way of looking at a record. */
struct view {
    const struct ss_record *record;
    const struct ss_memory_settings *settings;
    int64_t now;
    enum ss_pass pass;
};

static bool
counts(const struct view *view, int32_t mode)
{
    return mode == SMTPSEC_MODE_ENFORCE ||
           (mode == SMTPSEC_MODE_REPORT && view->pass == SS_PASS_REPORTED);
}

static void
ask(struct ss_floor *floor, int32_t level, int32_t identities)
{
    floor->level = level;
    floor->tls = SMTPSEC_TLS_REQUIRED;
    floor->identities = identities;
}

static void
ask_hard(const struct ss_claim *claim, struct ss_floor *floor)
{
    if (claim->kind == SMTPSEC_CLAIM_DANE) {
        ask(floor, SMTPSEC_LEVEL_DANE, SMTPSEC_IDENTITY_DANE);
    } else {
        ask(floor, SMTPSEC_LEVEL_MTA_STS, SMTPSEC_IDENTITY_PKIX);
        floor->sts_patterns = true;
    }
}

/* TLS, and the certificate part only where told: certificates lapse without any attack. */
static void
ask_soft(const struct view *view, const struct ss_claim *claim, struct ss_floor *floor)
{
    floor->soft = true;
    ask(floor, SMTPSEC_LEVEL_ENCRYPTED, 0);
    if (claim->kind == SMTPSEC_CLAIM_ENCRYPTED || !counts(view, view->settings->soft_pkix_mode))
        return;
    /* The patterns of an expired policy bind nobody, so the MX is not authenticated. */
    ask(floor, claim->kind == SMTPSEC_CLAIM_DNSSEC ? SMTPSEC_LEVEL_DNSSEC
                                                   : SMTPSEC_LEVEL_AUTHENTICATED,
        SMTPSEC_IDENTITY_PKIX);
}

/* What one claim asks for; level NONE when nothing. */
static void
demand(const struct view *view, const struct ss_claim *claim, struct ss_floor *floor)
{
    struct ss_claim as_of;

    memset(floor, 0, sizeof(*floor));
    if (claim == NULL || !counts(view, view->settings->mode[claim->kind]) ||
        !ss_claim_in_force(claim, view->settings, view->now))
        return;
    if (ss_claim_is_hard(claim, view->now))
        ask_hard(claim, floor);
    else if (view->pass != SS_PASS_HARD)
        ask_soft(view, claim, floor);
    else
        return;
    as_of = ss_claim_as_of(claim, view->now);
    floor->until = ss_claim_binds_until(&as_of, view->settings);
    floor->kind = claim->kind;
    floor->host = claim->host;
}

/* Make floor ask for what more asks too. */
static void
unite(struct ss_floor *floor, const struct ss_floor *more)
{
    if (more->level == SMTPSEC_LEVEL_NONE)
        return;
    /*
     * A refusal is either hard or soft, never both: what a soft claim would add
     * to a hard one is left out, or its refusals would outlast the hold.
     */
    if (floor->level == SMTPSEC_LEVEL_NONE || (floor->soft && !more->soft)) {
        *floor = *more;
        return;
    }
    if (!floor->soft && more->soft)
        return;
    floor->identities |= more->identities;
    floor->sts_patterns = floor->sts_patterns || more->sts_patterns;
    if (more->level > floor->level) {
        floor->level = more->level;
        floor->kind = more->kind;
        floor->host = more->host;
        floor->until = more->until;
    } else if (more->level == floor->level && more->until > floor->until) {
        floor->until = more->until;
    }
}

/* Leave in floor only what other asks for as well. */
static void
intersect(struct ss_floor *floor, const struct ss_floor *other)
{
    int64_t until = floor->until < other->until ? floor->until : other->until;
    bool soft = floor->soft || other->soft;
    int32_t identities = floor->identities & other->identities;
    bool patterns = floor->sts_patterns && other->sts_patterns;

    if (floor->level == SMTPSEC_LEVEL_NONE)
        return;
    if (other->level < floor->level)
        *floor = *other;
    if (floor->level == SMTPSEC_LEVEL_NONE)
        return;
    floor->identities = identities;
    floor->sts_patterns = patterns;
    floor->soft = soft;
    floor->until = until;
    /* A DANE host and a PKIX host have no identity in common: TLS is what is left. */
    if (identities == 0)
        floor->level = SMTPSEC_LEVEL_ENCRYPTED;
}

static void
host_floor(const struct view *view, const struct ss_name *host, struct ss_floor *floor)
{
    struct ss_floor more;
    int32_t kind;

    memset(floor, 0, sizeof(*floor));
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        demand(view, ss_record_find(view->record, kind, host), &more);
        unite(floor, &more);
    }
}

/* True for the first of the claims that a host has. */
static bool
is_first_of_host(const struct ss_record *record, const struct ss_claim *claim)
{
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind < claim->kind; kind++) {
        if (ss_record_find(record, kind, &claim->host) != NULL)
            return false;
    }
    return true;
}

/*
 * A host that spoke TLS in each delivery, and not for long enough yet to be
 * held to it. It has no say in the minimum: whoever forges an MX record and
 * takes one mail over TLS would else lower the floor for all.
 */
static bool
is_unearned(const struct view *view, const struct ss_name *host, const struct ss_floor *floor)
{
    const struct ss_claim *claim;
    bool unearned = false;
    int32_t kind;

    if (floor->level != SMTPSEC_LEVEL_NONE)
        return false;
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        claim = ss_record_find(view->record, kind, host);
        if (claim == NULL || claim->days == 0)
            continue;
        /* Held to this one, though it asks for nothing now: its hold has ended, or it reports. */
        if (ss_claim_in_force(claim, view->settings, view->now))
            return false;
        unearned = true;
    }
    return unearned;
}

/* DESIGN 6.4: the minimum over the known hosts, not the best one ever seen. */
static void
minimum(const struct view *view, struct ss_floor *floor)
{
    const struct ss_claim *claim;
    struct ss_floor other;
    bool first = true;
    size_t i;

    memset(floor, 0, sizeof(*floor));
    for (i = 0; i < view->record->count; i++) {
        claim = &view->record->claims[i];
        if (claim->host.len == 0 || !is_first_of_host(view->record, claim) ||
            !ss_host_known(view->record, view->settings, &claim->host, view->now))
            continue;
        host_floor(view, &claim->host, &other);
        if (is_unearned(view, &claim->host, &other))
            continue;
        if (first)
            *floor = other;
        else
            intersect(floor, &other);
        first = false;
    }
}

void
ss_floor_by_hosts(const struct ss_record *record, const struct ss_memory_settings *settings,
                  const struct ss_name *host, bool mx_secure, int64_t now, enum ss_pass pass,
                  struct ss_floor *floor)
{
    struct view view = { record, settings, now, pass };

    memset(floor, 0, sizeof(*floor));
    if (host != NULL && ss_host_known(record, settings, host, now)) {
        host_floor(&view, host, floor);
        if (!is_unearned(&view, host, floor))
            return;
    }
    /* A host new to a signed MX set is the owner's choice. */
    if (host == NULL || !mx_secure)
        minimum(&view, floor);
}

static void
whole(const struct ss_record *record, const struct ss_memory_settings *settings,
      const struct ss_name *host, bool mx_secure, int64_t now, enum ss_pass pass,
      struct ss_floor *floor)
{
    struct view view = { record, settings, now, pass };
    struct ss_floor policy;

    ss_floor_by_hosts(record, settings, host, mx_secure, now, pass, floor);
    demand(&view, ss_record_find(record, SMTPSEC_CLAIM_MTA_STS, NULL), &policy);
    unite(floor, &policy);
}

static void
floors_for(const struct ss_record *record, const struct ss_memory_settings *settings,
           const struct ss_name *host, bool mx_secure, int64_t now, struct ss_floors *floors)
{
    int64_t until = ss_hold_until(record, settings, now);

    memset(floors, 0, sizeof(*floors));
    whole(record, settings, host, mx_secure, now, SS_PASS_REPORTED, &floors->reported);
    whole(record, settings, host, mx_secure, now, SS_PASS_ENFORCED, &floors->enforced);
    if (!floors->enforced.soft)
        return;
    /* They refuse as long as they bind: no other end is asked for. */
    if (settings->hold == SMTPSEC_HOLD_EARNED) {
        floors->hold = record->refused_since != 0;
        floors->hold_until = floors->hold ? floors->enforced.until : 0;
        return;
    }
    /* PREC-09: refusal by soft claims ends; the alarm does not. hold = 0: they only report. */
    if (settings->hold <= 0 || ss_hold_ended(record, settings, now)) {
        floors->hold_ended = settings->hold > 0;
        whole(record, settings, host, mx_secure, now, SS_PASS_HARD, &floors->enforced);
    } else if (until != 0) {
        floors->hold = true;
        floors->hold_until = until;
        if (floors->enforced.until > until)
            floors->enforced.until = until;
    }
}

void
ss_floors_for_host(const struct ss_record *record, const struct ss_memory_settings *settings,
                   const struct ss_name *host, bool mx_secure, int64_t now,
                   struct ss_floors *floors)
{
    floors_for(record, settings, host, mx_secure, now, floors);
}

void
ss_floors_for_domain(const struct ss_record *record, const struct ss_memory_settings *settings,
                     int64_t now, struct ss_floors *floors)
{
    floors_for(record, settings, NULL, false, now, floors);
}
