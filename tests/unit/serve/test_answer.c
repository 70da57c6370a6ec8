/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every line of the table in doc/postfix-socketmap.md: a plan, and the reply that it becomes. */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decision/resolve.h"
#include "plans.h"
#include "serve/answer.h"
#include "serve/needs.h"
#include "serve/question.h"

#define V12 " protocols=>=TLSv1.2"
#define SECURE(names) "OK secure match=" names " servername=hostname" V12
#define DANE_ONLY "OK dane-only" V12
#define ENCRYPT "OK encrypt"
#define NOTFOUND "NOTFOUND "

struct row {
    const char *name;
    const char *mx;
    const char *hosts;
    const char *want;
};

static const struct row rows[] = {
    /* No demand. */
    {"nothing is asked", "signed", "a.d.test", NOTFOUND},
    {"nothing is asked, no MX", "none", "d.test", NOTFOUND},
    {"an address literal that nothing is asked of", "none", "[192.0.2.1]", NOTFOUND},
    {"a skipped host without an address asks nothing", "signed", "a.d.test;b.d.test !no-address",
     NOTFOUND},
    {"a null host, an address as MX, our own name", "signed",
     "a.d.test;b.d.test !null-host;c.d.test !address-as-mx;d.d.test !mx-is-self", NOTFOUND},

    /* TLS. */
    {"a memory floor: encrypted", "unsigned", "a.d.test tls", ENCRYPT},
    {"TLSA-11 all records unusable: dane-only would defer", "signed",
     "a.d.test tls unusable;b.d.test tls unusable", ENCRYPT},
    {"one host asks for TLS, one for nothing", "signed", "a.d.test tls;b.d.test", ENCRYPT},
    {"an address literal with a memory", "none", "[192.0.2.1] tls", ENCRYPT},
    {"RES-23 TLSA behind an unsigned MX set, asked for TLS alone", "unsigned",
     "a.d.test tls usable;b.d.test", ENCRYPT},
    {"what is remembered of a host that is gone", "signed",
     "a.d.test;b.d.test !no-address +tls", ENCRYPT},
    {"TLS 1.3 by the operator's rule", "signed", "a.d.test tls tls13",
     "OK encrypt protocols=>=TLSv1.3"},
    {"no version where TLS is not asked for", "signed", "a.d.test tls13", NOTFOUND},

    /* A valid certificate. */
    {"STSA-04 a policy that enforces", "unsigned", "a.d.test pkix sts;b.d.test pkix sts",
     SECURE("a.d.test:b.d.test")},
    {"STSA-01 a host that the policy does not list", "unsigned",
     "a.d.test pkix sts;b.d.test !sts-mx-mismatch", SECURE("a.d.test")},
    {"a memory floor: dnssec", "signed", "a.d.test pkix", SECURE("a.d.test")},
    {"an expired policy that is remembered", "unsigned", "a.d.test pkix;b.d.test !downgrade",
     SECURE("a.d.test")},
    {"the operator asks for a certificate of one host", "unsigned", "a.d.test pkix;b.d.test",
     SECURE("a.d.test:b.d.test")},
    {"TLS 1.3 and a certificate", "unsigned", "a.d.test pkix tls13",
     "OK secure match=a.d.test servername=hostname protocols=>=TLSv1.3"},
    {"a relay", "relay", "relay.d.test pkix sts", SECURE("relay.d.test")},
    {"no MX, a certificate for the domain", "none", "d.test pkix sts", SECURE("d.test")},
    {"a host that is gone was known by DANE", "signed", "a.d.test;b.d.test !no-address +dane",
     SECURE("a.d.test")},

    /* DANE. */
    {"TLSA-10 all hosts by DANE", "signed", "a.d.test dane usable;b.d.test dane usable", DANE_ONLY},
    {"one by DANE, one without records", "signed", "a.d.test dane usable;b.d.test", DANE_ONLY},
    {"one by DANE, one whose addresses are unsigned", "signed",
     "a.d.test dane usable;b.d.test insecure", DANE_ONLY},
    {"one by DANE, one whose records are unusable", "signed",
     "a.d.test dane usable;b.d.test tls unusable", DANE_ONLY},
    {"one by DANE, one by MTA-STS", "signed", "a.d.test dane usable;b.d.test pkix sts", DANE_ONLY},
    {"one by DANE, one that the policy does not list", "signed",
     "a.d.test dane usable;b.d.test !sts-mx-mismatch", DANE_ONLY},
    {"DANE only reports at one host", "signed", "a.d.test dane usable;b.d.test tls usable",
     DANE_ONLY},
    {"no MX, DANE of the domain", "none", "d.test dane usable", DANE_ONLY},
    {"DANE of a relay", "relay", "relay.d.test dane usable", DANE_ONLY},
    {"TLS 1.3 and DANE", "signed", "a.d.test dane usable tls13",
     "OK dane-only protocols=>=TLSv1.3"},
    {"a DANE claim, records gone, at the second host", "signed",
     "a.d.test dane usable;b.d.test !downgrade", DANE_ONLY},
    {"records that a setting of ours makes unusable", "signed",
     "a.d.test dane usable;b.d.test tls disabled", DANE_ONLY},

    /* A look-up that failed. */
    {"TLSA-04 a failed TLSA look-up beside DANE", "signed",
     "a.d.test dane usable;b.d.test failed !tlsa-servfail", DANE_ONLY},
    {"TLSA-04 a failed TLSA look-up beside a host that nothing is asked of", "signed",
     "a.d.test;b.d.test failed !tlsa-servfail", SECURE("a.d.test")},
    {"a failed address look-up behind a signed MX set", "signed",
     "a.d.test;b.d.test unasked !addr-servfail", SECURE("a.d.test")},
    {"a failed address look-up behind an unsigned MX set", "unsigned",
     "a.d.test;b.d.test unasked !addr-servfail", NOTFOUND},
    {"the same, and the memory knows the host", "unsigned",
     "a.d.test;b.d.test unasked !addr-servfail +tls", ENCRYPT},
    {"a failed address look-up beside DANE", "signed",
     "a.d.test dane usable;b.d.test unasked !addr-timeout", DANE_ONLY},
    {"an alias that is refused", "signed", "a.d.test;b.d.test unasked !mx-alias",
     SECURE("a.d.test")},
    {"a reason that is new to us forbids", "signed",
     "a.d.test;b.d.test !requiretls-mx-unauthenticated", SECURE("a.d.test")},

    /* What cannot be said. */
    {"DANE and a certificate at one host", "signed", "a.d.test dane pkix sts usable",
     "TEMP unsayable: d.test: a.d.test asks for DANE and a valid certificate both, which no TLS "
     "level of Postfix does"},
    {"DANE and a certificate at one, a certificate at the other", "signed",
     "a.d.test dane pkix sts usable;b.d.test pkix sts", SECURE("b.d.test")},
    {"RES-23 DANE behind an unsigned MX set", "unsigned", "a.d.test dane usable",
     "TEMP unsayable: d.test: a.d.test asks for DANE behind an unsigned MX set, where Postfix has "
     "none"},
    {"RES-23 DANE behind an unsigned MX set, and a host without", "unsigned",
     "a.d.test dane usable;b.d.test", SECURE("b.d.test")},
    {"DANE at a forbidden host would let it in", "signed",
     "a.d.test dane usable;b.d.test usable !sts-mx-mismatch",
     "TEMP unsayable: d.test: a.d.test cannot be told apart from hosts that no mail may go to"},
    {"a certificate where DANE only reports", "signed", "a.d.test dane usable;b.d.test pkix usable",
     SECURE("b.d.test")},
    {"unusable by us alone, and a certificate is asked for", "signed",
     "a.d.test dane usable;b.d.test pkix disabled", SECURE("b.d.test")},
    {"REQUIRETLS", "signed", "a.d.test pkix requiretls",
     "TEMP unsayable: d.test: a.d.test asks for what no TLS level of Postfix asks"},
    {"no host", "signed", "", "TEMP unsayable: d.test: no host to go to"},
    {"every host is skipped", "signed", "a.d.test !no-address",
     "TEMP unsayable: d.test: no host to go to"},

    /* Names that are no names to Postfix. */
    {"a host named hostname", "unsigned", "hostname pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a host named nexthop, alone", "unsigned", "nexthop pkix sts",
     "TEMP unsayable: d.test: nexthop cannot be told apart from hosts that no mail may go to"},
    {"a host named dot-nexthop", "unsigned", "dot-nexthop pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a name with a colon", "unsigned", "a:x.d.test pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a name with a comma", "unsigned", "a,x.d.test pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a name with a brace", "unsigned", "a{.d.test pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a name that begins with a dot", "unsigned", ".d.test pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a name with an escaped octet", "unsigned", "a\\032x.d.test pkix;b.d.test pkix",
     SECURE("b.d.test")},
    {"a name like an address", "unsigned", "1.2.3.4 pkix;b.d.test pkix", SECURE("b.d.test")},
    {"a label that ends in a hyphen", "unsigned", "a-.d.test pkix;b.d.test pkix",
     SECURE("b.d.test")},
    {"an underscore is fine", "unsigned", "a_1.d.test pkix", SECURE("a_1.d.test")},
    {"an address literal that must have a certificate", "none", "[192.0.2.1] pkix",
     "TEMP unsayable: d.test: [192.0.2.1] cannot be told apart from hosts that no mail may go to"},
    {"one name, twice, and one of them is forbidden", "unsigned",
     "a.d.test pkix;A.d.test !sts-mx-mismatch;b.d.test pkix", SECURE("b.d.test")},
};

