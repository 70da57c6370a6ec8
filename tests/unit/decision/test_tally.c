/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "decision/tally.h"

#define R(reason) SMTPSEC_REASON_##reason
#define UNTRIED (-1)

enum source {
    NOBODY = 0,
    REQUIRETLS = SMTPSEC_SOURCE_REQUIRETLS,
    DANE = SMTPSEC_SOURCE_DANE,
    BOTH = SMTPSEC_SOURCE_DANE | SMTPSEC_SOURCE_REQUIRETLS
};

struct host {
    int32_t skip;   /* why the plan skips it; NONE: it is used */
    int sources;
    int32_t failed; /* why it did not take the message; UNTRIED */
};

struct row {
    const char *name;
    bool unsure, lost, cut;
    struct host hosts[3]; /* up to the first that is empty */
    int32_t want_verdict;
    int32_t want_reason;
    const char *want_enhanced;
};

#define DEFER SMTPSEC_VERDICT_DEFER
#define FAIL SMTPSEC_VERDICT_FAIL
#define SKIP(reason) {R(reason), 0, UNTRIED}
#define USE(sources, reason) {R(NONE), sources, R(reason)}
#define LEFT(sources) {R(NONE), sources, UNTRIED}

static const struct row rows[] = {
    {"RTLS-13 no host offers it", false, false, false,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED), USE(BOTH, REQUIRETLS_UNSUPPORTED)},
     FAIL, R(REQUIRETLS_UNSUPPORTED), "5.7.30"},
    {"RTLS-11 no host has STARTTLS", false, false, false,
     {USE(REQUIRETLS, NO_STARTTLS), USE(REQUIRETLS, TLS_HANDSHAKE)},
     FAIL, R(NO_STARTTLS), "5.7.10"},
    {"RTLS-11 STARTTLS is missing where DANE demands it too: the message waits", false, false,
     false, {USE(BOTH, NO_STARTTLS)}, DEFER, R(NO_STARTTLS), "4.7.5"},
    {"RTLS-11 STARTTLS refused may be back", false, false, false,
     {USE(REQUIRETLS, STARTTLS_REFUSED)}, DEFER, R(STARTTLS_REFUSED), "4.7.5"},
    {"RTLS-11 cleartext behind the 220: somebody is in between", false, false, false,
     {USE(REQUIRETLS, STARTTLS_INJECTION)}, DEFER, R(STARTTLS_INJECTION), "4.7.5"},
    {"RTLS-06 a certificate that REQUIRETLS alone demands", false, false, false,
     {USE(REQUIRETLS, NOT_TRUSTED)}, FAIL, R(NOT_TRUSTED), "5.7.10"},
    {"RTLS-07 a certificate that DANE demands: the message waits", false, false, false,
     {USE(BOTH, DANE_NO_MATCH)}, DEFER, R(DANE_NO_MATCH), "4.7.5"},
    {"RTLS-06 no trust anchors: the fault is ours", false, false, false,
     {USE(REQUIRETLS, NO_TRUST_ANCHORS)}, DEFER, R(NO_TRUST_ANCHORS), "4.7.5"},
    {"RTLS-11, RTLS-13 one without the keyword, one without TLS", false, false, false,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED), USE(REQUIRETLS, NO_STARTTLS)},
     FAIL, R(NO_STARTTLS), "5.7.10"},
    {"RTLS-15 one lacks the keyword, one is out of reach", false, false, false,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED), USE(REQUIRETLS, CONNECT_FAILED)},
     DEFER, R(REQUIRETLS_UNSUPPORTED), "4.7.30"},
    {"RTLS-15 one lacks the keyword, the TLSA look-up of the other failed", false, false, false,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED), SKIP(TLSA_SERVFAIL)},
     DEFER, R(REQUIRETLS_UNSUPPORTED), "4.7.30"},
    {"RTLS-15 one is left untried", false, false, false,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED), LEFT(REQUIRETLS)},
     DEFER, R(REQUIRETLS_UNSUPPORTED), "4.7.30"},
    {"RTLS-15 one said 4yz", false, false, false,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED), USE(REQUIRETLS, NONE)},
     DEFER, R(REQUIRETLS_UNSUPPORTED), "4.7.30"},
    {"RTLS-15 there are hosts that nobody looked at", false, false, true,
     {USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED)}, DEFER, R(REQUIRETLS_UNSUPPORTED), "4.7.30"},
    {"RTLS-04 one is not authenticated, one lacks the keyword", false, false, false,
     {SKIP(REQUIRETLS_MX_UNAUTHENTICATED), USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED)},
     FAIL, R(REQUIRETLS_MX_UNAUTHENTICATED), "5.7.10"},
    {"RTLS-15 ... and whether there is a policy is not known", true, false, false,
     {SKIP(REQUIRETLS_MX_UNAUTHENTICATED), USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED)},
     DEFER, R(REQUIRETLS_MX_UNAUTHENTICATED), "4.7.10"},
    {"RTLS-15 ... and the resolver does not validate", false, true, false,
     {SKIP(REQUIRETLS_MX_UNAUTHENTICATED), USE(REQUIRETLS, REQUIRETLS_UNSUPPORTED)},
     DEFER, R(REQUIRETLS_MX_UNAUTHENTICATED), "4.7.10"},
    {"without REQUIRETLS nothing here is final", false, false, false,
     {USE(NOBODY, REQUIRETLS_UNSUPPORTED), USE(DANE, NO_STARTTLS)},
     DEFER, R(REQUIRETLS_UNSUPPORTED), "4.7.30"},
    {"a policy that is not met defers", false, false, false, {USE(DANE, DANE_NO_MATCH)}, DEFER,
     R(DANE_NO_MATCH), "4.7.5"},
    {"what a server shows tells more than silence", false, false, false,
     {USE(DANE, CONNECT_FAILED), USE(DANE, EXPIRED), USE(DANE, CONNECT_FAILED)},
     DEFER, R(EXPIRED), "4.7.5"},
    {"an address that cannot be looked up tells more than silence", false, false, false,
     {SKIP(ADDR_SERVFAIL), USE(DANE, CONNECT_FAILED)}, DEFER, R(ADDR_SERVFAIL), "4.4.3"},
    {"all out of reach", false, false, false, {USE(DANE, CONNECT_FAILED)}, DEFER,
     R(CONNECT_FAILED), "4.4.1"},
    {"all said 4yz", false, false, false, {USE(DANE, NONE)}, DEFER, R(NONE), "4.4.1"},
    {"none tried yet", false, false, false, {LEFT(REQUIRETLS)}, DEFER, R(NONE), "4.4.1"},
};

