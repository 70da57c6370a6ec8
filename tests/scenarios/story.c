/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "story.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attack.h"
#include "certs.h"
#include "disk.h"
#include "operator.h"

static int64_t
clock_of_story(void *user)
{
    const struct story *story = user;

    return story->now;
}

static void
must(int r)
{
    if (r != 0) {
        fprintf(stderr, "%s\n", smtpsec_strerror(r));
        abort();
    }
}

static void
end_connection(struct story *story)
{
    smtpsec_verdict_free(story->verdict);
    smtpsec_session_free(story->session);
    smtpsec_requirement_free(story->requirement);
    story->verdict = NULL;
    story->session = NULL;
    story->requirement = NULL;
}

static void
default_options(struct story *story)
{
    must(smtpsec_options_new(&story->options));
    must(smtpsec_options_set_anchors(story->options, story->anchors));
    must(smtpsec_options_set_memory_ram(story->options));
    must(smtpsec_options_set_clock(story->options, clock_of_story, story));
}

void
story_restart(struct story *story)
{
    end_connection(story);
    smtpsec_plan_free(story->plan);
    story->plan = NULL;
    smtpsec_context_free(story->context);
    story->context = NULL;
}

/* Nothing is remembered, nothing is set, the world is empty; time goes on. */
void
story_begin_afresh(struct story *story)
{
    story_restart(story);
    smtpsec_options_free(story->options);
    story_disk_free(story);
    default_options(story);
    world_clear(&story->world);
}

struct story *
story_new(const char *file)
{
    struct story *story = calloc(1, sizeof(*story));
    struct ss_bytes ca = world_ca();

    if (story == NULL)
        abort();
    story->file = file;
    story->now = SS_TEST_NOW;
    must(smtpsec_anchors_new(&story->anchors));
    must(smtpsec_anchors_add_der(story->anchors, ca.data, ca.len));
    default_options(story);
    return story;
}

void
story_free(struct story *story)
{
    end_connection(story);
    smtpsec_plan_free(story->plan);
    smtpsec_context_free(story->context);
    smtpsec_options_free(story->options);
    story_disk_free(story);
    attack_free(story);
    smtpsec_anchors_free(story->anchors);
    world_free(&story->world);
    free(story);
}

const struct smtpsec_host *
story_host(const struct story *story, const char *name)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(story->plan); i++)
        if (strcmp(smtpsec_host_name(smtpsec_plan_host(story->plan, i)), name) == 0)
            return smtpsec_plan_host(story->plan, i);
    return NULL;
}

void
story_take_events(struct story *story)
{
    while (story->context != NULL && smtpsec_event_next(story->context))
        if (story->event_count < sizeof(story->events) / sizeof(story->events[0]))
            story->events[story->event_count++] = smtpsec_event_kind(story->context);
}

