/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/tell.h"

#include <stdio.h>
#include <string.h>

#include "api/context.h"
#include "engine/learn.h"
#include "pkix/digest.h"

/* Is it time to tell this? Keyed, so that no stranger finds two names that meet. */
static bool
worth_telling(struct smtpsec_context *context, int32_t kind, const char *domain, const char *host,
              int64_t now)
{
    struct ss_told *told = &context->told;
    uint8_t digest[SS_SHA256_LEN];
    char text[2 * SS_HOST_TEXT + 16];
    uint64_t what;
    size_t place;
    int len;

    len = snprintf(text, sizeof(text), "%d %s %s", (int)kind, domain, host);
    if (len < 0 || ss_hmac_sha256(context->refresh_seed, sizeof(context->refresh_seed), text,
                                  strnlen(text, sizeof(text)), digest) != 0)
        return true;
    memcpy(&what, digest, sizeof(what));
    place = digest[sizeof(what)] % SS_TOLD;
    if (told->what[place] == what && told->at[place] <= now &&
        now - told->at[place] < SS_TELL_EVERY)
        return false;
    told->what[place] = what;
    told->at[place] = now;
    return true;
}

/* ---- Plans ---- */

static const char *
would_text(const struct smtpsec_plan *plan)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].would_refuse)
            return plan->hosts[i].text;
    return "every answer";
}

void
ss_tell_plan(struct smtpsec_context *context, const struct smtpsec_plan *plan, int64_t now)
{
    struct ss_events *events = &context->events;
    const char *domain = plan->domain;

    if (plan->would_refuse &&
        worth_telling(context, SMTPSEC_EVENT_WOULD_REFUSE, domain, "", now))
        ss_events_add(events, SMTPSEC_EVENT_WOULD_REFUSE, now, domain,
                      "the memory would refuse %s of this domain, were every claim enforced: look "
                      "at it before its kind is promoted", would_text(plan));
    if (ss_plan_refused_by_memory(plan)) {
        ss_near_us(context, &plan->key.domain, now);
        if (worth_telling(context, SMTPSEC_EVENT_REFUSED, domain, "", now))
            ss_events_add(events, SMTPSEC_EVENT_REFUSED, now, domain, "%s", plan->text);
    }
    if (plan->floors.hold_ended &&
        worth_telling(context, SMTPSEC_EVENT_HOLD_ENDED, domain, "", now))
        ss_events_add(events, SMTPSEC_EVENT_HOLD_ENDED, now, domain,
                      "the hold is over: mail goes on, weaker than what was proved; ask the domain "
                      "whether that is meant");
    if (plan->sts_error != SMTPSEC_RESULT_NONE && plan->sts_mode != SMTPSEC_STS_NONE) /* STSA-11 */
        ss_events_add(events, SMTPSEC_EVENT_STS_FETCH_FAILED, now, domain, "%s: %s",
                      smtpsec_result_name(plan->sts_error), plan->sts_error_text);
}

/* ---- Sessions ---- */

/* The end of a refusal in words. */
static void
write_end(char *text, size_t room, const struct ss_floors *floors,
          const struct ss_memory_settings *settings, int64_t now)
{
    int64_t until = floors->enforced.until;

    if (floors->enforced.soft && !floors->hold && settings->hold > 0 && until - now > settings->hold)
        until = now + settings->hold; /* it begins with this refusal */
    if (floors->enforced.level == SMTPSEC_LEVEL_NONE || until <= now)
        snprintf(text, room, "it has ended meanwhile");
    else
        snprintf(text, room, "it ends by itself in %lld hours", (long long)(until - now + 3599) / 3600);
}

