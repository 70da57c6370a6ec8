/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kept plans through the public interface: found, told, dropped, counted. */
#include <stdlib.h>
#include <string.h>

#include "memory_use.h"
#include "table.h"

/* An evaluation as one through the context's own resolvers ends. */
static void
evaluate(struct smtpsec_context *context, const char *domain, struct smtpsec_plan **plan)
{
    struct smtpsec_destination *destination;
    struct ss_lookup *lookup;
    struct world_reply reply;
    struct ss_bytes bytes;
    struct ss_need *need;
    size_t open;

    assert_int_equal(smtpsec_destination_new(domain, &destination), 0);
    assert_int_equal(ss_context_lookup(context, destination, &lookup), 0);
    lookup->shared = true;
    while (ss_lookup_step(lookup, use_now, &open) == 0 && open > 0) {
        need = ss_lookup_open_need(lookup, 0);
        world_ask(&use_world, need->name, need->question.type, &reply);
        bytes = (struct ss_bytes){reply.message, reply.len};
        assert_int_equal(reply.failure, SMTPSEC_FAILURE_NONE);
        assert_int_equal(ss_lookup_answer_dns(lookup, need, bytes, true, use_now), 0);
        free(reply.message);
    }
    assert_int_equal(ss_context_conclude(context, lookup, use_now, plan), 0);
    ss_lookup_free(lookup);
    smtpsec_destination_free(destination);
}

static struct smtpsec_context *context;
static struct smtpsec_cached *cached;
static struct smtpsec_plan *plan;

static void
set_up(void)
{
    context = use_open(NULL, 0);
    use_domain("d.test");
    use_fact("dns AAAA mx.d.test nodata");
    assert_int_equal(smtpsec_cached_new(context, &cached), 0);
    evaluate(context, "d.test", &plan);
}

static void
tear_down(void)
{
    smtpsec_plan_free(plan);
    smtpsec_cached_free(cached);
    smtpsec_context_free(context);
    world_clear(&use_world);
}

static int
find(const char *domain)
{
    return smtpsec_cached_find(cached, domain, use_now);
}

static const struct spelling {
    const char *name;
    const char *domain;
    int want;
} spellings[] = {
    { "name/as it was", "d.test", 1 },
    { "name/capitals", "D.tEST", 1 },
    { "name/final dot", "d.test.", 1 },
    { "name/another", "e.test", 0 },
    { "name/empty", "", 0 },
    { "name/the root", ".", 0 },
    { "name/two dots", "d..test", 0 },
    { "name/two final dots", "d.test..", 0 },
    { "name/a dot in front", ".d.test", 0 },
    { "name/UTF-8", "\xc3\xa4.test", 0 },
    { "name/a literal", "[192.0.2.1]", 0 },
    { "name/a label of 64",
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test", 0 },
};

static void
spelled(void **state)
{
    const struct spelling *spelling = *state;

    set_up();
    assert_int_equal(find(spelling->domain), spelling->want);
    tear_down();
}

/* Names of every length: none is read or written beyond its bounds. */
static void
long_names(void **state)
{
    char text[600];
    size_t len;

    (void)state;
    set_up();
    for (len = 0; len < sizeof(text) - 1; len++) {
        text[len] = len % 50 == 49 ? '.' : 'a';
        text[len + 1] = '\0';
        assert_int_equal(find(text), 0);
    }
    tear_down();
}

static void
tells_the_plan(void **state)
{
    const struct smtpsec_host *host;
    struct smtpsec_requirement *requirement;

    (void)state;
    set_up();
    host = smtpsec_plan_host(plan, 0);
    assert_int_equal(find("d.test"), 1);
    assert_int_equal(smtpsec_cached_verdict(cached), smtpsec_plan_verdict(plan));
    assert_int_equal(smtpsec_cached_reason(cached), smtpsec_plan_reason(plan));
    assert_int_equal(smtpsec_cached_level(cached), smtpsec_plan_level(plan));
    assert_string_equal(smtpsec_cached_digest(cached), smtpsec_plan_digest(plan));
    assert_in_range(smtpsec_cached_expires(cached), use_now + 1, smtpsec_plan_expires(plan));
    assert_int_equal(smtpsec_cached_host_count(cached), 1);
    assert_string_equal(smtpsec_cached_host_name(cached, 0), smtpsec_host_name(host));
    assert_int_equal(smtpsec_cached_host_preference(cached, 0), 10);
    assert_int_equal(smtpsec_cached_host_action(cached, 0), SMTPSEC_ACTION_USE);
    assert_int_equal(smtpsec_cached_host_reason(cached, 0), SMTPSEC_REASON_NONE);
    assert_int_equal(smtpsec_cached_host_address_count(cached, 0), 1);
    assert_string_equal(smtpsec_cached_host_address(cached, 0, 0), "192.0.2.1");
    assert_null(smtpsec_cached_host_address(cached, 0, 1));
    assert_int_equal(smtpsec_cached_requirement(cached, 0, &requirement), 0);
    assert_string_equal(smtpsec_cached_host_digest(cached, 0),
                        smtpsec_requirement_digest(requirement));
    assert_string_equal(smtpsec_requirement_digest(requirement),
                        smtpsec_requirement_digest(smtpsec_host_requirement(host)));
    assert_int_equal(smtpsec_cached_host_level(cached, 0),
                     smtpsec_requirement_level(requirement));
    assert_int_equal(smtpsec_cached_host_tls(cached, 0), smtpsec_requirement_tls(requirement));
    assert_int_equal(smtpsec_cached_host_identities(cached, 0),
                     smtpsec_requirement_identities(requirement));
    assert_int_equal(smtpsec_cached_host_sources(cached, 0),
                     smtpsec_requirement_sources(requirement));
    smtpsec_requirement_free(requirement);
    assert_int_equal(smtpsec_cached_requirement(cached, 1, &requirement), SMTPSEC_E_NOT_FOUND);
    tear_down();
}

static void
nothing_found(void **state)
{
    struct smtpsec_requirement *requirement;

    (void)state;
    set_up();
    assert_int_equal(find("d.test"), 1);
    assert_int_equal(find("e.test"), 0);
    assert_int_equal(smtpsec_cached_verdict(cached), SMTPSEC_VERDICT_DEFER);
    assert_int_equal(smtpsec_cached_host_count(cached), 0);
    assert_int_equal(smtpsec_cached_host_action(cached, 0), SMTPSEC_ACTION_SKIP);
    assert_int_equal(smtpsec_cached_host_tls(cached, 0), SMTPSEC_TLS_REQUIRED);
    assert_null(smtpsec_cached_host_name(cached, 0));
    assert_null(smtpsec_cached_digest(cached));
    assert_int_equal(smtpsec_cached_requirement(cached, 0, &requirement), SMTPSEC_E_NOT_FOUND);
    tear_down();
}

static uint64_t
stat_of(const char *name)
{
    struct smtpsec_stats *stats;
    uint64_t value = UINT64_MAX;
    size_t i;

    assert_int_equal(smtpsec_memory_stats(context, &stats), 0);
    for (i = 0; smtpsec_stats_name(stats, i) != NULL; i++)
        if (strcmp(smtpsec_stats_name(stats, i), name) == 0)
            value = smtpsec_stats_value(stats, i);
    smtpsec_stats_free(stats);
    return value;
}

static void
counted(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_EVALUATIONS), 1);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_FROM_CACHE), 0);
    assert_int_equal(find("d.test") + find("e.test") + find("d.test"), 2);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_FROM_CACHE), 2);
    assert_int_equal(use_counter(context, SMTPSEC_COUNTER_EVALUATIONS), 1);
    assert_int_equal(stat_of("plans-kept"), 1);
    tear_down();
}