static struct smtpsec_requirement requirements[3];
static struct smtpsec_host hosts[3];

static void
make(const struct row *row, struct smtpsec_plan *plan)
{
    static char names[3][8] = {"mx1", "mx2", "mx3"};
    size_t i;

    memset(plan, 0, sizeof(*plan));
    memset(hosts, 0, sizeof(hosts));
    memset(requirements, 0, sizeof(requirements));
    snprintf(plan->domain, sizeof(plan->domain), "d.test");
    plan->sts_unsure = row->unsure;
    plan->cut = row->cut;
    plan->dnssec = row->lost ? SMTPSEC_DNSSEC_LOST : SMTPSEC_DNSSEC_VALIDATES;
    plan->hosts = hosts;
    for (i = 0; i < 3 && (row->hosts[i].skip != 0 || row->hosts[i].failed != 0 ||
                          row->hosts[i].sources != 0); i++) {
        const struct host *from = &row->hosts[i];

        hosts[i].text = names[i];
        hosts[i].reason = from->skip;
        if (from->skip == SMTPSEC_REASON_NONE) {
            hosts[i].requirement = &requirements[i];
            requirements[i].sources = from->sources;
            requirements[i].requiretls = (from->sources & SMTPSEC_SOURCE_REQUIRETLS) != 0;
        }
    }
    plan->count = i;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_tally *tally;
    struct smtpsec_plan plan;
    size_t i;

    make(row, &plan);
    assert_int_equal(ss_tally_new(&plan, &tally), 0);
    for (i = 0; i < plan.count; i++) {
        if (hosts[i].requirement == NULL)
            assert_int_equal(ss_tally_add(tally, i, R(NONE)), SMTPSEC_E_INVALID);
        else if (row->hosts[i].failed != UNTRIED)
            assert_int_equal(ss_tally_add(tally, i, row->hosts[i].failed), 0);
    }
    assert_int_equal(tally->verdict, row->want_verdict);
    assert_string_equal(smtpsec_reason_name(tally->reason), smtpsec_reason_name(row->want_reason));
    assert_string_equal(tally->enhanced, row->want_enhanced);
    assert_non_null(strstr(tally->text, smtpsec_verdict_name(row->want_verdict)));
    assert_non_null(strstr(tally->text, smtpsec_reason_name(row->want_reason)));
    assert_int_equal(ss_tally_add(tally, plan.count, R(NONE)), SMTPSEC_E_INVALID);
    ss_tally_free(tally);
}

