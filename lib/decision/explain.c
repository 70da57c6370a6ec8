/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "memory/life.h"

/* The claim as the plan shows it; NULL when it is not there. */
static const struct smtpsec_claim *
shown_claim(const struct smtpsec_plan *plan, int32_t kind, const struct ss_name *host)
{
    size_t i;

    for (i = 0; i < plan->claim_count; i++) {
        const struct ss_claim *claim = &plan->claims[i].claim;

        if (claim->kind == kind && claim->host.len == host->len &&
            (host->len == 0 || ss_name_equal(&claim->host, host)))
            return &plan->claims[i];
    }
    return NULL;
}

static const struct smtpsec_claim *
policy_claim(const struct smtpsec_plan *plan)
{
    static const struct ss_name none;

    return shown_claim(plan, SMTPSEC_CLAIM_MTA_STS, &none);
}

/* A remembered policy may ask for PKIX beside a claim of more weight, which names the floor. */
static bool
policy_beside(const struct ss_floor *floor)
{
    return floor->kind == SMTPSEC_CLAIM_DANE &&
           (floor->sts_patterns || (floor->identities & SMTPSEC_IDENTITY_PKIX) != 0);
}

static int64_t
sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The host lacks nothing of DANE, so it is the remembered policy that does not list it. */
static bool
policy_in_the_way(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                  const struct ss_floor *floor)
{
    return policy_beside(floor) && floor->sts_patterns && host->dane == SMTPSEC_DANE_USABLE &&
           ss_plan_mx_secure(plan) && !host->remembered_fits && !host->sts_fits;
}

void
ss_basis_of(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
            const struct ss_floor *floor, struct ss_basis *basis)
{
    const struct smtpsec_claim *policy = policy_beside(floor) ? policy_claim(plan) : NULL;

    memset(basis, 0, sizeof(*basis));
    basis->kind = floor->kind;
    if (floor->host.len > 0)
        basis->place = ss_name_equal(&floor->host, &host->reference.name) ? SS_PLACE_HOST
                                                                          : SS_PLACE_KNOWN_HOSTS;
    basis->until = floor->until;
    if (policy != NULL && policy_in_the_way(plan, host, floor)) {
        basis->kind = SMTPSEC_CLAIM_MTA_STS;
        basis->place = SS_PLACE_DOMAIN;
        basis->until = policy->binds_until;
    } else if (policy != NULL) {
        basis->policy_until = policy->binds_until;
    }
    if (!floor->soft)
        return;
    if (host->floors.hold)
        basis->until = sooner(basis->until, host->floors.hold_until);
    else if (plan->settings.memory.hold > 0)
        basis->hold = plan->settings.memory.hold;
}

/* ---- Pieces of a line ---- */

static void
add(char line[SS_FLOOR_LINE], const char *text)
{
    size_t at = strlen(line);

    snprintf(line + at, SS_FLOOR_LINE - at, "%s", text);
}

static void
add_time(char line[SS_FLOOR_LINE], int64_t time)
{
    char text[SS_TIME_TEXT];

    ss_time_text(text, time);
    add(line, text);
}

static void
add_needs(char line[SS_FLOOR_LINE], int32_t identities, bool patterns, bool signed_mx)
{
    const char *join = "";

    add(line, "; met by ");
    if ((identities & SMTPSEC_IDENTITY_DANE) != 0) {
        add(line, signed_mx ? "signed MX records and a certificate that usable TLSA records match"
                            : "a certificate that usable TLSA records match");
        join = ", and ";
    }
    if ((identities & SMTPSEC_IDENTITY_PKIX) != 0 || patterns) {
        add(line, join);
        add(line, patterns ? "a host that the remembered policy lists, with a certificate valid "
                             "for its name"
                           : "a certificate valid for the host's name");
    } else if (identities == 0) {
        add(line, "TLS");
    }
}

/* Where a claim is on, what ends it, and what overrides it: the last words of every line. */
static void
add_end(char line[SS_FLOOR_LINE], const char *domain, int32_t kind, int64_t until, int64_t hold)
{
    char span[64];

    add(line, "; ends by itself at ");
    add_time(line, until);
    if (hold > 0) {
        snprintf(span, sizeof(span), ", or %lld %s after the first refusal",
                 (long long)(hold % 3600 == 0 ? hold / 3600 : hold),
                 hold % 3600 == 0 ? "hours" : "seconds");
        add(line, span);
    }
    add(line, "; overridden by 'except ");
    add(line, domain);
    add(line, " ");
    add(line, smtpsec_claim_name(kind));
    add(line, " until DATE' in the policy file, or by 'smtpsec memory forget ");
    add(line, domain);
    add(line, "'");
}

static const struct smtpsec_claim *
claim_behind(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
             const struct ss_floor *floor)
{
    return policy_in_the_way(plan, host, floor) ? policy_claim(plan)
                                                : shown_claim(plan, floor->kind, &floor->host);
}

struct ss_origin
ss_floor_origin(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                const struct ss_floor *floor)
{
    const struct smtpsec_claim *shown = claim_behind(plan, host, floor);
    struct ss_origin origin = {"memory", SS_AGE_UNKNOWN, {NULL, 0}};

    if (shown == NULL)
        return origin;
    origin.age = shown->claim.last_seen > plan->made ? 0 : plan->made - shown->claim.last_seen;
    origin.input.data = (const uint8_t *)shown->evidence;
    origin.input.len = strlen(shown->evidence);
    return origin;
}

void
ss_explain_floor(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
                 const struct ss_floor *floor, char line[SS_FLOOR_LINE])
{
    const struct smtpsec_claim *shown = claim_behind(plan, host, floor);
    int32_t kind = shown != NULL ? shown->claim.kind : floor->kind;
    struct ss_basis basis;
    char days[64];

    ss_basis_of(plan, host, floor, &basis);
    snprintf(line, SS_FLOOR_LINE, "claim %s on ", smtpsec_claim_name(kind));
    if (shown == NULL || shown->claim.host.len == 0)
        add(line, plan->domain);
    else
        add(line, shown->host.text);
    if (shown != NULL) {
        add(line, " (first seen ");
        add_time(line, shown->claim.first_seen);
        snprintf(days, sizeof(days), ", %lu days)", (unsigned long)shown->claim.days);
        add(line, days);
    }
    add_needs(line, floor->identities, floor->sts_patterns, floor->level == SMTPSEC_LEVEL_DANE);
    add_end(line, plan->domain, kind, basis.until, basis.hold);
}

void
ss_explain_session(const struct smtpsec_requirement *requirement, const struct ss_wanted *wanted,
                   int32_t failed, int64_t now, char line[SS_FLOOR_LINE])
{
    const struct ss_basis *basis = &wanted->basis;
    bool policy = failed == SMTPSEC_IDENTITY_PKIX && basis->policy_until != 0;
    int64_t until = policy ? basis->policy_until : basis->until;
    int32_t kind = policy ? SMTPSEC_CLAIM_MTA_STS : basis->kind;

    snprintf(line, SS_FLOOR_LINE, "claim %s on ", smtpsec_claim_name(kind));
    if (policy || basis->place == SS_PLACE_DOMAIN)
        add(line, requirement->domain);
    else if (basis->place == SS_PLACE_HOST)
        add(line, requirement->host.text);
    else
        add(line, "the known hosts");
    add_needs(line, failed, false, false);
    /* The hold begins with this refusal at the latest. */
    if (!policy && basis->hold > 0)
        until = sooner(until, ss_time_add(now, basis->hold));
    add_end(line, requirement->domain, kind, until, 0);
}
