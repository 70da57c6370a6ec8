/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the demands on each host to requirements, and to the verdict on the domain. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decision/decide.h"
#include "decision/demand.h"
#include "decision/explain.h"
#include "decision/origin.h"

static bool
judged_by_dane(const struct ss_demand *demand)
{
    return ((demand->identities | demand->audited) & SMTPSEC_IDENTITY_DANE) != 0;
}

/* What would be demanded, were every claim enforced; would: the reason against the host, then. */
static struct ss_wanted
reported_set(const struct ss_demand *demand, const struct ss_demand *reported, int32_t would)
{
    const struct ss_demand *from = would == SMTPSEC_REASON_NONE ? reported : demand;
    struct ss_wanted wanted;

    wanted.tls = from->tls;
    wanted.identities = from->identities;
    wanted.sources = from->sources;
    wanted.alone = from->alone;
    wanted.refused = reported->refused ? would : SMTPSEC_REASON_NONE;
    wanted.basis = reported->basis;
    return wanted;
}

static int
write_requirement(struct smtpsec_plan *plan, struct smtpsec_host *host,
                  const struct ss_demand *demand, const struct ss_demand *reported, int32_t would)
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
    requirement->alone = demand->alone;
    requirement->basis = demand->basis;
    requirement->soft = demand->soft;
    requirement->reported = reported_set(demand, reported, would);
    requirement->lifted = ss_plan_lifted(plan);
    requirement->either = demand->either;
    requirement->sts_misfit = ss_plan_sts_mode(plan) == SMTPSEC_STS_TESTING && !host->sts_fits;
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
    }
    if (judged_by_dane(demand) || host->dane == SMTPSEC_DANE_UNUSABLE)
        r = ss_tlsa_set_copy(&requirement->tlsa, &host->tlsa);
    if (r == 0)
        r = ss_requirement_seal_digest(requirement);
    return r;
}

/* Whose word a reason rests on; a policy's may be an older one. */
static struct ss_origin
origin_of(const struct smtpsec_plan *plan, int32_t reason)
{
    struct ss_origin origin = {ss_reason_origin(reason)->source, SS_AGE_UNKNOWN, {NULL, 0}};

    if (reason == SMTPSEC_REASON_STS_MX_MISMATCH && plan->sts_source == SMTPSEC_STS_SOURCE_CACHED)
        origin.source = "cache";
    return origin;
}

/* Design 6.11: a refusal by the memory, or one that would be, says what it rests on. */
static void
explain_refusal(struct smtpsec_plan *plan, struct smtpsec_host *host, const struct ss_floor *floor)
{
    const struct ss_origin origin = ss_floor_origin(plan, host, floor);

    ss_explain_floor(plan, host, floor, host->floor_text);
    ss_note_from(&plan->notes, &origin, host->would_refuse ? SS_REPORTS : SS_REFUSES, "PREC-09",
                 "RFC 3207 6", "the memory %s %s: %s",
                 host->would_refuse ? "would refuse" : "refuses", host->text, host->floor_text);
}

