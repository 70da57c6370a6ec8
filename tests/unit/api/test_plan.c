/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans as a caller sees them: hosts in order, shuffled fairly; requirements that travel. */
#include "table.h"

#include <string.h>

#include "by_hand.h"
#include "smtpsec.h"

#define NOW BY_HAND_NOW

static const char *const facts[] = {
    "dns MX d.test secure 10:a.d.test 10:c.d.test 20:b.d.test 30:e.d.test 30:f.d.test 30:g.d.test",
    "dns A a.d.test secure 192.0.2.1",
    "dns A b.d.test insecure 192.0.2.2",
    "dns A c.d.test secure 192.0.2.3",
    "dns A e.d.test insecure 192.0.2.4",
    "dns A f.d.test insecure 192.0.2.5",
    "dns A g.d.test insecure 192.0.2.6",
    "dns TLSA _25._tcp.a.d.test secure 3.1.1.self:a.d.test 0.0.1.00",
    "dns TLSA _25._tcp.c.d.test servfail",
    NULL};

static struct world world;

static struct smtpsec_context *
open_context(const char *key)
{
    struct smtpsec_options *options;
    struct smtpsec_context *context;

    assert_int_equal(smtpsec_options_new(&options), 0);
    if (key != NULL)
        assert_int_equal(
            smtpsec_options_set_seal_key(options, (const uint8_t *)key, strlen(key)), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

/* An evaluation through the public functions alone. */
static struct smtpsec_plan *
evaluate(struct smtpsec_context *context)
{
    struct smtpsec_destination *destination;
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan;
    struct world_reply reply;
    uint32_t id;

    assert_int_equal(smtpsec_destination_new("D.Test.", &destination), 0);
    assert_int_equal(smtpsec_lookup_new(context, destination, NOW, &lookup), 0);
    while (smtpsec_lookup_plan(lookup, NOW, &plan) == SMTPSEC_E_PENDING) {
        id = smtpsec_lookup_need_id(lookup, 0);
        assert_int_equal(smtpsec_lookup_need_kind(lookup, id), SMTPSEC_NEED_DNS);
        world_ask(&world, smtpsec_lookup_need_name(lookup, id),
                  smtpsec_lookup_need_type(lookup, id), &reply);
        assert_int_equal(smtpsec_lookup_answer_dns(lookup, id, reply.message, reply.len, 1, NOW),
                         0);
        free(reply.message);
    }
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
    return plan;
}

static void
hosts(void **state)
{
    static const char *const want[] = {"a.d.test", "c.d.test", "b.d.test",
                                       "e.d.test", "f.d.test", "g.d.test"};
    struct smtpsec_context *context = open_context(NULL);
    struct smtpsec_plan *plan = evaluate(context);
    const struct smtpsec_host *host;
    const uint8_t *data;
    size_t i, len = 0;

    (void)state;
    assert_string_equal(smtpsec_plan_domain(plan), "d.test");
    assert_string_equal(smtpsec_plan_route(plan), "mx");
    assert_int_equal(smtpsec_plan_port(plan), 25);
    assert_int_equal(smtpsec_plan_host_count(plan), 6);
    for (i = 0; i < 6; i++)
        assert_string_equal(smtpsec_host_name(smtpsec_plan_host(plan, i)), want[i]);
    assert_null(smtpsec_plan_host(plan, 6));
    host = smtpsec_plan_host(plan, 0);
    assert_int_equal(smtpsec_host_dane_status(host), SMTPSEC_DANE_USABLE);
    assert_string_equal(smtpsec_host_dane_base(host), "a.d.test");
    assert_int_equal(smtpsec_host_tlsa_count(host), 2);
    assert_int_equal(smtpsec_host_tlsa_usage(host, 0), 0);
    assert_int_equal(smtpsec_host_tlsa_reason(host, 0), SMTPSEC_REASON_TLSA_USAGE);
    assert_int_equal(smtpsec_host_tlsa_usage(host, 1), 3);
    assert_int_equal(smtpsec_host_tlsa_selector(host, 1), 1);
    assert_int_equal(smtpsec_host_tlsa_matching(host, 1), 1);
    data = smtpsec_host_tlsa_data(host, 1, &len);
    assert_non_null(data);
    assert_int_equal(len, 32);
    assert_null(smtpsec_host_tlsa_data(host, 2, &len));
    assert_null(smtpsec_host_tlsa_data(host, 1, NULL));
    assert_int_equal(smtpsec_host_tlsa_usage(host, 2), 0);
    assert_int_equal(smtpsec_host_tlsa_reason(host, 2), 0);
    assert_string_equal(smtpsec_host_address(host, 0), "192.0.2.1");
    assert_null(smtpsec_host_address(host, 1));
    assert_string_equal(smtpsec_requirement_sni(smtpsec_host_requirement(host)), "a.d.test");
    assert_int_equal(smtpsec_requirement_dane_name_count(smtpsec_host_requirement(host)), 2);
    assert_null(smtpsec_requirement_dane_name(smtpsec_host_requirement(host), 2));
    assert_int_equal(smtpsec_requirement_pkix_name_count(smtpsec_host_requirement(host)), 0);
    assert_null(smtpsec_requirement_pkix_name(smtpsec_host_requirement(host), 0));
    /* TLSA-04: the other one is skipped, with its reason. */
    host = smtpsec_plan_host(plan, 1);
    assert_int_equal(smtpsec_host_action(host), SMTPSEC_ACTION_SKIP);
    assert_int_equal(smtpsec_host_reason(host), SMTPSEC_REASON_TLSA_SERVFAIL);
    assert_null(smtpsec_host_requirement(host));
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
}

static void
shuffle(void **state)
{
    struct smtpsec_context *context = open_context(NULL);
    struct smtpsec_plan *plan = evaluate(context);
    size_t order[8], again[8], last[3] = {0, 0, 0};
    size_t a_first = 0, i;
    uint64_t seed;
    unsigned seen;

    (void)state;
    for (seed = 0; seed < 1000; seed++) {
        assert_int_equal(smtpsec_plan_shuffle(plan, seed, order, 6), 0);
        for (i = 0, seen = 0; i < 6; i++)
            seen |= 1U << order[i];
        assert_int_equal(seen, 0x3f);
        assert_true(order[0] <= 1 && order[1] <= 1);
        assert_int_equal(order[2], 2);
        a_first += order[0] == 0 ? 1 : 0;
        last[order[5] - 3]++;
        assert_int_equal(smtpsec_plan_shuffle(plan, seed, again, 8), 0);
        assert_memory_equal(order, again, 6 * sizeof(order[0]));
    }
    assert_in_range(a_first, 400, 600);
    for (i = 0; i < 3; i++)
        assert_in_range(last[i], 266, 400);
    assert_int_equal(smtpsec_plan_shuffle(plan, 1, order, 5), SMTPSEC_E_INVALID);
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
}

/* A requirement and an outcome go to another process and back, sealed by its key. */
static void
travel(void **state)
{
    struct smtpsec_context *context = open_context("0123456789abcdef");
    struct smtpsec_context *stranger = open_context("0123456789abcdeX");
    struct smtpsec_plan *plan = evaluate(context);
    const struct smtpsec_requirement *requirement =
        smtpsec_host_requirement(smtpsec_plan_host(plan, 0));
    struct smtpsec_requirement *back = NULL;
    struct smtpsec_outcome *outcome, *told = NULL;
    uint8_t *data;
    size_t len;

    (void)state;
    assert_int_equal(smtpsec_requirement_write(context, requirement, &data, &len), 0);
    assert_int_equal(smtpsec_requirement_read(stranger, data, len, &back), SMTPSEC_E_SEAL);
    assert_int_equal(smtpsec_requirement_read(context, data, len - 1, &back), SMTPSEC_E_FORMAT);
    assert_int_equal(smtpsec_outcome_read(context, data, len, &told), SMTPSEC_E_FORMAT);
    assert_null(back);
    assert_int_equal(smtpsec_requirement_read(context, data, len, &back), 0);
    assert_string_equal(smtpsec_requirement_digest(back), smtpsec_requirement_digest(requirement));
    assert_int_equal(smtpsec_requirement_expires(back), smtpsec_requirement_expires(requirement));
    assert_string_equal(smtpsec_requirement_domain(back), "d.test");
    assert_string_equal(smtpsec_requirement_host(back), "a.d.test");
    smtpsec_bytes_free(data);
    assert_int_equal(smtpsec_requirement_write(NULL, requirement, &data, &len), 0);
    smtpsec_requirement_free(back);
    back = NULL;
    assert_int_equal(smtpsec_requirement_read(context, data, len, &back), SMTPSEC_E_SEAL);
    assert_int_equal(smtpsec_requirement_read(NULL, data, len, &back), 0);
    smtpsec_bytes_free(data);
    assert_int_equal(smtpsec_outcome_new(back, NOW, &outcome), 0);
    assert_int_equal(smtpsec_outcome_write(context, outcome, &data, &len), 0);
    assert_int_equal(smtpsec_outcome_read(stranger, data, len, &told), SMTPSEC_E_SEAL);
    assert_int_equal(smtpsec_outcome_read(context, data, len, &told), 0);
    assert_int_equal(smtpsec_record(context, told, NOW), SMTPSEC_E_MEMORY); /* it has none */
    smtpsec_bytes_free(data);
    smtpsec_outcome_free(outcome);
    smtpsec_outcome_free(told);
    smtpsec_requirement_free(back);
    smtpsec_plan_free(plan);
    smtpsec_context_free(context);
    smtpsec_context_free(stranger);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("plan");
    int failed;

    by_hand_world(&world, facts);
    ss_table_case(&t, "hosts, and indexes out of range", hosts);
    ss_table_case(&t, "RES-01 RES-02 shuffled inside one preference, never across", shuffle);
    ss_table_case(&t, "requirements and outcomes travel under a seal", travel);
    failed = ss_table_run(&t);
    world_free(&world);
    return failed;
}
