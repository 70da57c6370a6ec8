/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
is_signed(const struct smtpsec_plan *plan)
{
    return plan->origin != SMTPSEC_ORIGIN_MX || plan->mx_trust == SMTPSEC_TRUST_SECURE;
}

static void
take_hosts(const struct smtpsec_plan *plan, struct postfix_hosts *hosts)
{
    size_t i;

    memset(hosts, 0, sizeof(*hosts));
    if (plan->count > 32)
        abort();
    hosts->count = plan->count;
    hosts->is_signed = is_signed(plan);
    for (i = 0; i < plan->count; i++)
        hosts->names[i] = plan->hosts[i].text;
}

/* A bit for each host of that name. */
static bool
bears(const struct smtpsec_plan *plan, const struct postfix_session *session, const char *name)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (strcasecmp(plan->hosts[i].text, name) == 0 && (session->names & 1u << i) != 0)
            return true;
    return false;
}

/* Would the plan accept this session with a host that bears that requirement? */
static bool
meets(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
      const struct postfix_session *session)
{
    const struct smtpsec_requirement *asked = host->requirement;

    if (asked->requiretls || (asked->identities & ~3) != 0)
        return false;
    if (asked->tls == SMTPSEC_TLS_REQUIRED && !session->tls)
        return false;
    if (asked->identities != 0 && (!session->tls || session->version < asked->tls_version))
        return false;
    if (asked->tls == SMTPSEC_TLS_REQUIRED && asked->tls_version > 0x0303 &&
        session->version < asked->tls_version)
        return false;
    if ((asked->identities & SMTPSEC_IDENTITY_DANE) != 0 &&
        !(session->tlsa == POSTFIX_TLSA_USABLE && session->dane_match))
        return false;
    return (asked->identities & SMTPSEC_IDENTITY_PKIX) == 0 ||
           (session->chain && bears(plan, session, host->text));
}

static bool
forbids(const struct smtpsec_plan *plan, const char *name)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].requirement == NULL && strcasecmp(plan->hosts[i].text, name) == 0)
            return true;
    return false;
}

/* It has proved to be a host that mail may go to, and that host could prove no more. */
static bool
proves_another(const struct smtpsec_plan *plan, const struct postfix_session *session)
{
    size_t i;

    if (!session->tls || !session->chain || session->version < 0x0303)
        return false;
    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].requirement != NULL &&
            (plan->hosts[i].requirement->identities & SMTPSEC_IDENTITY_DANE) == 0 &&
            bears(plan, session, plan->hosts[i].text) && !forbids(plan, plan->hosts[i].text) &&
            meets(plan, &plan->hosts[i], session))
            return true;
    return false;
}

static bool
remembered(const struct smtpsec_host *host, const struct postfix_session *session)
{
    const struct ss_floor *floor = &host->floors.enforced;

    if (floor->tls == SMTPSEC_TLS_REQUIRED && !session->tls)
        return false;
    if ((floor->identities & SMTPSEC_IDENTITY_PKIX) != 0)
        return false; /* no host that is gone can show it */
    return (floor->identities & SMTPSEC_IDENTITY_DANE) == 0 ||
           (session->dane_match && session->tlsa == POSTFIX_TLSA_USABLE &&
            session->version >= 0x0303);
}

static bool
in(int32_t reason, const int32_t *list, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (list[i] == reason)
            return true;
    return false;
}

static const int32_t gone[] = {SMTPSEC_REASON_NO_ADDRESS, SMTPSEC_REASON_NULL_HOST,
                               SMTPSEC_REASON_ADDRESS_AS_MX, SMTPSEC_REASON_MX_IS_SELF};
static const int32_t address_failed[] = {
    SMTPSEC_REASON_ADDR_SERVFAIL, SMTPSEC_REASON_ADDR_TIMEOUT,   SMTPSEC_REASON_ADDR_BOGUS,
    SMTPSEC_REASON_ADDR_ALIAS,    SMTPSEC_REASON_ADDR_RCODE,     SMTPSEC_REASON_ADDR_MALFORMED,
    SMTPSEC_REASON_MX_ALIAS,      SMTPSEC_REASON_ADDR_INDETERMINATE};
static const int32_t tlsa_failed[] = {
    SMTPSEC_REASON_CNAME_LOOKUP,   SMTPSEC_REASON_TLSA_SERVFAIL, SMTPSEC_REASON_TLSA_TIMEOUT,
    SMTPSEC_REASON_TLSA_BOGUS,     SMTPSEC_REASON_TLSA_ALIAS,    SMTPSEC_REASON_TLSA_RCODE,
    SMTPSEC_REASON_TLSA_MALFORMED, SMTPSEC_REASON_TLSA_TRUNCATED,
    SMTPSEC_REASON_TLSA_INDETERMINATE};

#define IN(reason, list) in((reason), (list), sizeof(list) / sizeof((list)[0]))

