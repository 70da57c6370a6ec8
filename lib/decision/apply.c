/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From facts to demands, for one message. Sources add up and none takes away
 * (design section 3); the one thing that lifts is TLS-Required: No, and it
 * lifts only what the recipient's domain asks for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decision/decide.h"

/* What is being gathered for one host. */
struct demand {
    int32_t tls;
    int32_t identities;
    int32_t sources;
    int32_t level;
    int32_t audited;
    bool requiretls;
    bool soft;
    int32_t memory_kind;
};

static void
demand_tls(struct demand *demand, int32_t source, int32_t level)
{
    demand->tls = SMTPSEC_TLS_REQUIRED;
    demand->sources |= source;
    if (level > demand->level)
        demand->level = level;
}

static int
skip(struct smtpsec_plan *plan, struct smtpsec_host *host, int32_t reason, const char *rule)
{
    host->action = SMTPSEC_ACTION_SKIP;
    host->reason = reason;
    ss_note(&plan->notes, rule, smtpsec_reason_rfc(reason), "%s is skipped: %s", host->text,
            smtpsec_reason_text(reason));
    return 0;
}

static int32_t
dane_level(const struct smtpsec_plan *plan)
{
    /* RES-23: on an unsigned MX set the host is authenticated, the way to it is not. */
    return ss_plan_mx_secure(plan) ? SMTPSEC_LEVEL_DANE : SMTPSEC_LEVEL_AUTHENTICATED;
}

static int32_t
pkix_level(const struct smtpsec_plan *plan)
{
    return ss_plan_mx_secure(plan) ? SMTPSEC_LEVEL_DNSSEC : SMTPSEC_LEVEL_AUTHENTICATED;
}

static void
add_dane(struct smtpsec_plan *plan, const struct smtpsec_host *host, struct demand *demand)
{
    if (host->dane == SMTPSEC_DANE_UNUSABLE) {
        demand_tls(demand, SMTPSEC_SOURCE_DANE, SMTPSEC_LEVEL_ENCRYPTED); /* TLSA-11 */
        return;
    }
    if (host->dane != SMTPSEC_DANE_USABLE)
        return;
    if (!ss_plan_mx_secure(plan) && plan->settings.insecure_mx < SMTPSEC_LEVEL_DANE) {
        demand_tls(demand, SMTPSEC_SOURCE_DANE, SMTPSEC_LEVEL_ENCRYPTED);
        return;
    }
    if (plan->settings.dane == SMTPSEC_MODE_REPORT) { /* TLSA-22: judged, told, TLS alone is asked */
        demand_tls(demand, SMTPSEC_SOURCE_DANE, SMTPSEC_LEVEL_ENCRYPTED);
        demand->audited |= SMTPSEC_IDENTITY_DANE;
        return;
    }
    demand_tls(demand, SMTPSEC_SOURCE_DANE, dane_level(plan));
    demand->identities |= SMTPSEC_IDENTITY_DANE;
    ss_note(&plan->notes, ss_plan_mx_secure(plan) ? "TLSA-10" : "RES-23", "RFC 7672 2.2",
            "%s must be authenticated by DANE", host->text);
}

/* Returns the reason against the host, or NONE. */
static int32_t
add_sts(struct smtpsec_plan *plan, const struct smtpsec_host *host, struct demand *demand)
{
    /* PREC-02: DANE alone where the operator chose so. */
    bool dane_suffices = plan->settings.dane_over_sts && host->dane == SMTPSEC_DANE_USABLE &&
                         ss_plan_mx_secure(plan);

    if (plan->sts_mode == SMTPSEC_STS_TESTING)
        demand->audited |= SMTPSEC_IDENTITY_PKIX;
    if (plan->sts_mode != SMTPSEC_STS_ENFORCE || dane_suffices)
        return SMTPSEC_REASON_NONE;
    if (!host->sts_fits)
        return SMTPSEC_REASON_STS_MX_MISMATCH; /* STSA-01 */
    demand_tls(demand, SMTPSEC_SOURCE_MTA_STS, SMTPSEC_LEVEL_MTA_STS);
    demand->identities |= SMTPSEC_IDENTITY_PKIX;
    ss_note(&plan->notes, "STSA-04", "RFC 8461 4.2", "%s must have a valid certificate for its name",
            host->text);
    return SMTPSEC_REASON_NONE;
}

