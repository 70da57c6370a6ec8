/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "attack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "disk.h"

#define DAY 86400
#define PHASES 16
#define OUTCOME 240

struct attack_row {
    int64_t lived; /* seconds since the story began; a step of the clock does not count */
    unsigned phase;
    char outcome[OUTCOME];
};

struct attack {
    char name[200];
    char phases[PHASES][80];
    unsigned phase_count;
    int64_t struck; /* when the first phase that is not "before" began; -1: none did */
    size_t count;
    struct attack_row *rows;
    uint32_t in_force; /* kinds of claims after the last mail, a bit each */
};

bool
attack_verb(const char *verb)
{
    static const char *const verbs[] = {"attack", "phase", "past", "days", "mail"};
    size_t i;

    for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verb, verbs[i]) == 0)
            return true;
    return false;
}

void
attack_free(struct story *story)
{
    if (story->attack != NULL)
        free(story->attack->rows);
    free(story->attack);
    story->attack = NULL;
}

/* attack NAME: a world, a memory and a clock as at the beginning */
static void
begin(struct story *story, const char *name)
{
    attack_free(story);
    story_begin_afresh(story);
    story->now = SS_TEST_NOW;
    story->lived = 0;
    story->attack = calloc(1, sizeof(*story->attack));
    if (story->attack == NULL)
        abort();
    story->attack->struck = -1;
    snprintf(story->attack->name, sizeof(story->attack->name), "%s", name);
}

static const char *
begin_phase(struct story *story, const char *name)
{
    struct attack *attack = story->attack;

    if (attack->phase_count == PHASES)
        return "too many phases";
    snprintf(attack->phases[attack->phase_count++], sizeof(attack->phases[0]), "%s", name);
    if (attack->struck < 0 && strcmp(name, "before") != 0)
        attack->struck = story->lived;
    return NULL;
}

/* ---- One mail ---- */

static void
add(char *outcome, const char *text, const char *more)
{
    size_t at = strlen(outcome);

    snprintf(outcome + at, OUTCOME - at, "%s%s", text, more);
}

/* The host is named unless it is mx.DOMAIN. */
static void
add_host(char *outcome, const char *domain, const char *host)
{
    if (strncmp(host, "mx.", 3) != 0 || strcmp(host + 3, domain) != 0)
        add(outcome, " to ", host);
}

static bool
takes_mail(const struct world_fact *fact)
{
    size_t i;

    for (i = 0; i < fact->word_count; i++)
        if (strcmp(fact->words[i], "later") == 0)
            return false;
    return true;
}

/* As the world's smtp line of that host says; a host without one cannot be reached. */
static const char *
try_host(struct story *story, const char *host, const struct world_fact *fact)
{
    char *words[WORLD_WORDS + 2];
    char unreachable[] = "not-reached";
    size_t count = 0;
    size_t i;

    words[count++] = (char *)(uintptr_t)host;
    words[count++] = fact == NULL ? unreachable : fact->status;
    for (i = 0; fact != NULL && i < fact->word_count; i++)
        if (strcmp(fact->words[i], "later") != 0)
            words[count++] = fact->words[i];
    return story_connect(story, count, words);
}

static void
record(struct story *story, bool accepted)
{
    char word[] = "accepted";
    char *words[1] = {word};

    story_record(story, accepted ? 1 : 0, words);
}

/* Each host in turn, as a mail server does. */
static const char *
try_hosts(struct story *story, const char *domain, char *outcome)
{
    int32_t reason = SMTPSEC_REASON_CONNECT_FAILED;
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(story->plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(story->plan, i);
        const char *name = smtpsec_host_name(host);
        const struct world_fact *fact = world_smtp(&story->world, name);
        const char *fault;
        bool accepted;

        if (smtpsec_host_action(host) == SMTPSEC_ACTION_SKIP)
            continue;
        fault = try_host(story, name, fact);
        if (fault != NULL)
            return fault;
        accepted = smtpsec_verdict_accepted(story->verdict);
        record(story, accepted && fact != NULL && takes_mail(fact));
        if (accepted) {
            if (!takes_mail(fact))
                add(outcome, "deferred", " by the host");
            else
                add(outcome, "delivered ",
                    smtpsec_level_name(smtpsec_verdict_achieved(story->verdict)));
            add_host(outcome, domain, name);
            return NULL;
        }
        if (smtpsec_verdict_reason(story->verdict) != SMTPSEC_REASON_CONNECT_FAILED)
            reason = smtpsec_verdict_reason(story->verdict);
    }
    add(outcome, "deferred ", smtpsec_reason_name(reason));
    return NULL;
}

static void
add_events(const struct story *story, char *outcome)
{
    size_t i, k;

    for (i = 0; i < story->event_count; i++) {
        int32_t kind = story->events[i];

        for (k = 0; k < i && story->events[k] != kind; k++)
            ;
        if (k == i && kind != SMTPSEC_EVENT_REFUSED && kind != SMTPSEC_EVENT_WOULD_REFUSE)
            add(outcome, ", alarm ", smtpsec_event_name(kind));
    }
}

static uint32_t
kinds_in_force(const struct story *story, const char *domain)
{
    struct smtpsec_claims *claims;
    uint32_t kinds = 0;
    size_t i;

    if (smtpsec_memory_list(story->context, domain, &claims) != 0)
        return 0;
    for (i = 0; i < smtpsec_claims_count(claims); i++)
        if (smtpsec_claim_in_force(smtpsec_claims_get(claims, i)))
            kinds |= (uint32_t)1 << smtpsec_claim_kind(smtpsec_claims_get(claims, i));
    smtpsec_claims_free(claims);
    return kinds;
}

