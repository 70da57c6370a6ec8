/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Until a session is accepted, whoever speaks may be anybody: one who can strip
 * STARTTLS can say 550 as well. So no reply from before that ends a message, as
 * long as the requirement demands anything (design 6.9).
 */
#include "decision/reply.h"

bool
ss_requirement_demands(const struct smtpsec_requirement *requirement)
{
    return requirement->tls == SMTPSEC_TLS_REQUIRED || requirement->identities != 0 ||
           requirement->requiretls;
}

int32_t
ss_requirement_unmet(const struct smtpsec_requirement *requirement, int32_t fault)
{
    /* PREC-09: as the verifier says it of a session without TLS. */
    return requirement->sources == SMTPSEC_SOURCE_MEMORY ? SMTPSEC_REASON_DOWNGRADE : fault;
}

static int32_t
next_host(int32_t why, int32_t *reason)
{
    *reason = why;
    return SMTPSEC_REPLY_NEXT_HOST;
}

/*
 * No yes to what was said: 3yz is one to DATA, and within AUTH (RFC 4954 4), 2yz
 * to all but DATA. A 354 to the end of a message has taken nothing.
 */
static bool
is_amiss(int32_t stage, int32_t code)
{
    if (code >= 400)
        return false;
    if (stage == SMTPSEC_STAGE_DATA)
        return code < 300;
    return code >= 300 && stage != SMTPSEC_STAGE_AUTH;
}

/* A reply that is none, a connection that broke, or one that the server closes (RFC 5321 3.8). */
static bool
is_lost(int32_t stage, int32_t code)
{
    return code < 200 || code > 599 || code == 421 || is_amiss(stage, code);
}

/* TRN-05: the server demands TLS, and the message that waives it was to go without. */
static bool
bounces_unlifted(const struct smtpsec_requirement *requirement, int32_t stage, int32_t code)
{
    return requirement->lifted && code == 530 && stage != SMTPSEC_STAGE_GREETING &&
           !ss_requirement_demands(requirement);
}

/* A negative reply before the handshake. */
static int32_t
refused_before_tls(const struct smtpsec_requirement *requirement, int32_t stage, int32_t code,
                   int32_t *reason)
{
    bool optional = !ss_requirement_demands(requirement);

    if (stage == SMTPSEC_STAGE_STARTTLS) /* PREC-17 */
        return optional ? SMTPSEC_REPLY_WITHOUT
                        : next_host(ss_requirement_unmet(requirement,
                                                         SMTPSEC_REASON_STARTTLS_REFUSED),
                                    reason);
    if (stage == SMTPSEC_STAGE_GREETING || code < 500)
        return next_host(SMTPSEC_REASON_CONNECT_FAILED, reason);
    /* RFC 5321 section 3.2: HELO is what remains, and with it there is no STARTTLS. */
    return optional ? SMTPSEC_REPLY_WITHOUT
                    : next_host(ss_requirement_unmet(requirement, SMTPSEC_REASON_NO_STARTTLS),
                                reason);
}

/* Is the server, at a stage behind the handshake, none that the message may be given to? */
static int32_t
unproved(const struct smtpsec_requirement *requirement, const struct smtpsec_verdict *verdict)
{
    if (verdict != NULL)
        return verdict->accepted ? SMTPSEC_REASON_NONE : verdict->reason;
    if (!ss_requirement_demands(requirement))
        return SMTPSEC_REASON_NONE;
    return ss_requirement_unmet(requirement, SMTPSEC_REASON_NO_STARTTLS);
}

int32_t
ss_reply_classify(const struct smtpsec_requirement *requirement,
                  const struct smtpsec_verdict *verdict, int32_t stage, int32_t code,
                  int32_t *reason)
{
    bool positive = code < 400;
    int32_t fault;

    *reason = SMTPSEC_REASON_NONE;
    if (is_lost(stage, code))
        return next_host(SMTPSEC_REASON_CONNECT_FAILED, reason);
    if (!positive && bounces_unlifted(requirement, stage, code))
        return SMTPSEC_REPLY_FAIL;
    if (stage <= SMTPSEC_STAGE_STARTTLS)
        return positive ? SMTPSEC_REPLY_GO_ON
                        : refused_before_tls(requirement, stage, code, reason);
    fault = unproved(requirement, verdict);
    /* PREC-18: a verdict may come after EHLO_AGAIN, not after anything worth protecting is said. */
    if (fault != SMTPSEC_REASON_NONE &&
        (!positive || verdict != NULL || stage != SMTPSEC_STAGE_EHLO_AGAIN))
        return next_host(fault, reason);
    if (positive)
        return SMTPSEC_REPLY_GO_ON;
    if (stage == SMTPSEC_STAGE_EHLO_AGAIN) /* TLS is up: HELO would lose what was asked for */
        return next_host(SMTPSEC_REASON_CONNECT_FAILED, reason);
    return code < 500 ? SMTPSEC_REPLY_DEFER : SMTPSEC_REPLY_FAIL;
}
