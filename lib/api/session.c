/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "decision/reuse.h"
#include "pkix/session.h"
#include "smtpsec.h"

int
smtpsec_session_new(struct smtpsec_session **out)
{
    if (out == NULL)
        return SMTPSEC_E_INVALID;
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? SMTPSEC_E_NOMEM : 0;
}

void
smtpsec_session_free(struct smtpsec_session *session)
{
    if (session == NULL)
        return;
    ss_session_clear(session);
    free(session);
}

void
smtpsec_session_clear(struct smtpsec_session *session)
{
    struct ss_opened opened;

    if (session == NULL)
        return;
    opened = session->opened; /* the one thing that is no fact of the handshake */
    ss_session_clear(session);
    session->opened = opened;
}

int
smtpsec_session_set_starttls(struct smtpsec_session *session, int32_t starttls)
{
    if (session == NULL || starttls < SMTPSEC_STARTTLS_NOT_REACHED ||
        starttls > SMTPSEC_STARTTLS_INJECTED)
        return SMTPSEC_E_INVALID;
    session->starttls = starttls;
    return 0;
}

int
smtpsec_session_set_tls_version(struct smtpsec_session *session, uint16_t version)
{
    if (session == NULL)
        return SMTPSEC_E_INVALID;
    session->version = version;
    return 0;
}

int
smtpsec_session_add_certificate(struct smtpsec_session *session, const uint8_t *der, size_t len)
{
    struct ss_bytes certificate = {der, len};

    if (session == NULL || der == NULL)
        return SMTPSEC_E_INVALID;
    return ss_session_add(session, certificate);
}

int
smtpsec_session_set_raw_key(struct smtpsec_session *session, const uint8_t *spki, size_t len)
{
    struct ss_bytes key = {spki, len};

    if (session == NULL || spki == NULL || len == 0)
        return SMTPSEC_E_INVALID;
    return ss_session_set_raw_key(session, key);
}

int
smtpsec_session_set_resumed(struct smtpsec_session *session, const char *digest)
{
    if (session == NULL || digest == NULL ||
        !ss_hex_read(ss_text_of(digest), session->resumed_digest, sizeof(session->resumed_digest)))
        return SMTPSEC_E_INVALID;
    session->resumed = true;
    return 0;
}

int
smtpsec_session_set_opened(struct smtpsec_session *session,
                           const struct smtpsec_requirement *requirement)
{
    if (session == NULL || requirement == NULL)
        return SMTPSEC_E_INVALID;
    ss_session_open_under(session, requirement);
    return 0;
}

int
smtpsec_session_set_requiretls(struct smtpsec_session *session, int offered)
{
    if (session == NULL)
        return SMTPSEC_E_INVALID;
    session->requiretls_offered = offered != 0;
    return 0;
}

int
smtpsec_session_from_gnutls(struct smtpsec_session *session, void *gnutls_session)
{
    struct ss_tls_facts facts;
    size_t i;
    int r = 0;

    if (session == NULL || gnutls_session == NULL)
        return SMTPSEC_E_INVALID;
    smtpsec_session_clear(session);
    ss_tls_facts_read(&facts, gnutls_session);
    session->starttls = SMTPSEC_STARTTLS_DONE;
    session->version = facts.version;
    for (i = 0; r == 0 && i < facts.count; i++) {
        if (i == SS_CHAIN_CERTIFICATES) {
            session->too_long = true;
            break;
        }
        r = ss_session_add(session, facts.certificates[i]);
    }
    if (r == 0 && facts.raw_key.len > 0)
        r = ss_session_set_raw_key(session, facts.raw_key);
    /* A chain too long to judge is a fact that the verifier refuses, not an error. */
    return r == SMTPSEC_E_LIMIT ? 0 : r;
}