/* "+encrypted" when a claim of that kind is in force now and was not after the mail before. */
static void
add_claims(struct story *story, const char *domain, bool told, char *outcome)
{
    uint32_t now = kinds_in_force(story, domain);
    uint32_t before = story->attack->in_force;
    int32_t kind;

    story->attack->in_force = now;
    for (kind = SMTPSEC_CLAIM_DANE; told && kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        uint32_t bit = (uint32_t)1 << kind;

        if ((now & bit) != (before & bit))
            add(outcome, (now & bit) != 0 ? ", +" : ", -", smtpsec_claim_name(kind));
    }
}

static const char *
send_mail(struct story *story, char *domain, bool told, char outcome[OUTCOME])
{
    const char *fault = NULL;
    int32_t verdict;
    int r;

    outcome[0] = '\0';
    story_disk(story, true);
    r = story_evaluate(story, 1, &domain);
    story_disk(story, false);
    if (r != 0)
        return smtpsec_strerror(r);
    verdict = smtpsec_plan_verdict(story->plan);
    if (verdict == SMTPSEC_VERDICT_DELIVER)
        fault = try_hosts(story, domain, outcome);
    else
        add(outcome, verdict == SMTPSEC_VERDICT_FAIL ? "failed " : "deferred ",
            smtpsec_reason_name(smtpsec_plan_reason(story->plan)));
    if (strncmp(outcome, "delivered", 9) == 0 &&
        (smtpsec_plan_would_refuse(story->plan) || smtpsec_verdict_would_refuse(story->verdict)))
        add(outcome, ", would refuse", "");
    add_events(story, outcome);
    add_claims(story, domain, told, outcome);
    return fault;
}

static void
keep(struct story *story, const char *outcome)
{
    struct attack *attack = story->attack;
    struct attack_row *rows = realloc(attack->rows, (attack->count + 1) * sizeof(*rows));
    struct attack_row *row;

    if (rows == NULL)
        abort();
    attack->rows = rows;
    row = &rows[attack->count++];
    row->lived = story->lived;
    row->phase = attack->phase_count;
    snprintf(row->outcome, sizeof(row->outcome), "%s", outcome);
}

static int64_t
day_of(const struct attack *attack, int64_t lived)
{
    int64_t since = lived - (attack->struck < 0 ? 0 : attack->struck);

    return since >= 0 ? since / DAY + 1 : -((-since + DAY - 1) / DAY);
}

/* days N DOMAIN OUTCOME: each day one mail, of which this must come */
static const char *
days(struct story *story, int count, char *domain, const char *wanted, bool told, bool pass,
     char *room, size_t len)
{
    char outcome[OUTCOME];
    int i;

    for (i = 0; i < count; i++) {
        const char *fault = send_mail(story, domain, told, outcome);

        if (fault != NULL)
            return fault;
        story->expected++;
        if (strcmp(outcome, wanted) != 0) {
            snprintf(room, len, "day %lld: expected %.200s; found %.200s",
                     (long long)day_of(story->attack, story->lived), wanted, outcome);
            return room;
        }
        keep(story, outcome);
        if (pass)
            story_pass(story, DAY);
    }
    return NULL;
}

const char *
attack_line(struct story *story, size_t count, char **words, char *room, size_t len)
{
    const char *verb = words[0];

    if (strcmp(verb, "attack") == 0 && count == 2) {
        begin(story, words[1]);
        return NULL;
    }
    if (story->attack == NULL)
        return "no attack has begun";
    if (strcmp(verb, "phase") == 0 && count == 2)
        return begin_phase(story, words[1]);
    if (strcmp(verb, "mail") == 0 && count == 3)
        return days(story, 1, words[1], words[2], true, false, room, len);
    if (count != 4)
        return "N DOMAIN OUTCOME";
    return days(story, atoi(words[1]), words[2], words[3], strcmp(verb, "days") == 0, true, room,
                len);
}

/* ---- The table ---- */

static void
print_days(int64_t first, int64_t last)
{
    if (first == last)
        printf("day %lld: ", (long long)first);
    else if (first < 0)
        printf("day %lld to %lld: ", (long long)first, (long long)last);
    else
        printf("day %lld-%lld: ", (long long)first, (long long)last);
}

static void
print_phase(const struct attack *attack, unsigned phase)
{
    bool first = true;
    size_t i, k;

    printf("  %-12s ", phase == 0 ? "" : attack->phases[phase - 1]);
    for (i = 0; i < attack->count; i = k) {
        const struct attack_row *row = &attack->rows[i];

        k = i + 1;
        if (row->phase != phase)
            continue;
        while (k < attack->count && attack->rows[k].phase == phase &&
               attack->rows[k].lived - attack->rows[k - 1].lived <= DAY &&
               strcmp(attack->rows[k].outcome, row->outcome) == 0)
            k++;
        printf("%s", first ? "" : "; ");
        print_days(day_of(attack, row->lived), day_of(attack, attack->rows[k - 1].lived));
        printf("%s", row->outcome);
        first = false;
    }
    printf("\n");
}

void
attack_print(struct story *story)
{
    struct attack *attack = story->attack;
    unsigned phase;
    size_t i;

    if (attack == NULL)
        return;
    printf("%s\n", attack->name);
    for (phase = 0; phase <= attack->phase_count; phase++) {
        for (i = 0; i < attack->count && attack->rows[i].phase != phase; i++)
            ;
        if (i < attack->count)
            print_phase(attack, phase);
    }
    attack_free(story);
}
