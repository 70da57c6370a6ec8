/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/outcome.h"

#include <stdlib.h>

#include "api/blob.h"
#include "api/context.h"
#include "engine/learn.h"

int
smtpsec_outcome_new(const struct smtpsec_requirement *requirement, int64_t now,
                    struct smtpsec_outcome **out)
{
    if (requirement == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    return ss_outcome_new(requirement, now, out);
}

void
smtpsec_outcome_free(struct smtpsec_outcome *outcome)
{
    free(outcome);
}

int
smtpsec_outcome_set_session(struct smtpsec_outcome *outcome, const struct smtpsec_session *session,
                            const struct smtpsec_verdict *verdict)
{
    if (outcome == NULL || session == NULL)
        return SMTPSEC_E_INVALID;
    return ss_outcome_take(outcome, session, verdict);
}

int
smtpsec_outcome_set_observed(struct smtpsec_outcome *outcome, int32_t starttls)
{
    if (outcome == NULL ||
        (starttls != SMTPSEC_STARTTLS_DONE && starttls != SMTPSEC_STARTTLS_ABSENT))
        return SMTPSEC_E_INVALID;
    ss_outcome_observe(outcome, starttls);
    return 0;
}

int
smtpsec_outcome_set_requiretls_offered(struct smtpsec_outcome *outcome, int offered)
{
    if (outcome == NULL)
        return SMTPSEC_E_INVALID;
    outcome->requiretls_offered = offered != 0;
    return 0;
}

int
smtpsec_outcome_set_accepted(struct smtpsec_outcome *outcome, int accepted)
{
    if (outcome == NULL)
        return SMTPSEC_E_INVALID;
    outcome->accepted = accepted != 0;
    return 0;
}

int
smtpsec_outcome_set_null_sender(struct smtpsec_outcome *outcome, int null_sender)
{
    if (outcome == NULL)
        return SMTPSEC_E_INVALID;
    outcome->null_sender = null_sender != 0;
    return 0;
}

int
smtpsec_outcome_write(const struct smtpsec_context *context, const struct smtpsec_outcome *outcome,
                      uint8_t **data, size_t *len)
{
    struct ss_buf body;
    int r;

    if (outcome == NULL || data == NULL || len == NULL)
        return SMTPSEC_E_INVALID;
    ss_buf_init(&body, SS_BLOB_MAX);
    ss_outcome_encode(outcome, &body);
    r = ss_blob_write(context, SS_BLOB_OUTCOME, SS_OUTCOME_VERSION, &body, data, len);
    ss_buf_free(&body);
    return r;
}

int
smtpsec_outcome_read(const struct smtpsec_context *context, const uint8_t *data, size_t len,
                     struct smtpsec_outcome **out)
{
    struct ss_bytes body;
    int r;

    if (data == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    r = ss_blob_read(context, SS_BLOB_OUTCOME, SS_OUTCOME_VERSION, data, len, &body);
    return r != 0 ? r : ss_outcome_decode(body, out);
}

/* Design 6.3: what the memory could not take in is counted here, until it can. */
static void
count_hold(struct smtpsec_context *context, const struct smtpsec_outcome *outcome, bool written)
{
    struct ss_observation seen;

    /* One that says nothing to the memory was not written, and is no proof of anything. */
    if (!ss_outcome_observation(outcome, &seen))
        return;
    if (written || (seen.what == SS_OBSERVED_DELIVERY && seen.tls && !seen.unseen &&
                    !outcome->would_refuse))
        ss_holds_end(&context->holds, &outcome->key);
    else if (seen.what == SS_OBSERVED_REFUSAL && seen.soft)
        ss_holds_begin(&context->holds, &outcome->key, outcome->at);
}

/* Returns as smtpsec_record(); *taken tells whether it is in the memory now. */
static int
learn(struct smtpsec_context *context, const struct smtpsec_outcome *outcome, int64_t now,
      bool *taken)
{
    struct ss_memory_settings memory;
    int r;

    *taken = false;
    if (context->store == NULL || context->store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    if (ss_outcome_stale(outcome, now))
        return SMTPSEC_E_STALE;
    /* Design 6.2: by a clock that is not believed nothing is raised, and no hold begins. */
    if (ss_context_memory_time(context, now).held)
        return 0;
    ss_settings_for(&context->settings, &outcome->key.domain, now, &memory, NULL);
    r = ss_learn_outcome(context->store, &memory, outcome,
                         ss_holds_since(&context->holds, &outcome->key), now);
    count_hold(context, outcome, r == 0);
    if (r != 0)
        ss_tell_write_failed(context, now, "", r);
    *taken = r == 0;
    return r;
}

int
smtpsec_record(struct smtpsec_context *context, const struct smtpsec_outcome *outcome, int64_t now)
{
    bool taken;
    int r;

    if (context == NULL || outcome == NULL)
        return SMTPSEC_E_INVALID;
    r = learn(context, outcome, now, &taken);
    ss_count(&context->counters, taken ? SMTPSEC_COUNTER_RECORDED : SMTPSEC_COUNTER_NOT_RECORDED);
    if (context->store == NULL || r == SMTPSEC_E_STALE)
        return r;
    ss_count_session(&context->counters, outcome);
    ss_tell_session(context, outcome, now);
    return r;
}
