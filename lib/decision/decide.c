/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decision/fact_notes.h"
#include "decision/observe.h"
#include "decision/resolve.h"
#include "decision/sts_view.h"

/* All that is read from the evidence before anything is weighed. */
struct findings {
    struct ss_resolution resolution;
    struct ss_sts_view view;
    struct ss_observations observations;
    struct ss_record record;             /* claims after what the facts prove */
    bool fresh_signed_mx;                /* the MX set is signed, and no older one come back */
    struct ss_sts_policy remembered;     /* the stored policy, live or not */
};

static void
free_findings(struct findings *findings)
{
    ss_resolution_free(&findings->resolution);
    ss_sts_view_free(&findings->view);
    ss_observations_free(&findings->observations);
    ss_record_free(&findings->record);
    ss_sts_policy_free(&findings->remembered);
}

int
ss_missing(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
           struct ss_wants *wants)
{
    struct ss_resolution resolution;
    struct ss_settings ruled = *settings;
    struct ss_sts_view view;
    int r;

    ss_wants_init(wants);
    /* The same as in ss_decide(): what is wanted must not differ from what is read. */
    ss_settings_rules(&ruled, &evidence->destination.domain, now, NULL);
    settings = &ruled;
    memset(&resolution, 0, sizeof(resolution));
    r = 0;
    if (!evidence->refresh)
        r = ss_resolve(evidence, settings, now, wants, NULL, &resolution);
    if (r == 0 && resolution.reason == SMTPSEC_REASON_NONE) {
        r = ss_sts_view_read(evidence, settings, &resolution, now, wants, NULL, &view);
        ss_sts_view_free(&view);
    }
    if (r == 0 && settings->tlsrpt)
        ss_tlsrpt_want(evidence, wants);
    ss_resolution_free(&resolution);
    if (wants->nomem)
        r = SMTPSEC_E_NOMEM;
    return r;
}

/* What this very evidence raises is demanded already; only what it lowers must be known now. */
static bool
lowers(const struct ss_observation *observation)
{
    if (observation->what == SS_OBSERVED_POLICY)
        return observation->sts_mode != SMTPSEC_STS_ENFORCE;
    return observation->what != SS_OBSERVED_TLSA;
}

static int
weigh_memory(const struct ss_evidence *evidence, const struct ss_settings *settings,
             struct findings *findings, int64_t now)
{
    struct ss_bytes body;
    bool ignored;
    size_t i;
    int r;

    r = ss_observations_read(evidence, &findings->resolution, &findings->view, now,
                             &findings->observations);
    if (evidence->memory_at != 0)
        ss_observations_hold(&findings->observations, evidence->memory_at);
    if (r == 0)
        r = ss_record_copy(&findings->record, &evidence->record);
    for (i = 0; r == 0 && i < findings->observations.count; i++)
        if (lowers(&findings->observations.list[i]))
            r = ss_record_observe(&findings->record, &settings->memory,
                                  &findings->observations.list[i], &ignored);
    findings->fresh_signed_mx =
        findings->resolution.trust == SMTPSEC_TRUST_SECURE &&
        (findings->resolution.mx == NULL ||
         !ss_record_mx_replayed(&evidence->record, findings->resolution.mx->answer.inception,
                                 ss_evidence_memory_time(evidence, now)));
    if (r == 0 && evidence->entry.len > 0) {
        body.data = evidence->entry.body;
        body.len = evidence->entry.len;
        r = ss_sts_policy_read(&findings->remembered, body, &ignored, NULL);
    }
    return r;
}

