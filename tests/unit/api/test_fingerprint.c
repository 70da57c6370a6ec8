/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts share what is kept only where they could not have decided differently. */
#include <string.h>

#include "table.h"
#include "api/context.h"
#include "api/fingerprint.h"

#define NOW INT64_C(1800000000)

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return NOW;
}

static struct smtpsec_options *
new_options(void)
{
    struct smtpsec_options *options;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    assert_int_equal(smtpsec_options_add_resolver(options, "192.0.2.1", 1), 0);
    return options;
}

struct row {
    const char *name;
    int (*set)(struct smtpsec_options *options);
    const char *line; /* of a policy file, where there is no set */
    bool same;
};

static int
dane_off(struct smtpsec_options *o)
{
    return smtpsec_options_set_dane(o, SMTPSEC_MODE_OFF);
}

static int
no_sha256(struct smtpsec_options *o)
{
    return smtpsec_options_set_tlsa_digest(o, 1, 0);
}

static int
no_sha512(struct smtpsec_options *o)
{
    return smtpsec_options_set_tlsa_digest(o, 2, 0);
}

static int
no_alias(struct smtpsec_options *o)
{
    return smtpsec_options_set_mx_alias(o, 0);
}

static int
own_name(struct smtpsec_options *o)
{
    return smtpsec_options_add_own_name(o, "mx.test");
}

static int
no_sts(struct smtpsec_options *o)
{
    return smtpsec_options_set_mta_sts(o, 0);
}

static int
tlsrpt(struct smtpsec_options *o)
{
    return smtpsec_options_set_tlsrpt(o, 1);
}

static int
transient(struct smtpsec_options *o)
{
    return smtpsec_options_set_tlsrpt_transient(o, 1);
}

static int
async(struct smtpsec_options *o)
{
    return smtpsec_options_set_sts_async(o, 1);
}

static int
over_sts(struct smtpsec_options *o)
{
    return smtpsec_options_set_dane_over_sts(o, 1);
}

static int
insecure_mx(struct smtpsec_options *o)
{
    return smtpsec_options_set_insecure_mx(o, SMTPSEC_LEVEL_NONE);
}

static int
minimum(struct smtpsec_options *o)
{
    return smtpsec_options_set_minimum(o, SMTPSEC_LEVEL_ENCRYPTED);
}

static int
mode(struct smtpsec_options *o)
{
    return smtpsec_options_set_mode(o, SMTPSEC_CLAIM_DANE, SMTPSEC_MODE_OFF);
}

static int
soft_pkix(struct smtpsec_options *o)
{
    return smtpsec_options_set_soft_pkix_mode(o, SMTPSEC_MODE_OFF);
}

static int
hold(struct smtpsec_options *o)
{
    return smtpsec_options_set_hold(o, 3600);
}

static int
cap(struct smtpsec_options *o)
{
    return smtpsec_options_set_cap(o, 86400);
}

static int
canary(struct smtpsec_options *o)
{
    return smtpsec_options_add_canary(o, "signed.test");
}

static int
second_resolver(struct smtpsec_options *o)
{
    return smtpsec_options_add_resolver(o, "192.0.2.2", 1);
}

static int
untrusted(struct smtpsec_options *o)
{
    return smtpsec_options_add_resolver(o, "192.0.2.1", 0);
}

static int
nothing(struct smtpsec_options *o)
{
    return smtpsec_options_set_plan_cache(o, 1);
}

static int
fetch_timeout(struct smtpsec_options *o)
{
    return smtpsec_options_set_fetch_timeout(o, 1000);
}

static int
dns_timeout(struct smtpsec_options *o)
{
    return smtpsec_options_set_dns_timeout(o, 1000);
}


static int
exception(struct smtpsec_options *o)
{
    return smtpsec_options_add_exception(o, "d.test", SMTPSEC_CLAIM_DANE, NOW + 5, "why");
}

