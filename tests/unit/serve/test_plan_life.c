/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a plan is kept, and what it weighs. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include <smtpsec.h>

#include "plans.h"
#include "serve/plans.h"

#define NOW INT64_C(1800000000)

struct row {
    const char *name;
    const char *hosts; /* NULL: refused */
    const char *sts;
    int32_t verdict;
    int64_t expires_in;
    int64_t want;
    int failed; /* of what was made in a hurry nothing is kept then */
};

static const struct row rows[] = {
    {"TLSA-24 no longer than it holds", "mx.d.test dane usable", "", 0, 60, 60, 0},
    {"no longer than five minutes", "mx.d.test dane usable", "", 0, 3600, SERVE_PLAN_LIFE, 0},
    {"not at all", "mx.d.test dane usable", "", 0, 0, 0, 0},
    {"a host was skipped", "mx.d.test dane usable; m2.d.test failed !tlsa-servfail", "", 0, 3600,
     SERVE_PLAN_LIFE_FAILED, 1},
    {"a policy", "mx.d.test pkix", "enforce mx.d.test", 0, 3600, SERVE_PLAN_LIFE, 0},
    {"a policy that could not be fetched", "mx.d.test tls", "!sts-policy-fetch-error", 0, 3600,
     SERVE_PLAN_LIFE_FAILED, 1},
    {"deferred", NULL, "", SMTPSEC_VERDICT_DEFER, 3600, SERVE_PLAN_LIFE_FAILED, 1},
    {"deferred, and holds for less", NULL, "", SMTPSEC_VERDICT_DEFER, 10, 10, 1},
    {"refused for good", NULL, "", SMTPSEC_VERDICT_FAIL, 3600, SERVE_PLAN_LIFE, 0},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_plan *plan =
        row->hosts != NULL ? plans_make("signed", row->hosts, row->sts)
                           : plans_refused(row->verdict, SMTPSEC_REASON_MX_SERVFAIL, "no");

    plan->expires = NOW + row->expires_in;
    assert_int_equal(serve_plan_life(plan, 0, NOW) - NOW, row->want);
    assert_int_equal(serve_plan_life(plan, 1, NOW) - NOW, row->failed ? 0 : row->want);
    assert_int_equal(serve_plan_weight(plan), 1);
    smtpsec_plan_free(plan);
}

static void
without_dnssec(void **state)
{
    struct smtpsec_plan *plan = plans_make("unsigned", "mx.d.test", "");

    (void)state;
    plan->expires = NOW + 3600;
    plan->dnssec = SMTPSEC_DNSSEC_VALIDATES;
    assert_int_equal(serve_plan_life(plan, 0, NOW) - NOW, SERVE_PLAN_LIFE);
    plan->dnssec = SMTPSEC_DNSSEC_UNTRUSTED; /* as the operator has it, for good */
    assert_int_equal(serve_plan_life(plan, 0, NOW) - NOW, SERVE_PLAN_LIFE);
    plan->dnssec = SMTPSEC_DNSSEC_LOST;
    assert_int_equal(serve_plan_life(plan, 0, NOW) - NOW, SERVE_PLAN_LIFE_FAILED);
    smtpsec_plan_free(plan);
}

static void
long_lists_weigh(void **state)
{
    char sts[4000] = "enforce";
    struct serve_plans cache;
    struct serve_plan *held;
    size_t used = strlen(sts);
    int i;

    (void)state;
    for (i = 0; i < 100; i++)
        used += (size_t)snprintf(sts + used, sizeof(sts) - used, " mx%d.d.test", i);
    held = serve_plan_new(plans_make("unsigned", "mx1.d.test pkix", sts));
    assert_non_null(held);
    assert_int_equal(serve_plan_weight(serve_plan_get(held)), 4);
    assert_int_equal(serve_plans_init(&cache, 10, 42), 0);
    serve_plans_keep(&cache, "a", held, NOW + 100, NOW, 0);
    serve_plans_keep(&cache, "b", held, NOW + 100, NOW, 0);
    assert_int_equal(cache.count, 2);
    serve_plans_keep(&cache, "c", held, NOW + 100, NOW, 0);
    assert_int_equal(cache.count, 2);
    assert_int_equal(cache.weight, 8);
    assert_null(serve_plans_find(&cache, "a", NOW, 0));
    serve_plans_clear(&cache);
    assert_int_equal(cache.weight, 0);
    serve_plans_free(&cache);
    assert_int_equal(serve_plans_init(&cache, 3, 42), 0);
    serve_plans_keep(&cache, "a", held, NOW + 100, NOW, 0);
    assert_int_equal(cache.count, 0); /* heavier than the whole cache */
    serve_plans_free(&cache);
    serve_plan_release(held);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("plan_life");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "RES-26 made while the resolver did not validate", without_dnssec);
    ss_table_case(&t, "long lists weigh, and the cache is bounded by weight", long_lists_weigh);
    return ss_table_run(&t);
}
