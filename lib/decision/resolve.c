/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "decision/fact_notes.h"

/* RES-04, RES-05, RES-06, RES-15: a failed MX look-up delays, whatever failed. */
static int32_t
mx_failure(int32_t failure)
{
    switch (failure) {
    case SMTPSEC_FAILURE_SERVFAIL:
        return SMTPSEC_REASON_MX_SERVFAIL;
    case SMTPSEC_FAILURE_TIMEOUT:
    case SMTPSEC_FAILURE_UNREACHABLE:
    case SMTPSEC_FAILURE_CANCELLED:
        return SMTPSEC_REASON_MX_TIMEOUT;
    case SMTPSEC_FAILURE_BOGUS:
        return SMTPSEC_REASON_MX_BOGUS;
    case SMTPSEC_FAILURE_INDETERMINATE:
        return SMTPSEC_REASON_MX_INDETERMINATE;
    case SMTPSEC_FAILURE_ALIAS:
        return SMTPSEC_REASON_MX_ALIAS;
    case SMTPSEC_FAILURE_MALFORMED:
    case SMTPSEC_FAILURE_TRUNCATED:
        return SMTPSEC_REASON_MX_MALFORMED;
    default:
        return SMTPSEC_REASON_MX_RCODE;
    }
}

static int
by_preference(const void *a, const void *b)
{
    const struct ss_target *x = a;
    const struct ss_target *y = b;

    if (x->preference != y->preference)
        return x->preference < y->preference ? -1 : 1;
    return ss_name_compare(&x->name, &y->name);
}

/* Room for so many hosts; only what is in use is touched. */
static int
make_hosts(struct ss_resolution *out, size_t count)
{
    out->hosts = malloc(count * sizeof(*out->hosts));
    return out->hosts == NULL ? SMTPSEC_E_NOMEM : 0;
}

static void
add_host(struct ss_resolution *out, const struct ss_name *name, uint16_t preference)
{
    struct ss_target *host = &out->hosts[out->count++];

    memset(host, 0, sizeof(*host));
    host->name = *name;
    host->preference = preference;
}

static int
one_host(struct ss_resolution *out, const struct ss_name *name)
{
    int r = make_hosts(out, 1);

    if (r == 0)
        add_host(out, name, 0);
    return r;
}

/* RES-03: mail must not go to a host that is no better than ourselves, or it goes round (RFC 5321 5.1). */
static void
cut_at_self(const struct ss_settings *settings, struct ss_notes *notes, struct ss_resolution *out)
{
    uint32_t best = UINT32_MAX;
    bool better = false;
    size_t i, k;

    for (i = 0; i < out->count; i++)
        for (k = 0; k < settings->own_name_count; k++)
            if (ss_name_equal(&out->hosts[i].name, &settings->own_names[k]) &&
                out->hosts[i].preference < best)
                best = out->hosts[i].preference;
    if (best == UINT32_MAX)
        return;
    for (i = 0; i < out->count; i++) {
        if (out->hosts[i].preference >= best)
            out->hosts[i].reason = SMTPSEC_REASON_MX_IS_SELF;
        better = better || out->hosts[i].preference < best;
    }
    ss_note_by(notes, "operator", SS_SKIPS, "RES-03", "RFC 5321 5.1",
               "our own name is an MX host: hosts from preference %u on are cut", (unsigned)best);
    if (!better)
        out->reason = SMTPSEC_REASON_NO_BETTER_HOST;
}

/* A name listed twice is one host, at its better preference. */
static void
drop_repeats(struct ss_resolution *out)
{
    size_t kept = 0;
    size_t i, k;

    for (i = 0; i < out->count; i++) {
        for (k = 0; k < kept; k++)
            if (ss_name_equal(&out->hosts[k].name, &out->hosts[i].name))
                break;
        if (k == kept)
            out->hosts[kept++] = out->hosts[i];
    }
    out->count = kept;
}