/* RFC 7672 3.2.2, rows DANE-ID-01 to DANE-ID-11: the names that a DANE-TA certificate may carry. */
static void
dane_names(const struct ss_evidence *evidence, const struct ss_resolution *resolution,
           const struct ss_target *target, struct smtpsec_host *host)
{
    const struct ss_name *candidates[3] = {&target->base, NULL, NULL};
    bool by_mx = resolution->origin == SMTPSEC_ORIGIN_MX;
    size_t i, k;

    if (by_mx && resolution->trust == SMTPSEC_TRUST_SECURE) {
        candidates[1] = &evidence->destination.domain;
        candidates[2] = &resolution->expanded;
    } else if (by_mx) {
        candidates[1] = &target->name; /* DANE-ID-04: the host's names only */
    } else if (!ss_name_equal(&target->base, &target->name)) {
        candidates[1] = &target->name; /* DANE-ID-05 */
    }
    for (i = 0; i < 3; i++) {
        if (candidates[i] == NULL || candidates[i]->len == 0)
            continue;
        for (k = 0; k < host->dane_name_count; k++)
            if (ss_name_equal(&host->dane_names[k].name, candidates[i]))
                break;
        if (k == host->dane_name_count)
            ss_reference_set(&host->dane_names[host->dane_name_count++], candidates[i]);
    }
}

static int
take_tlsa(const struct ss_target *target, const struct ss_settings *settings, struct ss_notes *notes,
          struct smtpsec_host *host)
{
    const struct ss_answer *answer = &target->tlsa->answer;
    struct ss_bytes *rdata = calloc(answer->count, sizeof(*rdata));
    size_t i;
    int r;

    if (rdata == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < answer->count; i++) {
        rdata[i].data = answer->records[i].data;
        rdata[i].len = answer->records[i].len;
    }
    r = ss_tlsa_set_read(&host->tlsa, rdata, answer->count, !settings->tlsa_sha256,
                         !settings->tlsa_sha512, notes);
    free(rdata);
    if (r != 0)
        return r;
    if (!ss_tlsa_set_usable(&host->tlsa)) {
        host->dane = SMTPSEC_DANE_UNUSABLE;
        ss_note_fact(notes, target->tlsa, SS_LOWERS, "TLSA-11", "RFC 7672 2.2",
                     "no TLSA record is usable: TLS, not authenticated");
    }
    host->tlsa_expires = target->tlsa->expires;
    host->tlsa_inception = answer->inception;
    host->tlsa_expiration = answer->expiration;
    return 0;
}

static int
take_names(const struct ss_target *target, const struct ss_evidence *evidence,
           struct smtpsec_host *host)
{
    char text[SS_NAME_TEXT];
    size_t i;

    ss_reference_set(&host->reference, &target->name);
    if (evidence->destination.literal) {
        char address[SS_ADDRESS_TEXT];

        ss_address_to_text(&evidence->destination.address, address);
        snprintf(text, sizeof(text), "[%s]", address);
    } else {
        ss_name_to_text(&target->name, text);
    }
    host->text = strdup(text);
    host->addresses = calloc(target->address_count > 0 ? target->address_count : 1,
                             sizeof(*host->addresses));
    if (host->text == NULL || host->addresses == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < target->address_count; i++)
        ss_address_to_text(&target->addresses[i], host->addresses[i]);
    host->address_count = target->address_count;
    return 0;
}

/* Asked but not answered by now: a time-out, at the look-up that is open. */
static void
give_up(const struct ss_target *target, struct smtpsec_host *host)
{
    bool alias = !ss_name_equal(&target->expanded, &target->name);

    if (target->address_count == 0)
        host->unreachable = SMTPSEC_REASON_ADDR_TIMEOUT;
    else if (alias && !target->secure_addresses && target->base.len == 0)
        host->unreachable = SMTPSEC_REASON_CNAME_LOOKUP; /* RES-30 */
    else
        host->dane_reason = SMTPSEC_REASON_TLSA_TIMEOUT;
}

static int
take_host(const struct ss_evidence *evidence, const struct ss_settings *settings,
          const struct findings *findings, const struct ss_target *target, int64_t now,
          struct ss_notes *notes, struct smtpsec_host *host)
{
    int r;