/*
 * What the operator asks at least (PREC-08). It raises only: DANE is then
 * mandatory (RFC 7672 section 6), MTA-STS must be live and fit, and below that
 * a valid certificate is enough, on a signed MX where DNSSEC is asked.
 */
static int32_t
add_operator(struct smtpsec_plan *plan, const struct smtpsec_host *host, struct demand *demand)
{
    int32_t minimum = plan->minimum;

    if (minimum == SMTPSEC_LEVEL_NONE)
        return SMTPSEC_REASON_NONE;
    if (minimum == SMTPSEC_LEVEL_DANE && (demand->identities & SMTPSEC_IDENTITY_DANE) == 0)
        return SMTPSEC_REASON_DANE_REQUIRED; /* TLSA-23 */
    if (minimum == SMTPSEC_LEVEL_MTA_STS && (demand->sources & SMTPSEC_SOURCE_MTA_STS) == 0)
        return SMTPSEC_REASON_STS_REQUIRED;
    if (minimum >= SMTPSEC_LEVEL_AUTHENTICATED && demand->identities == 0) {
        demand->identities |= SMTPSEC_IDENTITY_PKIX;
        demand_tls(demand, SMTPSEC_SOURCE_OPERATOR, pkix_level(plan));
    }
    demand_tls(demand, SMTPSEC_SOURCE_OPERATOR, SMTPSEC_LEVEL_ENCRYPTED);
    ss_note(&plan->notes, "PREC-08", "RFC 7672 6", "the operator asks %s for at least %s", host->text,
            smtpsec_level_name(minimum));
    return SMTPSEC_REASON_NONE;
}

/* RES-24: above authenticated, the operator's minimum needs an authentic way to the host. */
static bool
minimum_needs_mx(const struct smtpsec_plan *plan)
{
    return (plan->minimum == SMTPSEC_LEVEL_DANE || plan->minimum == SMTPSEC_LEVEL_DNSSEC) &&
           !ss_plan_mx_secure(plan);
}

/* Could the host meet this floor at all, by what is known before connecting? */
static bool
floor_met(const struct smtpsec_plan *plan, const struct ss_floor *floor,
          const struct smtpsec_host *host)
{
    /* A claim is met only by its own kind (design section 3): what DANE proved, PKIX cannot. */
    if ((floor->identities & SMTPSEC_IDENTITY_DANE) != 0 && host->dane != SMTPSEC_DANE_USABLE)
        return false;
    /*
     * What was proved through a signed MX set is not met behind an unsigned one: whoever forges
     * MX records has a signed host of his own, with TLSA records and a certificate to fit.
     */
    if ((floor->level == SMTPSEC_LEVEL_DANE || floor->level == SMTPSEC_LEVEL_DNSSEC) &&
        !ss_plan_mx_secure(plan))
        return false;
    return !floor->sts_patterns || host->remembered_fits || host->sts_fits;
}

static int32_t
add_memory(struct smtpsec_plan *plan, struct smtpsec_host *host, struct demand *demand)
{
    const struct ss_floor *floor = &host->floors.enforced;
    const struct ss_floor *reported = &host->floors.reported;

    host->would_refuse = !floor_met(plan, reported, host);
    plan->would_refuse = plan->would_refuse || host->would_refuse;
    if (floor->level == SMTPSEC_LEVEL_NONE)
        return SMTPSEC_REASON_NONE;
    if (!floor_met(plan, floor, host)) /* 6.7: the fault is near us, and is said to be */
        return plan->dnssec == SMTPSEC_DNSSEC_LOST &&
                       (floor->identities & SMTPSEC_IDENTITY_DANE) != 0
                   ? SMTPSEC_REASON_DNSSEC_LOST
                   : SMTPSEC_REASON_DOWNGRADE;
    demand->soft = floor->soft && demand->tls != SMTPSEC_TLS_REQUIRED;
    demand->memory_kind = floor->kind;
    /* The floor's level is met by its own kinds, which are demanded below. */
    demand_tls(demand, SMTPSEC_SOURCE_MEMORY, floor->level);
    demand->identities |= floor->identities;
    ss_note(&plan->notes, "PREC-09", "RFC 3207 6", "the memory asks %s for at least %s (claim %s)",
            host->text, smtpsec_level_name(floor->level), smtpsec_claim_name(floor->kind));
    return SMTPSEC_REASON_NONE;
}

