/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "decision/fact_notes.h"
#include "decision/resolve.h"

/* The outcome grid's columns for addresses and TLSA (matrix 1a). */
static int32_t
address_failure(int32_t failure)
{
    switch (failure) {
    case SMTPSEC_FAILURE_SERVFAIL:
        return SMTPSEC_REASON_ADDR_SERVFAIL;
    case SMTPSEC_FAILURE_TIMEOUT:
    case SMTPSEC_FAILURE_UNREACHABLE:
    case SMTPSEC_FAILURE_CANCELLED:
        return SMTPSEC_REASON_ADDR_TIMEOUT;
    case SMTPSEC_FAILURE_BOGUS:
        return SMTPSEC_REASON_ADDR_BOGUS;
    case SMTPSEC_FAILURE_INDETERMINATE:
        return SMTPSEC_REASON_ADDR_INDETERMINATE;
    case SMTPSEC_FAILURE_ALIAS:
        return SMTPSEC_REASON_ADDR_ALIAS;
    case SMTPSEC_FAILURE_MALFORMED:
    case SMTPSEC_FAILURE_TRUNCATED:
        return SMTPSEC_REASON_ADDR_MALFORMED;
    default:
        return SMTPSEC_REASON_ADDR_RCODE;
    }
}

static int32_t
tlsa_failure(int32_t failure)
{
    switch (failure) {
    case SMTPSEC_FAILURE_SERVFAIL:
        return SMTPSEC_REASON_TLSA_SERVFAIL;
    case SMTPSEC_FAILURE_TIMEOUT:
    case SMTPSEC_FAILURE_UNREACHABLE:
    case SMTPSEC_FAILURE_CANCELLED:
        return SMTPSEC_REASON_TLSA_TIMEOUT;
    case SMTPSEC_FAILURE_BOGUS:
        return SMTPSEC_REASON_TLSA_BOGUS;
    case SMTPSEC_FAILURE_INDETERMINATE:
        return SMTPSEC_REASON_TLSA_INDETERMINATE;
    case SMTPSEC_FAILURE_ALIAS:
        return SMTPSEC_REASON_TLSA_ALIAS;
    case SMTPSEC_FAILURE_MALFORMED:
        return SMTPSEC_REASON_TLSA_MALFORMED;
    case SMTPSEC_FAILURE_TRUNCATED:
        return SMTPSEC_REASON_TLSA_TRUNCATED; /* TLSA-25 */
    default:
        return SMTPSEC_REASON_TLSA_RCODE;
    }
}

static void
use(struct ss_target *host, const struct ss_dns_fact *fact)
{
    /* A failure has no TTL; it is not used beyond this plan and must not end it at once. */
    if (fact->answer.outcome != SMTPSEC_ANSWER_FAILED && fact->expires < host->expires)
        host->expires = fact->expires;
}

static void
take_addresses(struct ss_target *host, const struct ss_dns_fact *fact)
{
    const struct ss_answer *answer = &fact->answer;
    size_t i;

    use(host, fact);
    if (answer->outcome == SMTPSEC_ANSWER_FAILED)
        return;
    /* RES-22: one secure answer is enough to ask for TLSA records, the stricter side. */
    if (answer->trust == SMTPSEC_TRUST_SECURE)
        host->secure_addresses = true;
    if (answer->aliases > 0 && (answer->outcome == SMTPSEC_ANSWER_RECORDS ||
                                ss_name_equal(&host->expanded, &host->name)))
        host->expanded = answer->end;
    if (answer->outcome != SMTPSEC_ANSWER_RECORDS)
        return;
    for (i = 0; i < answer->count && host->address_count < SS_ADDRESSES_MAX; i++)
        host->addresses[host->address_count++] = answer->records[i].address;
}

/* RES-18 to RES-21. */
static void
judge_addresses(const struct ss_dns_fact *a, const struct ss_dns_fact *aaaa, struct ss_target *host)
{
    bool a_failed = a->answer.outcome == SMTPSEC_ANSWER_FAILED;
    bool aaaa_failed = aaaa->answer.outcome == SMTPSEC_ANSWER_FAILED;

    if (host->address_count > 0)
        host->partial = a_failed || aaaa_failed;
    else if (a_failed)
        host->reason = address_failure(a->answer.failure);
    else if (aaaa_failed)
        host->reason = address_failure(aaaa->answer.failure);
    else
        host->reason = SMTPSEC_REASON_NO_ADDRESS;
}