/* The floor that refused, as it stands now in the store; empty when it cannot be told any more. */
static void
recall_floors(struct smtpsec_context *context, const struct smtpsec_outcome *outcome,
              const struct ss_memory_settings *settings, int64_t now, struct ss_floors *floors)
{
    struct ss_record record;
    int fault = 0;

    memset(floors, 0, sizeof(*floors));
    if (context->store == NULL ||
        ss_recall_record(context->store, &outcome->key, &record, &fault) != 0)
        return;
    ss_floors_for_host(&record, settings, &outcome->host, outcome->mx_secure, now, floors);
    ss_record_free(&record);
}

void
ss_tell_session(struct smtpsec_context *context, const struct smtpsec_outcome *outcome, int64_t now)
{
    bool refused = outcome->memory_refused;
    int32_t kind = refused ? SMTPSEC_EVENT_REFUSED : SMTPSEC_EVENT_WOULD_REFUSE;
    struct ss_memory_settings settings;
    struct ss_reference domain, host;
    struct ss_memory_time time;
    struct ss_floors floors;
    int32_t claim;
    char end[64];

    if (!refused && !outcome->would_refuse)
        return;
    ss_reference_set(&domain, &outcome->key.domain);
    ss_reference_set(&host, &outcome->host);
    if (refused)
        ss_near_us(context, &outcome->key.domain, now);
    if (!worth_telling(context, kind, domain.text, host.text, now))
        return;
    time = ss_context_memory_time(context, now);
    ss_settings_for(&context->settings, &outcome->key.domain, now, &settings, NULL);
    recall_floors(context, outcome, &settings, time.now, &floors);
    claim = refused ? floors.enforced.kind : floors.reported.kind;
    write_end(end, sizeof(end), &floors, &settings, time.now);
    if (refused)
        ss_events_add(&context->events, kind, now, domain.text,
                      "a session with %s was refused, %s: the memory's claim %s; %s; where the "
                      "change is meant, except it in the policy file or forget the domain",
                      host.text, smtpsec_reason_name(outcome->reason),
                      claim != 0 ? smtpsec_claim_name(claim) : "is gone", end);
    else
        ss_events_add(&context->events, kind, now, domain.text,
                      "a session with %s would be refused, were every claim enforced: claim %s; "
                      "look at it before its kind is promoted",
                      host.text, claim != 0 ? smtpsec_claim_name(claim) : "is gone");
}

/* ---- Writes ---- */

void
ss_tell_lowered(struct smtpsec_context *context, const struct ss_name *domain,
                const struct ss_lowered *lowered, int64_t now)
{
    struct ss_reference name, host;
    size_t i;

    ss_reference_set(&name, domain);
    for (i = 0; i < lowered->count && i < SS_LOWERED_MAX; i++) {
        const struct ss_lowered_claim *claim = &lowered->list[i];

        ss_reference_set(&host, &claim->host);
        ss_events_add(&context->events, SMTPSEC_EVENT_CLAIM_LOWERED, now, name.text,
                      "the claim %s on %s was ended by %s; nothing to do when the domain meant it",
                      smtpsec_claim_name(claim->kind), claim->host.len > 0 ? host.text : name.text,
                      ss_lowered_proof(claim));
    }
    if (lowered->count > SS_LOWERED_MAX)
        ss_events_add(&context->events, SMTPSEC_EVENT_CLAIM_LOWERED, now, name.text,
                      "and %zu claims more", lowered->count - SS_LOWERED_MAX);
}

void
ss_tell_write_failed(struct smtpsec_context *context, int64_t now, const char *domain, int r)
{
    if (r != SMTPSEC_E_LIMIT) {
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_WRITE_FAILED, now, domain,
                      "the memory was not written: %s%s%s", smtpsec_strerror(r),
                      context->store->error.text[0] != '\0' ? ": " : "", context->store->error.text);
        return;
    }
    if (worth_telling(context, SMTPSEC_EVENT_MEMORY_FULL, "", "", now))
        ss_events_add(&context->events, SMTPSEC_EVENT_MEMORY_FULL, now, domain,
                      "the memory is full: what was learnt is not kept, what is kept stays in force; "
                      "prune it, or give it more room");
}