/* Two addresses of one host: the one that is out of reach may do better tomorrow. */
static void
check_addresses(void **state)
{
    static const struct row one = {"", false, false, false, {LEFT(REQUIRETLS)}, 0, 0, ""};
    struct smtpsec_tally *tally;
    struct smtpsec_plan plan;

    (void)state;
    make(&one, &plan);
    assert_int_equal(ss_tally_new(&plan, &tally), 0);
    assert_int_equal(ss_tally_add(tally, 0, R(REQUIRETLS_UNSUPPORTED)), 0);
    assert_int_equal(tally->verdict, FAIL);
    assert_int_equal(ss_tally_add(tally, 0, R(REQUIRETLS_UNSUPPORTED)), 0);
    assert_int_equal(tally->verdict, FAIL);
    assert_int_equal(ss_tally_add(tally, 0, R(CONNECT_FAILED)), 0);
    assert_int_equal(tally->verdict, DEFER);
    assert_int_equal(ss_tally_add(tally, 0, R(REQUIRETLS_UNSUPPORTED)), 0);
    assert_int_equal(tally->verdict, DEFER);
    ss_tally_free(tally);
}

/* TLS 1.2 is what REQUIRETLS needs; the operator who wants more does not bounce mail by it. */
static void
check_version(void **state)
{
    static const struct row one = {"", false, false, false, {LEFT(REQUIRETLS)}, 0, 0, ""};
    struct smtpsec_tally *tally;
    struct smtpsec_plan plan;
    uint16_t version;

    (void)state;
    for (version = 0x0303; version <= 0x0304; version++) {
        make(&one, &plan);
        requirements[0].tls_version = version;
        assert_int_equal(ss_tally_new(&plan, &tally), 0);
        assert_int_equal(ss_tally_add(tally, 0, R(TLS_VERSION)), 0);
        assert_int_equal(tally->verdict, version == 0x0303 ? FAIL : DEFER);
        ss_tally_free(tally);
        /* The keyword and the certificate are no matter of the version. */
        assert_int_equal(ss_tally_new(&plan, &tally), 0);
        assert_int_equal(ss_tally_add(tally, 0, R(NOT_TRUSTED)), 0);
        assert_int_equal(tally->verdict, FAIL);
        ss_tally_free(tally);
    }
}

/* Nobody to try: what the plan said stands. */
static void
check_no_host(void **state)
{
    static const struct row skipped = {"", false, false, false,
        {SKIP(REQUIRETLS_MX_UNAUTHENTICATED)}, 0, 0, ""};
    static const struct row none = {"", false, false, false, {{0, 0, 0}}, 0, 0, ""};
    struct smtpsec_tally *tally;
    struct smtpsec_plan plan;

    (void)state;
    make(&skipped, &plan);
    plan.verdict = FAIL;
    plan.reason = R(REQUIRETLS_MX_UNAUTHENTICATED);
    snprintf(plan.enhanced, sizeof(plan.enhanced), "5.7.10");
    assert_int_equal(ss_tally_new(&plan, &tally), 0);
    assert_int_equal(tally->verdict, FAIL);
    assert_string_equal(tally->enhanced, "5.7.10");
    ss_tally_free(tally);
    make(&none, &plan);
    assert_int_equal(plan.count, 0);
    plan.verdict = DEFER;
    plan.reason = R(MX_SERVFAIL);
    snprintf(plan.enhanced, sizeof(plan.enhanced), "4.4.3");
    assert_int_equal(ss_tally_new(&plan, &tally), 0);
    assert_int_equal(tally->verdict, DEFER);
    assert_int_equal(tally->reason, R(MX_SERVFAIL));
    assert_string_equal(tally->enhanced, "4.4.3");
    ss_tally_free(tally);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/tally");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "RTLS-15 one address of a host is out of reach", check_addresses);
    ss_table_case(&t, "RTLS-11, PREC-08 a TLS version that the operator raised ends no message",
                  check_version);
    ss_table_case(&t, "RTLS-04 no host is to be tried: the plan's word stands", check_no_host);
    return ss_table_run(&t);
}
