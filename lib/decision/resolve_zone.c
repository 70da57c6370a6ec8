/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unsigned answers where a signed zone is remembered (design 6.5). The parent
 * zone can say that it is no longer delegated as signed: then the owner has
 * left DNSSEC. Where the parent cannot (opt-out), or where nobody knows whom to
 * ask, time must tell, and a resolver known to validate.
 */
#include <string.h>

#include "decision/fact_notes.h"
#include "decision/resolve.h"
#include "memory/life.h"

/* RFC 6840 4.4: no DS, and said of a delegation; or the name is gone altogether. */
static bool
denies_ds(const struct ss_answer *answer)
{
    if (answer->trust != SMTPSEC_TRUST_SECURE || answer->aliases > 0 || answer->name_inception == 0)
        return false;
    return answer->outcome == SMTPSEC_ANSWER_NO_NAME ||
           (answer->outcome == SMTPSEC_ANSWER_NO_DATA && answer->delegation);
}

/* The remembered zone is answered for without signatures: what becomes of it? */
static void
judge(const struct ss_evidence *evidence, const struct ss_name *of, uint8_t depth,
      struct ss_wants *wants, struct ss_notes *notes, struct ss_zone *zone)
{
    char text[SS_NAME_TEXT] = "";
    struct ss_name name;

    zone->state = SS_ZONE_UNSIGNED;
    if (ss_zone_name(of, depth, &name)) {
        ss_name_to_text(&name, text);
        zone->ds = ss_evidence_need_dns(evidence, &name, SS_RR_DS, true, wants);
        if (zone->ds == NULL || zone->ds->answer.outcome == SMTPSEC_ANSWER_FAILED)
            return;
        if (zone->ds->answer.trust == SMTPSEC_TRUST_SECURE) {
            if (denies_ds(&zone->ds->answer))
                zone->state = SS_ZONE_DENIED;
            ss_note_fact(notes, zone->ds, SS_INFORMS, "PREC-11", "RFC 4035 5.2",
                         zone->state == SS_ZONE_DENIED
                             ? "unsigned answers, and signed denial of DS of %s"
                             : "unsigned answers, but %s has not left DNSSEC",
                         text);
            return;
        }
    }
    if (ss_evidence_dnssec(evidence, wants) != SMTPSEC_DNSSEC_VALIDATES)
        return;
    zone->state = SS_ZONE_UNSURE;
    ss_note_by(notes, "dns", SS_INFORMS, "PREC-11", "RFC 4035 5.2",
               "unsigned answers, and nothing proves that they may be: believed after 72 hours");
}

/* Claims that rest on the signatures of the MX set. */
static bool
rests_on_mx(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now)
{
    const struct ss_record *record = &evidence->record;
    size_t i;

    for (i = 0; i < record->count; i++)
        if ((record->claims[i].kind == SMTPSEC_CLAIM_DANE ||
             record->claims[i].kind == SMTPSEC_CLAIM_DNSSEC) &&
            !ss_claim_faded(&record->claims[i], &settings->memory, now))
            return true;
    return false;
}

void
ss_resolve_mx_zone(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
                   struct ss_wants *wants, struct ss_notes *notes, struct ss_resolution *out)
{
    if (out->mx == NULL || out->mx->answer.outcome == SMTPSEC_ANSWER_FAILED)
        return;
    if (out->trust == SMTPSEC_TRUST_SECURE)
        out->zone.state = SS_ZONE_SIGNED;
    else if (rests_on_mx(evidence, settings, ss_evidence_memory_time(evidence, now)))
        judge(evidence, &evidence->destination.domain, evidence->record.mx_zone, wants, notes,
              &out->zone);
}

/* Where the zone of the host's own claim is not known, that of the MX set may stand above it. */
static uint8_t
zone_above(const struct ss_evidence *evidence, const struct ss_claim *claim)
{
    struct ss_name zone;

    if (claim->zone != 0)
        return claim->zone;
    if (!ss_zone_name(&evidence->destination.domain, evidence->record.mx_zone, &zone))
        return 0;
    return ss_zone_depth(&claim->host, &zone);
}

void
ss_resolve_host_zone(const struct ss_evidence *evidence, const struct ss_settings *settings,
                     int64_t now, struct ss_wants *wants, struct ss_notes *notes,
                     struct ss_target *host)
{
    const struct ss_claim *claim =
        ss_record_find(&evidence->record, SMTPSEC_CLAIM_DANE, &host->name);

    if (claim == NULL || host->pending || (host->address_count == 0 && !host->secure_addresses) ||
        ss_claim_faded(claim, &settings->memory, ss_evidence_memory_time(evidence, now)))
        return;
    if (host->dane == SMTPSEC_DANE_USABLE || host->dane == SMTPSEC_DANE_ABSENT ||
        (host->secure_addresses && !host->unproved))
        host->zone.state = SS_ZONE_SIGNED;
    else if (!host->secure_addresses || host->unproved)
        judge(evidence, &host->name, zone_above(evidence, claim), wants, notes, &host->zone);
}

int
ss_resolve_tlsa_seen(const struct ss_settings *settings, struct ss_target *host)
{
    const struct ss_answer *answer = &host->tlsa->answer;
    struct smtpsec_requirement *bearer = NULL;
    struct ss_bytes rdata[SS_DNS_RECORD_LIMIT];
    size_t i;
    int r;

    for (i = 0; i < answer->count && i < SS_DNS_RECORD_LIMIT; i++)
        rdata[i] = (struct ss_bytes){answer->records[i].data, answer->records[i].len};
    r = ss_requirement_new(&bearer);
    if (r == 0)
        r = ss_tlsa_set_read(&bearer->tlsa, rdata, i, !settings->tlsa_sha256, !settings->tlsa_sha512,
                             NULL);
    if (r == 0 && ss_tlsa_set_usable(&bearer->tlsa)) {
        r = ss_requirement_tlsa_digest(bearer, host->tlsa_digest);
        host->tlsa_seen = r == 0;
    }
    ss_requirement_free(bearer);
    return r;
}
