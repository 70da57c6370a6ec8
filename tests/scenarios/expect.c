/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

#define FOUND 1024


static void
say(char found[FOUND], const char *text)
{
    snprintf(found, FOUND, "%s", text == NULL ? "" : text);
}

static void
join(char found[FOUND], const char *text)
{
    size_t at = strlen(found);

    snprintf(found + at, FOUND - at, "%s%s", at > 0 ? "," : "", text);
}

static bool
plan_fact(const struct story *story, const char *what, char found[FOUND])
{
    const struct smtpsec_plan *plan = story->plan;

    if (strcmp(what, "verdict") == 0)
        say(found, smtpsec_verdict_name(smtpsec_plan_verdict(plan)));
    else if (strcmp(what, "reason") == 0)
        say(found, smtpsec_reason_name(smtpsec_plan_reason(plan)));
    else if (strcmp(what, "enhanced") == 0)
        say(found, smtpsec_plan_enhanced(plan));
    else if (strcmp(what, "level") == 0)
        say(found, smtpsec_level_name(smtpsec_plan_level(plan)));
    else if (strcmp(what, "origin") == 0)
        say(found, smtpsec_origin_name(smtpsec_plan_mx_origin(plan)));
    else if (strcmp(what, "mx-trust") == 0)
        say(found, smtpsec_trust_name(smtpsec_plan_mx_trust(plan)));
    else if (strcmp(what, "sts") == 0)
        say(found, smtpsec_sts_mode_name(smtpsec_plan_sts_mode(plan)));
    else if (strcmp(what, "sts-source") == 0)
        say(found, smtpsec_sts_source_name(smtpsec_plan_sts_source(plan)));
    else if (strcmp(what, "sts-id") == 0)
        say(found, smtpsec_plan_sts_id(plan));
    else if (strcmp(what, "sts-error") == 0)
        say(found, smtpsec_result_name(smtpsec_plan_sts_error(plan)));
    else if (strcmp(what, "floor") == 0)
        say(found, smtpsec_level_name(smtpsec_plan_floor_level(plan)));
    else if (strcmp(what, "would-refuse") == 0)
        say(found, smtpsec_plan_would_refuse(plan) ? "yes" : "no");
    else if (strcmp(what, "hold") == 0)
        say(found, smtpsec_plan_has_hold(plan) ? "yes" : "no");
    else if (strcmp(what, "life") == 0)
        snprintf(found, FOUND, "%lld", (long long)(smtpsec_plan_expires(plan) - story->now));
    else if (strcmp(what, "waves") == 0)
        snprintf(found, FOUND, "%u", story->waves);
    else if (strcmp(what, "asked-count") == 0)
        snprintf(found, FOUND, "%zu", story->asked_count);
    else if (strcmp(what, "status") == 0)
        say(found, smtpsec_error_name(story->status));
    else
        return false;
    return true;
}

static void
list_hosts(const struct story *story, char found[FOUND])
{
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(story->plan); i++)
        join(found, smtpsec_host_name(smtpsec_plan_host(story->plan, i)));
}

static void
list_identities(int32_t identities, char found[FOUND])
{
    if ((identities & SMTPSEC_IDENTITY_DANE) != 0)
        join(found, "dane");
    if ((identities & SMTPSEC_IDENTITY_PKIX) != 0)
        join(found, "pkix");
    if (identities == 0)
        say(found, "none");
}

