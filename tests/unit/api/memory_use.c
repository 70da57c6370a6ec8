/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory_use.h"

#include <stdio.h>
#include <string.h>

#include "by_hand.h"
#include "table.h"

int64_t use_now = USE_START;
struct world use_world;

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return use_now;
}

struct smtpsec_context *
use_open(const char *directory, int read_only)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    if (directory == NULL)
        assert_int_equal(smtpsec_options_set_memory_ram(options), 0);
    else if (directory[0] != '\0')
        assert_int_equal(smtpsec_options_set_memory(options, directory), 0);
    if (read_only)
        assert_int_equal(smtpsec_options_set_memory_read_only(options, 1), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

void
use_fact(const char *line)
{
    const char *const lines[] = {line, NULL};

    by_hand_world(&use_world, lines);
}

void
use_domain(const char *domain)
{
    char line[256];

    snprintf(line, sizeof(line), "dns MX %s insecure 10:mx.%s", domain, domain);
    use_fact(line);
    snprintf(line, sizeof(line), "dns A mx.%s insecure 192.0.2.1", domain);
    use_fact(line);
}

struct smtpsec_plan *
use_evaluate(struct smtpsec_context *context, const char *domain)
{
    struct smtpsec_destination *destination;
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan;
    struct world_reply reply;
    uint32_t id;
    int r;

    assert_int_equal(smtpsec_destination_new(domain, &destination), 0);
    assert_int_equal(smtpsec_lookup_new(context, destination, use_now, &lookup), 0);
    while ((r = smtpsec_lookup_plan(lookup, use_now, &plan)) == SMTPSEC_E_PENDING) {
        id = smtpsec_lookup_need_id(lookup, 0);
        if (smtpsec_lookup_need_kind(lookup, id) == SMTPSEC_NEED_HTTPS) {
            r = smtpsec_lookup_answer_failure(lookup, id, SMTPSEC_FAILURE_TIMEOUT, use_now);
            assert_int_equal(r, 0);
            continue;
        }
        world_ask(&use_world, smtpsec_lookup_need_name(lookup, id),
                  smtpsec_lookup_need_type(lookup, id), &reply);
        if (reply.failure != SMTPSEC_FAILURE_NONE)
            r = smtpsec_lookup_answer_failure(lookup, id, reply.failure, use_now);
        else
            r = smtpsec_lookup_answer_dns(lookup, id, reply.message, reply.len, 1, use_now);
        assert_int_equal(r, 0);
        free(reply.message);
    }
    assert_int_equal(r, 0);
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
    return plan;
}

int
use_deliver(struct smtpsec_context *context, const char *domain, bool tls)
{
    struct smtpsec_plan *plan = use_evaluate(context, domain);
    const struct smtpsec_requirement *requirement =
        smtpsec_host_requirement(smtpsec_plan_host(plan, 0));
    struct smtpsec_session *session;
    struct smtpsec_verdict *verdict;
    struct smtpsec_outcome *outcome;
    struct ss_bytes chain[4];
    char name[256];
    size_t n, i;
    int r;

    assert_non_null(requirement);
    snprintf(name, sizeof(name), "self:mx.%s", domain);
    n = tls ? world_chain(name, chain) : 0;
    assert_int_equal(smtpsec_session_new(&session), 0);
    smtpsec_session_set_starttls(session, tls ? SMTPSEC_STARTTLS_DONE : SMTPSEC_STARTTLS_ABSENT);
    smtpsec_session_set_tls_version(session, 0x0304);
    for (i = 0; i < n; i++)
        assert_int_equal(smtpsec_session_add_certificate(session, chain[i].data, chain[i].len), 0);
    assert_int_equal(smtpsec_verify(NULL, requirement, session, use_now, &verdict), 0);
    assert_int_equal(smtpsec_outcome_new(requirement, use_now, &outcome), 0);
    assert_int_equal(smtpsec_outcome_set_session(outcome, session, verdict), 0);
    smtpsec_outcome_set_accepted(outcome, smtpsec_verdict_accepted(verdict));
    r = smtpsec_record(context, outcome, use_now);
    smtpsec_outcome_free(outcome);
    smtpsec_verdict_free(verdict);
    smtpsec_session_free(session);
    smtpsec_plan_free(plan);
    return r;
}

unsigned
use_events(struct smtpsec_context *context, int32_t kind, char *text)
{
    unsigned count = 0;

    while (smtpsec_event_next(context)) {
        if (smtpsec_event_kind(context) != kind)
            continue;
        count++;
        if (text != NULL)
            strcpy(text, smtpsec_event_text(context));
    }
    return count;
}

uint64_t
use_counter(const struct smtpsec_context *context, int32_t counter)
{
    return smtpsec_context_counter(context, counter);
}
