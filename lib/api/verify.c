/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/reuse.h"
#include "decision/verify.h"

#include <stdlib.h>

int
smtpsec_verify(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
               const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict **out)
{
    struct smtpsec_verdict *verdict;
    int r;

    if (requirement == NULL || session == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    verdict = malloc(sizeof(*verdict));
    if (verdict == NULL)
        return SMTPSEC_E_NOMEM;
    r = ss_verify(anchors, requirement, session, now, verdict);
    if (r != 0) {
        free(verdict);
        return r;
    }
    *out = verdict;
    return 0;
}

void
smtpsec_verdict_free(struct smtpsec_verdict *verdict)
{
    if (verdict != NULL)
        ss_verdict_clear(verdict);
    free(verdict);
}

int
smtpsec_verdict_accepted(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : verdict->accepted;
}

int
smtpsec_satisfies(const struct smtpsec_anchors *anchors,
                  const struct smtpsec_requirement *requirement,
                  const struct smtpsec_session *session, int64_t now)
{
    bool fits;
    int r;

    if (requirement == NULL || session == NULL)
        return SMTPSEC_E_INVALID;
    r = ss_session_satisfies(anchors, requirement, session, now, &fits);
    return r != 0 ? r : fits;
}

int32_t
smtpsec_verdict_reason(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : verdict->reason;
}

int32_t
smtpsec_verdict_achieved(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : verdict->achieved;
}

int32_t
smtpsec_verdict_identities(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : verdict->identities;
}

int32_t
smtpsec_verdict_result(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : verdict->result;
}

int
smtpsec_verdict_would_refuse(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : verdict->would_refuse;
}

int32_t
smtpsec_verdict_tlsa(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? -1 : verdict->tlsa;
}

const char *
smtpsec_verdict_text(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? NULL : ss_verdict_words(verdict)->text;
}

const char *
smtpsec_verdict_dsn_text(const struct smtpsec_verdict *verdict)
{
    if (verdict == NULL)
        return NULL;
    return verdict->accepted ? "" : ss_verdict_words(verdict)->dsn;
}

size_t
smtpsec_verdict_explain_count(const struct smtpsec_verdict *verdict)
{
    return verdict == NULL ? 0 : ss_verdict_words(verdict)->trace.count;
}

static const struct ss_step *
step_of(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_trace *trace;

    if (verdict == NULL)
        return NULL;
    trace = &ss_verdict_words(verdict)->trace;
    return n < trace->count ? &trace->steps[n] : NULL;
}

const char *
smtpsec_verdict_explain_rule(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_step *step = step_of(verdict, n);

    return step == NULL ? NULL : step->rule;
}

const char *
smtpsec_verdict_explain_rfc(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_step *step = step_of(verdict, n);

    return step == NULL ? NULL : step->rfc;
}

const char *
smtpsec_verdict_explain_text(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_step *step = step_of(verdict, n);

    return step == NULL ? NULL : step->text;
}

const char *
smtpsec_verdict_explain_input(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_step *step = step_of(verdict, n);

    return step == NULL ? NULL : step->input;
}

const char *
smtpsec_verdict_explain_source(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_step *step = step_of(verdict, n);

    return step == NULL ? NULL : step->source;
}

const char *
smtpsec_verdict_explain_effect(const struct smtpsec_verdict *verdict, size_t n)
{
    const struct ss_step *step = step_of(verdict, n);

    return step == NULL ? NULL : ss_effect_name(step->effect);
}