static int
mx_hosts(const struct ss_answer *answer, const struct ss_settings *settings, struct ss_notes *notes,
         struct ss_resolution *out)
{
    size_t i;
    int r;

    /* RES-11, RES-12: a sole "." says that the domain takes no mail, at any preference. */
    if (answer->count == 1 && ss_name_is_root(&answer->records[0].name)) {
        out->origin = SMTPSEC_ORIGIN_NULL;
        out->reason = SMTPSEC_REASON_NULL_MX;
        out->permanent = true;
        ss_note_by(notes, "dns", SS_REFUSES, "RES-11", "RFC 7505 3",
                   "null MX: the domain takes no mail");
        return 0;
    }
    r = make_hosts(out, answer->count);
    if (r != 0)
        return r;
    for (i = 0; i < answer->count; i++)
        add_host(out, &answer->records[i].name, answer->records[i].preference);
    if (out->count > 1)
        qsort(out->hosts, out->count, sizeof(*out->hosts), by_preference);
    drop_repeats(out);
    cut_at_self(settings, notes, out); /* before the cut: it must see the whole list */
    if (out->count > SS_HOSTS_MAX) {
        ss_note_by(notes, "dns", SS_SKIPS, "RES-03", "RFC 5321 5.1",
                   "%zu MX hosts, only the best %d are used", out->count, SS_HOSTS_MAX);
        out->count = SS_HOSTS_MAX;
        out->cut = true;
    }
    for (i = 0; i < out->count; i++) {
        if (out->hosts[i].reason != SMTPSEC_REASON_NONE)
            continue;
        if (ss_name_is_root(&out->hosts[i].name))
            out->hosts[i].reason = SMTPSEC_REASON_NULL_HOST; /* RES-12 */
        else if (ss_name_is_numeric(&out->hosts[i].name))
            out->hosts[i].reason = SMTPSEC_REASON_ADDRESS_AS_MX; /* RES-25 */
        else if (!ss_name_is_host(&out->hosts[i].name))
            out->hosts[i].reason = SMTPSEC_REASON_MX_MALFORMED; /* no name that a host can have */
    }
    return 0;
}

static int
by_mx(const struct ss_evidence *evidence, const struct ss_settings *settings, struct ss_wants *wants,
      struct ss_notes *notes, struct ss_resolution *out)
{
    /* The signatures are wanted: an MX set may raise or end the vote of a remembered host. */
    const struct ss_dns_fact *fact =
        ss_evidence_need_dns(evidence, &evidence->destination.domain, SS_RR_MX, true, wants);

    out->origin = SMTPSEC_ORIGIN_MX;
    if (fact == NULL) {
        out->pending = true;
        return 0;
    }
    out->mx = fact;
    out->trust = fact->answer.trust;
    out->expires = fact->expires;
    out->expanded = fact->answer.end;
    switch (fact->answer.outcome) {
    case SMTPSEC_ANSWER_RECORDS:
        ss_note_fact(notes, fact, SS_INFORMS, "RES-01", "RFC 5321 5.1", "MX: %zu records, %s",
                     fact->answer.count, smtpsec_trust_name(out->trust));
        return mx_hosts(&fact->answer, settings, notes, out);
    case SMTPSEC_ANSWER_NO_DATA: /* RES-08 */
        out->origin = SMTPSEC_ORIGIN_IMPLICIT;
        ss_note_fact(notes, fact, SS_INFORMS, "RES-08", "RFC 5321 5.1",
                     "no MX (%s): the domain itself is the host", smtpsec_trust_name(out->trust));
        return one_host(out, &evidence->destination.domain);
    case SMTPSEC_ANSWER_NO_NAME: /* RES-07 */
        out->reason = SMTPSEC_REASON_NO_SUCH_DOMAIN;
        out->permanent = true;
        ss_note_fact(notes, fact, SS_REFUSES, "RES-07", "RFC 5321 5.1",
                     "the domain does not exist (%s)", smtpsec_trust_name(out->trust));
        return 0;
    default:
        out->reason = mx_failure(fact->answer.failure);
        ss_note_fact(notes, fact, SS_REFUSES, "RES-04", "RFC 7672 2.1.2", "MX look-up failed: %s",
                     smtpsec_failure_name(fact->answer.failure));
        return 0;
    }
}