    r = take_names(target, evidence, host);
    if (r != 0)
        return r;
    host->preference = target->preference;
    host->partial = target->partial;
    host->secure_addresses = target->secure_addresses;
    host->unreachable = target->reason;
    if (target->pending && target->reason == SMTPSEC_REASON_NONE)
        give_up(target, host);
    host->dane = host->dane_reason != SMTPSEC_REASON_NONE ? SMTPSEC_DANE_FAILED : target->dane;
    if (target->dane == SMTPSEC_DANE_FAILED)
        host->dane_reason = target->dane_reason;
    if (target->tlsa != NULL) {
        ss_reference_set(&host->base, &target->base);
        r = take_tlsa(target, settings, notes, host);
        dane_names(evidence, &findings->resolution, target, host);
    }
    host->sts_fits = ss_sts_policy_fits(&findings->view.policy, &target->name);
    host->remembered_fits = findings->remembered.mode == SMTPSEC_STS_ABSENT ||
                            ss_sts_policy_fits(&findings->remembered, &target->name);
    ss_floors_for_host(&findings->record, &settings->memory, &target->name, findings->fresh_signed_mx,
                       ss_evidence_memory_time(evidence, now), &host->floors);
    return r;
}

static int
take_hosts(const struct ss_evidence *evidence, const struct ss_settings *settings,
           const struct findings *findings, int64_t now, struct smtpsec_plan *plan)
{
    const struct ss_resolution *resolution = &findings->resolution;
    size_t i;
    int r;

    plan->hosts = calloc(resolution->count > 0 ? resolution->count : 1, sizeof(*plan->hosts));
    if (plan->hosts == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < resolution->count; i++) {
        plan->count++;
        r = take_host(evidence, settings, findings, &resolution->hosts[i], now, &plan->facts,
                      &plan->hosts[i]);
        if (r != 0)
            return r;
        if (resolution->hosts[i].expires < plan->expires)
            plan->expires = resolution->hosts[i].expires;
    }
    /* TLSA-24: that there is no host lasts no longer than the answer which said so. */
    if (resolution->permanent && resolution->expires < plan->expires)
        plan->expires = resolution->expires;
    return 0;
}

/* What the operator's rules say of each host: what is asked of it, and whether its name is his. */
static void
take_rules(const struct ss_rules *rules, const struct ss_name *domain, struct smtpsec_plan *plan)
{
    const struct ss_rule *rule;
    size_t i;

    for (i = 0; i < plan->count; i++) {
        struct smtpsec_host *host = &plan->hosts[i];

        rule = ss_rules_for_mx(rules, &host->reference.name);
        if (rule != NULL) {
            host->minimum = rule->value;
            ss_settings_tell_rule(rule, host->text, &plan->facts);
        }
        rule = ss_rules_relay(rules, domain, &host->reference.name);
        if (rule != NULL) {
            host->trusted = true;
            ss_settings_tell_rule(rule, host->text, &plan->facts);
        }
    }
}

static int
take_sts(const struct ss_sts_view *view, struct smtpsec_plan *plan)
{
    size_t i;

    plan->sts_mode = view->policy.mode;
    plan->sts_source = view->source;
    memcpy(plan->sts_id, view->id, sizeof(plan->sts_id));
    plan->sts_max_age = view->policy.max_age;
    plan->sts_expires = view->expires;
    plan->sts_unsure = view->unsure;
    plan->sts_error = view->error;
    memcpy(plan->sts_error_text, view->error_text, sizeof(plan->sts_error_text));
    plan->sts_mx = calloc(view->policy.mx_count > 0 ? view->policy.mx_count : 1,
                          sizeof(*plan->sts_mx));
    if (plan->sts_mx == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < view->policy.mx_count; i++) {
        plan->sts_mx[i] = strdup(view->policy.mx[i].text);
        if (plan->sts_mx[i] == NULL)
            return SMTPSEC_E_NOMEM;
        plan->sts_mx_count++;
    }
    /* STSP-16: a policy that is over already serves this plan, made from its fetch. */
    if (view->source != SMTPSEC_STS_SOURCE_NONE && view->expires > plan->made &&
        view->expires < plan->expires)
        plan->expires = view->expires;
    return 0;
}