/* May the message leave in this session, by the plan and by the words of the page? */
static bool
allowed(const struct smtpsec_plan *plan, const struct smtpsec_host *host,
        const struct postfix_session *session)
{
    if (proves_another(plan, session))
        return true;
    if (host->requirement != NULL)
        return meets(plan, host, session);
    if (IN(host->reason, gone) || (IN(host->reason, address_failed) && !is_signed(plan)))
        return remembered(host, session);
    if (IN(host->reason, address_failed) || IN(host->reason, tlsa_failed))
        return is_signed(plan) && session->tlsa == POSTFIX_TLSA_USABLE && session->dane_match &&
               session->version >= 0x0303;
    return false;
}

/* What Postfix may find there, given what we have found. */
static bool
may_find(const struct smtpsec_host *host, int tlsa)
{
    switch (host->dane) {
    case SMTPSEC_DANE_USABLE:
        return tlsa == POSTFIX_TLSA_USABLE;
    case SMTPSEC_DANE_ABSENT:
    case SMTPSEC_DANE_INSECURE:
        return tlsa == POSTFIX_TLSA_NONE;
    case SMTPSEC_DANE_UNUSABLE:
        return tlsa == POSTFIX_TLSA_UNUSABLE ||
               (tlsa == POSTFIX_TLSA_USABLE && host->tlsa.count > 0 &&
                host->tlsa.records[0].reason == SMTPSEC_REASON_TLSA_DISABLED);
    default:
        return true;
    }
}

/* The n-th session; false past the end. */
static bool
session_at(uint32_t n, size_t hosts, struct postfix_session *session)
{
    static const uint16_t versions[] = {0x0301, 0x0303, 0x0304};

    memset(session, 0, sizeof(*session));
    session->tlsa = (int)(n % 3);
    n /= 3;
    if (n == 0)
        return true; /* no TLS */
    n--;
    session->tls = true;
    session->version = versions[n % 3];
    n /= 3;
    session->dane_match = n % 2 != 0;
    n /= 2;
    session->chain = n % 2 != 0;
    n /= 2;
    session->names = n;
    return n < 1u << hosts;
}

struct judged
judge_reply(const struct smtpsec_plan *plan, const char *reply, int release)
{
    struct postfix_policy policy;
    struct postfix_hosts hosts;
    struct judged judged;
    uint32_t n;

    memset(&judged, 0, sizeof(judged));
    take_hosts(plan, &hosts);
    postfix_read(&policy, reply, release);
    for (judged.host = 0; judged.host < plan->count; judged.host++)
        for (n = 0; session_at(n, plan->count, &judged.session); n++)
            if (may_find(&plan->hosts[judged.host], judged.session.tlsa) &&
                postfix_delivers(&policy, &hosts, judged.host, &judged.session) &&
                !allowed(plan, &plan->hosts[judged.host], &judged.session)) {
                judged.weaker = true;
                goto out;
            }
out:
    postfix_free(&policy);
    return judged;
}

/* What Postfix most likely finds there. */
static int
will_find(const struct smtpsec_host *host)
{
    if (host->dane == SMTPSEC_DANE_UNUSABLE)
        return POSTFIX_TLSA_UNUSABLE;
    return host->dane == SMTPSEC_DANE_USABLE ? POSTFIX_TLSA_USABLE : POSTFIX_TLSA_NONE;
}

static bool
reaches(const struct smtpsec_plan *plan, const struct postfix_policy *policy,
        const struct postfix_hosts *hosts, size_t host)
{
    struct postfix_session session;
    uint32_t n;

    if (plan->hosts[host].requirement == NULL)
        return false;
    /* Its certificate bears its own name: to be let in for another's is luck. */
    for (n = 0; session_at(n, plan->count, &session); n++)
        if (session.names == 1u << host && session.tlsa == will_find(&plan->hosts[host]) &&
            meets(plan, &plan->hosts[host], &session) &&
            postfix_delivers(policy, hosts, host, &session))
            return true;
    return false;
}

size_t
judge_reached(const struct smtpsec_plan *plan, const char *reply, int release)
{
    struct postfix_policy policy;
    struct postfix_hosts hosts;
    size_t i, count = 0;

    take_hosts(plan, &hosts);
    postfix_read(&policy, reply, release);
    for (i = 0; i < plan->count; i++)
        count += reaches(plan, &policy, &hosts, i);
    postfix_free(&policy);
    return count;
}

bool
judge_sayable(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == strlen(name) &&
           strchr(name, '.') != NULL;
}

void
judge_candidate(const struct smtpsec_plan *plan, int kind, uint32_t names, char *out, size_t room)
{
    const char *version = " protocols=>=TLSv1.2";
    const char *between = "OK secure match=";
    size_t i, at = 0;

    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].requirement != NULL && plan->hosts[i].requirement->tls_version == 0x0304)
            version = " protocols=>=TLSv1.3";
    if (kind == JUDGE_NOTFOUND)
        snprintf(out, room, "NOTFOUND ");
    else if (kind == JUDGE_ENCRYPT)
        snprintf(out, room, "OK encrypt%s", version);
    else if (kind == JUDGE_DANE_ONLY)
        snprintf(out, room, "OK dane-only%s", version);
    if (kind != JUDGE_SECURE)
        return;
    for (i = 0; i < plan->count; i++)
        if ((names & 1u << i) != 0) {
            at += (size_t)snprintf(out + at, room - at, "%s%s", between, plan->hosts[i].text);
            between = ":";
        }
    snprintf(out + at, room - at, "%s", version);
}