static void
plan_becomes(void **state)
{
    const struct row *row = *state;
    struct smtpsec_plan *plan = plans_make(row->mx, row->hosts, "");
    char *reply = NULL;
    int dialect;

    for (dialect = SERVE_PLAIN; dialect <= SERVE_TLSRPT; dialect++) {
        assert_int_equal(serve_answer(plan, dialect, &reply), 0);
        assert_string_equal(reply, row->want);
        free(reply);
    }
    smtpsec_plan_free(plan);
}

/* ---- Reports ---- */

#define STRINGS(mode, mx) \
    " { policy_string = version: STSv1 } { policy_string = mode: " mode " }" mx \
    " { policy_string = max_age: 86400 }"
#define MX(name) " { policy_string = mx: " name " }"
#define STS " policy_type=sts policy_domain=d.test"

struct told {
    const char *name;
    const char *hosts;
    const char *sts;
    const char *want; /* of the dialect tlsrpt */
    const char *plain;
};

static const struct told told[] = {
    {"no policy, nothing to tell", "a.d.test", "", NOTFOUND, NOTFOUND},
    {"RPT-17 testing: may, which demands nothing", "a.d.test;b.d.test", "testing a.d.test",
     "OK may" STS STRINGS("testing", MX("a.d.test")) " mx_host_pattern=a.d.test", NOTFOUND},
    {"testing where TLS is asked for", "a.d.test tls", "testing a.d.test",
     "OK encrypt" STS STRINGS("testing", MX("a.d.test")) " mx_host_pattern=a.d.test", ENCRYPT},
    {"testing where a certificate is asked for: no pattern, it would count", "a.d.test pkix",
     "testing x.d.test", SECURE("a.d.test") STS STRINGS("testing", MX("x.d.test")),
     SECURE("a.d.test")},
    {"the same, and the host fits: it is not let in because of it", "a.d.test pkix",
     "testing a.d.test", SECURE("a.d.test") STS STRINGS("testing", MX("a.d.test")),
     SECURE("a.d.test")},
    {"mode none tells nothing", "a.d.test", "none", NOTFOUND, NOTFOUND},
    {"enforce", "a.d.test pkix sts;b.d.test pkix sts", "enforce *.d.test",
     SECURE("a.d.test:b.d.test") STS STRINGS("enforce", MX("*.d.test")) " mx_host_pattern=*.d.test",
     SECURE("a.d.test:b.d.test")},
    {"enforce, one host is not listed", "a.d.test pkix sts;b.e.test !sts-mx-mismatch",
     "enforce *.d.test",
     SECURE("a.d.test") STS STRINGS("enforce", MX("*.d.test")) " mx_host_pattern=*.d.test",
     SECURE("a.d.test")},
    {"a forbidden host would fit: the names stand for the pattern",
     "a.d.test pkix sts;b.d.test !downgrade", "enforce *.d.test",
     SECURE("a.d.test") STS STRINGS("enforce", MX("*.d.test")) " mx_host_pattern=a.d.test",
     SECURE("a.d.test")},
    {"a matched host does not fit: no pattern", "a.d.test pkix sts;b.d.test pkix",
     "enforce a.d.test", SECURE("a.d.test:b.d.test") STS STRINGS("enforce", MX("a.d.test")),
     SECURE("a.d.test:b.d.test")},
    {"at dane-only Postfix tells of the records", "a.d.test dane usable", "enforce a.d.test",
     DANE_ONLY, DANE_ONLY},
    {"a failed fetch", "a.d.test", "!sts-policy-fetch-error",
     "OK may" STS " policy_failure=sts-policy-fetch-error", NOTFOUND},
    {"an invalid policy", "a.d.test tls", "!sts-policy-invalid",
     "OK encrypt" STS " policy_failure=sts-policy-invalid", ENCRYPT},
    {"an invalid certificate of the policy host", "a.d.test", "!sts-webpki-invalid",
     "OK may" STS " policy_failure=sts-webpki-invalid", NOTFOUND},
    {"no failure where something must verify: it would never", "a.d.test pkix",
     "!sts-policy-fetch-error", SECURE("a.d.test"), SECURE("a.d.test")},
    {"a failed fetch while a policy lives", "a.d.test pkix sts",
     "!sts-policy-fetch-error enforce a.d.test",
     SECURE("a.d.test") STS STRINGS("enforce", MX("a.d.test")) " mx_host_pattern=a.d.test",
     SECURE("a.d.test")},
    {"another failure is not Postfix's to tell", "a.d.test", "!tlsa-invalid", NOTFOUND, NOTFOUND},
    {"a pattern that is no name is left out", "a.d.test pkix sts", "enforce a{b.d.test a.d.test",
     SECURE("a.d.test") STS STRINGS("enforce", MX("a.d.test")) " mx_host_pattern=a.d.test",
     SECURE("a.d.test")},
    {"what cannot be said is not told", "a.d.test dane pkix sts usable", "enforce a.d.test",
     "TEMP unsayable: d.test: a.d.test asks for DANE and a valid certificate both, which no TLS "
     "level of Postfix does",
     "TEMP unsayable: d.test: a.d.test asks for DANE and a valid certificate both, which no TLS "
     "level of Postfix does"},
};