static int
take_memory(const struct ss_evidence *evidence, const struct ss_settings *settings,
            const struct findings *findings, int64_t now, struct smtpsec_plan *plan)
{
    const struct ss_record *record = &findings->record;
    size_t i;

    plan->memory_state = evidence->memory_state;
    ss_floors_for_domain(record, &settings->memory, now, &plan->floors);
    plan->claims = calloc(record->count > 0 ? record->count : 1, sizeof(*plan->claims));
    if (plan->claims == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < record->count; i++)
        ss_claim_show(&plan->claims[i], &record->claims[i], &record->key, &settings->memory, now);
    plan->claim_count = record->count;
    return 0;
}

/* An exception is used where there is a claim in force that it lifts; its kind as a bit. */
static int32_t
used_exceptions(const struct ss_record *record, const struct ss_memory_settings *settings,
                int32_t lifted, int64_t now)
{
    int32_t used = 0;
    size_t i;

    for (i = 0; i < record->count; i++)
        if (ss_claim_in_force(&record->claims[i], settings, now))
            used |= lifted & 1 << record->claims[i].kind;
    return used;
}

static void
take_destination(const struct ss_evidence *evidence, const struct ss_resolution *resolution,
                 struct smtpsec_plan *plan)
{
    struct ss_reference domain;

    ss_destination_key(&evidence->destination, &plan->key);
    ss_reference_set(&domain, &evidence->destination.domain);
    memcpy(plan->domain, domain.text, sizeof(plan->domain));
    plan->literal = evidence->destination.literal;
    if (plan->literal) {
        char address[SS_ADDRESS_TEXT];

        ss_address_to_text(&evidence->destination.address, address);
        snprintf(plan->domain, sizeof(plan->domain), "[%s]", address);
    }
    snprintf(plan->route, sizeof(plan->route), evidence->destination.relay ? "relay %s" : "mx%.0s",
             domain.text);
    plan->origin = resolution->origin;
    plan->cut = resolution->cut;
    plan->mx_trust = resolution->trust;
    plan->dns_reason = resolution->reason;
    plan->dns_permanent = resolution->permanent;
    if (resolution->pending && resolution->count == 0 && resolution->reason == SMTPSEC_REASON_NONE)
        plan->dns_reason = SMTPSEC_REASON_MX_TIMEOUT;
}

/*
 * An unsigned answer that ends all delivery (NXDOMAIN, null MX, no address) is
 * not believed at once against a live claim or policy: whoever forges it would
 * turn our memory into a bounce. It must have been seen for a day.
 */
static bool
holds_unsigned_ends(const struct ss_evidence *evidence, const struct findings *findings,
                    const struct smtpsec_plan *plan, int32_t least_mode, int64_t now)
{
    const struct ss_record *record = &findings->record;
    const struct ss_memory_settings *memory = &plan->settings.memory;
    int64_t memory_now = ss_evidence_memory_time(evidence, now); /* a policy lives by the clock */
    bool held = findings->remembered.mode == SMTPSEC_STS_ENFORCE &&
                ss_sts_entry_live(&evidence->entry, now);
    size_t i;

    for (i = 0; i < record->count; i++)
        held = held || (memory->mode[record->claims[i].kind] >= least_mode &&
                        ss_claim_in_force(&record->claims[i], memory, memory_now));
    if (!held)
        return false;
    return record->held_until == 0 || memory_now < record->held_until;
}