static const struct row rows[] = {
    { "fingerprint/nothing is changed", nothing, NULL, true },
    { "fingerprint/time to wait for DNS", dns_timeout, NULL, true },
    { "fingerprint/time to wait for a policy", fetch_timeout, NULL, true },
    { "fingerprint/DANE off", dane_off, NULL, false },
    { "fingerprint/SHA-256 not in use", no_sha256, NULL, false },
    { "fingerprint/SHA-512 not in use", no_sha512, NULL, false },
    { "fingerprint/no aliases", no_alias, NULL, false },
    { "fingerprint/own name", own_name, NULL, false },
    { "fingerprint/MTA-STS off", no_sts, NULL, false },
    { "fingerprint/TLSRPT asked", tlsrpt, NULL, false },
    { "fingerprint/TLSRPT transient", transient, NULL, false },
    { "fingerprint/policies fetched apart", async, NULL, false },
    { "fingerprint/DANE alone", over_sts, NULL, false },
    { "fingerprint/unsigned MX", insecure_mx, NULL, false },
    { "fingerprint/least level", minimum, NULL, false },
    { "fingerprint/mode of a claim", mode, NULL, false },
    { "fingerprint/soft certificates", soft_pkix, NULL, false },
    { "fingerprint/hold", hold, NULL, false },
    { "fingerprint/cap", cap, NULL, false },
    { "fingerprint/canary", canary, NULL, false },
    { "fingerprint/exception", exception, NULL, false },
    { "fingerprint/another resolver", second_resolver, NULL, false },
    { "fingerprint/a resolver that is not trusted", untrusted, NULL, false },
    { "policy file/level", NULL, "level d.test dane", false },
    { "policy file/level by default", NULL, "level default encrypted", false },
    { "policy file/TLS version", NULL, "tls-version d.test 1.3", false },
    { "policy file/strict testing", NULL, "sts-testing d.test strict", false },
    { "policy file/unsigned MX", NULL, "insecure-mx .d.test none", false },
    { "policy file/DANE alone", NULL, "dane-alone d.test on", false },
    { "policy file/MX host", NULL, "mx .mx.test dane", false },
    { "policy file/relay", NULL, "relay d.test mx.test", false },
    { "policy file/exception", NULL, "except d.test all until 2027-12-31", false },
    { "policy file/mode", NULL, "mode mta-sts off", false },
    { "policy file/hold", NULL, "hold 3h", false },
    { "policy file/cap", NULL, "cap 3d", false },
    { "policy file/canary", NULL, "canary signed.test", false },
};

static void
differs(void **state)
{
    const struct row *row = *state;
    struct smtpsec_options *one = new_options(), *other = new_options();

    assert_int_not_equal(ss_fingerprint(one), 0);
    assert_true(ss_fingerprint(one) == ss_fingerprint(other));
    assert_int_equal(row->set != NULL ? row->set(other)
                                      : smtpsec_options_add_policy_line(other, row->line), 0);
    assert_int_equal(ss_fingerprint(one) == ss_fingerprint(other), row->same);
    smtpsec_options_free(one);
    smtpsec_options_free(other);
}

/* Each rule of two that differ in one word alone. */
static const struct pair {
    const char *name, *one, *other;
} pairs[] = {
    { "rules/domain", "level d.test dane", "level e.test dane" },
    { "rules/scope", "level d.test dane", "level .d.test dane" },
    { "rules/value", "level d.test dane", "level d.test encrypted" },
    { "rules/MX or domain", "level d.test dane", "mx d.test dane" },
    { "rules/relay's host", "relay d.test a.test", "relay d.test b.test" },
    { "rules/relay's scope", "relay d.test a.test", "relay d.test .a.test" },
    { "rules/exception's end",
      "except d.test all until 2027-12-30", "except d.test all until 2027-12-31" },
    { "rules/exception's kind",
      "except d.test dane until 2027-12-30", "except d.test encrypted until 2027-12-30" },
    { "rules/exception's scope",
      "except d.test all until 2027-12-30", "except .d.test all until 2027-12-30" },
};

static void
tells_apart(void **state)
{
    const struct pair *pair = *state;
    struct smtpsec_options *one = new_options(), *other = new_options();

    assert_int_equal(smtpsec_options_add_policy_line(one, pair->one), 0);
    assert_int_equal(smtpsec_options_add_policy_line(other, pair->other), 0);
    assert_false(ss_fingerprint(one) == ss_fingerprint(other));
    smtpsec_options_free(one);
    smtpsec_options_free(other);
}

static struct smtpsec_context *
new_context(bool memory, bool on, const char *line)
{
    struct smtpsec_context *context;
    struct smtpsec_options *options;

    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(smtpsec_options_set_clock(options, clock_of_test, NULL), 0);
    if (memory)
        assert_int_equal(smtpsec_options_set_memory_ram(options), 0);
    assert_int_equal(smtpsec_options_set_plan_cache(options, on), 0);
    if (line != NULL)
        assert_int_equal(smtpsec_options_add_policy_line(options, line), 0);
    assert_int_equal(smtpsec_context_new(options, &context), 0);
    smtpsec_options_free(options);
    return context;
}

static const struct use {
    const char *name;
    bool memory, on;
    const char *line;
    bool want;
} uses[] = {
    { "plan cache/with a memory", true, true, NULL, true },
    { "plan cache/without one", false, true, NULL, false },
    { "plan cache/switched off", true, false, NULL, false },
    { "plan cache/switched off in the policy file", true, true, "plan-cache off", false },
    { "plan cache/switched on in the policy file", true, false, "plan-cache on", true },
};

static void
is_used(void **state)
{
    const struct use *use = *state;
    struct smtpsec_context *context = new_context(use->memory, use->on, use->line);

    assert_int_equal(context->plan_cache, use->want);
    assert_int_equal(context->fingerprint != 0, use->want);
    smtpsec_context_free(context);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("api/fingerprint");

    SS_TABLE_ROWS(&t, differs, rows);
    SS_TABLE_ROWS(&t, tells_apart, pairs);
    SS_TABLE_ROWS(&t, is_used, uses);
    return ss_table_run(&t);
}