static void
policy_is_told(void **state)
{
    const struct told *row = *state;
    struct smtpsec_plan *plan = plans_make("signed", row->hosts, row->sts);
    char *reply = NULL;

    assert_int_equal(serve_answer(plan, SERVE_TLSRPT, &reply), 0);
    assert_string_equal(reply, row->want);
    free(reply);
    assert_int_equal(serve_answer(plan, SERVE_PLAIN, &reply), 0);
    assert_string_equal(reply, row->plain);
    free(reply);
    smtpsec_plan_free(plan);
}

/* A domain that Postfix does not take for a host name: nothing is told of it. */
static void
odd_domain_is_not_told(void **state)
{
    struct smtpsec_plan *plan = plans_make("signed", "a.d.test", "testing a.d.test");
    char *reply = NULL;

    (void)state;
    strcpy(plan->domain, "[192.0.2.1]");
    assert_int_equal(serve_answer(plan, SERVE_TLSRPT, &reply), 0);
    assert_string_equal(reply, NOTFOUND);
    free(reply);
    smtpsec_plan_free(plan);
}

/* ---- Refusals ---- */

struct refusal {
    const char *name;
    int32_t verdict;
    int32_t reason;
    const char *text;
    const char *want;
};

static const struct refusal refusals[] = {
    {"PREC-09 a DANE claim, and no records", SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_DOWNGRADE,
     "d.test: defer", "TEMP downgrade: d.test: defer"},
    {"MX time-out", SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_MX_TIMEOUT, "d.test: defer",
     "TEMP mx-timeout: d.test: defer"},
    {"to bounce is deferred: Postfix has found hosts", SMTPSEC_VERDICT_FAIL,
     SMTPSEC_REASON_NO_SUCH_DOMAIN, "d.test: fail", "TEMP no-such-domain: d.test: fail"},
    {"null MX", SMTPSEC_VERDICT_FAIL, SMTPSEC_REASON_NULL_MX, "d.test: fail",
     "TEMP null-mx: d.test: fail"},
    {"a verdict that is new to us", 77, SMTPSEC_REASON_NONE, "d.test: odd", NULL},
    {"no octet that is not printable", SMTPSEC_VERDICT_DEFER, SMTPSEC_REASON_MX_TIMEOUT,
     "d\n.\x7ftest\xc3", "TEMP mx-timeout: d?.?test?"},
};