/* RFC 8689 4.2.1: is the MX name trusted? A next hop that no MX named needs no such trust (RTLS-10). */
static bool
mx_name_trusted(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    return plan->origin != SMTPSEC_ORIGIN_MX || plan->mx_trust == SMTPSEC_TRUST_SECURE ||
           (host->sts_fits && plan->sts_mode >= SMTPSEC_STS_TESTING);
}

static int32_t
add_requiretls(struct smtpsec_plan *plan, const struct smtpsec_host *host, struct demand *demand)
{
    /* RTLS-16: a bounce is not held back for want of the keyword. */
    if (!plan->message.requiretls || plan->message.null_sender)
        return SMTPSEC_REASON_NONE;
    if (!mx_name_trusted(plan, host))
        return SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED; /* RTLS-04, RTLS-05 */
    demand->requiretls = true;
    if ((demand->identities & SMTPSEC_IDENTITY_DANE) == 0)
        demand->identities |= SMTPSEC_IDENTITY_PKIX; /* RTLS-06, RTLS-08 */
    demand_tls(demand, SMTPSEC_SOURCE_REQUIRETLS,
               (demand->identities & SMTPSEC_IDENTITY_DANE) != 0 ? dane_level(plan)
                                                                 : pkix_level(plan));
    return SMTPSEC_REASON_NONE;
}

static bool
judged_by_dane(const struct demand *demand)
{
    return ((demand->identities | demand->audited) & SMTPSEC_IDENTITY_DANE) != 0;
}

static int
write_requirement(struct smtpsec_plan *plan, struct smtpsec_host *host, const struct demand *demand)
{
    struct smtpsec_requirement *requirement;
    size_t i;
    int r;

    r = ss_requirement_new(&requirement);
    if (r != 0)
        return r;
    host->requirement = requirement;
    requirement->key = plan->key;
    requirement->host = host->reference;
    memcpy(requirement->domain, plan->domain, sizeof(requirement->domain));
    requirement->level = demand->level;
    requirement->tls = demand->tls;
    requirement->identities = demand->identities;
    requirement->sources = demand->sources;
    requirement->requiretls = demand->requiretls;
    requirement->tls_version = plan->settings.tls_version;
    requirement->soft = demand->soft;
    requirement->memory_kind = demand->memory_kind;
    requirement->mx_secure = ss_plan_mx_secure(plan);
    requirement->audited = demand->audited & ~demand->identities;
    requirement->expires = plan->expires + SS_REQUIREMENT_GRACE;
    /* PREC-07: the TLSA base domain is what a DANE server keys its certificate on. */
    requirement->sni = judged_by_dane(demand) ? host->base : host->reference;
    if (judged_by_dane(demand)) {
        for (i = 0; i < host->dane_name_count; i++)
            requirement->dane_names[i] = host->dane_names[i];
        requirement->dane_name_count = host->dane_name_count;
        requirement->tlsa_expires = host->tlsa_expires;
        requirement->tlsa_inception = host->tlsa_inception;
        requirement->tlsa_expiration = host->tlsa_expiration;
        r = ss_tlsa_set_copy(&requirement->tlsa, &host->tlsa);
    }
    if (r == 0)
        r = ss_requirement_seal_digest(requirement);
    return r;
}

static bool
lifted(const struct smtpsec_plan *plan)
{
    /* RTLS-18: REQUIRETLS outranks the header. */
    return plan->message.tls_required_no && !plan->message.requiretls;
}

/*
 * TRN-08: the header waives what the recipient's domain asks, DANE or MTA-STS,
 * unless the operator himself asks for that very thing.
 */
static bool
recipient_counts(const struct smtpsec_plan *plan, int32_t level)
{
    return !lifted(plan) || plan->minimum == level;
}

