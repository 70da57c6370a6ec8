/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/verify.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "pkix/anchors.h"

static void
reject(struct smtpsec_verdict *verdict, int32_t reason)
{
    verdict->accepted = false;
    verdict->reason = reason;
    verdict->result = smtpsec_reason_result(reason);
    verdict->achieved = SMTPSEC_LEVEL_NONE;
}

static bool
demands_tls(const struct smtpsec_requirement *requirement)
{
    return requirement->tls == SMTPSEC_TLS_REQUIRED;
}

static int32_t
starttls_reason(int32_t starttls)
{
    switch (starttls) {
    case SMTPSEC_STARTTLS_ABSENT:
        return SMTPSEC_REASON_NO_STARTTLS;
    case SMTPSEC_STARTTLS_REFUSED:
        return SMTPSEC_REASON_STARTTLS_REFUSED;
    case SMTPSEC_STARTTLS_FAILED:
        return SMTPSEC_REASON_TLS_HANDSHAKE;
    case SMTPSEC_STARTTLS_INJECTED:
        return SMTPSEC_REASON_STARTTLS_INJECTION;
    default:
        return SMTPSEC_REASON_CONNECT_FAILED;
    }
}

/* No TLS was reached. */
static void
judge_plaintext(const struct smtpsec_requirement *requirement, int32_t starttls,
                struct smtpsec_verdict *verdict)
{
    int32_t reason = starttls_reason(starttls);

    if (starttls == SMTPSEC_STARTTLS_NOT_REACHED || demands_tls(requirement)) {
        /* PREC-09: what the memory alone demands is told apart, so that its hold can be counted. */
        if (requirement->sources == SMTPSEC_SOURCE_MEMORY &&
            starttls != SMTPSEC_STARTTLS_NOT_REACHED) {
            reject(verdict, SMTPSEC_REASON_DOWNGRADE);
            verdict->result = smtpsec_reason_result(reason);
            return;
        }
        reject(verdict, reason);
        return;
    }
    verdict->accepted = true;
    verdict->achieved = SMTPSEC_LEVEL_NONE;
    verdict->result = smtpsec_reason_result(reason); /* RPT-20 */
}

static int
check_dane(const struct smtpsec_requirement *requirement, const struct smtpsec_session *session,
           struct ss_chain *chain, int64_t now, int32_t *index, int32_t *reason)
{
    struct ss_name names[SS_DANE_NAMES];
    size_t i;

    if (session->raw_key.len > 0) /* DANE-EE-10 */
        return ss_dane_verify_raw_key(&requirement->tlsa, session->raw_key, index, reason);
    for (i = 0; i < requirement->dane_name_count; i++)
        names[i] = requirement->dane_names[i].name;
    return ss_dane_verify(&requirement->tlsa, chain, names, requirement->dane_name_count, now, index,
                          reason);
}

/* RFC 8461 4.2 and RFC 8689 2: the name first, since it is the cheaper half. */
static int
check_pkix(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
           const struct smtpsec_session *session, struct ss_chain *chain, int64_t now,
           int32_t *reason)
{
    int r;

    if (session->raw_key.len > 0) {
        *reason = SMTPSEC_REASON_RAW_PUBLIC_KEY;
        return 0;
    }
    if (anchors == NULL || ss_anchors_count(anchors) == 0) {
        *reason = SMTPSEC_REASON_NO_TRUST_ANCHORS;
        return 0;
    }
    if (requirement->host.name.len == 0) {
        *reason = SMTPSEC_REASON_NAME_MISMATCH; /* an address literal names nobody */
        return 0;
    }
    r = ss_chain_match_names(chain, &requirement->host.name, 1, false, reason); /* NAME-07 */
    if (r != 0 || *reason != SMTPSEC_REASON_NONE)
        return r;
    return ss_chain_verify(chain, anchors, now, reason);
}

/* What the certificate proves, required or not: level as people read it. */
static int32_t
achieved_level(const struct smtpsec_requirement *requirement, int32_t identities)
{
    int32_t level = SMTPSEC_LEVEL_ENCRYPTED;

    if ((identities & SMTPSEC_IDENTITY_PKIX) != 0) {
        level = requirement->mx_secure ? SMTPSEC_LEVEL_DNSSEC : SMTPSEC_LEVEL_AUTHENTICATED;
        if ((requirement->sources & SMTPSEC_SOURCE_MTA_STS) != 0)
            level = SMTPSEC_LEVEL_MTA_STS;
    }
    if ((identities & SMTPSEC_IDENTITY_DANE) != 0)
        level = requirement->mx_secure ? SMTPSEC_LEVEL_DANE
                : level > SMTPSEC_LEVEL_AUTHENTICATED ? level
                                                      : SMTPSEC_LEVEL_AUTHENTICATED;
    return level;
}

static int32_t
chain_fault(const struct smtpsec_session *session)
{
    if (session->too_long)
        return SMTPSEC_REASON_CHAIN_TOO_LONG;
    if (session->count == 0 && session->raw_key.len == 0)
        return SMTPSEC_REASON_NO_CERTIFICATE; /* DANE-EE-11 */
    return SMTPSEC_REASON_NONE;
}

struct checks {
    int32_t dane; /* reasons; NONE: verified */
    int32_t pkix;
};

/* Run the checks that matter: what is required, and PKIX where it only informs. */
static int
run_checks(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
           const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict,
           struct checks *checks)
{
    bool dane = ((requirement->identities | requirement->audited) & SMTPSEC_IDENTITY_DANE) != 0;
    bool pkix = ((requirement->identities | requirement->audited) & SMTPSEC_IDENTITY_PKIX) != 0 ||
                requirement->remembered_pkix;
    struct ss_chain *chain = NULL;
    int r = 0;

