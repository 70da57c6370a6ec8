/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/canary.h"

#include <string.h>

#include "api/context.h"
#include "dns/message.h"

void
ss_canary_init(struct ss_canary *canary, const struct ss_name *names, size_t count, bool trusted)
{
    size_t i;

    memset(canary, 0, sizeof(*canary));
    if (!trusted) {
        canary->state = SMTPSEC_DNSSEC_UNTRUSTED;
        return;
    }
    for (i = 0; i < count && i < SS_CANARIES; i++)
        canary->names[canary->count++] = names[i];
    if (canary->count == 0)
        ss_name_from_text(&canary->names[canary->count++], ".", 1);
}

void
ss_canary_lend(const struct ss_canary *canary, struct ss_evidence *evidence)
{
    size_t i;

    evidence->dnssec = canary->state;
    for (i = 0; i < canary->count; i++)
        evidence->canaries[i] = canary->names[i];
    evidence->canary_count = canary->count;
}

void
ss_canary_tell(struct smtpsec_context *context, int32_t dnssec, bool any_signed, int64_t now)
{
    bool *told = &context->canary.told;

    if (dnssec == SMTPSEC_DNSSEC_LOST && !*told) {
        ss_events_add(&context->events, SMTPSEC_EVENT_DNSSEC_LOST, now, "",
                      "known-signed names come back unsigned: the resolver does not validate");
        *told = true;
    } else if (*told && (any_signed || dnssec == SMTPSEC_DNSSEC_VALIDATES)) {
        ss_events_add(&context->events, SMTPSEC_EVENT_DNSSEC_BACK, now, "",
                      "the resolver validates again");
        *told = false;
    }
}

/* Since when it does not validate nobody knows: what was kept may have come after that. */
static void
settle(struct smtpsec_context *context, int32_t state)
{
    if (state == SMTPSEC_DNSSEC_LOST && context->canary.state != state && context->plan_cache)
        (void)ss_store_discard_volatile(context->store);
    context->canary.state = state;
    ss_canary_tell(context, state, false, ss_context_now(context));
}

static void
answered(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure)
{
    struct smtpsec_context *context = arg;
    struct ss_canary *canary = &context->canary;
    struct ss_question question;
    struct ss_answer answer;
    size_t i;

    (void)failure;
    canary->open--;
    for (i = 0; message != NULL && i < canary->count; i++) {
        question.name = canary->names[i];
        question.type = SS_RR_SOA;
        question.dnssec = false;
        /* The reply fits one of the names; to the others it is malformed. */
        if (ss_dns_reply_read(&question, message, len, trusted, &answer) == 0 &&
            answer.outcome != SMTPSEC_ANSWER_FAILED) {
            if (answer.trust == SMTPSEC_TRUST_SECURE)
                canary->any_signed = true;
            else
                canary->unsigned_answers++;
        }
        ss_answer_free(&answer);
    }
    if (canary->any_signed)
        settle(context, SMTPSEC_DNSSEC_VALIDATES);
    else if (canary->open == 0 && canary->unsigned_answers >= canary->count)
        settle(context, SMTPSEC_DNSSEC_LOST);
}

void
ss_canary_ask(struct smtpsec_context *context)
{
    struct ss_canary *canary = &context->canary;
    int64_t now = ss_context_now(context);
    int64_t wait = canary->state == SMTPSEC_DNSSEC_VALIDATES ? SS_CANARY_INTERVAL : SS_CANARY_RETRY;
    struct ss_question question;
    struct ss_query *query;
    size_t i;

    if (canary->count == 0 || context->runner.resolver == NULL || canary->open > 0 ||
        (canary->asked != 0 && now >= canary->asked && now - canary->asked < wait))
        return;
    canary->asked = now;
    canary->any_signed = false;
    canary->unsigned_answers = 0;
    for (i = 0; i < canary->count; i++) {
        question.name = canary->names[i];
        question.type = SS_RR_SOA;
        question.dnssec = false;
        if (ss_resolver_ask(context->runner.resolver, &question, answered, context, &query) == 0)
            canary->open++;
    }
}