static void
tell_addresses(const struct ss_dns_fact *a, const struct ss_dns_fact *aaaa, struct ss_notes *notes,
               const struct ss_target *host)
{
    if (host->address_count > 0)
        ss_note_addresses(notes, &host->name, a, aaaa, SS_INFORMS,
                          host->partial ? "RES-20" : "RES-16", "RFC 7672 2.2.2",
                          "%zu addresses%s", host->address_count,
                          host->partial ? ", and the other look-up failed" : "");
    else
        ss_note_addresses(notes, &host->name, a, aaaa, SS_SKIPS,
                          host->reason == SMTPSEC_REASON_NO_ADDRESS ? "RES-18" : "RES-19",
                          "RFC 7672 2.2.2", "no address: %s", smtpsec_reason_name(host->reason));
}

/* TLSA-01: the port without leading zeros, then the base domain. */
static bool
tlsa_name(struct ss_name *out, uint16_t port, const struct ss_name *base)
{
    char labels[16];

    snprintf(labels, sizeof(labels), "_%u._tcp", (unsigned)port);
    return ss_name_prepend(out, labels, base);
}

/*
 * A claim is lowered only when every candidate is denied, and by the oldest of
 * these denials: one that is replayed must not hide behind a fresh one.
 */
static void
keep_denial(struct ss_target *host, const struct ss_dns_fact *fact)
{
    int64_t inception = fact->answer.name_inception;

    if (host->unproved)
        return;
    /* A denial at the end of an alias is no fresher than the alias: an old one leads elsewhere. */
    if (fact->answer.alias_inception != 0 && fact->answer.alias_inception < inception)
        inception = fact->answer.alias_inception;
    if (host->denial == NULL || inception < host->name_inception)
        host->name_inception = inception;
    if (host->denial == NULL || (fact->answer.inception != 0 &&
                                 (host->denial->answer.inception == 0 ||
                                  fact->answer.inception < host->denial->answer.inception)))
        host->denial = fact;
}

/* One candidate base domain. True when the search ends here. */
static bool
try_base(const struct ss_evidence *evidence, const struct ss_name *base, struct ss_wants *wants,
         struct ss_notes *notes, struct ss_target *host)
{
    const struct ss_dns_fact *fact;
    struct ss_name name;
    char text[SS_NAME_TEXT];

    if (!tlsa_name(&name, evidence->destination.port, base))
        return false; /* too long to exist */
    ss_name_to_text(&name, text);
    fact = ss_evidence_need_dns(evidence, &name, SS_RR_TLSA, true, wants);
    if (fact == NULL) {
        host->pending = true;
        return true;
    }
    use(host, fact);
    if (fact->answer.outcome == SMTPSEC_ANSWER_FAILED) {
        /* TLSA-04, TLSA-05: skip the host, ask no other candidate, never fall back. */
        host->dane = SMTPSEC_DANE_FAILED;
        host->dane_reason = tlsa_failure(fact->answer.failure);
        ss_note_fact(notes, fact, SS_SKIPS, "TLSA-04", "RFC 7672 2.1.2",
                     "TLSA look-up of %s failed: %s", text,
                     smtpsec_failure_name(fact->answer.failure));
        return true;
    }
    if (fact->answer.trust != SMTPSEC_TRUST_SECURE) {
        /* TLSA-03, TLSA-08 */
        host->dane = SMTPSEC_DANE_INSECURE;
        host->unproved = true;
        host->denial = NULL;
        ss_note_fact(notes, fact, SS_LOWERS, "TLSA-03", "RFC 7672 2.2.3",
                     "TLSA answer for %s is unsigned: not used", text);
        return false;
    }
    if (fact->answer.outcome == SMTPSEC_ANSWER_RECORDS) {
        /* TLSA-02: the base domain, even if no record turns out usable. */
        host->dane = SMTPSEC_DANE_USABLE;
        host->base = *base;
        host->tlsa = fact;
        ss_note_fact(notes, fact, SS_RAISES, "TLSA-02", "RFC 7672 2.2.3",
                     "%zu signed TLSA records at %s", fact->answer.count, text);
        return true;
    }
    host->dane = SMTPSEC_DANE_ABSENT;
    keep_denial(host, fact);
    ss_note_fact(notes, fact, SS_INFORMS, "TLSA-03", "RFC 7672 2.2.3",
                 "signed denial of TLSA at %s", text);
    return false;
}

