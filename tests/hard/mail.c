/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mail by hand, through the public interface. */
#include "hard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/text.h"
#include "decision/evidence.h"
#include "dns_builder.h"
#include "engine/learn.h"

enum { TYPE_A = 1, TYPE_MX = 15, TYPE_TXT = 16 };

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return hard_now;
}

struct smtpsec_context *
hard_open_sealed(const char *directory, const char *key)
{
    struct smtpsec_options *options = NULL;
    struct smtpsec_context *context = NULL;

    HARD_CHECK(smtpsec_options_new(&options) == 0);
    if (directory != NULL)
        HARD_CHECK(smtpsec_options_set_memory(options, directory) == 0);
    HARD_CHECK(smtpsec_options_set_clock(options, clock_of_test, NULL) == 0);
    if (key != NULL)
        HARD_CHECK(smtpsec_options_set_seal_key(options, (const uint8_t *)key, strlen(key)) == 0);
    HARD_CHECK(smtpsec_context_new(options, &context) == 0);
    smtpsec_options_free(options);
    return context;
}

struct smtpsec_context *
hard_open(const char *directory)
{
    return hard_open_sealed(directory, NULL);
}

struct smtpsec_context *
hard_open_good(const char *directory)
{
    int64_t end = hard_ms() + HARD_LIMIT_MS;
    struct smtpsec_context *context = hard_open(directory);

    while (smtpsec_context_memory_state(context) != SMTPSEC_MEMORY_OK) {
        if (hard_ms() > end)
            hard_die("not opened: %s", context->store->error.text);
        smtpsec_context_free(context);
        hard_pause_us(10000);
        context = hard_open(directory);
    }
    return context;
}

/* The reply to one question; the MX host of a domain is mx.DOMAIN. */
static void
answer_dns(struct smtpsec_lookup *lookup, uint32_t id, const char *domain, bool policy)
{
    static const char *const txt[] = { "v=STSv1; id=1;" };
    const char *name = smtpsec_lookup_need_name(lookup, id);
    uint16_t type = smtpsec_lookup_need_type(lookup, id);
    struct dns_builder *b = dns_builder_new(0, name, type, DNS_BUILDER_REPLY, 0);
    char host[256];

    snprintf(host, sizeof(host), "mx.%s", domain);
    if (type == TYPE_MX)
        dns_builder_mx(b, name, 300, 10, host);
    else if (type == TYPE_A)
        dns_builder_a(b, name, 300, "192.0.2.1");
    else if (type == TYPE_TXT && policy)
        dns_builder_txt(b, name, 300, txt, 1);
    HARD_CHECK(smtpsec_lookup_answer_dns(lookup, id, b->octets, b->len, 0, hard_now) == 0);
    free(b);
}

struct smtpsec_plan *
hard_evaluate(struct smtpsec_context *context, const char *domain, const char *policy)
{
    struct smtpsec_destination *destination = NULL;
    struct smtpsec_lookup *lookup = NULL;
    struct smtpsec_plan *plan = NULL;
    uint32_t id;
    int r;

    HARD_CHECK(smtpsec_destination_new(domain, &destination) == 0);
    HARD_CHECK(smtpsec_lookup_new(context, destination, hard_now, &lookup) == 0);
    while ((r = smtpsec_lookup_plan(lookup, hard_now, &plan)) == SMTPSEC_E_PENDING) {
        id = smtpsec_lookup_need_id(lookup, 0);
        if (smtpsec_lookup_need_kind(lookup, id) == SMTPSEC_NEED_DNS)
            answer_dns(lookup, id, domain, policy != NULL);
        else
            HARD_CHECK(policy != NULL &&
                       smtpsec_lookup_answer_https(lookup, id, 200, "text/plain",
                                                   (const uint8_t *)policy, strlen(policy),
                                                   hard_now) == 0);
    }
    HARD_CHECK(r == 0);
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
    return plan;
}

