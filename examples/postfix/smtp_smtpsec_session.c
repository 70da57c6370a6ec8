/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each session is judged, and what came of it goes into the memory. */
#include <sys_defs.h>

#include <stdio.h>
#include <time.h>

#include <msg.h>
#include <vstream.h>
#include <vstring.h>

#include <deliver_request.h>
#include <dns.h>
#include <dsn_buf.h>
#include <tls.h>

#include <smtpsec_openssl.h>

#include "smtp.h"
#include "smtp_smtpsec_state.h"

static int64_t
present(void)
{
    return (int64_t)time(NULL);
}

void
glue_forget_session(void)
{
    smtpsec_session_free(glue_at.facts);
    smtpsec_verdict_free(glue_at.verdict);
    glue_at.facts = NULL;
    glue_at.verdict = NULL;
    glue_at.judged = NULL;
    glue_at.accepted = NULL;
    glue_at.recorded = 0;
}

/* ---- Judge -------------------------------------------------------------- */

void
smtp_smtpsec_begin_tls(SMTP_STATE *state, VSTRING *serverid)
{
    glue_at.requirement = glue_requirement(state);
    glue_at.accepted = NULL;
    glue_at.injected = vstream_peek(state->session->stream) > 0;
    if (glue_at.requirement != NULL)
        vstring_sprintf_append(serverid, "smtpsec=%s&",
                               smtpsec_requirement_digest(glue_at.requirement));
}

static int
look_and_judge(SMTP_STATE *state, const struct smtpsec_requirement *requirement, int starttls)
{
    int rc = smtpsec_session_new(&glue_at.facts);

    if (rc == 0 && state->session->tls_context != 0) /* resumed: kept under this digest */
        rc = smtpsec_session_from_openssl(glue_at.facts, state->session->tls_context->con,
                                          smtpsec_requirement_digest(requirement));
    if (rc == 0)
        rc = smtpsec_session_set_starttls(glue_at.facts, starttls);
    if (rc == 0)
        rc = smtpsec_session_set_opened(glue_at.facts, requirement);
    if (rc == 0)
        rc = smtpsec_verify(glue_set.anchors, requirement, glue_at.facts, present(),
                            &glue_at.verdict);
    return rc;
}

static void
record(SMTP_STATE *state, int accepted)
{
    const struct smtpsec_requirement *requirement = glue_requirement(state);
    struct smtpsec_outcome *outcome = NULL;
    int rc;

    if (requirement == NULL || glue_at.facts == NULL || glue_at.verdict == NULL)
        return;
    rc = smtpsec_outcome_new(requirement, present(), &outcome);
    if (rc == 0)
        rc = smtpsec_outcome_set_session(outcome, glue_at.facts, glue_at.verdict);
    if (rc == 0)
        rc = smtpsec_outcome_set_accepted(outcome, accepted);
    if (rc == 0)
        rc = smtpsec_outcome_set_null_sender(outcome, state->request->sender[0] == '\0');
    if (rc == 0 && *glue_set.memory_directory)
        rc = smtpsec_record(glue_set.context, outcome, present());
    if (rc != 0 && rc != SMTPSEC_E_MEMORY) /* that was told as an event */
        msg_warn("smtpsec: outcome not recorded: %s", smtpsec_strerror(rc));
    smtpsec_outcome_free(outcome);
    glue_tell_events();
}

/*
 * From now on its TLS session may be kept; TLS 1.2 had it made before the
 * verdict, see keep_session(). One that was itself resumed is not kept again,
 * so that certificates are looked at as often as kept sessions end.
 */
static void
bring_session(SSL *ssl)
{
    SSL_SESSION *session;

    if (glue_set.store_session == NULL || SSL_session_reused(ssl))
        return;
    glue_at.accepted = ssl;
    session = SSL_version(ssl) > TLS1_2_VERSION ? NULL : SSL_get1_session(ssl);
    if (session == NULL)
        return;
    if (!SSL_SESSION_is_resumable(session) || !glue_set.store_session(ssl, session))
        SSL_SESSION_free(session); /* else it is Postfix's now */
}

static int
refuse_session(SMTP_STATE *state, const char *enhanced, const char *text)
{
    SMTP_RESP fake;
    DSN_BUF *status = dsb_create();

    glue_set_reason(status, enhanced, text);
    smtp_site_fail(state, DSN_BY_LOCAL_MTA, SMTP_RESP_FAKE(&fake, vstring_str(status->status)),
                   "%s", vstring_str(status->reason));
    dsb_free(status);
    return -1;
}

