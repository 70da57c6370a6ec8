/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static const struct {
    const char *word;
    int32_t origin;
    int32_t trust;
} ways[] = {
    {"signed", SMTPSEC_ORIGIN_MX, SMTPSEC_TRUST_SECURE},
    {"unsigned", SMTPSEC_ORIGIN_MX, SMTPSEC_TRUST_INSECURE},
    {"none", SMTPSEC_ORIGIN_IMPLICIT, SMTPSEC_TRUST_SECURE},
    {"relay", SMTPSEC_ORIGIN_RELAY, SMTPSEC_TRUST_INSECURE},
};

static const struct {
    const char *word;
    int32_t status;
} statuses[] = {
    {"usable", SMTPSEC_DANE_USABLE}, {"unusable", SMTPSEC_DANE_UNUSABLE},
    {"disabled", SMTPSEC_DANE_UNUSABLE}, {"absent", SMTPSEC_DANE_ABSENT},
    {"insecure", SMTPSEC_DANE_INSECURE}, {"failed", SMTPSEC_DANE_FAILED},
    {"unasked", SMTPSEC_DANE_NOT_ASKED},
};

static int32_t
reason_of(const char *word)
{
    int32_t reason;

    for (reason = 1; reason < 140; reason++)
        if (strcmp(smtpsec_reason_name(reason), word) == 0)
            return reason;
    abort();
}

static void
put_record(struct smtpsec_host *host, int32_t reason)
{
    uint8_t data[32] = {1};
    struct ss_tlsa record = {3, 1, 1, reason, data, sizeof(data)};

    must(ss_tlsa_set_add(&host->tlsa, &record) == 0);
}

static bool
take_status(const char *word, struct smtpsec_host *host)
{
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (strcmp(word, statuses[i].word) == 0)
            break;
    if (i == sizeof(statuses) / sizeof(statuses[0]))
        return false;
    host->dane = statuses[i].status;
    if (host->dane == SMTPSEC_DANE_USABLE)
        put_record(host, SMTPSEC_REASON_NONE);
    if (host->dane == SMTPSEC_DANE_UNUSABLE)
        put_record(host, strcmp(word, "disabled") == 0 ? SMTPSEC_REASON_TLSA_DISABLED
                                                       : SMTPSEC_REASON_TLSA_LENGTH);
    return true;
}

static bool
take_demand(const char *word, struct smtpsec_requirement *requirement)
{
    if (strcmp(word, "tls") == 0)
        requirement->tls = SMTPSEC_TLS_REQUIRED;
    else if (strcmp(word, "dane") == 0)
        requirement->identities |= SMTPSEC_IDENTITY_DANE;
    else if (strcmp(word, "pkix") == 0)
        requirement->identities |= SMTPSEC_IDENTITY_PKIX;
    else if (strcmp(word, "sts") == 0)
        requirement->sources |= SMTPSEC_SOURCE_MTA_STS;
    else if (strcmp(word, "requiretls") == 0)
        requirement->requiretls = true;
    else if (strcmp(word, "tls13") == 0)
        requirement->tls_version = 0x0304;
    else
        return false;
    return true;
}

static void
take_floor(const char *word, struct ss_floor *floor)
{
    floor->tls = SMTPSEC_TLS_REQUIRED;
    floor->level = SMTPSEC_LEVEL_ENCRYPTED;
    if (strcmp(word, "+dane") == 0)
        floor->identities |= SMTPSEC_IDENTITY_DANE;
    else if (strcmp(word, "+pkix") == 0)
        floor->identities |= SMTPSEC_IDENTITY_PKIX;
    else
        must(strcmp(word, "+tls") == 0);
}

static void
take_word(const char *word, struct smtpsec_host *host)
{
    if (word[0] == '!') {
        host->action = SMTPSEC_ACTION_SKIP;
        host->reason = reason_of(word + 1);
    } else if (word[0] == '+') {
        take_floor(word, &host->floors.enforced);
    } else if (!take_status(word, host)) {
        must(take_demand(word, host->requirement));
    }
}

static void
make_host(const char *line, struct smtpsec_host *host)
{
    char *copy = strdup(line);
    char *rest = copy, *word;

    must(copy != NULL && ss_requirement_new(&host->requirement) == 0);
    host->requirement->tls_version = 0x0303;
    host->dane = SMTPSEC_DANE_ABSENT;
    word = strtok_r(copy, " ", &rest);
    must(word != NULL);
    host->text = strdup(word);
    must(host->text != NULL);
    while ((word = strtok_r(NULL, " ", &rest)) != NULL)
        take_word(word, host);
    if (host->requirement->identities != 0)
        host->requirement->tls = SMTPSEC_TLS_REQUIRED;
    if (host->action == SMTPSEC_ACTION_SKIP) {
        ss_requirement_free(host->requirement);
        host->requirement = NULL;
    }
    free(copy);
}

static void
make_hosts(const char *hosts, struct smtpsec_plan *plan)
{
    char *copy = strdup(hosts);
    char *rest = copy, *line;
    size_t room = 1;

    must(copy != NULL);
    for (line = copy; *line != '\0'; line++)
        room += *line == ';';
    plan->hosts = calloc(room, sizeof(*plan->hosts));
    must(plan->hosts != NULL);
    for (line = strtok_r(copy, ";", &rest); line != NULL; line = strtok_r(NULL, ";", &rest))
        make_host(line, &plan->hosts[plan->count++]);
    free(copy);
}

static void
make_sts(const char *sts, struct smtpsec_plan *plan)
{
    char *copy = strdup(sts);
    char *rest = copy, *word = strtok_r(copy, " ", &rest);

    must(copy != NULL);
    plan->sts_mx = calloc(strlen(sts) + 1, sizeof(*plan->sts_mx));
    must(plan->sts_mx != NULL);
    plan->sts_max_age = 86400;
    if (word != NULL && word[0] == '!') {
        for (plan->sts_error = 301; plan->sts_error < 310; plan->sts_error++)
            if (strcmp(smtpsec_result_name(plan->sts_error), word + 1) == 0)
                break;
        must(plan->sts_error < 310);
        word = strtok_r(NULL, " ", &rest);
    }
    if (word != NULL) {
        for (plan->sts_mode = 1; plan->sts_mode < 4; plan->sts_mode++)
            if (strcmp(smtpsec_sts_mode_name(plan->sts_mode), word) == 0)
                break;
        must(plan->sts_mode < 4);
    }
    while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
        plan->sts_mx[plan->sts_mx_count++] = strdup(word);
        must(plan->sts_mx[plan->sts_mx_count - 1] != NULL);
    }
    free(copy);
}

struct smtpsec_plan *
plans_make(const char *mx, const char *hosts, const char *sts)
{
    struct smtpsec_plan *plan;
    size_t i;

    must(ss_plan_new(&plan) == 0);
    strcpy(plan->domain, PLANS_DOMAIN);
    strcpy(plan->text, PLANS_DOMAIN ": deliver");
    for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
        if (strcmp(ways[i].word, mx) == 0)
            break;
    must(i < sizeof(ways) / sizeof(ways[0]));
    plan->origin = ways[i].origin;
    plan->mx_trust = ways[i].trust;
    make_hosts(hosts, plan);
    make_sts(sts, plan);
    return plan;
}

struct smtpsec_plan *
plans_refused(int32_t verdict, int32_t reason, const char *text)
{
    struct smtpsec_plan *plan = plans_make("signed", "a.d.test dane usable", "");

    plan->verdict = verdict;
    plan->reason = reason;
    snprintf(plan->text, sizeof(plan->text), "%s", text);
    return plan;
}