/* RES-28 to RES-30: an alias out of secure names may itself be secure; a CNAME query tells. */
static bool
initial_alias_secure(const struct ss_evidence *evidence, struct ss_wants *wants,
                     struct ss_notes *notes, struct ss_target *host)
{
    const struct ss_dns_fact *fact =
        ss_evidence_need_dns(evidence, &host->name, SS_RR_CNAME, false, wants);

    if (fact == NULL) {
        host->pending = true;
        return false;
    }
    use(host, fact);
    if (fact->answer.outcome != SMTPSEC_ANSWER_RECORDS) {
        host->reason = SMTPSEC_REASON_CNAME_LOOKUP;
        ss_note_fact(notes, fact, SS_SKIPS, "RES-30", "RFC 7672 2.1.2",
                     "the look-up of the host's alias failed");
        return false;
    }
    return fact->answer.trust == SMTPSEC_TRUST_SECURE;
}

static void
search_tlsa(const struct ss_evidence *evidence, struct ss_wants *wants, struct ss_notes *notes,
            struct ss_target *host)
{
    bool alias = !ss_name_equal(&host->expanded, &host->name);

    host->dane = SMTPSEC_DANE_INSECURE;
    if (!host->secure_addresses) {
        if (!alias) { /* RES-17 */
            ss_note_by(notes, "dns", SS_LOWERS, "RES-17", "RFC 7672 2.2.2",
                       "the host's addresses are unsigned: no DANE");
            return;
        }
        if (!initial_alias_secure(evidence, wants, notes, host))
            return; /* RES-29 */
        try_base(evidence, &host->name, wants, notes, host); /* RES-28 */
        return;
    }
    /* RES-27: the expanded name first. Both are asked at once, the first decides. */
    if (alias) {
        struct ss_target second = *host;

        if (wants != NULL)
            try_base(evidence, &host->name, wants, NULL, &second);
        if (try_base(evidence, &host->expanded, wants, notes, host))
            return;
    }
    try_base(evidence, &host->name, wants, notes, host);
}

/* Does DANE speak here at all? */
static bool
dane_applies(const struct ss_settings *settings, bool mx_secure)
{
    return settings->dane != SMTPSEC_MODE_OFF && (mx_secure || settings->insecure_mx != SMTPSEC_LEVEL_NONE);
}

/* A question that is still open when the time is up. */
static const struct ss_dns_fact unanswered = {
    .answer = {.outcome = SMTPSEC_ANSWER_FAILED, .failure = SMTPSEC_FAILURE_TIMEOUT}};

void
ss_resolve_host(const struct ss_evidence *evidence, const struct ss_settings *settings, bool mx_secure,
                int64_t now, struct ss_wants *wants, struct ss_notes *notes, struct ss_target *host)
{
    const struct ss_dns_fact *a =
        ss_evidence_need_dns(evidence, &host->name, SS_RR_A, false, wants);
    const struct ss_dns_fact *aaaa =
        ss_evidence_need_dns(evidence, &host->name, SS_RR_AAAA, false, wants);
    const struct ss_claim *claim =
        ss_record_find(&evidence->record, SMTPSEC_CLAIM_DANE, &host->name);

    host->expanded = host->name;
    /* Who decides now has one family at least: the other one counts as failed (RES-20, RES-21). */
    if (wants == NULL && (a == NULL) != (aaaa == NULL)) {
        a = a != NULL ? a : &unanswered;
        aaaa = aaaa != NULL ? aaaa : &unanswered;
    }
    if (a == NULL || aaaa == NULL) {
        host->pending = true;
        /* RES-16: with a live DANE claim the TLSA records may be asked beside the addresses. */
        if (claim != NULL && wants != NULL && dane_applies(settings, mx_secure) &&
            ss_claim_in_force(claim, &settings->memory, now)) {
            struct ss_target ahead = *host;

            try_base(evidence, &host->name, wants, NULL, &ahead);
        }
        return;
    }
    take_addresses(host, a);
    take_addresses(host, aaaa);
    judge_addresses(a, aaaa, host);
    tell_addresses(a, aaaa, notes, host);
    if (host->reason == SMTPSEC_REASON_NONE && !settings->mx_alias &&
        !ss_name_equal(&host->expanded, &host->name))
        host->reason = SMTPSEC_REASON_MX_ALIAS; /* RES-31 */
    if (host->reason != SMTPSEC_REASON_NONE || !dane_applies(settings, mx_secure))
        return;
    search_tlsa(evidence, wants, notes, host);
}
