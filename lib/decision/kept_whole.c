/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* May a plan be kept, and for how long at most? */
#include <string.h>

#include "decision/kept.h"
#include "memory/life.h"

/* Plain, by MX: what another message or route asks for is decided anew. */
static bool
is_common(const struct smtpsec_plan *plan, const struct ss_evidence *evidence)
{
    const struct smtpsec_message *message = &plan->message;

    return !plan->literal && plan->key.relay.len == 0 && plan->key.port == 25 &&
           plan->key.domain.len > 1 && !evidence->destination.relay &&
           evidence->destination.minimum == SMTPSEC_LEVEL_NONE && !message->requiretls &&
           !message->tls_required_no && !message->null_sender && !message->tls_report;
}

/* The memory was there, believed its clock, and neither refused nor held anything. */
static bool
is_calm(const struct smtpsec_plan *plan, const struct ss_evidence *evidence)
{
    return plan->memory_state == SMTPSEC_MEMORY_OK && evidence->memory_at == 0 &&
           evidence->record.refused_since == 0 && !plan->would_refuse && !plan->floors.hold &&
           !plan->floors.hold_ended && plan->excepted == 0 &&
           plan->settings.lowered_until == INT64_MAX;
}

static bool
is_answer(int32_t unreachable)
{
    return unreachable == SMTPSEC_REASON_NONE || unreachable == SMTPSEC_REASON_NO_ADDRESS ||
           unreachable == SMTPSEC_REASON_NULL_HOST ||
           unreachable == SMTPSEC_REASON_ADDRESS_AS_MX ||
           unreachable == SMTPSEC_REASON_MX_ALIAS || unreachable == SMTPSEC_REASON_MX_IS_SELF;
}

static bool
is_whole_host(const struct smtpsec_host *host)
{
    return is_answer(host->unreachable) && !host->partial && host->dane != SMTPSEC_DANE_FAILED &&
           host->dane_reason == SMTPSEC_REASON_NONE && !host->would_refuse && !host->floors.hold &&
           !host->floors.hold_ended && host->reason != SMTPSEC_REASON_DOWNGRADE &&
           host->reason != SMTPSEC_REASON_DNSSEC_LOST;
}

/* Whether reports are wanted decides nothing of what is required. */
static bool
is_about_reports(const struct ss_dns_fact *fact)
{
    static const uint8_t label[] = "\5_smtp\4_tls";

    return fact->question.type == SS_RR_TXT && fact->question.name.len > sizeof(label) - 1 &&
           memcmp(fact->question.name.wire, label, sizeof(label) - 1) == 0;
}

static bool
is_answered(const struct ss_evidence *evidence)
{
    size_t i;

    for (i = 0; i < evidence->dns_count; i++)
        if (evidence->dns[i]->answer.outcome == SMTPSEC_ANSWER_FAILED &&
            !is_about_reports(evidence->dns[i]))
            return false;
    return true;
}

bool
ss_plan_is_whole(const struct smtpsec_plan *plan, const struct ss_evidence *evidence)
{
    size_t i;

    /* A mail that waits is worth a look at what it waits for. */
    if (plan->verdict == SMTPSEC_VERDICT_DEFER || plan->cut || plan->sts_unsure ||
        plan->sts_error != SMTPSEC_RESULT_NONE || plan->dnssec == SMTPSEC_DNSSEC_LOST ||
        (plan->dns_reason != SMTPSEC_REASON_NONE && !plan->dns_permanent))
        return false;
    for (i = 0; i < plan->count; i++)
        if (!is_whole_host(&plan->hosts[i]))
            return false;
    return is_common(plan, evidence) && is_calm(plan, evidence) && is_answered(evidence);
}

static void
end_with(int64_t time, int64_t now, int64_t *end)
{
    if (time > now && time < *end)
        *end = time;
}

int64_t
ss_plan_kept_until(const struct smtpsec_plan *plan, const struct ss_evidence *evidence, int64_t now)
{
    const struct ss_memory_settings *settings = &plan->settings.memory;
    int64_t end = plan->expires;
    size_t i;

    for (i = 0; i < evidence->dns_count; i++)
        if (!is_about_reports(evidence->dns[i]) && evidence->dns[i]->expires < end)
            end = evidence->dns[i]->expires;
    /* One claim's end may raise the least of several hosts, another's lower it again (6.4). */
    for (i = 0; i < evidence->record.count; i++) {
        const struct ss_claim *claim = &evidence->record.claims[i];

        end_with(claim->expires, now, &end);
        end_with(ss_claim_binds_until(claim, settings), now, &end);
        end_with(ss_time_add(claim->last_seen, settings->cap), now, &end);
    }
    end_with(evidence->record.held_until, now, &end);
    return end;
}

static bool
is_same_host(const struct smtpsec_host *a, const struct smtpsec_host *b)
{
    const struct smtpsec_requirement *x = a->requirement, *y = b->requirement;

    if (a->action != b->action || a->reason != b->reason || (x == NULL) != (y == NULL))
        return false;
    return x == NULL || (memcmp(x->digest, y->digest, sizeof(x->digest)) == 0 &&
                         x->sources == y->sources && x->alone == y->alone && x->soft == y->soft &&
                         x->audited == y->audited);
}

bool
ss_plan_is_same(const struct smtpsec_plan *a, const struct smtpsec_plan *b)
{
    size_t i;

    if (strcmp(a->digest_hex, b->digest_hex) != 0 || a->count != b->count || a->level != b->level)
        return false;
    for (i = 0; i < a->count; i++)
        if (!is_same_host(&a->hosts[i], &b->hosts[i]))
            return false;
    return true;
}