static void
refusal_is_temporary(void **state)
{
    const struct refusal *row = *state;
    struct smtpsec_plan *plan = plans_refused(row->verdict, row->reason, row->text);
    char *reply = NULL;

    assert_int_equal(serve_answer(plan, SERVE_PLAIN, &reply), 0);
    assert_memory_equal(reply, "TEMP ", 5);
    if (row->want != NULL)
        assert_string_equal(reply, row->want);
    free(reply);
    smtpsec_plan_free(plan);
}

static void
no_plan_is_temporary(void **state)
{
    char *reply = NULL;

    (void)state;
    assert_int_equal(serve_answer(NULL, SERVE_PLAIN, &reply), 0);
    assert_memory_equal(reply, "TEMP ", 5);
    free(reply);
}

static void
errors_are_temporary(void **state)
{
    int status;

    (void)state;
    for (status = -30; status <= 0; status++)
        assert_memory_equal(serve_answer_error(status), "TEMP ", 5);
}

/* Names enough to pass what Postfix reads; two short of it they still fit. */
static void
too_long_is_temporary(void **state)
{
    char *hosts = calloc(600, 300);
    struct smtpsec_plan *plan;
    char *reply = NULL;
    size_t i, at = 0, count;

    (void)state;
    assert_non_null(hosts);
    for (count = 380; count <= 420; count += 40) {
        for (i = at = 0; i < count; i++)
            at += (size_t)sprintf(hosts + at, "%s%0*zu.%060d.%060d.%060d.x.test pkix sts",
                                  i > 0 ? ";" : "", 60, i, 1, 2, 3);
        plan = plans_make("unsigned", hosts, "enforce *.d.test");
        assert_int_equal(serve_answer(plan, SERVE_PLAIN, &reply), 0);
        assert_true(strlen(reply) <= SERVE_REPLY_MAX);
        assert_memory_equal(reply, count == 380 ? "OK secure match=" : "TEMP unsayable: ", 16);
        free(reply);
        smtpsec_plan_free(plan);
    }
    free(hosts);
}

