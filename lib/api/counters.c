/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/counters.h"

#include "api/context.h"

void
ss_count(struct ss_counters *counters, int32_t counter)
{
    if (counters->values[counter] < UINT64_MAX)
        counters->values[counter]++;
}

static bool
skipped_by_memory(const struct smtpsec_host *host)
{
    return host->action == SMTPSEC_ACTION_SKIP && (host->reason == SMTPSEC_REASON_DOWNGRADE ||
                                                   host->reason == SMTPSEC_REASON_DNSSEC_LOST);
}

bool
ss_plan_refused_by_memory(const struct smtpsec_plan *plan)
{
    size_t i;

    if (plan->verdict == SMTPSEC_VERDICT_DELIVER)
        return false;
    if (plan->reason == SMTPSEC_REASON_ANSWER_HELD)
        return true;
    /* Several hosts may fall out for several reasons; the memory's is one of them. */
    for (i = 0; i < plan->count; i++)
        if (skipped_by_memory(&plan->hosts[i]))
            return true;
    return false;
}

/* The memory asked something of a host that is used, or kept one out. */
static bool
asked(const struct smtpsec_plan *plan)
{
    size_t i;

    for (i = 0; i < plan->count; i++) {
        const struct smtpsec_host *host = &plan->hosts[i];

        if (skipped_by_memory(host) || (host->action == SMTPSEC_ACTION_USE &&
                                        host->floors.enforced.level > SMTPSEC_LEVEL_NONE))
            return true;
    }
    return false;
}

static int32_t
class_of(const struct smtpsec_plan *plan)
{
    if (ss_plan_refused_by_memory(plan))
        return SMTPSEC_COUNTER_REFUSED;
    if (plan->memory_state == SMTPSEC_MEMORY_OFF || plan->memory_state == SMTPSEC_MEMORY_LOST)
        return SMTPSEC_COUNTER_NOT_CHECKED;
    /* A plan that comes to no host gave the memory nothing to look at. */
    return plan->verdict == SMTPSEC_VERDICT_DELIVER && asked(plan)
               ? SMTPSEC_COUNTER_CHECKED
               : SMTPSEC_COUNTER_NOTHING_KNOWN;
}

void
ss_count_plan(struct ss_counters *counters, const struct smtpsec_plan *plan)
{
    ss_count(counters, SMTPSEC_COUNTER_EVALUATIONS);
    ss_count(counters, class_of(plan));
    if (plan->would_refuse)
        ss_count(counters, SMTPSEC_COUNTER_WOULD_REFUSE);
    if (plan->floors.hold_ended)
        ss_count(counters, SMTPSEC_COUNTER_HOLD_ENDED);
    if (plan->excepted != 0)
        ss_count(counters, SMTPSEC_COUNTER_EXCEPTED);
}

void
ss_count_session(struct ss_counters *counters, const struct smtpsec_outcome *outcome)
{
    if (outcome->memory_refused)
        ss_count(counters, SMTPSEC_COUNTER_REFUSED);
    else if (outcome->verified && (outcome->sources & SMTPSEC_SOURCE_MEMORY) != 0)
        ss_count(counters, SMTPSEC_COUNTER_MET);
    if (outcome->would_refuse)
        ss_count(counters, SMTPSEC_COUNTER_WOULD_REFUSE);
}

uint64_t
smtpsec_context_counter(const struct smtpsec_context *context, int32_t counter)
{
    if (context == NULL || counter < 0 || counter >= SS_COUNTERS)
        return 0;
    return context->counters.values[counter];
}
