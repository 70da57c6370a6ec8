/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/demand.h"

#include <string.h>

#include "decision/explain.h"

bool
ss_plan_lifted(const struct smtpsec_plan *plan)
{
    /* RTLS-18: REQUIRETLS outranks the header. TRN-10: a report on TLS must get through. */
    return (plan->message.tls_required_no || plan->message.tls_report) &&
           !plan->message.requiretls;
}

/*
 * TRN-08: the header waives what the recipient's domain asks, DANE or MTA-STS,
 * unless the operator himself asks for that very thing.
 */
static bool
recipient_counts(const struct smtpsec_plan *plan, const struct smtpsec_host *host, int32_t level)
{
    return !ss_plan_lifted(plan) || plan->minimum == level || host->minimum == level;
}

/* RTLS-16: REQUIRETLS asks nothing of the way of a bounce. */
static bool
under_requiretls(const struct smtpsec_plan *plan)
{
    return plan->message.requiretls && !plan->message.null_sender;
}

/* PREC-08: an exception lets what is live only report; never against REQUIRETLS. */
static bool
dane_reports(const struct smtpsec_plan *plan)
{
    return plan->settings.dane == SMTPSEC_MODE_REPORT ||
           (plan->settings.dane_reports && !under_requiretls(plan));
}

static bool
sts_reports(const struct smtpsec_plan *plan)
{
    return plan->settings.sts_reports && !under_requiretls(plan);
}

int32_t
ss_plan_sts_mode(const struct smtpsec_plan *plan)
{
    if (plan->sts_mode == SMTPSEC_STS_ENFORCE && sts_reports(plan))
        return SMTPSEC_STS_TESTING;
    if (plan->sts_mode == SMTPSEC_STS_TESTING && plan->settings.sts_strict && !sts_reports(plan))
        return SMTPSEC_STS_ENFORCE;
    return plan->sts_mode;
}

/* Is the way to this host authentic: signed, or the operator's own word? */
static bool
way_authentic(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    return ss_plan_mx_secure(plan) || host->trusted;
}