void
story_tell(const struct story *story)
{
    size_t i;

    if (story->plan == NULL)
        return;
    fprintf(stderr, "  plan: %s\n", smtpsec_plan_text(story->plan));
    for (i = 0; i < smtpsec_plan_host_count(story->plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(story->plan, i);

        fprintf(stderr, "  host: %s %s %s, required %s, dane %s\n", smtpsec_host_name(host),
                smtpsec_action_name(smtpsec_host_action(host)),
                smtpsec_reason_name(smtpsec_host_reason(host)),
                smtpsec_level_name(smtpsec_requirement_level(smtpsec_host_requirement(host))),
                smtpsec_dane_status_name(smtpsec_host_dane_status(host)));
    }
    for (i = 0; i < smtpsec_plan_explain_count(story->plan); i++)
        fprintf(stderr, "  why: [%s] %s\n", smtpsec_plan_explain_rule(story->plan, i),
                smtpsec_plan_explain_text(story->plan, i));
    for (i = 0; i < story->asked_count; i++)
        fprintf(stderr, "  asked: wave %u %s %s\n", story->asked[i].wave,
                story->asked[i].type == 0 ? "https" : world_type_name(story->asked[i].type),
                story->asked[i].name);
    if (story->verdict != NULL)
        fprintf(stderr, "  verdict: %s\n", smtpsec_verdict_text(story->verdict));
}

static int32_t
level_by_name(const char *name)
{
    int32_t i;

    for (i = SMTPSEC_LEVEL_NONE; i <= SMTPSEC_LEVEL_DANE; i++)
        if (strcmp(smtpsec_level_name(i), name) == 0)
            return i;
    return -1;
}

/* ---- Evaluate ---- */

static void
note_question(struct story *story, uint16_t type, const char *name)
{
    struct story_question *question;

    if (story->asked_count == STORY_ASKED)
        abort();
    question = &story->asked[story->asked_count++];
    question->type = type;
    question->wave = story->waves;
    snprintf(question->name, sizeof(question->name), "%s", name);
}

static void
answer_dns(struct story *story, struct smtpsec_lookup *lookup, uint32_t id, const char *name,
           uint16_t type)
{
    struct world_reply reply;

    world_ask(&story->world, name, type, &reply);
    if (reply.failure != SMTPSEC_FAILURE_NONE)
        must(smtpsec_lookup_answer_failure(lookup, id, reply.failure, story->now));
    else
        must(smtpsec_lookup_answer_dns(lookup, id, reply.message, reply.len, 1, story->now));
    free(reply.message);
}

static int32_t
failure_by_name(const char *name)
{
    int32_t i;

    for (i = 0; i <= SMTPSEC_FAILURE_CANCELLED; i++)
        if (strcmp(smtpsec_failure_name(i), name) == 0)
            return i;
    return SMTPSEC_FAILURE_TIMEOUT;
}

/* https HOST CODE TYPE BODY, or https HOST fail FAILURE */
static void
answer_https(struct story *story, struct smtpsec_lookup *lookup, uint32_t id, const char *host)
{
    const struct world_fact *fact = world_https(&story->world, host);
    const char *body;

    if (fact == NULL || strcmp(fact->status, "fail") == 0) {
        must(smtpsec_lookup_answer_failure(
            lookup, id,
            fact == NULL || fact->word_count == 0 ? SMTPSEC_FAILURE_UNREACHABLE
                                                  : failure_by_name(fact->words[0]),
            story->now));
        return;
    }
    body = fact->word_count > 1 ? fact->words[1] : "";
    must(smtpsec_lookup_answer_https(lookup, id, atoi(fact->status),
                                     fact->word_count > 0 ? fact->words[0] : NULL,
                                     (const uint8_t *)body, strlen(body), story->now));
}

/* All open needs of one wave, in an order that the shuffle chooses. */
static void
answer_wave(struct story *story, struct smtpsec_lookup *lookup)
{
    size_t count = smtpsec_lookup_need_count(lookup);
    uint32_t ids[STORY_ASKED];
    size_t i;

    story->waves++;
    for (i = 0; i < count; i++)
        ids[i] = smtpsec_lookup_need_id(lookup, i);
    for (i = 0; i < count; i++) {
        size_t at = story->shuffle % 2 == 0 ? i : count - 1 - i;
        uint32_t id = ids[(at + story->shuffle / 2) % count];
        uint16_t type = smtpsec_lookup_need_type(lookup, id);
        char name[1024];

        snprintf(name, sizeof(name), "%s", smtpsec_lookup_need_name(lookup, id));
        note_question(story, type, name);
        if (type != 0)
            answer_dns(story, lookup, id, name, type);
        else
            answer_https(story, lookup, id, name);
    }
}

static int
run_lookup(struct story *story, const struct smtpsec_destination *destination)
{
    struct smtpsec_lookup *lookup;
    int r;

    r = smtpsec_lookup_new(story->context, destination, story->now, &lookup);
    if (r != 0)
        return r;
    smtpsec_plan_free(story->plan);
    story->plan = NULL;
    while ((r = smtpsec_lookup_plan(lookup, story->now, &story->plan)) == SMTPSEC_E_PENDING)
        answer_wave(story, lookup);
    smtpsec_lookup_free(lookup);
    return r;
}

static int
for_message(struct story *story, size_t count, char **words)
{
    struct smtpsec_message *message;
    struct smtpsec_plan *plan;
    bool any = false;
    size_t i;
    int r;

    must(smtpsec_message_new(&message));
    for (i = 0; i < count; i++) {
        bool known = true;

        if (strcmp(words[i], "requiretls") == 0)
            smtpsec_message_set_requiretls(message, 1);
        else if (strcmp(words[i], "tls-required-no") == 0)
            smtpsec_message_set_tls_required_no(message, 1);
        else if (strcmp(words[i], "null-sender") == 0)
            smtpsec_message_set_null_sender(message, 1);
        else if (strcmp(words[i], "tls-report") == 0)
            smtpsec_message_set_tls_report(message, 1);
        else if (strncmp(words[i], "headers=", 8) == 0)
            must(smtpsec_message_read_headers(message, words[i] + 8, strlen(words[i] + 8)));
        else
            known = false;
        any = any || known;
    }
    r = 0;
    if (any) {
        r = smtpsec_plan_for(story->plan, message, &plan);
        if (r == 0) {
            smtpsec_plan_free(story->plan);
            story->plan = plan;
        }
    }
    smtpsec_message_free(message);
    return r;
}

int
story_evaluate(struct story *story, size_t count, char **words)
{
    struct smtpsec_destination *destination;
    size_t i;
    int r;

    if (story->context == NULL)
        must(smtpsec_context_new(story->options, &story->context));
    story->asked_count = 0;
    story->waves = 0;
    story->event_count = 0;
    r = smtpsec_destination_new(words[0], &destination);
    if (r != 0)
        return r;
    for (i = 1; r == 0 && i < count; i++) {
        if (strncmp(words[i], "relay=", 6) == 0)
            r = smtpsec_destination_set_relay(destination, words[i] + 6);
        if (strncmp(words[i], "minimum=", 8) == 0)
            r = smtpsec_destination_set_minimum(destination, level_by_name(words[i] + 8));
        if (strncmp(words[i], "port=", 5) == 0)
            r = smtpsec_destination_set_port(destination, (uint16_t)atoi(words[i] + 5));
    }
    if (r == 0)
        r = run_lookup(story, destination);
    smtpsec_destination_free(destination);
    if (r == 0)
        r = for_message(story, count - 1, words + 1);
    story_take_events(story);
    return r;
}

/* refresh DOMAIN: fetches the policy anew, whether it is due or not */
static int
refresh(struct story *story, const char *domain)
{
    struct smtpsec_lookup *lookup;
    int r;

    story->asked_count = 0;
    story->waves = 0;
    story->event_count = 0;
    story->refreshed = 0;
    r = smtpsec_lookup_new_refresh(story->context, domain, story->now, &lookup);
    if (r != 0)
        return r;
    while ((r = smtpsec_lookup_refresh(lookup, story->now, &story->refreshed)) == SMTPSEC_E_PENDING)
        answer_wave(story, lookup);
    smtpsec_lookup_free(lookup);
    story_take_events(story);
    return r;
}

/* ---- Connect ---- */

static int32_t
starttls_by_name(const char *name)
{
    int32_t i;

    for (i = 0; i <= SMTPSEC_STARTTLS_INJECTED; i++)
        if (strcmp(smtpsec_starttls_name(i), name) == 0)
            return i;
    return -1;
}

static const char *
fill_session(struct story *story, size_t count, char **words)
{
    struct ss_bytes chain[4];
    size_t n, i, k;

    must(smtpsec_session_set_tls_version(story->session, 0x0304));
    for (i = 0; i < count; i++) {
        if (strncmp(words[i], "version=", 8) == 0) {
            smtpsec_session_set_tls_version(story->session, (uint16_t)strtoul(words[i] + 8, NULL, 16));
            continue;
        }
        if (strcmp(words[i], "requiretls") == 0) {
            smtpsec_session_set_requiretls(story->session, 1);
            continue;
        }
        if (strcmp(words[i], "resumed") == 0) {
            smtpsec_session_set_resumed(story->session,
                                        smtpsec_requirement_digest(story->requirement));
            continue;
        }
        n = world_chain(words[i], chain);
        if (n == 0)
            return "no such certificate";
        for (k = 0; k < n; k++)
            must(smtpsec_session_add_certificate(story->session, chain[k].data, chain[k].len));
    }
    return NULL;
}

/* connect HOST STARTTLS [CERTIFICATE] [version=HEX] [resumed] */
const char *
story_connect(struct story *story, size_t count, char **words)
{
    const struct smtpsec_host *host;
    int32_t starttls;
    const char *fault;

    if (count < 2)
        return "connect HOST STARTTLS";
    end_connection(story);
    host = story_host(story, words[0]);
    starttls = starttls_by_name(words[1]);
    if (host == NULL || smtpsec_host_requirement(host) == NULL)
        return "the plan does not use that host";
    if (starttls < 0)
        return "unknown starttls";
    must(smtpsec_requirement_copy(smtpsec_host_requirement(host), &story->requirement));
    must(smtpsec_session_new(&story->session));
    must(smtpsec_session_set_starttls(story->session, starttls));
    must(smtpsec_session_set_opened(story->session, story->requirement));
    fault = fill_session(story, count - 2, words + 2);
    if (fault == NULL)
        must(smtpsec_verify(story->anchors, story->requirement, story->session, story->now,
                            &story->verdict));
    return fault;
}

/* record [accepted] [null-sender] [at=OFFSET] */
int
story_record(struct story *story, size_t count, char **words)
{
    struct smtpsec_outcome *outcome;
    int64_t at = story->now;
    size_t i;
    int r;

    for (i = 0; i < count; i++)
        if (strncmp(words[i], "at=", 3) == 0)
            at += strtoll(words[i] + 3, NULL, 10);
    must(smtpsec_outcome_new(story->requirement, at, &outcome));
    must(smtpsec_outcome_set_session(outcome, story->session, story->verdict));
    for (i = 0; i < count; i++) {
        if (strcmp(words[i], "accepted") == 0)
            must(smtpsec_outcome_set_accepted(outcome, 1));
        if (strcmp(words[i], "null-sender") == 0)
            must(smtpsec_outcome_set_null_sender(outcome, 1));
    }
    story_disk(story, true);
    r = smtpsec_record(story->context, outcome, story->now);
    story_disk(story, false);
    smtpsec_outcome_free(outcome);
    story_take_events(story);
    return r;
}

/* ---- Time ---- */

/* Other mail goes by: the memory is used, for a domain that cannot be found out about. */
static void
use_memory(struct story *story)
{
    struct smtpsec_destination *destination;
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan;

    if (story->context == NULL)
        return;
    must(smtpsec_destination_new("other.invalid", &destination));
    must(smtpsec_lookup_new(story->context, destination, story->now, &lookup));
    while (smtpsec_lookup_plan(lookup, story->now, &plan) == SMTPSEC_E_PENDING)
        must(smtpsec_lookup_answer_failure(lookup, smtpsec_lookup_need_id(lookup, 0),
                                           SMTPSEC_FAILURE_TIMEOUT, story->now));
    smtpsec_plan_free(plan);
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
}

/* In ordinary use: each day somebody writes to somewhere. */
void
story_pass(struct story *story, int64_t seconds)
{
    int64_t part;

    for (; seconds > 0; seconds -= part) {
        part = seconds < 86400 ? seconds : 86400;
        story->now += part;
        story->lived += part;
        if (seconds > part)
            use_memory(story);
    }
}

/* "3d", "12h", "90s" */
static int64_t
duration(const char *text)
{
    char *unit;
    int64_t n = strtoll(text, &unit, 10);

    switch (*unit) {
    case 'd':
        return n * 86400;
    case 'h':
        return n * 3600;
    default:
        return n;
    }
}

/* daily N DOMAIN HOST STARTTLS [CERTIFICATE]: each day one accepted delivery, which must go through */
static const char *
daily(struct story *story, size_t count, char **words)
{
    char *accepted[1];
    char word[] = "accepted";
    const char *fault;
    int days, i;

    if (count < 4)
        return "daily N DOMAIN HOST STARTTLS";
    days = atoi(words[0]);
    accepted[0] = word;
    for (i = 0; i < days; i++) {
        if (story_evaluate(story, 1, words + 1) != 0)
            return "evaluation failed";
        fault = story_connect(story, count - 2, words + 2);
        if (fault != NULL)
            return fault;
        if (!smtpsec_verdict_accepted(story->verdict))
            return "a daily delivery was refused";
        if (story_record(story, 1, accepted) != 0)
            return "not recorded";
        story_pass(story, 86400);
    }
    return NULL;
}

/* ---- Settings ---- */

static int32_t
claim_by_name(const char *name)
{
    int32_t i;

    for (i = SMTPSEC_CLAIM_DANE; i <= SMTPSEC_CLAIM_DNSSEC; i++)
        if (strcmp(smtpsec_claim_name(i), name) == 0)
            return i;
    return 0;
}

static int32_t
mode_by_name(const char *name)
{
    int32_t i;

    for (i = SMTPSEC_MODE_OFF; i <= SMTPSEC_MODE_ENFORCE; i++)
        if (strcmp(smtpsec_mode_name(i), name) == 0)
            return i;
    return -1;
}

static int
set_option(struct story *story, size_t count, char **words)
{
    struct smtpsec_options *options = story->options;
    int r;

    if (story->context != NULL || count < 1 ||
        (count < 2 && strchr(words[0], '=') == NULL))
        return SMTPSEC_E_INVALID;
    if (strcmp(words[0], "memory=disk") == 0)
        return story_memory_on_disk(story);
    if (story_operator_option(story, words[0], &r))
        return r;
    if (strcmp(words[0], "mode") == 0 && count == 3)
        return smtpsec_options_set_mode(options, claim_by_name(words[1]), mode_by_name(words[2]));
    if (strcmp(words[0], "soft-pkix") == 0)
        return smtpsec_options_set_soft_pkix_mode(options, mode_by_name(words[1]));
    if (strcmp(words[0], "dane") == 0)
        return smtpsec_options_set_dane(options, mode_by_name(words[1]));
    if (strcmp(words[0], "tlsa-digest") == 0 && count == 3)
        return smtpsec_options_set_tlsa_digest(options, atoi(words[1]),
                                               strcmp(words[2], "on") == 0);
    if (strcmp(words[0], "mx-alias") == 0)
        return smtpsec_options_set_mx_alias(options, strcmp(words[1], "on") == 0);
    if (strcmp(words[0], "own-name") == 0)
        return smtpsec_options_add_own_name(options, words[1]);
    if (strcmp(words[0], "minimum") == 0)
        return smtpsec_options_set_minimum(options, level_by_name(words[1]));
    if (strcmp(words[0], "mta-sts") == 0)
        return smtpsec_options_set_mta_sts(options, strcmp(words[1], "on") == 0);
    if (strcmp(words[0], "insecure-mx") == 0)
        return smtpsec_options_set_insecure_mx(options, level_by_name(words[1]));
    if (strcmp(words[0], "dane-over-sts") == 0)
        return smtpsec_options_set_dane_over_sts(options, strcmp(words[1], "on") == 0);
    return SMTPSEC_E_INVALID;
}

void
story_line(struct story *story, size_t count, char **words, char *fault, size_t room)
{
    const char *what = NULL;
    char text[480];
    int r = 0;

    if (attack_verb(words[0]))
        what = attack_line(story, count, words, text, sizeof(text));
    else if (strcmp(words[0], "memory") == 0 && count > 1)
        what = story_memory(story, words[1]);
    else if (strcmp(words[0], "restart") == 0)
        story_restart(story);
    else if (strcmp(words[0], "dns") == 0 || strcmp(words[0], "https") == 0 ||
             strcmp(words[0], "smtp") == 0)
        what = world_add(&story->world, count, words);
    else if (strcmp(words[0], "option") == 0)
        r = set_option(story, count - 1, words + 1);
    else if (strcmp(words[0], "evaluate") == 0 && count > 1)
        story->status = story_evaluate(story, count - 1, words + 1);
    else if (strcmp(words[0], "connect") == 0)
        what = story_connect(story, count - 1, words + 1);
    else if (strcmp(words[0], "record") == 0)
        story->status = story_record(story, count - 1, words + 1);
    else if (strcmp(words[0], "advance") == 0 && count > 1)
        story_pass(story, duration(words[1]));
    else if (strcmp(words[0], "step") == 0 && count > 1)
        story->now += duration(words[1]);
    else if (strcmp(words[0], "daily") == 0)
        what = daily(story, count - 1, words + 1);
    else if (strcmp(words[0], "forget") == 0 && count > 1)
        story->status = smtpsec_memory_forget(story->context, words[1]);
    else if (strcmp(words[0], "refresh") == 0 && count > 1)
        story->status = refresh(story, words[1]);
    else if (strcmp(words[0], "fresh") == 0)
        story_begin_afresh(story);
    else if (strcmp(words[0], "shuffle") == 0 && count > 1)
        story->shuffle = (unsigned)atoi(words[1]);
    else
        what = "unknown verb";
    if (r != 0)
        what = smtpsec_strerror(r);
    if (what != NULL)
        snprintf(fault, room, "%s: %s", words[0], what);
}
