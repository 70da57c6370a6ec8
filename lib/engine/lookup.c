/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lookup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision/resolve.h"
#include "decision/sts_view.h"
#include "dns/message.h"

int
ss_lookup_new(const struct smtpsec_destination *destination, const struct ss_settings *settings,
              int32_t memory_state, struct ss_record *record, struct ss_sts_entry *entry,
              struct ss_lookup **out)
{
    struct ss_lookup *lookup = calloc(1, sizeof(*lookup));
    int r;

    if (lookup == NULL)
        return SMTPSEC_E_NOMEM;
    r = ss_evidence_init(&lookup->evidence, destination);
    if (r != 0) {
        free(lookup);
        return r;
    }
    lookup->settings = *settings;
    ss_exceptions_ref(lookup->settings.exceptions);
    ss_rules_ref(lookup->settings.rules);
    lookup->evidence.memory_state = memory_state;
    if (record != NULL) {
        struct ss_memory_key key = lookup->evidence.record.key;

        lookup->evidence.record = *record;
        ss_record_init(record, &key);
    }
    if (entry != NULL) {
        lookup->evidence.entry = *entry;
        ss_sts_entry_init(entry);
    }
    *out = lookup;
    return 0;
}

void
ss_lookup_free(struct ss_lookup *lookup)
{
    size_t i;

    if (lookup == NULL)
        return;
    for (i = 0; i < lookup->need_count; i++) {
        free(lookup->needs[i]->addresses);
        free(lookup->needs[i]);
    }
    free(lookup->needs);
    ss_evidence_free(&lookup->evidence);
    ss_exceptions_unref(lookup->settings.exceptions);
    ss_rules_unref(lookup->settings.rules);
    ss_lease_release(lookup->lease);
    free(lookup);
}

/* Most names are short: their texts take the room they need. */
static struct ss_need *
add_need(struct ss_lookup *lookup, int32_t kind, const char *name, const char *url)
{
    size_t name_room = strlen(name) + 1;
    size_t url_room = strlen(url) + 1;
    struct ss_need *need;

    if (lookup->need_count == lookup->need_cap) {
        size_t cap = lookup->need_cap == 0 ? 8 : lookup->need_cap * 2;
        struct ss_need **needs = realloc(lookup->needs, cap * sizeof(*needs));

        if (needs == NULL)
            return NULL;
        lookup->needs = needs;
        lookup->need_cap = cap;
    }
    need = calloc(1, sizeof(*need) + name_room + url_room);
    if (need == NULL)
        return NULL;
    need->name = (char *)(need + 1);
    need->url = need->name + name_room;
    memcpy(need->name, name, name_room);
    memcpy(need->url, url, url_room);
    need->id = (uint32_t)lookup->need_count + 1;
    need->kind = kind;
    need->open = true;
    lookup->needs[lookup->need_count++] = need;
    return need;
}

static void
close_need(struct ss_need *need)
{
    need->open = false;
    need->wanted = false;
}

static bool
asked_before(const struct ss_lookup *lookup, const struct ss_question *question)
{
    size_t i;

    for (i = 0; i < lookup->need_count; i++) {
        const struct ss_need *need = lookup->needs[i];

        if (need->kind == SMTPSEC_NEED_DNS && need->question.type == question->type &&
            ss_name_equal(&need->question.name, &question->name))
            return true;
    }
    return false;
}

static int
open_dns(struct ss_lookup *lookup, const struct ss_question *question)
{
    char name[SS_NAME_TEXT];
    struct ss_need *need;

    if (asked_before(lookup, question))
        return 0;
    ss_name_to_text(&question->name, name);
    need = add_need(lookup, SMTPSEC_NEED_DNS, name, "");
    if (need == NULL)
        return SMTPSEC_E_NOMEM;
    need->question = *question;
    return 0;
}

static void
take_host_addresses(const struct ss_evidence *evidence, const struct ss_name *host, uint16_t type,
                    struct ss_need *need, size_t most)
{
    const struct ss_dns_fact *fact = ss_evidence_dns(evidence, host, type);
    size_t i;

    if (fact == NULL || fact->answer.outcome != SMTPSEC_ANSWER_RECORDS)
        return;
    for (i = 0; i < fact->answer.count && need->address_count < most; i++)
        ss_address_to_text(&fact->answer.records[i].address,
                           need->addresses[need->address_count++]);
}

/* STSF-01: one address, one path; the port stands in no name. */
static int
open_https(struct ss_lookup *lookup)
{
    char name[SS_NAME_TEXT], url[SS_URL_TEXT];
    struct ss_name host;
    struct ss_need *need;
    size_t i;

    for (i = 0; i < lookup->need_count; i++)
        if (lookup->needs[i]->kind == SMTPSEC_NEED_HTTPS)
            return 0;
    if (!ss_sts_policy_host(&lookup->evidence.destination.domain, &host))
        return 0; /* the view never wants it then */
    ss_name_to_text(&host, name);
    snprintf(url, sizeof(url), "https://%.253s/.well-known/mta-sts.txt", name);
    need = add_need(lookup, SMTPSEC_NEED_HTTPS, name, url);
    if (need == NULL)
        return SMTPSEC_E_NOMEM;
    need->addresses = calloc(2 * SS_ADDRESSES_MAX, sizeof(*need->addresses));
    if (need->addresses == NULL) {
        close_need(need);
        return SMTPSEC_E_NOMEM;
    }
    take_host_addresses(&lookup->evidence, &host, SS_RR_AAAA, need, SS_ADDRESSES_MAX);
    take_host_addresses(&lookup->evidence, &host, SS_RR_A, need, 2 * SS_ADDRESSES_MAX);
    return 0;
}