struct smtpsec_outcome *
hard_outcome(const struct smtpsec_plan *plan)
{
    const struct smtpsec_requirement *requirement =
        smtpsec_host_requirement(smtpsec_plan_host(plan, 0));
    struct smtpsec_session *session = NULL;
    struct smtpsec_verdict *verdict = NULL;
    struct smtpsec_outcome *outcome = NULL;

    HARD_CHECK(requirement != NULL);
    HARD_CHECK(smtpsec_session_new(&session) == 0);
    HARD_CHECK(smtpsec_session_set_starttls(session, SMTPSEC_STARTTLS_DONE) == 0);
    HARD_CHECK(smtpsec_session_set_tls_version(session, 0x0304) == 0);
    HARD_CHECK(smtpsec_verify(NULL, requirement, session, hard_now, &verdict) == 0);
    HARD_CHECK(smtpsec_verdict_accepted(verdict));
    HARD_CHECK(smtpsec_outcome_new(requirement, hard_now, &outcome) == 0);
    HARD_CHECK(smtpsec_outcome_set_session(outcome, session, verdict) == 0);
    HARD_CHECK(smtpsec_outcome_set_accepted(outcome, 1) == 0);
    smtpsec_verdict_free(verdict);
    smtpsec_session_free(session);
    return outcome;
}

int
hard_deliver(struct smtpsec_context *context, const char *domain)
{
    struct smtpsec_plan *plan = hard_evaluate(context, domain, NULL);
    struct smtpsec_outcome *outcome = hard_outcome(plan);
    int r = smtpsec_record(context, outcome, hard_now);

    smtpsec_outcome_free(outcome);
    smtpsec_plan_free(plan);
    return r;
}

void
hard_learn_policy(struct smtpsec_context *context, const char *domain, const char *policy)
{
    struct smtpsec_plan *plan = hard_evaluate(context, domain, policy);

    HARD_CHECK(smtpsec_plan_sts_mode(plan) == SMTPSEC_STS_ENFORCE);
    smtpsec_plan_free(plan);
}

char *
hard_policy(const char *domain, size_t octets)
{
    size_t room = octets + 1024, len;
    char *text = malloc(room);
    unsigned n;

    HARD_CHECK(text != NULL);
    len = (size_t)snprintf(text, room,
                           "version: STSv1\nmode: enforce\nmax_age: 604800\nmx: mx.%s\n", domain);
    for (n = 0; len < octets; n++)
        len += (size_t)snprintf(text + len, room - len, "mx: more%u.of.the.hosts.of.%s\n", n,
                                domain);
    return text;
}

/* A checksum over octets that end in their own would be the same for all. */
static uint32_t
sum_of(const struct ss_buf *octets)
{
    HARD_CHECK(ss_buf_ok(octets) && octets->len > 4);
    return ss_crc32c(octets->data, octets->len - 4);
}

void
hard_recall(struct smtpsec_context *context, const char *domain, struct hard_known *known)
{
    struct smtpsec_destination *destination = NULL;
    struct ss_sts_entry entry;
    struct ss_record record;
    struct ss_buf octets;
    size_t i;

    memset(known, 0, sizeof(*known));
    HARD_CHECK(smtpsec_destination_new(domain, &destination) == 0);
    known->error = ss_recall(context->store, destination, &record, &entry, &known->fault);
    HARD_CHECK(known->error != SMTPSEC_E_NOMEM);
    known->claims = record.count;
    for (i = 0; i < record.count; i++) {
        if (record.claims[i].last_seen > known->last_seen)
            known->last_seen = record.claims[i].last_seen;
    }
    ss_buf_init(&octets, SS_STORE_VALUE_MAX);
    ss_record_write(&octets, &record);
    known->record_sum = sum_of(&octets);
    octets.len = 0;
    known->has_policy = entry.len > 0;
    ss_sts_entry_write(&octets, (struct ss_bytes){ NULL, 0 }, &entry);
    known->policy_sum = sum_of(&octets);
    ss_buf_free(&octets);
    ss_record_free(&record);
    ss_sts_entry_free(&entry);
    smtpsec_destination_free(destination);
}

size_t
hard_events(struct smtpsec_context *context, int32_t kind)
{
    size_t count = 0;

    while (smtpsec_event_next(context))
        count += smtpsec_event_kind(context) == kind;
    return count;
}
