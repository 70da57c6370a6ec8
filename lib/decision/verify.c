/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/verify.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "decision/explain.h"
#include "pkix/anchors.h"

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

static int
check_dane(const struct smtpsec_requirement *requirement, const struct smtpsec_session *session,
           struct ss_chain *chain, int64_t now, int32_t *index, int32_t *reason)
{
    struct ss_name names[SS_DANE_NAMES];
    size_t count = 0;

    if (session->raw_key.len > 0) /* DANE-EE-10 */
        return ss_dane_verify_raw_key(&requirement->tlsa, session->raw_key, index, reason);
    /* DANE-EE-04: names are nothing to a match of the leaf's octets. */
    if (ss_tlsa_set_anchors(&requirement->tlsa))
        for (; count < requirement->dane_name_count; count++)
            names[count] = requirement->dane_names[count].name;
    return ss_dane_verify(&requirement->tlsa, chain, names, count, now, index, reason);
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

/* What a session showed, whatever is wanted of it: looked at once, compared with each set. */
struct seen {
    int32_t plain;   /* why there is no TLS; NONE: there is */
    bool resumed;    /* and no chain came to be judged */
    bool same;       /* its full handshake was judged under this requirement */
    int32_t dane;    /* reasons; NONE: verified */
    int32_t pkix;
    int32_t pkix_too;
    int32_t judged; /* identities that were looked at */
};

/* Run the checks that matter: what is required or reported, and PKIX where it only informs. */
static int
run_checks(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
           const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict,
           struct seen *seen)
{
    int32_t judged =
        requirement->identities | requirement->reported.identities | requirement->audited;
    bool dane = (judged & SMTPSEC_IDENTITY_DANE) != 0;
    bool other = ((requirement->identities | requirement->audited) & SMTPSEC_IDENTITY_DANE) != 0;
    struct ss_chain chain;
    int r;