/* RES-25: an address literal has no name, so neither DANE nor MTA-STS can speak of it. */
static int
by_literal(const struct ss_evidence *evidence, struct ss_notes *notes, struct ss_resolution *out)
{
    struct ss_name none;
    int r;

    memset(&none, 0, sizeof(none));
    out->origin = SMTPSEC_ORIGIN_RELAY;
    out->trust = SMTPSEC_TRUST_INSECURE;
    r = one_host(out, &none);
    if (r != 0)
        return r;
    out->hosts[0].addresses[0] = evidence->destination.address;
    out->hosts[0].address_count = 1;
    out->hosts[0].expires = out->expires;
    ss_note_by(notes, "message", SS_LOWERS, "RES-25", "RFC 7672 2.2",
               "address literal: no DANE, no MTA-STS");
    return 0;
}

/* RES-32: a configured relay is named by the operator, not by the DNS. */
static int
by_relay(const struct ss_evidence *evidence, struct ss_notes *notes, struct ss_resolution *out)
{
    static const struct ss_origin by_operator = {"operator", SS_AGE_UNKNOWN, {NULL, 0}};

    out->origin = SMTPSEC_ORIGIN_RELAY;
    out->trust = SMTPSEC_TRUST_SECURE;
    out->expanded = evidence->destination.domain;
    ss_note_from(notes, &by_operator, SS_INFORMS, "RES-32", "RFC 7672 2.2.2",
                 "configured relay: no MX look-up");
    return one_host(out, &evidence->destination.domain);
}

static int
one_target(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
           struct ss_wants *wants, struct ss_notes *notes, const struct ss_resolution *out,
           struct ss_target *host)
{
    if (host->reason != SMTPSEC_REASON_NONE)
        return 0;
    ss_resolve_host(evidence, settings, out->mx_secure, now, wants, notes, host);
    ss_resolve_host_zone(evidence, settings, now, wants, notes, host);
    /* Only who decides needs it, and only of a host with a claim is it worth its price. */
    if (wants == NULL && out->mx_secure && host->dane == SMTPSEC_DANE_USABLE &&
        ss_record_find(&evidence->record, SMTPSEC_CLAIM_DANE, &host->name) != NULL)
        return ss_resolve_tlsa_seen(settings, host);
    return 0;
}

int
ss_resolve(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
           struct ss_wants *wants, struct ss_notes *notes, struct ss_resolution *out)
{
    size_t i;
    int r;

    memset(out, 0, sizeof(*out));
    out->expires = INT64_MAX;
    if (evidence->destination.literal)
        return by_literal(evidence, notes, out);
    if (evidence->destination.relay)
        r = by_relay(evidence, notes, out);
    else
        r = by_mx(evidence, settings, wants, notes, out);
    if (r != 0)
        return r;
    out->mx_secure = out->trust == SMTPSEC_TRUST_SECURE || out->origin != SMTPSEC_ORIGIN_MX;
    ss_resolve_mx_zone(evidence, settings, now, wants, notes, out);
    for (i = 0; i < out->count && r == 0; i++) {
        out->hosts[i].expires = out->expires;
        r = one_target(evidence, settings, now, wants, notes, out, &out->hosts[i]);
        out->pending = out->pending || out->hosts[i].pending;
    }
    return r;
}

void
ss_resolution_free(struct ss_resolution *resolution)
{
    free(resolution->hosts);
    memset(resolution, 0, sizeof(*resolution));
}