/* Also of a domain of which nothing is remembered. */
static void
forgotten(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(smtpsec_memory_forget(context, "d.test"), SMTPSEC_E_NOT_FOUND);
    assert_int_equal(find("d.test"), 0);
    assert_int_equal(stat_of("plans-kept"), 0);
    tear_down();
}

/* A delivery over TLS is remembered, and what was kept goes. */
static void
recorded(void **state)
{
    (void)state;
    set_up();
    assert_int_equal(use_deliver(context, "d.test", true), 0);
    assert_int_equal(find("d.test"), 0);
    tear_down();
}

/* As a policy file of another content would have it. */
static void
other_policy(void **state)
{
    (void)state;
    set_up();
    context->fingerprint++;
    assert_int_equal(find("d.test"), 0);
    context->fingerprint--;
    assert_int_equal(find("d.test"), 1);
    tear_down();
}

static void
knows_better(void **state)
{
    struct ss_memory_key key;

    (void)state;
    set_up();
    context->canary.state = SMTPSEC_DNSSEC_LOST;
    assert_int_equal(find("d.test"), 0);
    context->canary.state = SMTPSEC_DNSSEC_UNKNOWN;
    memset(&key, 0, sizeof(key));
    key.port = 25;
    assert_true(ss_name_from_text(&key.domain, "d.test", 6));
    ss_holds_begin(&context->holds, &key, use_now);
    assert_int_equal(find("d.test"), 0);
    ss_holds_end(&context->holds, &key);
    assert_int_equal(find("d.test"), 1);
    tear_down();
}

static void
switched_off(void **state)
{
    (void)state;
    set_up();
    context->plan_cache = false;
    assert_int_equal(find("d.test"), 0);
    tear_down();
}

/* What others told the caller is not kept for those who ask themselves. */
static void
by_hand(void **state)
{
    (void)state;
    set_up();
    use_domain("h.test");
    smtpsec_plan_free(use_evaluate(context, "h.test"));
    assert_int_equal(find("h.test"), 0);
    tear_down();
}

int
main(void)
{
    struct ss_table t = SS_TABLE("api/cached");

    SS_TABLE_ROWS(&t, spelled, spellings);
    ss_table_case(&t, "name/every length", long_names);
    ss_table_case(&t, "tells the plan", tells_the_plan);
    ss_table_case(&t, "nothing found", nothing_found);
    ss_table_case(&t, "counted", counted);
    ss_table_case(&t, "dropped/forgotten", forgotten);
    ss_table_case(&t, "dropped/recorded", recorded);
    ss_table_case(&t, "dropped/another policy file", other_policy);
    ss_table_case(&t, "not used/the context knows better", knows_better);
    ss_table_case(&t, "not used/switched off", switched_off);
    ss_table_case(&t, "not kept/by hand", by_hand);
    return ss_table_run(&t);
}