    seen->judged = judged;
    seen->dane = seen->pkix = chain_fault(session);
    if (seen->dane != SMTPSEC_REASON_NONE)
        return 0;
    r = ss_chain_init(&chain, session->certificates, session->count);
    if (r == 0 && dane)
        r = check_dane(requirement, session, &chain, now, &verdict->tlsa, &seen->dane);
    /* Not required, a valid certificate still tells: testing mode reports it, the memory learns. */
    if (r == 0 && ((judged & SMTPSEC_IDENTITY_PKIX) != 0 || !other))
        r = check_pkix(anchors, requirement, session, &chain, now, &seen->pkix);
    else
        seen->pkix = SMTPSEC_REASON_NOT_TRUSTED;
    /* RPT-19: whoever must repair it is to know both at once. */
    if (r == 0 && seen->pkix == SMTPSEC_REASON_NAME_MISMATCH && session->count > 0 &&
        anchors != NULL)
        r = ss_chain_verify(&chain, anchors, now, &seen->pkix_too);
    ss_chain_clear(&chain);
    if (r == 0 && dane && seen->dane == SMTPSEC_REASON_NONE)
        verdict->identities |= SMTPSEC_IDENTITY_DANE;
    if (r == 0 && seen->pkix == SMTPSEC_REASON_NONE)
        verdict->identities |= SMTPSEC_IDENTITY_PKIX;
    return r;
}

static int
look(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
     const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict,
     struct seen *seen)
{
    memset(seen, 0, sizeof(*seen));
    if (session->starttls != SMTPSEC_STARTTLS_DONE) {
        seen->plain = starttls_reason(session->starttls);
        return 0;
    }
    if (!session->resumed || session->count > 0)
        return run_checks(anchors, requirement, session, now, verdict, seen);
    /* PREC-12: without a chain, it is worth exactly what its full handshake was judged by. */
    seen->resumed = true;
    seen->same = ss_equal_ct(session->resumed_digest, requirement->digest, SS_SHA256_LEN);
    if (seen->same)
        verdict->identities = seen->judged = requirement->identities;
    return 0;
}

/* A host that the memory refuses as such lacks what the claim's kind stands for. */
static int32_t
refused_identity(const struct ss_basis *basis)
{
    return basis->kind == SMTPSEC_CLAIM_DANE ? SMTPSEC_IDENTITY_DANE : SMTPSEC_IDENTITY_PKIX;
}

/* What a set says of a session. */
struct ruling {
    int32_t reason; /* NONE: the session meets it */
    int32_t detail; /* where the memory alone refuses: what fell short */
    int32_t failed; /* and the identities that it wants; 0: TLS is enough */
    bool memory;
};

static struct ruling
refusal(int32_t fault, int32_t failed, bool memory)
{
    struct ruling ruling = {fault, SMTPSEC_REASON_NONE, failed, memory};

    /* PREC-09: what the memory alone demands is told apart, so that its hold can be counted. */
    if (memory) {
        ruling.reason = SMTPSEC_REASON_DOWNGRADE;
        ruling.detail = fault;
    }
    return ruling;
}

/* TRN-08: an operator's mandate that DANE meets as well, where nobody else asks for PKIX. */
static bool
dane_will_do(const struct smtpsec_requirement *requirement, const struct seen *seen)
{
    return requirement->either && (seen->judged & SMTPSEC_IDENTITY_DANE) != 0 &&
           seen->dane == SMTPSEC_REASON_NONE;
}

/* PREC-01: a failed DANE check is final, whatever PKIX says. */
static struct ruling
compare_identities(const struct smtpsec_requirement *requirement, int32_t identities,
                   const struct seen *seen, bool memory)
{
    if ((identities & SMTPSEC_IDENTITY_DANE) != 0 && seen->dane != SMTPSEC_REASON_NONE)
        return refusal(seen->dane, SMTPSEC_IDENTITY_DANE, memory);
    if ((identities & SMTPSEC_IDENTITY_PKIX) != 0 && seen->pkix != SMTPSEC_REASON_NONE &&
        !dane_will_do(requirement, seen))
        return refusal(seen->pkix, SMTPSEC_IDENTITY_PKIX, memory);
    return refusal(SMTPSEC_REASON_NONE, 0, false);
}

/* DANE-EE-12: of identities. A version that the operator asks counts wherever TLS must be. */
static bool
version_matters(const struct smtpsec_requirement *requirement, const struct ss_wanted *wanted)
{
    return wanted->identities != 0 ||
           (wanted->tls == SMTPSEC_TLS_REQUIRED && requirement->tls_version > 0x0303);
}

/* Design 10: one comparison for what is enforced and for what is reported. */
static struct ruling
compare(const struct smtpsec_requirement *requirement, const struct ss_wanted *wanted,
        const struct smtpsec_session *session, const struct seen *seen)
{
    struct ruling ruling;

    if (session->starttls == SMTPSEC_STARTTLS_NOT_REACHED)
        return refusal(seen->plain, 0, false);
    if (wanted->refused != SMTPSEC_REASON_NONE) {
        ruling = refusal(SMTPSEC_REASON_NONE, refused_identity(&wanted->basis), true);
        ruling.reason = wanted->refused;
        return ruling;
    }
    if (seen->plain != SMTPSEC_REASON_NONE)
        return wanted->tls == SMTPSEC_TLS_REQUIRED
                   ? refusal(seen->plain, wanted->alone, wanted->sources == SMTPSEC_SOURCE_MEMORY)
                   : refusal(SMTPSEC_REASON_NONE, 0, false);
    if (version_matters(requirement, wanted) && session->version < requirement->tls_version)
        return refusal(SMTPSEC_REASON_TLS_VERSION, wanted->alone,
                       wanted->identities != 0 ? (wanted->identities & ~wanted->alone) == 0
                                               : wanted->sources == SMTPSEC_SOURCE_MEMORY);
    if (seen->resumed)
        return refusal(seen->same ? SMTPSEC_REASON_NONE : SMTPSEC_REASON_RESUMED, 0, false);
    /* What others demand too comes first: it is no refusal of the memory's alone. */
    ruling = compare_identities(requirement, wanted->identities & ~wanted->alone, seen, false);
    if (ruling.reason == SMTPSEC_REASON_NONE && wanted->alone != 0)
        ruling = compare_identities(requirement, wanted->alone, seen, true);
    return ruling;
}

/*
 * Nothing tells them apart in a comparison: most are so, as the memory asks for
 * nothing more. The basis counts only where a host is refused.
 */
static bool
demands_equal(const struct ss_wanted *a, const struct ss_wanted *b)
{
    return a->tls == b->tls && a->identities == b->identities && a->sources == b->sources &&
           a->alone == b->alone && a->refused == SMTPSEC_REASON_NONE &&
           b->refused == SMTPSEC_REASON_NONE;
}

static void
reject(const struct ruling *ruling, struct smtpsec_verdict *verdict)
{
    verdict->accepted = false;
    verdict->reason = ruling->reason;
    verdict->detail = ruling->detail;
    verdict->memory_refused = ruling->memory;
    /* RPT-20: for a report it is what fell short that counts, whoever demanded it. */
    verdict->result = smtpsec_reason_result(ruling->memory ? ruling->detail : ruling->reason);
    verdict->achieved = SMTPSEC_LEVEL_NONE;
}

/* STSA-10, TLSA-22: what is only audited is told, and stops nothing. */
static void
audit(const struct smtpsec_requirement *requirement, const struct seen *seen,
      struct smtpsec_verdict *verdict)
{
    if ((requirement->audited & SMTPSEC_IDENTITY_DANE) != 0)
        verdict->reason = seen->dane;
    if ((requirement->audited & SMTPSEC_IDENTITY_PKIX) != 0 &&
        verdict->reason == SMTPSEC_REASON_NONE)
        verdict->reason = seen->pkix;
    if (requirement->sts_misfit && verdict->reason == SMTPSEC_REASON_NONE)
        verdict->reason = SMTPSEC_REASON_STS_MX_MISMATCH; /* RPT-17 */
    verdict->result = smtpsec_reason_result(verdict->reason);
    /* RPT-08: signed records, none of them usable, though the mail goes. */
    if (verdict->result == SMTPSEC_RESULT_NONE && verdict->tlsa < 0 &&
        requirement->tlsa.count > 0 && !ss_tlsa_set_usable(&requirement->tlsa))
        verdict->result = SMTPSEC_RESULT_TLSA_INVALID;
}

static void
accept(const struct smtpsec_requirement *requirement, const struct seen *seen,
       struct smtpsec_verdict *verdict)
{
    verdict->accepted = true;
    if (seen->plain != SMTPSEC_REASON_NONE) {
        verdict->achieved = SMTPSEC_LEVEL_NONE;
        verdict->result = smtpsec_reason_result(seen->plain); /* RPT-20 */
        return;
    }
    verdict->achieved = achieved_level(requirement, verdict->identities);
    if (!seen->resumed)
        audit(requirement, seen, verdict);
}

/*
 * Design 6.8: a session that is accepted, and would not be, were every claim
 * enforced. It breaks no policy of the domain's, so it is a reason and no
 * result of RFC 8460 (RPT-20).
 */
static void
report(const struct ruling *would, struct smtpsec_verdict *verdict)
{
    verdict->would_refuse = would->reason != SMTPSEC_REASON_NONE;
    verdict->would_reason = would->reason;
    if (verdict->reason == SMTPSEC_REASON_NONE) {
        verdict->reason = would->reason;
        verdict->detail = would->detail;
    }
}

/* PREC-09: the words of such a refusal name the claim, and tell when it ends. */
static int
add_memory_words(const struct smtpsec_requirement *requirement, const struct ss_wanted *wanted,
                 const struct ruling *ruling, int64_t now, struct smtpsec_verdict *verdict)
{
    char line[SS_FLOOR_LINE];
    struct ss_words *words;
    size_t at;
    int r;

    if (!ruling->memory)
        return 0;
    r = ss_verdict_write(verdict, &words);
    if (r != 0)
        return r;
    ss_explain_session(requirement, wanted, ruling->failed, now, line);
    at = strlen(words->text);
    snprintf(words->text + at, sizeof(words->text) - at, "; %s%s%s%s",
             ruling->detail != SMTPSEC_REASON_NONE ? smtpsec_reason_name(ruling->detail) : "",
             ruling->detail != SMTPSEC_REASON_NONE ? ": " : "",
             verdict->accepted ? "the memory would refuse it, " : "", line);
    return 0;
}

static int
finish(const struct smtpsec_requirement *requirement, const struct smtpsec_session *session,
       struct smtpsec_verdict *verdict)
{
    struct ss_words *words;

