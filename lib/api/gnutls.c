/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ready callback for GnuTLS sessions. */
#include <stdlib.h>

#include "decision/requirement.h"
#include "decision/session.h"
#include "decision/verify.h"
#include "pkix/anchors.h"
#include "pkix/session.h"

struct smtpsec_gnutls {
    struct smtpsec_anchors *anchors;
    struct smtpsec_requirement *requirement;
    struct smtpsec_verdict verdict;
    bool judged;
    int64_t now;
};

int
smtpsec_gnutls_new(struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
                   int64_t now, struct smtpsec_gnutls **out)
{
    struct smtpsec_gnutls *binding;
    int r;

    if (requirement == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    binding = calloc(1, sizeof(*binding));
    if (binding == NULL)
        return SMTPSEC_E_NOMEM;
    r = ss_requirement_copy(requirement, &binding->requirement);
    if (r != 0) {
        free(binding);
        return r;
    }
    if (anchors != NULL)
        binding->anchors = ss_anchors_ref(anchors);
    binding->now = now;
    *out = binding;
    return 0;
}

static void
forget(struct smtpsec_gnutls *binding)
{
    if (binding->judged)
        ss_verdict_clear(&binding->verdict);
    binding->judged = false;
}

void
smtpsec_gnutls_free(struct smtpsec_gnutls *binding)
{
    if (binding == NULL)
        return;
    ss_anchors_unref(binding->anchors);
    ss_requirement_free(binding->requirement);
    forget(binding);
    free(binding);
}

/* The session's octets stand still while its callback runs: they need no copy. */
static void
look_at(struct smtpsec_session *session, const struct ss_tls_facts *facts)
{
    size_t i;

    session->starttls = SMTPSEC_STARTTLS_DONE;
    session->version = facts->version;
    if (facts->raw_key.len <= SS_CHAIN_OCTETS)
        session->raw_key = facts->raw_key;
    for (i = 0; i < facts->count; i++) {
        /* A chain too long to judge is a fact that the verifier refuses. */
        session->too_long = !ss_session_has_room(session, facts->certificates[i].len);
        if (session->too_long)
            break;
        session->octets += facts->certificates[i].len;
        session->certificates[session->count++] = facts->certificates[i];
    }
}

int
smtpsec_gnutls_verify(void *gnutls_session)
{
    struct smtpsec_gnutls *binding;
    struct smtpsec_session session = {0}; /* a view: nothing in it is freed */
    struct ss_tls_facts facts;
    int r;

    if (gnutls_session == NULL)
        return -1;
    binding = ss_tls_session_pointer(gnutls_session);
    if (binding == NULL)
        return -1; /* nothing to judge by: no session passes unjudged */
    ss_tls_facts_read(&facts, gnutls_session);
    look_at(&session, &facts);
    forget(binding);
    r = ss_verify(binding->anchors, binding->requirement, &session, binding->now,
                  &binding->verdict);
    binding->judged = r == 0;
    return r == 0 && binding->verdict.accepted ? 0 : -1;
}

const struct smtpsec_verdict *
smtpsec_gnutls_verdict(const struct smtpsec_gnutls *binding)
{
    return binding == NULL || !binding->judged ? NULL : &binding->verdict;
}