/* RES-16: a question asked ahead may turn out to say nothing; nobody waits for it then. */
static bool
is_wanted(const struct ss_wants *wants, const struct ss_need *need)
{
    size_t i;

    if (need->kind == SMTPSEC_NEED_HTTPS)
        return wants->https;
    for (i = 0; i < wants->count; i++)
        if (wants->questions[i].type == need->question.type &&
            ss_name_equal(&wants->questions[i].name, &need->question.name))
            return true;
    return false;
}

int
ss_lookup_step(struct ss_lookup *lookup, int64_t now, size_t *open)
{
    struct ss_wants wants;
    size_t i;
    int r;

    r = ss_missing(&lookup->evidence, &lookup->settings, now, &wants);
    for (i = 0; r == 0 && i < wants.count; i++)
        r = open_dns(lookup, &wants.questions[i]);
    if (r == 0 && wants.https)
        r = open_https(lookup);
    lookup->deferred = wants.deferred;
    *open = 0;
    for (i = 0; i < lookup->need_count; i++) {
        lookup->needs[i]->wanted = lookup->needs[i]->open && is_wanted(&wants, lookup->needs[i]);
        *open += lookup->needs[i]->wanted ? 1 : 0;
    }
    ss_wants_free(&wants);
    return r;
}

struct ss_need *
ss_lookup_open_need(const struct ss_lookup *lookup, size_t n)
{
    size_t i;

    for (i = 0; i < lookup->need_count; i++)
        if (lookup->needs[i]->wanted && n-- == 0)
            return lookup->needs[i];
    return NULL;
}

struct ss_need *
ss_lookup_need(const struct ss_lookup *lookup, uint32_t id)
{
    if (id == 0 || id > lookup->need_count || !lookup->needs[id - 1]->open)
        return NULL;
    return lookup->needs[id - 1];
}

static int
put_answer(struct ss_lookup *lookup, struct ss_need *need, struct ss_answer *answer, int64_t now)
{
    int r = ss_evidence_put_dns(&lookup->evidence, &need->question, answer, now);

    if (r == 0)
        close_need(need);
    else
        ss_answer_free(answer);
    return r;
}

int
ss_lookup_answer_dns(struct ss_lookup *lookup, struct ss_need *need, struct ss_bytes message,
                     bool trusted, int64_t now)
{
    struct ss_answer answer;
    int r;

    r = ss_dns_reply_read(&need->question, message.data, message.len, trusted, &answer);
    if (r != 0) {
        ss_answer_free(&answer);
        return r;
    }
    return put_answer(lookup, need, &answer, now);
}

static int
fail_https(struct ss_lookup *lookup, struct ss_need *need, int32_t failure, int32_t status,
           int64_t now)
{
    lookup->evidence.https.known = true;
    lookup->evidence.https.failure = failure;
    lookup->evidence.https.status = status;
    lookup->evidence.https.at = now;
    close_need(need);
    return 0;
}

int
ss_lookup_answer_https(struct ss_lookup *lookup, struct ss_need *need, int32_t status,
                       const char *content_type, struct ss_bytes body, int64_t now)
{
    struct ss_https_fact *fact = &lookup->evidence.https;
    int32_t failure = ss_sts_reply_check(status, content_type);

    if (failure == SMTPSEC_FAILURE_NONE && body.len > SS_STS_BODY_MAX)
        failure = SMTPSEC_FAILURE_HTTP_SIZE; /* STSF-09 */
    if (failure != SMTPSEC_FAILURE_NONE)
        return fail_https(lookup, need, failure, status, now);
    fact->body = malloc(body.len > 0 ? body.len : 1);
    if (fact->body == NULL)
        return SMTPSEC_E_NOMEM;
    if (body.len > 0)
        memcpy(fact->body, body.data, body.len);
    fact->len = body.len;
    fact->known = true;
    fact->failure = SMTPSEC_FAILURE_NONE;
    fact->status = status;
    fact->at = now;
    close_need(need);
    return 0;
}

int
ss_lookup_answer_failure(struct ss_lookup *lookup, struct ss_need *need, int32_t failure, int64_t now)
{
    struct ss_answer answer;

    if (need->kind == SMTPSEC_NEED_HTTPS)
        return fail_https(lookup, need, failure, 0, now);
    ss_answer_init(&answer);
    ss_answer_fail(&answer, failure);
    return put_answer(lookup, need, &answer, now);
}

int
ss_lookup_entry_again(struct ss_lookup *lookup, struct ss_need *need, struct ss_sts_entry *entry,
                      int64_t now)
{
    struct ss_wants wants;
    int r;

    ss_sts_entry_free(&lookup->evidence.entry);
    lookup->stamps.known = false;
    lookup->evidence.entry = *entry;
    ss_sts_entry_init(entry);
    r = ss_missing(&lookup->evidence, &lookup->settings, now, &wants);
    if (r == 0 && !wants.https)
        close_need(need);
    ss_wants_free(&wants);
    return r;
}

int
ss_lookup_decide(const struct ss_lookup *lookup, int64_t now, struct smtpsec_plan **out)
{
    return ss_decide(&lookup->evidence, &lookup->settings, now, out);
}