    ss_word_facts_take(requirement, session, verdict);
    /* A refusal is never without its words. */
    return verdict->accepted ? 0 : ss_verdict_write(verdict, &words);
}

/* RPT-21: each policy has its own counts, so a report needs more than the one reason of a verdict. */
static void
tell_seen(const struct seen *seen, struct smtpsec_verdict *verdict)
{
    verdict->looked = !seen->resumed || seen->same;
    verdict->judged = seen->judged;
    verdict->plain = seen->plain;
    verdict->dane = seen->dane;
    verdict->pkix = seen->pkix;
    verdict->pkix_too = seen->pkix_too;
}

int
ss_verify(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
          const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict)
{
    struct ss_wanted enforced = ss_requirement_enforced(requirement);
    struct ruling ruling, would;
    struct seen seen;
    int r;

    memset(verdict, 0, offsetof(struct smtpsec_verdict, facts));
    verdict->tlsa = -1;
    if (now > requirement->expires) { /* TLSA-24 */
        ruling = refusal(SMTPSEC_REASON_REQUIREMENT_EXPIRED, 0, false);
        reject(&ruling, verdict);
        return finish(requirement, session, verdict);
    }
    r = look(anchors, requirement, session, now, verdict, &seen);
    if (r != 0)
        return r;
    tell_seen(&seen, verdict);
    ruling = compare(requirement, &enforced, session, &seen);
    if (ruling.reason != SMTPSEC_REASON_NONE) {
        reject(&ruling, verdict);
        r = finish(requirement, session, verdict);
        return r != 0 ? r : add_memory_words(requirement, &enforced, &ruling, now, verdict);
    }
    would = demands_equal(&enforced, &requirement->reported)
                ? ruling
                : compare(requirement, &requirement->reported, session, &seen);
    accept(requirement, &seen, verdict);
    report(&would, verdict);
    r = finish(requirement, session, verdict);
    return r != 0 ? r : add_memory_words(requirement, &requirement->reported, &would, now, verdict);
}
