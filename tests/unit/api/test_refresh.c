/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refreshes through the public interface, with a memory on disk. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "smtpsec.h"
#include "world.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)
#define POLICY "version: STSv1\nmode: enforce\nmx: mx.d.test\nmax_age: 604800\n"

static int64_t now;
static char directory[64];
static struct world world;

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return now;
}

static struct smtpsec_context *
open_context(void)
{
    struct smtpsec_options *options;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    struct ss_bytes ca = world_ca();

    assert_int_equal(smtpsec_anchors_new(&anchors), 0);
    assert_int_equal(smtpsec_anchors_add_der(anchors, ca.data, ca.len), 0);
    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_anchors(options, anchors), 0);
    assert_int_equal(smtpsec_options_set_memory(options, directory), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    smtpsec_anchors_free(anchors);
    return context;
}

static void
set_up(void)
{
    static const char *const facts[][6] = {
        {"dns", "TXT", "_mta-sts.d.test", "insecure", "v=STSv1; id=1;", NULL},
        {"dns", "MX", "d.test", "insecure", "10:mx.d.test", NULL},
        {"dns", "A", "mx.d.test", "insecure", "192.0.2.1", NULL},
        {"dns", "A", "mta-sts.d.test", "insecure", "192.0.2.9", NULL},
    };
    char copies[5][64];
    char *words[5];
    size_t i, k;

    now = NOW;
    for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        for (k = 0; k < 5; k++) {
            strcpy(copies[k], facts[i][k]);
            words[k] = copies[k];
        }
        assert_null(world_add(&world, 5, words));
    }
    strcpy(directory, "/tmp/smtpsec-refresh.XXXXXX");
    assert_non_null(mkdtemp(directory));
}

static void
tear_down(void)
{
    char command[128];

    snprintf(command, sizeof(command), "rm -r %s", directory);
    assert_int_equal(system(command), 0);
    world_free(&world);
}

/* The first open need; blocked: whoever is on the way answers nothing of MTA-STS. */
static void
answer(struct smtpsec_lookup *lookup, bool blocked)
{
    uint32_t id = smtpsec_lookup_need_id(lookup, 0);
    const char *name = smtpsec_lookup_need_name(lookup, id);
    struct world_reply reply;

    assert_non_null(name);
    if (blocked && strstr(name, "mta-sts") != NULL) {
        assert_int_equal(smtpsec_lookup_answer_failure(lookup, id, SMTPSEC_FAILURE_TIMEOUT, now), 0);
        return;
    }
    if (smtpsec_lookup_need_kind(lookup, id) == SMTPSEC_NEED_HTTPS) {
        assert_int_equal(smtpsec_lookup_answer_https(lookup, id, 200, "text/plain",
                                                     (const uint8_t *)POLICY, strlen(POLICY), now),
                         0);
        return;
    }
    world_ask(&world, name, smtpsec_lookup_need_type(lookup, id), &reply);
    assert_int_equal(smtpsec_lookup_answer_dns(lookup, id, reply.message, reply.len, 1, now), 0);
    free(reply.message);
}

static int32_t
evaluate(struct smtpsec_context *context, bool blocked)
{
    struct smtpsec_destination *destination;
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan;
    int32_t mode;
    int r;

    assert_int_equal(smtpsec_destination_new("d.test", &destination), 0);
    assert_int_equal(smtpsec_lookup_new(context, destination, now, &lookup), 0);
    while ((r = smtpsec_lookup_plan(lookup, now, &plan)) == SMTPSEC_E_PENDING)
        answer(lookup, blocked);
    assert_int_equal(r, 0);
    assert_int_equal(smtpsec_lookup_refresh(lookup, now, NULL), SMTPSEC_E_INVALID);
    mode = smtpsec_plan_sts_mode(plan);
    smtpsec_plan_free(plan);
    smtpsec_lookup_free(lookup);
    smtpsec_destination_free(destination);
    return mode;
}

static int
refresh(struct smtpsec_context *context, bool blocked)
{
    struct smtpsec_lookup *lookup;
    struct smtpsec_plan *plan;
    int refreshed = -1;
    int r;

    assert_int_equal(smtpsec_lookup_new_refresh(context, "d.test", now, &lookup), 0);
    assert_int_equal(smtpsec_lookup_plan(lookup, now, &plan), SMTPSEC_E_INVALID);
    while ((r = smtpsec_lookup_refresh(lookup, now, &refreshed)) == SMTPSEC_E_PENDING)
        answer(lookup, blocked);
    assert_int_equal(r, 0);
    smtpsec_lookup_free(lookup);
    return refreshed;
}

static void
restart(void **state)
{
    struct smtpsec_context *context;

    (void)state;
    set_up();
    context = open_context();
    assert_int_equal(evaluate(context, false), SMTPSEC_STS_ENFORCE);
    smtpsec_context_free(context);
    now += 7 * DAY;
    context = open_context();
    assert_int_equal(evaluate(context, true), SMTPSEC_STS_ENFORCE);
    now += 1;
    assert_int_equal(evaluate(context, true), SMTPSEC_STS_ABSENT);
    smtpsec_context_free(context);
    tear_down();
}

static void
due(void **state)
{
    struct smtpsec_context *context;
    struct smtpsec_due *list;

    (void)state;
    set_up();
    context = open_context();
    assert_int_equal(smtpsec_refresh_due(context, 0, &list), SMTPSEC_E_INVALID);
    assert_int_equal(evaluate(context, false), SMTPSEC_STS_ENFORCE);
    assert_int_equal(smtpsec_refresh_due(context, 10, &list), 0);
    assert_int_equal(smtpsec_due_count(list), 0);
    smtpsec_due_free(list);
    now += DAY;
    assert_int_equal(refresh(context, true), 0);
    now += DAY;
    assert_int_equal(smtpsec_refresh_due(context, 10, &list), 0);
    assert_int_equal(smtpsec_due_count(list), 1);
    assert_string_equal(smtpsec_due_domain(list, 0), "d.test");
    assert_in_range(smtpsec_due_time(list, 0), NOW + DAY, NOW + DAY + 3600);
    assert_int_equal(smtpsec_due_expires(list, 0), NOW + 7 * DAY);
    assert_int_equal(smtpsec_due_mode(list, 0), SMTPSEC_STS_ENFORCE);
    assert_int_equal(smtpsec_due_failing_since(list, 0), NOW + DAY);
    assert_null(smtpsec_due_domain(list, 1));
    assert_int_equal(smtpsec_due_time(list, 1), 0);
    smtpsec_due_free(list);
    assert_int_equal(refresh(context, false), 1);
    assert_int_equal(smtpsec_refresh_due(context, 10, &list), 0);
    assert_int_equal(smtpsec_due_count(list), 0);
    smtpsec_due_free(list);
    /* Without resolvers the loop has nobody to ask. */
    assert_int_equal(smtpsec_refresh(context, 10, 1000, NULL, NULL, NULL), SMTPSEC_E_RESOLVER);
    smtpsec_context_free(context);
    tear_down();
}

int
main(void)
{
    struct ss_table t = SS_TABLE("refresh");

    ss_table_case(&t, "STSA-20 a policy survives a restart, MTA-STS blocked since", restart);
    ss_table_case(&t, "STSA-15 what is due", due);
    return ss_table_run(&t);
}