    checks->dane = checks->pkix = chain_fault(session);
    if (checks->dane != SMTPSEC_REASON_NONE)
        return 0;
    if (session->count > 0)
        r = ss_chain_new(session->certificates, session->count, &chain);
    if (r == 0 && dane)
        r = check_dane(requirement, session, chain, now, &verdict->tlsa, &checks->dane);
    /* Not required, a valid certificate still tells: testing mode reports it, the memory learns. */
    if (r == 0 && (pkix || !dane))
        r = check_pkix(anchors, requirement, session, chain, now, &checks->pkix);
    else
        checks->pkix = SMTPSEC_REASON_NOT_TRUSTED;
    ss_chain_free(chain);
    if (r == 0 && dane && checks->dane == SMTPSEC_REASON_NONE)
        verdict->identities |= SMTPSEC_IDENTITY_DANE;
    if (r == 0 && checks->pkix == SMTPSEC_REASON_NONE)
        verdict->identities |= SMTPSEC_IDENTITY_PKIX;
    return r;
}

/*
 * STSA-10, TLSA-22: what is only audited is told, and stops nothing. What the
 * memory alone reports (design 6.3) breaks no policy of the domain's, so it is
 * a reason and no result of RFC 8460 (RPT-20).
 */
static void
audit(const struct smtpsec_requirement *requirement, const struct checks *checks,
      struct smtpsec_verdict *verdict)
{
    if ((requirement->audited & SMTPSEC_IDENTITY_DANE) != 0)
        verdict->reason = checks->dane;
    if ((requirement->audited & SMTPSEC_IDENTITY_PKIX) != 0 &&
        verdict->reason == SMTPSEC_REASON_NONE)
        verdict->reason = checks->pkix;
    if (requirement->sts_misfit && verdict->reason == SMTPSEC_REASON_NONE)
        verdict->reason = SMTPSEC_REASON_STS_MX_MISMATCH; /* RPT-17 */
    verdict->result = smtpsec_reason_result(verdict->reason);
    /* RPT-08: signed records, none of them usable, though the mail goes. */
    if (verdict->result == SMTPSEC_RESULT_NONE && requirement->tlsa.count > 0 &&
        !ss_tlsa_set_usable(&requirement->tlsa))
        verdict->result = SMTPSEC_RESULT_TLSA_INVALID;
    if (requirement->remembered_pkix && verdict->reason == SMTPSEC_REASON_NONE)
        verdict->reason = checks->pkix;
}

static int
judge_tls(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
          const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict)
{
    struct checks checks;
    int r;

    r = run_checks(anchors, requirement, session, now, verdict, &checks);
    if (r != 0)
        return r;
    /* PREC-01: a failed DANE check is final, whatever PKIX says. */
    if ((requirement->identities & SMTPSEC_IDENTITY_DANE) != 0 &&
        checks.dane != SMTPSEC_REASON_NONE) {
        reject(verdict, checks.dane);
        return 0;
    }
    if ((requirement->identities & SMTPSEC_IDENTITY_PKIX) != 0 &&
        checks.pkix != SMTPSEC_REASON_NONE) {
        reject(verdict, checks.pkix);
        return 0;
    }
    verdict->accepted = true;
    verdict->achieved = achieved_level(requirement, verdict->identities);
    audit(requirement, &checks, verdict);
    return 0;
}

/* PREC-12: without a chain, a resumed session is worth exactly what its full handshake was judged by. */
static void
judge_resumed(const struct smtpsec_requirement *requirement, const struct smtpsec_session *session,
              struct smtpsec_verdict *verdict)
{
    if (!ss_equal_ct(session->resumed_digest, requirement->digest, SS_SHA256_LEN)) {
        reject(verdict, SMTPSEC_REASON_RESUMED);
        return;
    }
    verdict->accepted = true;
    verdict->identities = requirement->identities;
    verdict->achieved = achieved_level(requirement, requirement->identities);
}

static void
write_text(const struct smtpsec_requirement *requirement, const struct smtpsec_session *session,
           struct smtpsec_verdict *verdict)
{
    const char *host = requirement->host.text[0] != '\0' ? requirement->host.text
                                                         : requirement->domain;

    if (!verdict->accepted)
        snprintf(verdict->text, sizeof(verdict->text), "%s: reject, %s (%s); starttls %s", host,
                 smtpsec_reason_name(verdict->reason), smtpsec_reason_text(verdict->reason),
                 smtpsec_starttls_name(session->starttls));
    else
        snprintf(verdict->text, sizeof(verdict->text), "%s: accept at %s, %s required%s%s", host,
                 smtpsec_level_name(verdict->achieved), smtpsec_level_name(requirement->level),
                 verdict->reason != SMTPSEC_REASON_NONE ? "; not met, and only reported: " : "",
                 verdict->reason != SMTPSEC_REASON_NONE ? smtpsec_reason_name(verdict->reason) : "");
}

int
ss_verify(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
          const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict)
{
    int r = 0;

    memset(verdict, 0, sizeof(*verdict));
    verdict->tlsa = -1;
    if (now > requirement->expires) /* TLSA-24 */
        reject(verdict, SMTPSEC_REASON_REQUIREMENT_EXPIRED);
    else if (session->starttls != SMTPSEC_STARTTLS_DONE)
        judge_plaintext(requirement, session->starttls, verdict);
    else if (requirement->identities != 0 && session->version < requirement->tls_version)
        reject(verdict, SMTPSEC_REASON_TLS_VERSION); /* DANE-EE-12 */
    else if (session->resumed && session->count == 0)
        judge_resumed(requirement, session, verdict);
    else
        r = judge_tls(anchors, requirement, session, now, verdict);
    if (r == 0)
        write_text(requirement, session, verdict);
    return r;
}
