/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/evidence.h"

#include <stdlib.h>
#include <string.h>

int
ss_evidence_init(struct ss_evidence *evidence, const struct smtpsec_destination *destination)
{
    struct ss_memory_key key;

    memset(evidence, 0, sizeof(*evidence));
    evidence->destination = *destination;
    ss_destination_key(destination, &key);
    ss_record_init(&evidence->record, &key);
    ss_sts_entry_init(&evidence->entry);
    return 0;
}

void
ss_evidence_free(struct ss_evidence *evidence)
{
    size_t i;

    for (i = 0; i < evidence->dns_count; i++) {
        ss_answer_free(&evidence->dns[i]->answer);
        free(evidence->dns[i]);
    }
    free(evidence->dns);
    free(evidence->https.body);
    ss_record_free(&evidence->record);
    ss_sts_entry_free(&evidence->entry);
    memset(evidence, 0, sizeof(*evidence));
}

static bool
asks(const struct ss_question *question, const struct ss_name *name, uint16_t type)
{
    return question->type == type && ss_name_equal(&question->name, name);
}

const struct ss_dns_fact *
ss_evidence_dns(const struct ss_evidence *evidence, const struct ss_name *name, uint16_t type)
{
    size_t i;

    for (i = 0; i < evidence->dns_count; i++)
        if (asks(&evidence->dns[i]->question, name, type))
            return evidence->dns[i];
    return NULL;
}

int
ss_evidence_put_dns(struct ss_evidence *evidence, const struct ss_question *question,
                    struct ss_answer *answer, int64_t now)
{
    struct ss_dns_fact *fact;

    if (ss_evidence_dns(evidence, &question->name, question->type) != NULL) {
        ss_answer_free(answer);
        return 0;
    }
    if (evidence->dns_count == evidence->dns_cap) {
        size_t cap = evidence->dns_cap == 0 ? 8 : evidence->dns_cap * 2;
        struct ss_dns_fact **dns = realloc(evidence->dns, cap * sizeof(*dns));

        if (dns == NULL)
            return SMTPSEC_E_NOMEM;
        evidence->dns = dns;
        evidence->dns_cap = cap;
    }
    fact = calloc(1, sizeof(*fact));
    if (fact == NULL)
        return SMTPSEC_E_NOMEM;
    fact->question = *question;
    fact->answer = *answer;
    ss_answer_init(answer);
    ss_answer_sort(&fact->answer);
    fact->expires = now + (int64_t)fact->answer.ttl;
    evidence->dns[evidence->dns_count++] = fact;
    return 0;
}

int64_t
ss_evidence_memory_time(const struct ss_evidence *evidence, int64_t now)
{
    return evidence->memory_at != 0 ? evidence->memory_at : now;
}

void
ss_destination_key(const struct smtpsec_destination *destination, struct ss_memory_key *key)
{
    memset(key, 0, sizeof(*key));
    key->domain = destination->domain;
    if (destination->relay)
        key->relay = destination->domain;
    key->port = destination->port;
}

void
ss_wants_init(struct ss_wants *wants)
{
    memset(wants, 0, offsetof(struct ss_wants, few));
    wants->questions = wants->few;
    wants->cap = SS_WANTS_FEW;
}

void
ss_wants_free(struct ss_wants *wants)
{
    if (wants->questions != wants->few)
        free(wants->questions);
    ss_wants_init(wants);
}

static bool
more_wants(struct ss_wants *wants)
{
    size_t cap = wants->cap * 2;
    struct ss_question *old = wants->questions == wants->few ? NULL : wants->questions;
    struct ss_question *questions = realloc(old, cap * sizeof(*questions));

    if (questions == NULL)
        return false;
    if (old == NULL)
        memcpy(questions, wants->few, sizeof(wants->few));
    wants->questions = questions;
    wants->cap = cap;
    return true;
}

static void
want(struct ss_wants *wants, const struct ss_name *name, uint16_t type, bool dnssec)
{
    size_t i;

    for (i = 0; i < wants->count; i++)
        if (asks(&wants->questions[i], name, type))
            return;
    if (wants->count == wants->cap && !more_wants(wants)) {
        wants->nomem = true;
        return;
    }
    wants->questions[wants->count].name = *name;
    wants->questions[wants->count].type = type;
    wants->questions[wants->count].dnssec = dnssec;
    wants->count++;
}

const struct ss_dns_fact *
ss_evidence_need_dns(const struct ss_evidence *evidence, const struct ss_name *name, uint16_t type,
                     bool dnssec, struct ss_wants *wants)
{
    const struct ss_dns_fact *fact = ss_evidence_dns(evidence, name, type);

    if (fact == NULL && wants != NULL)
        want(wants, name, type, dnssec);
    return fact;
}

int32_t
ss_evidence_dnssec(const struct ss_evidence *evidence, struct ss_wants *wants)
{
    const struct ss_dns_fact *fact;
    size_t i, unsigned_answers = 0;
    bool any_signed = false;

    if (evidence->dnssec != SMTPSEC_DNSSEC_UNKNOWN)
        return evidence->dnssec;
    for (i = 0; i < evidence->canary_count; i++) {
        fact = ss_evidence_need_dns(evidence, &evidence->canaries[i], SS_RR_SOA, false, wants);
        if (fact == NULL || fact->answer.outcome == SMTPSEC_ANSWER_FAILED)
            continue;
        any_signed = any_signed || fact->answer.trust == SMTPSEC_TRUST_SECURE;
        unsigned_answers++;
    }
    if (any_signed)
        return SMTPSEC_DNSSEC_VALIDATES;
    return unsigned_answers > 0 && unsigned_answers == evidence->canary_count
               ? SMTPSEC_DNSSEC_LOST
               : SMTPSEC_DNSSEC_UNKNOWN;
}
