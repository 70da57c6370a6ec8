/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 24

static void
must(bool holds)
{
    if (!holds)
        abort();
}

struct ss_name
facts_name(const char *text)
{
    struct ss_name name;

    memset(&name, 0, sizeof(name));
    must(text[0] == '\0' || ss_name_from_text(&name, text, strlen(text)));
    return name;
}

void
facts_init(struct ss_evidence *evidence, const char *domain)
{
    struct smtpsec_destination destination;

    memset(&destination, 0, sizeof(destination));
    destination.domain = facts_name(domain);
    destination.port = 25;
    must(ss_evidence_init(evidence, &destination) == 0);
    evidence->memory_state = SMTPSEC_MEMORY_OK;
}

static size_t
split(char *line, char *words[WORDS])
{
    size_t count = 0;
    char *rest = NULL;
    char *word;

    for (word = strtok_r(line, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        must(count < WORDS);
        words[count++] = word;
    }
    return count;
}

static uint16_t
type_of(const char *text)
{
    static const struct {
        const char *text;
        uint16_t type;
    } types[] = {{"A", SS_RR_A},     {"AAAA", SS_RR_AAAA}, {"MX", SS_RR_MX},
                 {"TXT", SS_RR_TXT}, {"TLSA", SS_RR_TLSA}, {"CNAME", SS_RR_CNAME}};
    size_t i;

    for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(types[i].text, text) == 0)
            return types[i].type;
    abort();
}

static void
set_status(struct ss_answer *answer, const char *status)
{
    int32_t failure;

    answer->trust = strstr(status, "secure") != NULL && strncmp(status, "insecure", 8) != 0
                        ? SMTPSEC_TRUST_SECURE
                        : SMTPSEC_TRUST_INSECURE;
    if (strcmp(status, "secure") == 0 || strcmp(status, "insecure") == 0) {
        answer->outcome = SMTPSEC_ANSWER_RECORDS;
    } else if (strncmp(status, "nodata", 6) == 0) {
        answer->outcome = SMTPSEC_ANSWER_NO_DATA;
    } else if (strncmp(status, "nxdomain", 8) == 0) {
        answer->outcome = SMTPSEC_ANSWER_NO_NAME;
    } else {
        for (failure = 1; strcmp(smtpsec_failure_name(failure), status) != 0; failure++)
            must(failure < SMTPSEC_FAILURE_CANCELLED);
        ss_answer_fail(answer, failure);
    }
}

static void
put_octets(struct ss_rr *rr, const void *data, size_t len)
{
    rr->data = malloc(len > 0 ? len : 1);
    must(rr->data != NULL);
    memcpy(rr->data, data, len);
    rr->len = len;
}

static void
put_tlsa(struct ss_rr *rr, const char *word)
{
    unsigned usage, selector, matching, octet;
    uint8_t rdata[3 + 64];

    must(sscanf(word, "%u.%u.%u.%u", &usage, &selector, &matching, &octet) == 4);
    memset(rdata, (int)octet, sizeof(rdata));
    rdata[0] = (uint8_t)usage;
    rdata[1] = (uint8_t)selector;
    rdata[2] = (uint8_t)matching;
    put_octets(rr, rdata, matching == 2 ? 67 : 35);
}

static void
put_record(struct ss_answer *answer, uint16_t type, const char *word)
{
    struct ss_rr *rr;
    char *end;

    answer->records = realloc(answer->records, (answer->count + 1) * sizeof(*rr));
    must(answer->records != NULL);
    rr = &answer->records[answer->count++];
    memset(rr, 0, sizeof(*rr));
    rr->type = type;
    switch (type) {
    case SS_RR_MX:
        rr->preference = (uint16_t)strtoul(word, &end, 10);
        must(*end == ':');
        rr->name = facts_name(end + 1);
        break;
    case SS_RR_CNAME:
        rr->name = facts_name(word);
        break;
    case SS_RR_TXT:
        put_octets(rr, word, strlen(word));
        break;
    case SS_RR_TLSA:
        put_tlsa(rr, word);
        break;
    default:
        must(ss_address_from_text(&rr->address, word));
        break;
    }
}

static void
put_word(struct ss_answer *answer, uint16_t type, const char *word)
{
    if (strncmp(word, "ttl=", 4) == 0) {
        answer->ttl = (uint32_t)strtoul(word + 4, NULL, 10);
    } else if (strncmp(word, "inception=", 10) == 0) {
        answer->inception = strtoll(word + 10, NULL, 10);
        answer->expiration = answer->inception + 14 * SS_DAY;
    } else if (strncmp(word, "cname=", 6) == 0) {
        answer->aliases++;
        answer->end = facts_name(word + 6);
    } else {
        put_record(answer, type, word);
    }
}

void
facts_question(struct ss_question *question, const char *line)
{
    char copy[512];
    char *words[WORDS];

    must(strlen(line) < sizeof(copy));
    strcpy(copy, line);
    must(split(copy, words) >= 3);
    memset(question, 0, sizeof(*question));
    question->type = type_of(words[0]);
    question->name = facts_name(words[1]);
}