static void
demand_tls(struct ss_demand *demand, int32_t source, int32_t level)
{
    demand->tls = SMTPSEC_TLS_REQUIRED;
    demand->sources |= source;
    if (level > demand->level)
        demand->level = level;
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

static const struct ss_origin by_dns = {"dns", 0, {NULL, 0}};
static const struct ss_origin by_operator = {"operator", SS_AGE_UNKNOWN, {NULL, 0}};
static const struct ss_origin by_message = {"message", SS_AGE_UNKNOWN, {NULL, 0}};

/* The policy that asks: its age counts from the fetch. */
static struct ss_origin
by_policy(const struct smtpsec_plan *plan)
{
    struct ss_origin origin = {"https", 0, {(const uint8_t *)plan->sts_id, strlen(plan->sts_id)}};

    if (plan->sts_source == SMTPSEC_STS_SOURCE_CACHED) {
        origin.source = "cache";
        origin.age = plan->made - (plan->sts_expires - plan->sts_max_age);
    }
    return origin;
}

/* Are the host's TLSA records good for more than TLS? */
static bool
dane_authenticates(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    return host->dane == SMTPSEC_DANE_USABLE && !dane_reports(plan) &&
           (way_authentic(plan, host) || plan->settings.insecure_mx == SMTPSEC_LEVEL_DANE);
}

static void
add_dane(const struct smtpsec_plan *plan, const struct smtpsec_host *host, struct ss_notes *notes,
         struct ss_demand *demand)
{
    if (host->dane == SMTPSEC_DANE_UNUSABLE) {
        demand_tls(demand, SMTPSEC_SOURCE_DANE, SMTPSEC_LEVEL_ENCRYPTED); /* TLSA-11 */
        return;
    }
    if (host->dane != SMTPSEC_DANE_USABLE)
        return;
    if (!way_authentic(plan, host) && plan->settings.insecure_mx < SMTPSEC_LEVEL_DANE) {
        demand_tls(demand, SMTPSEC_SOURCE_DANE, SMTPSEC_LEVEL_ENCRYPTED);
        return;
    }
    if (dane_reports(plan)) { /* TLSA-22: judged, told, TLS alone is asked */
        demand_tls(demand, SMTPSEC_SOURCE_DANE, SMTPSEC_LEVEL_ENCRYPTED);
        demand->audited |= SMTPSEC_IDENTITY_DANE;
        return;
    }
    demand_tls(demand, SMTPSEC_SOURCE_DANE, dane_level(plan));
    demand->identities |= SMTPSEC_IDENTITY_DANE;
    ss_note_from(notes, &by_dns, SS_RAISES, ss_plan_mx_secure(plan) ? "TLSA-10" : "RES-23",
                 "RFC 7672 2.2", "%s must be authenticated by DANE", host->text);
}

/* PREC-02: DANE alone where the operator chose so, and does not ask for MTA-STS himself. */
static bool
dane_suffices(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    if (plan->minimum == SMTPSEC_LEVEL_MTA_STS || host->minimum == SMTPSEC_LEVEL_MTA_STS)
        return false;
    return plan->settings.dane_over_sts && host->dane == SMTPSEC_DANE_USABLE &&
           ss_plan_mx_secure(plan) && !dane_reports(plan);
}

/* Returns the reason against the host, or NONE. */
static int32_t
add_sts(const struct smtpsec_plan *plan, const struct smtpsec_host *host, struct ss_notes *notes,
        struct ss_demand *demand)
{
    const struct ss_origin origin = by_policy(plan);
    int32_t mode = ss_plan_sts_mode(plan);

    if (mode == SMTPSEC_STS_TESTING) {
        demand->audited |= SMTPSEC_IDENTITY_PKIX;
        if (!host->sts_fits)
            ss_note_from(notes, &origin, SS_REPORTS, "STSA-10", "RFC 8461 5",
                         "%s is not in the policy, which only reports", host->text);
    }
    if (mode != SMTPSEC_STS_ENFORCE || dane_suffices(plan, host))
        return SMTPSEC_REASON_NONE;
    if (!host->sts_fits)
        return SMTPSEC_REASON_STS_MX_MISMATCH; /* STSA-01 */
    demand_tls(demand, SMTPSEC_SOURCE_MTA_STS, SMTPSEC_LEVEL_MTA_STS);
    demand->identities |= SMTPSEC_IDENTITY_PKIX;
    ss_note_from(notes, &origin, SS_RAISES, "STSA-04", "RFC 8461 4.2",
                 "%s must have a valid certificate for its name", host->text);
    return SMTPSEC_REASON_NONE;
}

/*
 * What the operator asks at least, of the domain or of the host (PREC-08). It
 * raises only: DANE is then mandatory (RFC 7672 section 6), MTA-STS must be live
 * and fit, and below that a valid certificate is enough, on a signed MX where
 * DNSSEC is asked. Under TLS-Required: No the host's DANE asks for nothing, but
 * it meets such a mandate still: the header must not stop what would go without.
 */
static int32_t
add_minimum(const struct smtpsec_plan *plan, const struct smtpsec_host *host, int32_t minimum,
            struct ss_notes *notes, struct ss_demand *demand)
{
    if (minimum == SMTPSEC_LEVEL_NONE)
        return SMTPSEC_REASON_NONE;
    if (minimum == SMTPSEC_LEVEL_DANE && (demand->identities & SMTPSEC_IDENTITY_DANE) == 0)
        return SMTPSEC_REASON_DANE_REQUIRED; /* TLSA-23 */
    if (minimum == SMTPSEC_LEVEL_MTA_STS && (demand->sources & SMTPSEC_SOURCE_MTA_STS) == 0)
        return SMTPSEC_REASON_STS_REQUIRED;
    if (minimum >= SMTPSEC_LEVEL_AUTHENTICATED && demand->identities == 0) {
        demand->identities |= SMTPSEC_IDENTITY_PKIX;
        demand->either = ss_plan_lifted(plan) && dane_authenticates(plan, host);
        demand_tls(demand, SMTPSEC_SOURCE_OPERATOR, pkix_level(plan));
    }
    demand_tls(demand, SMTPSEC_SOURCE_OPERATOR, SMTPSEC_LEVEL_ENCRYPTED);
    ss_note_from(notes, &by_operator, SS_RAISES, "PREC-08", "RFC 7672 6",
                 "the operator asks %s for at least %s", host->text, smtpsec_level_name(minimum));
    return SMTPSEC_REASON_NONE;
}

/* Both count: a host's DANE is no reason to do without the domain's MTA-STS. */
static int32_t
add_operator(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
             struct ss_notes *notes, struct ss_demand *demand)
{
    int32_t reason = add_minimum(plan, host, plan->minimum, notes, demand);

    if (reason == SMTPSEC_REASON_NONE && host->minimum != plan->minimum)
        reason = add_minimum(plan, host, host->minimum, notes, demand);
    return reason;
}

static bool
level_needs_mx(int32_t level)
{
    return level == SMTPSEC_LEVEL_DANE || level == SMTPSEC_LEVEL_DNSSEC;
}

/* RES-24: above authenticated, the operator's minimum needs an authentic way to the host. */
static bool
minimum_needs_mx(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    return (level_needs_mx(plan->minimum) || level_needs_mx(host->minimum)) &&
           !way_authentic(plan, host);
}

/* Tell what the memory asks, and when it ends: a session that is refused for it rests on this. */
static void
tell_floor(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
           const struct ss_floor *floor, struct ss_notes *notes)
{
    struct ss_origin origin;
    char line[SS_FLOOR_LINE];

    if (notes == NULL)
        return;
    ss_explain_floor(plan, host, floor, line);
    origin = ss_floor_origin(plan, host, floor);
    ss_note_from(notes, &origin, SS_RAISES, "PREC-09", "RFC 3207 6",
                 "the memory asks %s for at least %s: %s", host->text,
                 smtpsec_level_name(floor->level), line);
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
    if (floor->level == SMTPSEC_LEVEL_DANE && !ss_plan_mx_secure(plan))
        return false;
    return !floor->sts_patterns || host->remembered_fits || host->sts_fits;
}

/* Returns the reason against the host, or NONE. */
static int32_t
add_memory(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
           const struct ss_floor *floor, struct ss_notes *notes, struct ss_demand *demand)
{
    struct ss_floor wanted = *floor;

    if (wanted.level == SMTPSEC_LEVEL_NONE)
        return SMTPSEC_REASON_NONE;
    if (dane_suffices(plan, host)) { /* a remembered policy asks no more than a live one does */
        wanted.identities &= ~SMTPSEC_IDENTITY_PKIX;
        wanted.sts_patterns = false;
    }
    ss_basis_of(plan, host, &wanted, &demand->basis);
    if (!floor_met(plan, &wanted, host)) {
        demand->refused = true;
        /* 6.7: the fault is near us, and is said to be */
        return plan->dnssec == SMTPSEC_DNSSEC_LOST &&
                       (wanted.identities & SMTPSEC_IDENTITY_DANE) != 0
                   ? SMTPSEC_REASON_DNSSEC_LOST
                   : SMTPSEC_REASON_DOWNGRADE;
    }
    demand->soft = wanted.soft;
    demand->alone = wanted.identities & ~demand->identities;
    /* The floor's level is met by its own kinds, which are demanded below. */
    demand_tls(demand, SMTPSEC_SOURCE_MEMORY, wanted.level);
    demand->identities |= wanted.identities;
    tell_floor(plan, host, &wanted, notes);
    return SMTPSEC_REASON_NONE;
}

/* RFC 8689 4.2.1: is the MX name trusted? A next hop that no MX named needs no such trust (RTLS-10). */
static bool
mx_name_trusted(const struct smtpsec_plan *plan, const struct smtpsec_host *host)
{
    return plan->origin != SMTPSEC_ORIGIN_MX || way_authentic(plan, host) ||
           (host->sts_fits && plan->sts_mode >= SMTPSEC_STS_TESTING);
}

static int32_t
add_requiretls(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
               struct ss_notes *notes, struct ss_demand *demand)
{
    int32_t identity;

    if (!under_requiretls(plan))
        return SMTPSEC_REASON_NONE;
    if (!mx_name_trusted(plan, host))
        return SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED; /* RTLS-04, RTLS-05 */
    demand->requiretls = true;
    identity = (demand->identities & SMTPSEC_IDENTITY_DANE) != 0
                   ? SMTPSEC_IDENTITY_DANE
                   : SMTPSEC_IDENTITY_PKIX; /* RTLS-06, RTLS-08 */
    demand->identities |= identity;
    demand->alone &= ~identity; /* it rests on that one too */
    demand_tls(demand, SMTPSEC_SOURCE_REQUIRETLS,
               identity == SMTPSEC_IDENTITY_DANE ? dane_level(plan) : pkix_level(plan));
    ss_note_from(notes, &by_message, SS_RAISES, "RTLS-01", "RFC 8689 2",
                 "REQUIRETLS: %s must be authenticated, and offer REQUIRETLS inside TLS", host->text);
    return SMTPSEC_REASON_NONE;
}

/* TRN-01, TRN-02, TRN-09: what is lifted is still judged, and its failures told. */
static void
audit_lifted(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
             struct ss_notes *notes, struct ss_demand *demand)
{
    if (plan->message.tls_report)
        ss_note_from(notes, &by_message, SS_LOWERS, "TRN-10", "RFC 8460 5.3",
                     "a report on TLS lifts what %s asks for", host->text);
    else
        ss_note_from(notes, &by_message, SS_LOWERS, "TRN-01", "RFC 8689 4.2.2",
                     "TLS-Required: No lifts what %s asks for", host->text);
    if (host->dane == SMTPSEC_DANE_USABLE)
        demand->audited |= SMTPSEC_IDENTITY_DANE;
    if (plan->sts_mode >= SMTPSEC_STS_TESTING && host->sts_fits)
        demand->audited |= SMTPSEC_IDENTITY_PKIX;
}

int32_t
ss_demand_gather(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                 const struct ss_floor *floor, struct ss_notes *notes, struct ss_demand *demand)
{
    int32_t reason = SMTPSEC_REASON_NONE;

    memset(demand, 0, sizeof(*demand));
    if (host->unreachable != SMTPSEC_REASON_NONE)
        return host->unreachable;
    if (host->dane == SMTPSEC_DANE_FAILED && plan->settings.dane == SMTPSEC_MODE_ENFORCE &&
        !dane_reports(plan) && recipient_counts(plan, host, SMTPSEC_LEVEL_DANE))
        return host->dane_reason; /* TLSA-04, TLSA-05 */
    if (minimum_needs_mx(plan, host))
        return SMTPSEC_REASON_MX_INSECURE;
    if (recipient_counts(plan, host, SMTPSEC_LEVEL_DANE))
        add_dane(plan, host, notes, demand);
    if (recipient_counts(plan, host, SMTPSEC_LEVEL_MTA_STS))
        reason = add_sts(plan, host, notes, demand);
    if (reason == SMTPSEC_REASON_NONE)
        reason = add_operator(plan, host, notes, demand);
    if (ss_plan_lifted(plan))
        audit_lifted(plan, host, notes, demand);
    else if (reason == SMTPSEC_REASON_NONE)
        reason = add_memory(plan, host, floor, notes, demand);
    if (reason == SMTPSEC_REASON_NONE)
        reason = add_requiretls(plan, host, notes, demand);
    return reason;
}