/* WHAT HOST VALUE */
static bool
host_fact(const struct story *story, const char *what, const char *name, char found[FOUND])
{
    const struct smtpsec_host *host = story_host(story, name);
    const struct smtpsec_requirement *requirement = smtpsec_host_requirement(host);
    size_t i;

    if (strcmp(what, "use") == 0 || strcmp(what, "skip") == 0) {
        if (host == NULL)
            say(found, "no such host");
        else if (smtpsec_host_action(host) == SMTPSEC_ACTION_SKIP)
            say(found, what[0] == 's' ? smtpsec_reason_name(smtpsec_host_reason(host)) : "skipped");
        else
            say(found, what[0] == 'u' ? smtpsec_level_name(smtpsec_requirement_level(requirement))
                                      : "used");
    } else if (strcmp(what, "tls") == 0) {
        say(found, smtpsec_tls_name(smtpsec_requirement_tls(requirement)));
    } else if (strcmp(what, "identities") == 0) {
        list_identities(smtpsec_requirement_identities(requirement), found);
    } else if (strcmp(what, "dane-names") == 0) {
        for (i = 0; i < smtpsec_requirement_dane_name_count(requirement); i++)
            join(found, smtpsec_requirement_dane_name(requirement, i));
    } else if (strcmp(what, "pkix-names") == 0) {
        for (i = 0; i < smtpsec_requirement_pkix_name_count(requirement); i++)
            join(found, smtpsec_requirement_pkix_name(requirement, i));
    } else if (strcmp(what, "sni") == 0) {
        say(found, smtpsec_requirement_sni(requirement));
    } else if (strcmp(what, "dane") == 0) {
        say(found, host == NULL ? "no such host"
                                : smtpsec_dane_status_name(smtpsec_host_dane_status(host)));
    } else if (strcmp(what, "base") == 0) {
        say(found, smtpsec_host_dane_base(host));
    } else if (strcmp(what, "partial") == 0) {
        say(found, smtpsec_host_partial(host) ? "yes" : "no");
    } else if (strcmp(what, "addresses") == 0) {
        for (i = 0; i < smtpsec_host_address_count(host); i++)
            join(found, smtpsec_host_address(host, i));
    } else if (strcmp(what, "requiretls") == 0) {
        say(found, smtpsec_requirement_requiretls(requirement) ? "yes" : "no");
    } else if (strcmp(what, "host-floor") == 0) {
        say(found, smtpsec_level_name(smtpsec_host_floor_level(host)));
    } else if (strcmp(what, "host-claim") == 0) {
        say(found, smtpsec_claim_name(smtpsec_host_floor_claim(host)));
    } else if (strcmp(what, "claim-host") == 0) {
        say(found, smtpsec_host_floor_host(host));
    } else if (strcmp(what, "ends-in") == 0) {
        snprintf(found, FOUND, "%lld", (long long)(smtpsec_host_floor_until(host) - story->now));
    } else if (strcmp(what, "would-refuse") == 0) {
        say(found, smtpsec_host_would_refuse(host) ? "yes" : "no");
    } else if (strcmp(what, "reported-tls") == 0) {
        say(found, smtpsec_tls_name(smtpsec_requirement_reported_tls(requirement)));
    } else if (strcmp(what, "reported-identities") == 0) {
        list_identities(smtpsec_requirement_reported_identities(requirement), found);
    } else {
        return false;
    }
    return true;
}

static bool
connection_fact(const struct story *story, const char *what, char found[FOUND])
{
    const struct smtpsec_verdict *verdict = story->verdict;

    if (strcmp(what, "accept") == 0)
        say(found, smtpsec_verdict_accepted(verdict)
                       ? smtpsec_level_name(smtpsec_verdict_achieved(verdict))
                       : "rejected");
    else if (strcmp(what, "reject") == 0)
        say(found, smtpsec_verdict_accepted(verdict)
                       ? "accepted"
                       : smtpsec_reason_name(smtpsec_verdict_reason(verdict)));
    else if (strcmp(what, "result") == 0)
        say(found, smtpsec_result_name(smtpsec_verdict_result(verdict)));
    else if (strcmp(what, "session-would-refuse") == 0)
        say(found, smtpsec_verdict_would_refuse(verdict) ? "yes" : "no");
    else if (strcmp(what, "reported") == 0)
        say(found, smtpsec_reason_name(smtpsec_verdict_reason(verdict)));
    else
        return false;
    return true;
}

static bool
was_asked(const struct story *story, const char *type, const char *name)
{
    uint16_t number = strcmp(type, "https") == 0 ? 0 : world_type(type);
    size_t i;

    for (i = 0; i < story->asked_count; i++)
        if (story->asked[i].type == number && strcmp(story->asked[i].name, name) == 0)
            return true;
    return false;
}

static unsigned
wave_of(const struct story *story, const char *type, const char *name)
{
    uint16_t number = strcmp(type, "https") == 0 ? 0 : world_type(type);
    size_t i;

    for (i = 0; i < story->asked_count; i++)
        if (story->asked[i].type == number && strcmp(story->asked[i].name, name) == 0)
            return story->asked[i].wave;
    return 0;
}

static bool
has_note(const struct story *story, const char *rule)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_explain_count(story->plan); i++)
        if (strcmp(smtpsec_plan_explain_rule(story->plan, i), rule) == 0)
            return true;
    return false;
}

static bool
had_event(const struct story *story, const char *name)
{
    size_t i;

    for (i = 0; i < story->event_count; i++)
        if (strcmp(smtpsec_event_name(story->events[i]), name) == 0)
            return true;
    return false;
}

/* claim KIND DOMAIN HOST yes|no|in-force|idle|days=N; host "-" for the whole domain */
static void
claim_fact(const struct story *story, char **words, char found[FOUND])
{
    struct smtpsec_claims *claims;
    const char *host = strcmp(words[2], "-") == 0 ? "" : words[2];
    size_t i;

    say(found, "no");
    if (smtpsec_memory_list(story->context, words[1], &claims) != 0)
        return;
    for (i = 0; i < smtpsec_claims_count(claims); i++) {
        const struct smtpsec_claim *claim = smtpsec_claims_get(claims, i);

        if (strcmp(smtpsec_claim_name(smtpsec_claim_kind(claim)), words[0]) != 0 ||
            strcmp(smtpsec_claim_host(claim), host) != 0)
            continue;
        if (strncmp(words[3], "days=", 5) == 0)
            snprintf(found, FOUND, "days=%u", (unsigned)smtpsec_claim_days(claim));
        else if (strcmp(words[3], "yes") == 0)
            say(found, "yes");
        else
            say(found, smtpsec_claim_in_force(claim) ? "in-force" : "idle");
    }
    smtpsec_claims_free(claims);
}