void
facts_dns(struct ss_evidence *evidence, const char *line)
{
    struct ss_question question;
    struct ss_answer answer;
    char copy[512];
    char *words[WORDS];
    size_t count, i;

    facts_question(&question, line);
    strcpy(copy, line);
    count = split(copy, words);
    ss_answer_init(&answer);
    answer.end = question.name;
    set_status(&answer, words[2]);
    if (answer.outcome != SMTPSEC_ANSWER_FAILED)
        answer.ttl = 3600;
    for (i = 3; i < count; i++)
        put_word(&answer, question.type, words[i]);
    must(ss_evidence_put_dns(evidence, &question, &answer, FACTS_NOW) == 0);
}

static uint8_t *
octets_of(const char *text)
{
    uint8_t *copy = malloc(strlen(text) + 1);

    must(copy != NULL);
    memcpy(copy, text, strlen(text) + 1);
    return copy;
}

void
facts_https(struct ss_evidence *evidence, const char *body)
{
    evidence->https.known = true;
    evidence->https.at = FACTS_NOW;
    if (body == NULL) {
        evidence->https.failure = SMTPSEC_FAILURE_TIMEOUT;
        return;
    }
    evidence->https.status = 200;
    evidence->https.body = octets_of(body);
    evidence->https.len = strlen(body);
}

void
facts_entry(struct ss_sts_entry *entry, const char *id, const char *body, int64_t fetched,
            int64_t max_age)
{
    ss_sts_entry_free(entry);
    ss_sts_entry_init(entry);
    snprintf(entry->id, sizeof(entry->id), "%s", id);
    entry->body = octets_of(body);
    entry->len = strlen(body);
    entry->fetched = fetched;
    entry->max_age = max_age;
}

struct ss_claim *
facts_claim(struct ss_record *record, int32_t kind, const char *host, uint32_t days, int64_t last,
            int64_t expires)
{
    struct ss_name name = facts_name(host);
    struct ss_claim *claim = ss_record_add(record, kind, host[0] == '\0' ? NULL : &name);

    must(claim != NULL);
    claim->first_seen = last - (int64_t)(days > 0 ? days - 1 : 0) * SS_DAY;
    claim->last_seen = claim->counted = last;
    claim->days = days;
    claim->expires = expires;
    if (kind == SMTPSEC_CLAIM_MTA_STS)
        strcpy(claim->sts_id, "1");
    return claim;
}

/* ---- A plan as text ---- */

static void
put_requirement(FILE *out, const struct smtpsec_requirement *requirement)
{
    size_t i;

    fprintf(out, " require level %d tls %d identities %d sources %d requiretls %d soft %d kind %d",
            (int)requirement->level, (int)requirement->tls, (int)requirement->identities,
            (int)requirement->sources, requirement->requiretls, requirement->soft,
            (int)requirement->basis.kind);
    fprintf(out, " host %s sni %s digest %s expires %lld tlsa", requirement->host.text,
            requirement->sni.text, requirement->digest_hex, (long long)requirement->expires);
    for (i = 0; i < requirement->dane_name_count; i++)
        fprintf(out, " %s", requirement->dane_names[i].text);
    for (i = 0; i < requirement->tlsa.count; i++)
        fprintf(out, " %d.%d.%d.%d/%d", requirement->tlsa.records[i].usage,
                requirement->tlsa.records[i].selector, requirement->tlsa.records[i].matching,
                requirement->tlsa.records[i].len > 0 ? requirement->tlsa.records[i].data[0] : -1,
                (int)requirement->tlsa.records[i].reason);
}

static void
put_host(FILE *out, const struct smtpsec_host *host)
{
    size_t i;

    fprintf(out, "host %s preference %u action %d reason %d dane %d base %s partial %d floor %d",
            host->text, host->preference, (int)host->action, (int)host->reason, (int)host->dane,
            host->base.text, host->partial, (int)host->floors.enforced.level);
    for (i = 0; i < host->address_count; i++)
        fprintf(out, " %s", host->addresses[i]);
    if (host->requirement != NULL)
        put_requirement(out, host->requirement);
    fprintf(out, "\n");
}

char *
facts_plan_text(const struct smtpsec_plan *plan)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    size_t i;

    must(out != NULL);
    fprintf(out, "%s verdict %d reason %d enhanced %s level %d digest %s expires %lld\n%s\n",
            plan->domain, (int)plan->verdict, (int)plan->reason, plan->enhanced, (int)plan->level,
            plan->digest_hex, (long long)plan->expires, plan->text);
    fprintf(out, "mx %d/%d sts %d/%d %s until %lld error %d %s floor %d claims %zu\n",
            (int)plan->origin, (int)plan->mx_trust, (int)plan->sts_mode, (int)plan->sts_source,
            plan->sts_id, (long long)plan->sts_expires, (int)plan->sts_error, plan->sts_error_text,
            (int)plan->floors.enforced.level, plan->claim_count);
    for (i = 0; i < plan->count; i++)
        put_host(out, &plan->hosts[i]);
    for (i = 0; i < plan->notes.count; i++)
        fprintf(out, "%s [%s] %s\n", plan->notes.list[i].rule, plan->notes.list[i].rfc,
                plan->notes.list[i].text);
    must(fclose(out) == 0);
    return text;
}

uint64_t
facts_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

size_t
facts_pick(uint64_t *state, size_t count)
{
    return (size_t)(facts_random(state) % count);
}