/* Design 6.7: has the resolver stopped validating? It must be said aloud wherever DANE is silent. */
static void
take_canary(const struct ss_evidence *evidence, struct smtpsec_plan *plan)
{
    plan->dnssec = ss_evidence_dnssec(evidence, NULL);
    if (plan->dnssec == SMTPSEC_DNSSEC_LOST)
        ss_note_by(&plan->facts, "dns", SS_LOWERS, "RES-26", "RFC 7672 2.1.1",
                   "known-signed names come back unsigned: the resolver does not validate, DANE "
                   "is off");
    if (plan->dnssec == SMTPSEC_DNSSEC_UNTRUSTED)
        ss_note_by(&plan->facts, "operator", SS_LOWERS, "RES-26", "RFC 7672 2.1.1",
                   "no resolver is trusted to validate: every answer is insecure, DANE is off");
}

/* Design 6.2: for how long, and why, the memory asks for what it asks for. */
static void
take_clock(const struct ss_evidence *evidence, int64_t now, struct smtpsec_plan *plan)
{
    int64_t hours = (now - evidence->memory_at) / 3600;

    if (evidence->memory_at != 0)
        ss_note_by(&plan->facts, "memory", SS_INFORMS, "PREC-10", "",
                   "the clock leapt %s by %lld hours: the memory judges by the old time and "
                   "learns nothing until the new one was used for 48 hours",
                   hours < 0 ? "back" : "ahead", (long long)(hours < 0 ? -hours : hours));
}

int
ss_decide(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
          struct smtpsec_plan **out)
{
    const struct smtpsec_message plain = {false, false, false, false};
    const struct ss_rules *rules = settings->rules;
    struct smtpsec_plan *plan;
    struct findings findings;
    int64_t memory_now = ss_evidence_memory_time(evidence, now);
    int32_t lifted;
    int r;

    memset(&findings, 0, sizeof(findings));
    r = ss_plan_new(&plan);
    if (r != 0)
        return r;
    /* One domain and time: an exception of the operator's counts for all that follows. */
    plan->settings = *settings;
    settings = &plan->settings;
    lifted = ss_settings_decide(&plan->settings, &evidence->destination.domain, now, &plan->facts);
    plan->minimum = evidence->destination.minimum > settings->minimum ? evidence->destination.minimum
                                                                      : settings->minimum;
    take_canary(evidence, plan);
    take_clock(evidence, now, plan);
    plan->made = now;
    plan->expires = now + SS_PLAN_LIFE;
    if (settings->lowered_until < plan->expires)
        plan->expires = settings->lowered_until;
    r = ss_resolve(evidence, settings, now, NULL, &plan->facts, &findings.resolution);
    if (r == 0 && findings.resolution.reason == SMTPSEC_REASON_NONE)
        r = ss_sts_view_read(evidence, settings, &findings.resolution, now, NULL, &plan->facts,
                             &findings.view);
    if (r == 0)
        r = weigh_memory(evidence, settings, &findings, now);
    if (r != 0)
        goto out;
    take_destination(evidence, &findings.resolution, plan);
    plan->mx_fresh = findings.fresh_signed_mx;
    r = take_sts(&findings.view, plan);
    if (r == 0 && settings->tlsrpt)
        r = ss_tlsrpt_facts_read(evidence, &findings.view, &plan->facts, &plan->tlsrpt);
    if (r == 0)
        r = take_memory(evidence, settings, &findings, memory_now, plan);
    plan->excepted = used_exceptions(&findings.record, &settings->memory, lifted, memory_now);
    if (r == 0)
        r = take_hosts(evidence, settings, &findings, now, plan);
    if (r != 0)
        goto out;
    take_rules(rules, &evidence->destination.domain, plan);
    if (plan->expires < now)
        plan->expires = now;
    plan->ends_held = holds_unsigned_ends(evidence, &findings, plan, SMTPSEC_MODE_ENFORCE, now);
    plan->ends_reported = holds_unsigned_ends(evidence, &findings, plan, SMTPSEC_MODE_REPORT, now);
    r = ss_plan_apply(plan, &plain);
    if (r != 0)
        goto out;
    *out = plan;
    plan = NULL;
out:
    free_findings(&findings);
    ss_plan_free(plan);
    return r;
}
