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

int
smtpsec_record(struct smtpsec_context *context, const struct smtpsec_outcome *outcome, int64_t now)
{
    struct ss_memory_settings memory;
    int r;

    if (context == NULL || outcome == NULL)
        return SMTPSEC_E_INVALID;
    if (context->store == NULL || context->store->state != SMTPSEC_MEMORY_OK)
        return SMTPSEC_E_MEMORY;
    ss_settings_for(&context->settings, &outcome->key.domain, now, &memory, NULL);
    r = ss_learn_outcome(context->store, &memory, outcome, now);
    context->cannot_write = r != 0 && r != SMTPSEC_E_STALE;
    if (r != 0 && r != SMTPSEC_E_STALE)
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_WRITE_FAILED, now, "",
                      "an outcome was not recorded: %s", smtpsec_strerror(r));
    return r;
}
