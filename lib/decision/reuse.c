/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/reuse.h"

#include <string.h>

#include "base/text.h"
#include "decision/verify.h"

static bool
same_record(const struct ss_tlsa *a, const struct ss_tlsa *b)
{
    return a->usage == b->usage && a->selector == b->selector && a->matching == b->matching &&
           a->reason == b->reason && a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

/* The very set: beside more records one may not be looked at, as the verifier's work is bounded. */
static bool
same_tlsa(const struct ss_tlsa_set *a, const struct ss_tlsa_set *b)
{
    size_t i;

    if (a->count != b->count)
        return false;
    for (i = 0; i < a->count; i++)
        if (!same_record(&a->records[i], &b->records[i]))
            return false;
    return true;
}

/* Each name that was good enough must be so still: a domain's name counts for that domain alone. */
static bool
names_within(const struct smtpsec_requirement *opened, const struct smtpsec_requirement *wanted)
{
    size_t i, k;

    for (i = 0; i < opened->dane_name_count; i++) {
        for (k = 0; k < wanted->dane_name_count; k++)
            if (ss_name_equal(&opened->dane_names[i].name, &wanted->dane_names[k].name))
                break;
        if (k == wanted->dane_name_count)
            return false;
    }
    return true;
}

/*
 * An address literal has no name: it is the destination itself. No blob carries
 * it, so of what was read back it is not known, and then nothing is the same.
 */
static bool
same_destination(const char *opened, const char *wanted)
{
    return opened[0] != '\0' && strcmp(opened, wanted) == 0;
}

static bool
same_server(const struct smtpsec_requirement *opened, const struct smtpsec_requirement *wanted)
{
    if (opened->key.port != wanted->key.port ||
        !ss_name_equal(&opened->host.name, &wanted->host.name))
        return false;
    return opened->host.name.len > 0 || same_destination(opened->domain, wanted->domain);
}

bool
ss_requirement_covers(const struct smtpsec_requirement *opened,
                      const struct smtpsec_requirement *wanted)
{
    /* TRN-09: what a lifted requirement let in proves nothing, and asks for nothing lasting. */
    if (opened->lifted || wanted->lifted || !same_server(opened, wanted))
        return false;
    /* Another name in SNI may bring another certificate to light. */
    if (!ss_name_equal(&opened->sni.name, &wanted->sni.name))
        return false;
    if (wanted->tls > opened->tls || (wanted->identities & ~opened->identities) != 0 ||
        wanted->tls_version > opened->tls_version || (wanted->requiretls && !opened->requiretls))
        return false;
    if ((wanted->identities & SMTPSEC_IDENTITY_DANE) == 0)
        return true;
    return same_tlsa(&opened->tlsa, &wanted->tlsa) && names_within(opened, wanted);
}

void
ss_session_open_under(struct smtpsec_session *session,
                      const struct smtpsec_requirement *requirement)
{
    struct ss_opened *opened = &session->opened;

    opened->known = true;
    opened->lifted = requirement->lifted;
    opened->port = requirement->key.port;
    opened->host = requirement->host.name;
    opened->sni = requirement->sni.name;
    memcpy(opened->domain, requirement->domain, sizeof(opened->domain));
    memcpy(opened->digest, requirement->digest, sizeof(opened->digest));
}

static bool
same_way(const struct ss_opened *opened, const struct smtpsec_requirement *requirement)
{
    return opened->port == requirement->key.port &&
           ss_name_equal(&opened->host, &requirement->host.name) &&
           (opened->host.len > 0 || same_destination(opened->domain, requirement->domain)) &&
           ss_name_equal(&opened->sni, &requirement->sni.name);
}

/*
 * TLS, and no certificate or key to be judged: it was not kept, or never came.
 * One that was too long to keep was judged, and refused.
 */
static bool
without_chain(const struct smtpsec_session *session)
{
    return !session->too_long && session->starttls == SMTPSEC_STARTTLS_DONE && session->count == 0 &&
           session->raw_key.len == 0;
}

int
ss_session_satisfies(const struct smtpsec_anchors *anchors,
                     const struct smtpsec_requirement *requirement,
                     const struct smtpsec_session *session, int64_t now, bool *fits)
{
    const struct ss_opened *opened = &session->opened;
    struct smtpsec_session kept;
    struct smtpsec_verdict verdict;
    int r;

    *fits = false;
    if (!opened->known || opened->lifted || requirement->lifted || !same_way(opened, requirement))
        return 0;
    if (requirement->requiretls && !session->requiretls_offered)
        return 0;
    kept = *session; /* a view; the certificates stay the session's */
    if (without_chain(session)) {
        /* It is worth what its handshake was judged by, and that must ask for the same. */
        if (!ss_equal_ct(opened->digest, requirement->digest, SS_SHA256_LEN) ||
            (session->resumed &&
             !ss_equal_ct(session->resumed_digest, requirement->digest, SS_SHA256_LEN)))
            return 0;
        kept.resumed = true;
        memcpy(kept.resumed_digest, opened->digest, SS_SHA256_LEN);
    }
    r = ss_verify(anchors, requirement, &kept, now, &verdict);
    if (r != 0)
        return r;
    *fits = verdict.accepted;
    ss_verdict_clear(&verdict);
    return 0;
}