static bool
is_due(const struct story *story, const char *domain)
{
    struct smtpsec_due *due;
    bool found = false;
    size_t i;

    if (smtpsec_refresh_due(story->context, 100, &due) != 0)
        return false;
    for (i = 0; i < smtpsec_due_count(due); i++)
        found = found || strcmp(smtpsec_due_domain(due, i), domain) == 0;
    smtpsec_due_free(due);
    return found;
}

static bool
holds(const char *text, const char *part)
{
    return text != NULL && strstr(text, part) != NULL;
}

static bool
is_noted(const struct story *story, const char *part)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_explain_count(story->plan); i++)
        if (holds(smtpsec_plan_explain_text(story->plan, i), part))
            return true;
    return false;
}

/* Questions with a yes or no. */
static bool
yes_or_no(const struct story *story, size_t count, char **words, bool *answer)
{
    if (strcmp(words[0], "asked") == 0 && count == 3)
        *answer = was_asked(story, words[1], words[2]);
    else if (strcmp(words[0], "not-asked") == 0 && count == 3)
        *answer = !was_asked(story, words[1], words[2]);
    else if (strcmp(words[0], "told") == 0 && count == 2)
        *answer = holds(smtpsec_verdict_text(story->verdict), words[1]);
    else if (strcmp(words[0], "host-told") == 0 && count == 3)
        *answer = holds(smtpsec_host_floor_text(story_host(story, words[1])), words[2]);
    else if (strcmp(words[0], "plan-told") == 0 && count == 2)
        *answer = holds(smtpsec_plan_text(story->plan), words[1]);
    else if (strcmp(words[0], "note-told") == 0 && count == 2)
        *answer = is_noted(story, words[1]);
    else if (strcmp(words[0], "note") == 0 && count == 2)
        *answer = has_note(story, words[1]);
    else if (strcmp(words[0], "no-note") == 0 && count == 2)
        *answer = !has_note(story, words[1]);
    else if (strcmp(words[0], "event") == 0 && count == 2)
        *answer = had_event(story, words[1]);
    else if (strcmp(words[0], "no-event") == 0 && count == 2)
        *answer = !had_event(story, words[1]);
    else if (strcmp(words[0], "due") == 0 && count == 2)
        *answer = is_due(story, words[1]);
    else if (strcmp(words[0], "not-due") == 0 && count == 2)
        *answer = !is_due(story, words[1]);
    else if (strcmp(words[0], "refreshed") == 0 && count == 1)
        *answer = story->refreshed != 0;
    else if (strcmp(words[0], "not-refreshed") == 0 && count == 1)
        *answer = story->refreshed == 0;
    else
        return false;
    return true;
}

static void
counter_fact(const struct story *story, const char *name, char found[FOUND])
{
    int32_t i;

    for (i = SMTPSEC_COUNTER_EVALUATIONS; i <= SMTPSEC_COUNTER_FROM_CACHE; i++)
        if (strcmp(smtpsec_counter_name(i), name) == 0)
            snprintf(found, FOUND, "%llu",
                     (unsigned long long)smtpsec_context_counter(story->context, i));
}

static bool
find(const struct story *story, size_t count, char **words, char found[FOUND])
{
    if (strcmp(words[0], "counter") == 0 && count == 3) {
        counter_fact(story, words[1], found);
        return true;
    }
    if (strcmp(words[0], "hosts") == 0 && count == 2) {
        list_hosts(story, found);
        return true;
    }
    if (strcmp(words[0], "claim") == 0 && count == 5) {
        claim_fact(story, words + 1, found);
        return true;
    }
    if (strcmp(words[0], "wave") == 0 && count == 4) {
        snprintf(found, FOUND, "%u", wave_of(story, words[1], words[2]));
        return true;
    }
    if (dialogue_fact(story, count, words, found, FOUND))
        return true;
    if (count == 3)
        return host_fact(story, words[0], words[1], found);
    return count == 2 && (connection_fact(story, words[0], found) ||
                          plan_fact(story, words[0], found));
}

void
expect_line(struct story *story, size_t count, char **words, char *fault, size_t room)
{
    char found[FOUND];
    bool answer = false;

    if (count == 0) {
        snprintf(fault, room, "expect what?");
        return;
    }
    found[0] = '\0';
    if (yes_or_no(story, count, words, &answer)) {
        if (!answer)
            snprintf(fault, room, "expected %s %s %s, and it is not so", words[0],
                     count > 1 ? words[1] : "", count > 2 ? words[2] : "");
    } else if (!find(story, count, words, found)) {
        snprintf(fault, room, "unknown expectation: %s with %zu words", words[0], count - 1);
    } else if (strcmp(found, words[count - 1]) != 0) {
        snprintf(fault, room, "expected %s %s, found %.300s", words[0], words[count - 1], found);
    }
    story->expected++;
}