/* Design 6.8, 10: what is refused, and what would be, by the same code with another floor. */
static int
apply_host(struct smtpsec_plan *plan, struct smtpsec_host *host)
{
    struct ss_demand demand, reported;
    struct ss_origin origin;
    int32_t reason, would;

    if (host->floors.enforced.host.len > 0)
        ss_reference_set(&host->floor_host, &host->floors.enforced.host);
    reason = ss_demand_gather(plan, host, &host->floors.enforced, &plan->notes, &demand);
    would = ss_demand_gather(plan, host, &host->floors.reported, NULL, &reported);
    host->would_refuse = reported.refused && !demand.refused;
    if (host->would_refuse) {
        host->would_reason = would;
        plan->would_refuse = true;
    }
    if (demand.refused || host->would_refuse)
        explain_refusal(plan, host,
                        demand.refused ? &host->floors.enforced : &host->floors.reported);
    if (reason == SMTPSEC_REASON_NONE)
        return write_requirement(plan, host, &demand, &reported, would);
    host->action = SMTPSEC_ACTION_SKIP;
    host->reason = reason;
    origin = origin_of(plan, reason);
    ss_note_from(&plan->notes, &origin, SS_SKIPS, ss_reason_origin(reason)->rule,
                 smtpsec_reason_rfc(reason), "%s is skipped: %s", host->text,
                 smtpsec_reason_text(reason));
    return 0;
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

/* Is an answer that ends all mail not believed yet (6.6)? Says so where it would not be. */
static bool
held(struct smtpsec_plan *plan, bool is_signed)
{
    if (is_signed || plan->ends_held)
        return !is_signed;
    if (plan->ends_reported) {
        plan->would_refuse = true;
        ss_note_by(&plan->notes, "memory", SS_REPORTS, "PREC-09", "",
                   "the memory would hold this answer for a day");
    }
    return false;
}

/* Every host is skipped: what does that mean for the message? */
static void
judge_skips(struct smtpsec_plan *plan)
{
    bool answers = !plan->cut, signed_answers = plan->mx_fresh, same = true;
    bool requiretls = !plan->cut; /* RTLS-15: a host that was not looked at was not tried */
    size_t i;

    for (i = 0; i < plan->count; i++) {
        const struct smtpsec_host *host = &plan->hosts[i];

        answers = answers && skip_is_answer(host);
        signed_answers = signed_answers && host->secure_addresses;
        requiretls =
            requiretls && host->reason == SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED;
        same = same && host->reason == plan->hosts[0].reason;
    }
    if (answers && held(plan, signed_answers))
        refuse(plan, SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_ANSWER_HELD);
    else if (answers) /* RES-09, RES-10 */
        refuse(plan, SMTPSEC_VERDICT_FAIL, SMTPSEC_REASON_NO_ADDRESS);
    else if (requiretls) /* RTLS-04; RTLS-15 where a policy may yet be found */
        refuse(plan,
               plan->sts_unsure || plan->dnssec == SMTPSEC_DNSSEC_LOST ? SMTPSEC_VERDICT_DEFER
                                                                       : SMTPSEC_VERDICT_FAIL,
               plan->hosts[0].reason);
    else if (plan->cut)
        refuse(plan, SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_TOO_MANY_HOSTS);
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
    if (plan->dns_reason != SMTPSEC_REASON_NONE && plan->dns_permanent && held(plan, plan->mx_fresh))
        refuse(plan, SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_ANSWER_HELD);
    else if (plan->dns_reason != SMTPSEC_REASON_NONE)
        refuse(plan, plan->dns_permanent ? SMTPSEC_VERDICT_FAIL : SMTPSEC_VERDICT_DEFER,
               plan->dns_reason);
    else if (!usable)
        judge_skips(plan);
    else
        refuse(plan, SMTPSEC_VERDICT_DELIVER, SMTPSEC_REASON_NONE);
}

/* The first such host stands for the others. */
static void
add_floor_text(struct smtpsec_plan *plan)
{
    size_t at = strlen(plan->text);
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].floor_text[0] != '\0' && !plan->hosts[i].would_refuse)
            break;
    if (i < plan->count)
        snprintf(plan->text + at, sizeof(plan->text) - at, "; %s", plan->hosts[i].floor_text);
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
    if (plan->reason == SMTPSEC_REASON_DOWNGRADE || plan->reason == SMTPSEC_REASON_DNSSEC_LOST)
        add_floor_text(plan);
    if (plan->reason != SMTPSEC_REASON_NO_USABLE_HOST)
        return;
    for (i = 0; i < plan->count; i++) {
        at = strlen(plan->text);
        snprintf(plan->text + at, sizeof(plan->text) - at, "%s %s: %s", i == 0 ? ":" : ",",
                 plan->hosts[i].text, smtpsec_reason_name(plan->hosts[i].reason));
    }
}

/* Hosts that fail alike are one; where the only one fails, it is named. */
static void
write_dsn(struct smtpsec_plan *plan)
{
    const struct smtpsec_host *host = plan->count == 1 ? &plan->hosts[0] : NULL;
    bool by_host = host != NULL && host->text[0] != '\0' && plan->reason == host->reason;

    if (plan->verdict != SMTPSEC_VERDICT_DELIVER)
        ss_dsn_write(plan->dsn, by_host ? host->text : plan->domain, plan->reason, false);
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
    struct ss_origin origin;
    size_t i;
    int r;

    plan->message = *message;
    /* The plan holds both, and nothing is added to its facts any more. */
    if (!ss_notes_borrow(&plan->notes, &plan->facts))
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < plan->count; i++) {
        r = apply_host(plan, &plan->hosts[i]);
        if (r != 0)
            return r;
    }
    judge(plan);
    if (plan->floors.hold_ended)
        ss_note_by(&plan->notes, "memory", SS_LOWERS, "PREC-09", "RFC 3207 6",
                   "the hold by soft claims is over: mail goes on, weaker than what was remembered");
    origin = origin_of(plan, plan->reason);
    if (plan->reason != SMTPSEC_REASON_NONE)
        ss_note_from(&plan->notes, &origin, SS_REFUSES, ss_reason_origin(plan->reason)->rule,
                     smtpsec_reason_rfc(plan->reason), "%s: %s",
                     smtpsec_verdict_name(plan->verdict), smtpsec_reason_text(plan->reason));
    write_text(plan);
    write_dsn(plan);
    return write_digest(plan);
}