/* Offered and not used: after a broken handshake, or since our settings say `none'. */
static int
without_tls(const SMTP_STATE *state, const struct smtpsec_requirement *requirement, int starttls)
{
    if (starttls != SMTPSEC_STARTTLS_ABSENT ||
        (state->session->features & SMTP_FEATURE_STARTTLS) == 0)
        return starttls;
    return glue_at.broken == requirement ? SMTPSEC_STARTTLS_FAILED : SMTPSEC_STARTTLS_NOT_REACHED;
}

/* Say so; what our own settings left out is no fault of the host's, and not recorded. */
static void
accept_session(SMTP_STATE *state, int starttls)
{
    glue_tell(state, 0, smtpsec_verdict_text(glue_at.verdict));
    if (state->session->tls_context != 0)
        bring_session(state->session->tls_context->con);
    glue_at.recorded = starttls == SMTPSEC_STARTTLS_NOT_REACHED;
}

/* An error of ours: nothing is known of the session. */
static int
fail_to_judge(SMTP_STATE *state, int rc)
{
    msg_warn("smtpsec: %s: %s", vstring_str(state->iterator->host), smtpsec_strerror(rc));
    glue_forget_session();
    if (glue_set.mode != GLUE_ENFORCE)
        return 0;
    return refuse_session(state, "4.7.5", "the session's security could not be judged");
}

static int
is_judged(const SMTP_STATE *state)
{
    return glue_at.verdict != NULL && glue_at.judged == state->session &&
           (state->session->features & SMTP_FEATURE_FROM_CACHE) == 0;
}

int
smtp_smtpsec_judge(SMTP_STATE *state, int starttls)
{
    const struct smtpsec_requirement *requirement = glue_requirement(state);
    int rc;

    if (requirement == NULL)
        return 0;
    if (starttls == SMTPSEC_STARTTLS_ABSENT && is_judged(state))
        return 0; /* it was refused, and that was told */
    glue_forget_session();
    glue_at.requirement = requirement;
    starttls = without_tls(state, requirement, starttls);
    if (starttls == SMTPSEC_STARTTLS_FAILED)
        glue_at.broken = requirement;
    if (starttls == SMTPSEC_STARTTLS_DONE && glue_at.injected)
        starttls = SMTPSEC_STARTTLS_INJECTED;
    rc = look_and_judge(state, requirement, starttls);
    if (rc != 0)
        return fail_to_judge(state, rc);
    glue_at.judged = state->session;
    if (smtpsec_verdict_accepted(glue_at.verdict)) {
        accept_session(state, starttls);
        return 0;
    }
    glue_tell(state, 1, smtpsec_verdict_text(glue_at.verdict));
    if (glue_set.mode != GLUE_ENFORCE)
        return 0;
    record(state, 0);
    return refuse_session(state, smtpsec_reason_enhanced(smtpsec_verdict_reason(glue_at.verdict)),
                          smtpsec_verdict_dsn_text(glue_at.verdict));
}

/* ---- After the session -------------------------------------------------- */

/* Whoever can strip TLS can also say 550: design 6.9. */
const char *
smtp_smtpsec_status(SMTP_STATE *state, const char *status)
{
    static char softened[16];
    const struct smtpsec_requirement *requirement;

    if (glue_set.mode != GLUE_ENFORCE || state->session == 0 || status == 0 || *status != '5')
        return status;
    requirement = glue_requirement(state);
    if (requirement == NULL || smtpsec_requirement_tls(requirement) != SMTPSEC_TLS_REQUIRED)
        return status;
    if (is_judged(state) && smtpsec_verdict_accepted(glue_at.verdict))
        return status;
    snprintf(softened, sizeof(softened), "4%s", status + 1);
    return softened;
}

void
smtp_smtpsec_replied(SMTP_STATE *state, int code)
{
    if (glue_set.mode != GLUE_OFF && is_judged(state) && !glue_at.recorded) {
        record(state, code / 100 == 2);
        glue_at.recorded = 1; /* one outcome a session */
    }
}

void
smtp_smtpsec_closed(const SMTP_SESSION *session)
{
    if (glue_at.judged == session)
        glue_forget_session();
}