/* A plan with as many hosts as it looks at may not have seen all. */
static void
unseen_hosts_count(void **state)
{
    static const struct {
        const char *mx;
        size_t count;
        const char *want;
    } cases[] = {
        {"signed", SERVE_HOSTS_SEEN - 1, "NOTFOUND "},
        {"signed", SERVE_HOSTS_SEEN, "OK secure match=h0.d.test:"},
        {"unsigned", SERVE_HOSTS_SEEN, "NOTFOUND "},
    };
    size_t i, k;

    (void)state;
    assert_int_equal(SERVE_HOSTS_SEEN, SS_HOSTS_MAX);
    for (k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
        char hosts[SERVE_HOSTS_SEEN * 16];
        struct smtpsec_plan *plan;
        char *reply = NULL;
        size_t at = 0;

        for (i = 0; i < cases[k].count; i++)
            at += (size_t)sprintf(hosts + at, "%sh%zu.d.test", i > 0 ? ";" : "", i);
        plan = plans_make(cases[k].mx, hosts, "");
        assert_int_equal(serve_answer(plan, SERVE_PLAIN, &reply), 0);
        assert_memory_equal(reply, cases[k].want, strlen(cases[k].want));
        free(reply);
        smtpsec_plan_free(plan);
    }
}

static void
options_fit_postfix(void **state)
{
    struct smtpsec_options *options = NULL;

    (void)state;
    assert_int_equal(smtpsec_options_new(&options), 0);
    assert_int_equal(serve_answer_options(options), 0);
    smtpsec_options_free(options);
    assert_int_equal(serve_answer_options(NULL), SMTPSEC_E_INVALID);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("answer");

    SS_TABLE_ROWS(&t, plan_becomes, rows);
    SS_TABLE_ROWS(&t, policy_is_told, told);
    SS_TABLE_ROWS(&t, refusal_is_temporary, refusals);
    ss_table_case(&t, "a domain that is no host name", odd_domain_is_not_told);
    ss_table_case(&t, "no plan", no_plan_is_temporary);
    ss_table_case(&t, "errors", errors_are_temporary);
    ss_table_case(&t, "more than Postfix reads", too_long_is_temporary);
    ss_table_case(&t, "hosts that are not seen", unseen_hosts_count);
    ss_table_case(&t, "options", options_fit_postfix);
    return ss_table_run(&t);
}
