/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From one evaluation to the plans for several messages: nothing of another message stays. */
#include "table.h"

#include <string.h>

#include "facts.h"
#include "decision/tally.h"

static struct smtpsec_plan *
decide(const struct ss_evidence *evidence, const struct ss_settings *settings)
{
    struct smtpsec_plan *plan;

    assert_int_equal(ss_decide(evidence, settings, FACTS_NOW, &plan), 0);
    return plan;
}

static struct smtpsec_plan *
plan_for(const struct smtpsec_plan *plan, struct smtpsec_message message)
{
    struct smtpsec_plan *copy;

    assert_int_equal(ss_plan_copy_facts(plan, &copy), 0);
    assert_int_equal(ss_plan_apply(copy, &message), 0);
    return copy;
}

/* TRN-01: what refused the plain message is not told of the one that goes. */
static void
refusal_is_gone(void **state)
{
    struct smtpsec_message no = {.tls_required_no = true}, plain = {.requiretls = false};
    struct smtpsec_plan *refused, *lifted, *again;
    struct ss_settings settings;
    struct ss_evidence evidence;

    (void)state;
    ss_settings_init(&settings);
    facts_init(&evidence, "d.test");
    facts_dns(&evidence, "MX d.test secure 10:mx.d.test");
    facts_dns(&evidence, "A mx.d.test secure 192.0.2.1");
    facts_dns(&evidence, "AAAA mx.d.test nodata-secure");
    facts_dns(&evidence, "TLSA _25._tcp.mx.d.test bogus");
    facts_dns(&evidence, "TXT _mta-sts.d.test nxdomain-secure");
    refused = decide(&evidence, &settings);
    assert_int_equal(refused->verdict, SMTPSEC_VERDICT_DEFER);
    assert_string_not_equal(refused->dsn, "");
    lifted = plan_for(refused, no);
    assert_int_equal(lifted->verdict, SMTPSEC_VERDICT_DELIVER);
    assert_string_equal(lifted->dsn, "");
    assert_string_equal(lifted->enhanced, "");
    again = plan_for(lifted, plain);
    assert_string_equal(again->dsn, refused->dsn);
    assert_string_equal(again->digest_hex, refused->digest_hex);
    ss_plan_free(again);
    ss_plan_free(lifted);
    ss_plan_free(refused);
    ss_evidence_free(&evidence);
}

/* RTLS-15, STSF-16: the policy that is being fetched may name the hosts. */
static void
fetched_meanwhile(void **state)
{
    struct smtpsec_message tagged = {.requiretls = true};
    struct smtpsec_plan *plain, *plan;
    struct smtpsec_tally *tally;
    struct ss_settings settings;
    struct ss_evidence evidence;

    (void)state;
    ss_settings_init(&settings);
    settings.sts_async = true;
    facts_init(&evidence, "d.test");
    facts_dns(&evidence, "MX d.test insecure 10:mx.d.test");
    facts_dns(&evidence, "A mx.d.test insecure 192.0.2.1");
    facts_dns(&evidence, "AAAA mx.d.test nodata");
    facts_dns(&evidence, "TXT _mta-sts.d.test insecure v=STSv1;id=1;");
    plain = decide(&evidence, &settings);
    assert_int_equal(plain->verdict, SMTPSEC_VERDICT_DELIVER);
    plan = plan_for(plain, tagged);
    assert_int_equal(plan->reason, SMTPSEC_REASON_REQUIRETLS_MX_UNAUTHENTICATED);
    assert_int_equal(plan->verdict, SMTPSEC_VERDICT_DEFER);
    assert_int_equal(ss_tally_new(plan, &tally), 0);
    assert_int_equal(tally->verdict, SMTPSEC_VERDICT_DEFER);
    ss_tally_free(tally);
    ss_plan_free(plan);
    ss_plan_free(plain);
    ss_evidence_free(&evidence);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/apply");

    ss_table_case(&t, "TRN-01 a plan that delivers has no line for a DSN", refusal_is_gone);
    ss_table_case(&t, "RTLS-15 REQUIRETLS waits for a policy that is fetched meanwhile",
                  fetched_meanwhile);
    return ss_table_run(&t);
}