static const char *
rule_of(int32_t reason)
{
    switch (reason) {
    case SMTPSEC_REASON_DOWNGRADE:
        return "PREC-09";
    case SMTPSEC_REASON_DANE_REQUIRED:
        return "TLSA-23";
    case SMTPSEC_REASON_STS_REQUIRED:
        return "PREC-08";
    case SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED:
        return "RTLS-04";
    default:
        return "STSA-01";
    }
}

static int
apply_host(struct smtpsec_plan *plan, struct smtpsec_host *host)
{
    struct demand demand;
    int32_t reason;

    memset(&demand, 0, sizeof(demand));
    if (host->unreachable != SMTPSEC_REASON_NONE)
        return skip(plan, host, host->unreachable, "RES-18");
    if (host->dane == SMTPSEC_DANE_FAILED && recipient_counts(plan, SMTPSEC_LEVEL_DANE))
        return skip(plan, host, host->dane_reason, "TLSA-04");
    if (minimum_needs_mx(plan))
        return skip(plan, host, SMTPSEC_REASON_MX_INSECURE, "RES-24");
    if (recipient_counts(plan, SMTPSEC_LEVEL_DANE))
        add_dane(plan, host, &demand);
    reason = SMTPSEC_REASON_NONE;
    if (recipient_counts(plan, SMTPSEC_LEVEL_MTA_STS))
        reason = add_sts(plan, host, &demand);
    if (reason == SMTPSEC_REASON_NONE)
        reason = add_operator(plan, host, &demand);
    if (lifted(plan)) /* TRN-01, TRN-09 */
        ss_note(&plan->notes, "TRN-01", "RFC 8689 4.2.2", "TLS-Required: No lifts what %s asks for",
                host->text);
    else if (reason == SMTPSEC_REASON_NONE)
        reason = add_memory(plan, host, &demand);
    if (reason == SMTPSEC_REASON_NONE)
        reason = add_requiretls(plan, host, &demand);
    if (reason != SMTPSEC_REASON_NONE)
        return skip(plan, host, reason, rule_of(reason));
    return write_requirement(plan, host, &demand);
}

/* Is a host's skip an answer, so that trying again later cannot help (RES-10)? */
static bool
skip_is_answer(const struct smtpsec_host *host)
{
    return host->reason == SMTPSEC_REASON_NO_ADDRESS || host->reason == SMTPSEC_REASON_NULL_HOST ||
           host->reason == SMTPSEC_REASON_ADDRESS_AS_MX;
}

static void
refuse(struct smtpsec_plan *plan, int32_t verdict, int32_t reason)
{
    plan->verdict = verdict;
    plan->reason = reason;
    snprintf(plan->enhanced, sizeof(plan->enhanced), "%s", smtpsec_reason_enhanced(reason));
    /* The class follows the verdict: a reason that is final alone may be one of several here. */
    if (plan->enhanced[0] != '\0')
        plan->enhanced[0] = verdict == SMTPSEC_VERDICT_FAIL ? '5' : '4';
}

/* Every host is skipped: what does that mean for the message? */
static void
judge_skips(struct smtpsec_plan *plan)
{
    bool answers = true, signed_answers = true, requiretls = true, same = true;
    size_t i;

    for (i = 0; i < plan->count; i++) {
        const struct smtpsec_host *host = &plan->hosts[i];

        answers = answers && skip_is_answer(host);
        signed_answers = signed_answers && host->secure_addresses;
        requiretls =
            requiretls && host->reason == SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED;
        same = same && host->reason == plan->hosts[0].reason;
    }
    if (answers && plan->ends_held && !signed_answers)
        refuse(plan, SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_ANSWER_HELD);
    else if (answers) /* RES-09, RES-10 */
        refuse(plan, SMTPSEC_VERDICT_FAIL, SMTPSEC_REASON_NO_ADDRESS);
    else if (requiretls) /* RTLS-04 */
        refuse(plan, SMTPSEC_VERDICT_FAIL, plan->hosts[0].reason);
    else /* RES-34 */
        refuse(plan, SMTPSEC_VERDICT_DEFER,
               same ? plan->hosts[0].reason : SMTPSEC_REASON_NO_USABLE_HOST);
}

static void
judge(struct smtpsec_plan *plan)
{
    bool usable = false;
    size_t i;

    plan->level = SMTPSEC_LEVEL_NONE;
    for (i = 0; i < plan->count; i++) {
        const struct smtpsec_requirement *requirement = plan->hosts[i].requirement;

        if (requirement == NULL)
            continue;
        if (!usable || requirement->level < plan->level)
            plan->level = requirement->level;
        usable = true;
    }
    if (plan->dns_reason != SMTPSEC_REASON_NONE && plan->dns_permanent && plan->ends_held &&
        plan->mx_trust != SMTPSEC_TRUST_SECURE)
        refuse(plan, SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_ANSWER_HELD);
    else if (plan->dns_reason != SMTPSEC_REASON_NONE)
        refuse(plan, plan->dns_permanent ? SMTPSEC_VERDICT_FAIL : SMTPSEC_VERDICT_DEFER,
               plan->dns_reason);
    else if (!usable)
        judge_skips(plan);
    else
        refuse(plan, SMTPSEC_VERDICT_DELIVER, SMTPSEC_REASON_NONE);
}

static void
write_text(struct smtpsec_plan *plan)
{
    size_t i, at;

    if (plan->verdict == SMTPSEC_VERDICT_DELIVER) {
        snprintf(plan->text, sizeof(plan->text), "%s: deliver, at least %s", plan->domain,
                 smtpsec_level_name(plan->level));
        return;
    }
    snprintf(plan->text, sizeof(plan->text), "%s: %s, %s (%s)", plan->domain,
             smtpsec_verdict_name(plan->verdict), smtpsec_reason_name(plan->reason),
             smtpsec_reason_text(plan->reason));
    if (plan->reason != SMTPSEC_REASON_NO_USABLE_HOST)
        return;
    for (i = 0; i < plan->count; i++) {
        at = strlen(plan->text);
        snprintf(plan->text + at, sizeof(plan->text) - at, "%s %s: %s", i == 0 ? ":" : ",",
                 plan->hosts[i].text, smtpsec_reason_name(plan->hosts[i].reason));
    }
}

/* The digest of the whole: each host's name, action, and what is required of it. */
static int
write_digest(struct smtpsec_plan *plan)
{
    uint8_t digest[SS_SHA256_LEN];
    struct ss_buf buf;
    size_t i;
    int r;

    ss_buf_init(&buf, 1 << 20);
    ss_buf_put(&buf, plan->domain, strlen(plan->domain) + 1);
    ss_buf_put(&buf, plan->route, strlen(plan->route) + 1);
    ss_buf_le16(&buf, plan->key.port);
    ss_buf_u8(&buf, (uint8_t)plan->verdict);
    ss_buf_le16(&buf, (uint16_t)plan->reason);
    for (i = 0; i < plan->count; i++) {
        const struct smtpsec_host *host = &plan->hosts[i];

        ss_buf_put(&buf, host->text, strlen(host->text) + 1);
        ss_buf_le16(&buf, host->preference);
        ss_buf_le16(&buf, (uint16_t)host->reason);
        if (host->requirement != NULL)
            ss_buf_put(&buf, host->requirement->digest, SS_SHA256_LEN);
    }
    r = ss_buf_ok(&buf) ? ss_sha256(buf.data, buf.len, digest) : SMTPSEC_E_NOMEM;
    ss_buf_free(&buf);
    if (r == 0)
        ss_hex_write(plan->digest_hex, digest, sizeof(digest));
    return r;
}

int
ss_plan_apply(struct smtpsec_plan *plan, const struct smtpsec_message *message)
{
    size_t i;
    int r;

    plan->message = *message;
    if (!ss_notes_copy(&plan->notes, &plan->facts))
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < plan->count; i++) {
        r = apply_host(plan, &plan->hosts[i]);
        if (r != 0)
            return r;
    }
    judge(plan);
    if (plan->reason != SMTPSEC_REASON_NONE)
        ss_note(&plan->notes, "", smtpsec_reason_rfc(plan->reason), "%s: %s",
                smtpsec_verdict_name(plan->verdict), smtpsec_reason_text(plan->reason));
    write_text(plan);
    return write_digest(plan);
}
