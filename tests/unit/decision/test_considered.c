/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Evidence and sessions in, the policies of a datagram out, as a collector reads them. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "decision/considered.h"
#include "facts.h"
#include "report/datagram.h"

#define LINES 12

#define RECORD "TXT _smtp._tls.d.test insecure v=TLSRPTv1;rua=mailto:r@d.test"
#define MX "MX d.test insecure 10:a.d.test"
#define SIGNED_MX "MX d.test secure 10:a.d.test"
#define A "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata"
#define SIGNED_A "A a.d.test secure 192.0.2.1", "AAAA a.d.test nodata-secure"
#define TLSA "TLSA _25._tcp.a.d.test secure 3.1.1.171"
#define STS "TXT _mta-sts.d.test insecure v=STSv1;id=1;", "A mta-sts.d.test insecure 192.0.2.9", \
            "AAAA mta-sts.d.test nodata"
#define NO_STS "TXT _mta-sts.d.test nodata"
#define ENFORCE "version: STSv1\r\nmode: enforce\r\nmx: *.d.test\nmx: b.test\nmax_age: 86400\n"
#define TESTING "version: STSv1\nmode: testing\nmx: a.d.test\nmax_age: 86400\n"
#define OTHERS "version: STSv1\nmode: enforce\nmx: other.test\nmax_age: 86400\n"
#define MISFIT "version: STSv1\nmode: testing\nmx: other.test\nmax_age: 86400\n"
#define FAULTY "version: STSv1\nmode: enforce\nmx: a.d.test\n\"\n"
#define NO_ANSWER "-" /* the policy host is asked and does not answer */

/* How policies are told. */
#define P_NONE "{\"policy-type\":9,\"policy-domain\":\"d.test\","
#define HEX8 "abababababababab"
#define P_TLSA "{\"policy-type\":1,\"policy-domain\":\"a.d.test\",\"policy-string\":[\"3 1 1 " HEX8 HEX8 HEX8 HEX8 "\"],"
#define P_TLSA_BARE "{\"policy-type\":1,\"policy-domain\":\"a.d.test\","
#define P_STS_BARE "{\"policy-type\":2,\"policy-domain\":\"d.test\","
#define P_STS P_STS_BARE "\"policy-string\":[\"version: STSv1\",\"mode: enforce\",\"mx: *.d.test\"," \
    "\"mx: b.test\",\"max_age: 86400\"],\"mx-host\":[\"*.d.test\",\"b.test\"],"
#define P_TESTING P_STS_BARE "\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: a.d.test\"," \
    "\"max_age: 86400\"],\"mx-host\":[\"a.d.test\"],"
#define P_MISFIT P_STS_BARE "\"policy-string\":[\"version: STSv1\",\"mode: testing\",\"mx: other.test\"," \
    "\"max_age: 86400\"],\"mx-host\":[\"other.test\"],"
#define P_OTHERS P_STS_BARE "\"policy-string\":[\"version: STSv1\",\"mode: enforce\",\"mx: other.test\"," \
    "\"max_age: 86400\"],\"mx-host\":[\"other.test\"],"
#define P_FAULTY P_STS_BARE "\"policy-string\":[\"version: STSv1\",\"mode: enforce\",\"mx: a.d.test\"," \
    "\"\\\"\"],"
#define OKAY "\"t\":0,\"f\":0}"
#define WHERE "\"s\":\"192.0.2.7\",\"n\":\"a.d.test\",\"h\":\"mx.a\",\"r\":\"192.0.2.1\""
#define DETAIL(code, reason) "{\"c\":" code "," WHERE ",\"f\":\"" reason "\"}"
#define ONE(code, reason) "\"failure-details\":[" DETAIL(code, reason) "],\"t\":1,\"f\":1}"
#define BEFORE(code, rest) "\"failure-details\":[{\"c\":" code "," rest "}],\"t\":1,\"f\":1}"

enum {
    REPORT_MAIL = 1, TLS_NOT_REQUIRED = 2, NOT_ASKED = 4, CACHED = 8, CACHED_FAILING = 16,
    REMEMBERED = 32, DANE_ONLY = 64, REMEMBERED_TLS = 128, NO_SESSION = 256, NOT_LOOKED = 512,
    REQUIRETLS = 1024, STRICT = 2048, STS_REPORTS = 4096, DANE_REPORTS = 8192, TRANSIENT = 16384,
    DNSSEC_ONLY = 32768
};

/* Why the cached policy could not be fetched anew. */
#define WHY(failure) ((unsigned)(failure) << 20)

#define DONE SMTPSEC_STARTTLS_DONE
#define R(x) SMTPSEC_REASON_##x

struct row {
    const char *name;
    const char *lines[LINES];
    const char *body; /* of the policy; NULL: nothing is fetched */
    unsigned how;
    int32_t starttls;
    int32_t plain, dane, pkix, pkix_too;
    const char *want; /* NULL: no datagram */
};

static const struct row rows[] = {
    {"RPT-01 nobody asks for reports", {MX, A, NO_STS}, NULL, 0, DONE, 0, 0, 0, 0, NULL},
    {"RPT-01 the record's look-up failed",
     {"TXT _smtp._tls.d.test servfail", MX, A, NO_STS}, NULL, 0, DONE, 0, 0, 0, 0, NULL},
    {"RPT-01 two records",
     {"TXT _smtp._tls.d.test insecure v=TLSRPTv1;rua=mailto:r@d.test v=TLSRPTv1;rua=mailto:q@d.test",
      MX, A, NO_STS}, NULL, 0, DONE, 0, 0, 0, 0, NULL},
    {"RPT-01 the record is there, and was not to be asked", {RECORD, MX, A, NO_STS}, NULL, NOT_ASKED,
     DONE, 0, 0, 0, 0, NULL},
    {"TRN-10 a report on TLS is not reported", {RECORD, MX, A, NO_STS}, NULL, REPORT_MAIL, DONE, 0, 0,
     0, 0, NULL},
    {"TRN-10 nor what failed of it", {RECORD, MX, A, STS}, NO_ANSWER, REPORT_MAIL,
     SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0, NULL},
    {"TRN-10 nor when it is sent under REQUIRETLS", {RECORD, SIGNED_MX, SIGNED_A, TLSA, NO_STS}, NULL,
     REPORT_MAIL | REQUIRETLS, SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0, NULL},
    {"nothing under TLS-Required: No", {RECORD, MX, A, STS}, ENFORCE, TLS_NOT_REQUIRED,
     SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0, NULL},

    /* No policy. */
    {"RPT-20 OPP with TLS is a success", {RECORD, MX, A, NO_STS}, NULL, 0, DONE, 0, 0,
     R(SELF_SIGNED), 0, P_NONE OKAY},
    {"RPT-20 OPP in cleartext", {RECORD, MX, A, NO_STS}, NULL, 0, SMTPSEC_STARTTLS_ABSENT,
     R(NO_STARTTLS), 0, 0, 0, P_NONE ONE("201", "no-starttls")},
    {"RPT-03, RPT-20 OPP, STARTTLS refused", {RECORD, MX, A, NO_STS}, NULL, 0,
     SMTPSEC_STARTTLS_REFUSED, R(STARTTLS_REFUSED), 0, 0, 0, P_NONE ONE("201", "starttls-refused")},
    {"RPT-07 OPP, the handshake failed", {RECORD, MX, A, NO_STS}, NULL, 0, SMTPSEC_STARTTLS_FAILED,
     R(TLS_HANDSHAKE), 0, 0, 0, P_NONE ONE("205", "tls-handshake")},
    {"RPT-20 what was never reached is no session", {RECORD, MX, A, NO_STS}, NULL, 0,
     SMTPSEC_STARTTLS_NOT_REACHED, R(CONNECT_FAILED), 0, 0, 0, NULL},
    {"RPT-20 what was not judged is none", {RECORD, MX, A, NO_STS}, NULL, NOT_LOOKED, DONE, 0, 0, 0, 0,
     NULL},
    {"RPT-20 a session that the memory alone refuses breaks no policy", {RECORD, MX, A, NO_STS}, NULL,
     REMEMBERED_TLS, DONE, 0, 0, R(SELF_SIGNED), 0, P_NONE OKAY},
    {"RPT-20 without STARTTLS, whatever the memory asks", {RECORD, MX, A, NO_STS}, NULL,
     REMEMBERED_TLS, SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0,
     P_NONE ONE("201", "no-starttls")},
    {"RPT-20 a host that the memory alone refuses has no result", {RECORD, MX, A, NO_STS}, NULL,
     REMEMBERED | NO_SESSION, DONE, 0, 0, 0, 0, NULL},
    {"RPT-11 bogus MX", {RECORD, "MX d.test bogus", NO_STS}, NULL, NO_SESSION, DONE, 0, 0, 0, 0,
     P_NONE BEFORE("205", "\"f\":\"mx-bogus\"")},
    {"RPT-10 MX timed out", {RECORD, "MX d.test timeout", NO_STS}, NULL, NO_SESSION, DONE, 0, 0, 0, 0,
     NULL},
    {"RPT-10 MX SERVFAIL", {RECORD, "MX d.test servfail", NO_STS}, NULL, NO_SESSION, DONE, 0, 0, 0, 0,
     NULL},

    /* DANE. */
    {"RPT-21, RPT-22 DANE holds", {RECORD, SIGNED_MX, SIGNED_A, TLSA, NO_STS}, NULL, 0, DONE, 0, 0, 0,
     0, P_TLSA OKAY},
    {"RPT-13, RPT-23 no match", {RECORD, SIGNED_MX, SIGNED_A, TLSA, NO_STS}, NULL, 0, DONE, 0,
     R(DANE_NO_MATCH), 0, 0, P_TLSA ONE("205", "dane-no-match")},
    {"RPT-13 no path", {RECORD, SIGNED_MX, SIGNED_A, TLSA, NO_STS}, NULL, 0, DONE, 0,
     R(DANE_TA_NO_PATH), 0, 0, P_TLSA ONE("203", "dane-ta-no-path")},
    {"RPT-02 no STARTTLS under DANE", {RECORD, SIGNED_MX, SIGNED_A, TLSA, NO_STS}, NULL, 0,
     SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0, P_TLSA ONE("201", "no-starttls")},
    {"RPT-08 nothing usable, and the mail goes",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test secure 0.1.1.171", NO_STS}, NULL, 0, DONE,
     0, 0, 0, 0,
     P_TLSA_BARE "\"policy-string\":[\"0 1 1 " HEX8 HEX8 HEX8 HEX8 "\"]," ONE("304", "all-unusable")},
    {"RPT-09 bogus TLSA", {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test bogus", NO_STS}, NULL,
     NO_SESSION, DONE, 0, 0, 0, 0,
     P_TLSA_BARE BEFORE("305", "\"n\":\"a.d.test\",\"f\":\"tlsa-bogus\"")},
    {"RPT-09 bogus addresses",
     {RECORD, SIGNED_MX, "A a.d.test bogus", "AAAA a.d.test bogus", NO_STS}, NULL, NO_SESSION, DONE, 0,
     0, 0, 0, P_TLSA_BARE BEFORE("305", "\"n\":\"a.d.test\",\"f\":\"addr-bogus\"")},
    {"RPT-08 nothing usable, and the host cannot be reached",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test secure 0.1.1.171", NO_STS}, NULL, 0,
     SMTPSEC_STARTTLS_NOT_REACHED, R(CONNECT_FAILED), 0, 0, 0,
     P_TLSA_BARE "\"policy-string\":[\"0 1 1 " HEX8 HEX8 HEX8 HEX8 "\"],"
     BEFORE("304", "\"n\":\"a.d.test\",\"f\":\"all-unusable\"")},
    {"RPT-08, RPT-12 nothing usable, and DANE is mandatory",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test secure 0.1.1.171", NO_STS}, NULL,
     DANE_ONLY | NO_SESSION, DONE, 0, 0, 0, 0,
     P_TLSA_BARE "\"policy-string\":[\"0 1 1 " HEX8 HEX8 HEX8 HEX8 "\"],"
     "\"failure-details\":[{\"c\":306,\"n\":\"a.d.test\",\"f\":\"dane-required\"},"
     "{\"c\":304,\"n\":\"a.d.test\",\"f\":\"all-unusable\"}],\"t\":2,\"f\":1}"},
    {"RPT-09 bogus TLSA where DANE only reports",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test bogus", NO_STS}, NULL, DANE_REPORTS, DONE,
     0, 0, 0, 0,
     P_TLSA_BARE BEFORE("305", "\"n\":\"a.d.test\",\"f\":\"tlsa-bogus\"") "," P_NONE OKAY},
    {"RPT-12 signed MX records are asked, not DANE", {RECORD, MX, A, NO_STS}, NULL,
     DNSSEC_ONLY | NO_SESSION, DONE, 0, 0, 0, 0, NULL},
    {"RPT-12 DANE is asked, on an unsigned MX", {RECORD, MX, A, NO_STS}, NULL,
     DANE_ONLY | NO_SESSION, DONE, 0, 0, 0, 0,
     P_TLSA_BARE BEFORE("306", "\"n\":\"a.d.test\",\"f\":\"mx-insecure\"")},
    {"RPT-10 the knob: TLSA timed out",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test timeout", NO_STS}, NULL,
     TRANSIENT | NO_SESSION, DONE, 0, 0, 0, 0,
     P_TLSA_BARE BEFORE("305", "\"n\":\"a.d.test\",\"f\":\"tlsa-timeout\"")},
    {"RPT-10 the knob: TLSA SERVFAIL",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test servfail", NO_STS}, NULL,
     TRANSIENT | NO_SESSION, DONE, 0, 0, 0, 0,
     P_TLSA_BARE BEFORE("305", "\"n\":\"a.d.test\",\"f\":\"tlsa-servfail\"")},
    {"RPT-10 the knob: MX timed out", {RECORD, "MX d.test timeout", NO_STS}, NULL,
     TRANSIENT | NO_SESSION, DONE, 0, 0, 0, 0, P_NONE BEFORE("205", "\"f\":\"mx-timeout\"")},
    {"RPT-10 the knob: a permanent answer is no failure of a policy's",
     {RECORD, "MX d.test nxdomain", NO_STS}, NULL, TRANSIENT | NO_SESSION, DONE, 0, 0, 0, 0, NULL},
    {"RPT-10 TLSA timed out", {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test timeout", NO_STS},
     NULL, NO_SESSION, DONE, 0, 0, 0, 0, NULL},
    {"RPT-12 DANE is mandatory, and there is none",
     {RECORD, SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test nxdomain-secure", NO_STS}, NULL,
     DANE_ONLY | NO_SESSION, DONE, 0, 0, 0, 0,
     P_TLSA_BARE BEFORE("306", "\"n\":\"a.d.test\",\"f\":\"dane-required\"")},

    /* MTA-STS. */
    {"RPT-21, RPT-22 MTA-STS holds", {RECORD, MX, A, STS}, ENFORCE, 0, DONE, 0, 0, 0, 0, P_STS OKAY},
    {"RPT-22 the cached policy, as it was fetched", {RECORD, MX, A, NO_STS}, ENFORCE, CACHED, DONE, 0,
     0, 0, 0, P_STS OKAY},
    {"RPT-04 another name", {RECORD, MX, A, STS}, ENFORCE, 0, DONE, 0, 0, R(NAME_MISMATCH), 0,
     P_STS ONE("202", "name-mismatch")},
    {"RPT-06 self-signed", {RECORD, MX, A, STS}, ENFORCE, 0, DONE, 0, 0, R(SELF_SIGNED), 0,
     P_STS ONE("203", "self-signed")},
    {"RPT-19 expired, and another name: two details, one session", {RECORD, MX, A, STS}, ENFORCE, 0,
     DONE, 0, 0, R(NAME_MISMATCH), R(EXPIRED),
     P_STS "\"failure-details\":[" DETAIL("202", "name-mismatch") "," DETAIL("204", "expired")
           "],\"t\":2,\"f\":1}"},
    {"RPT-18 testing: it is told, though delivered", {RECORD, MX, A, STS}, TESTING, 0, DONE, 0, 0,
     R(EXPIRED), 0, P_TESTING ONE("204", "expired")},
    {"RPT-18 testing: no STARTTLS", {RECORD, MX, A, STS}, TESTING, 0, SMTPSEC_STARTTLS_ABSENT,
     R(NO_STARTTLS), 0, 0, 0, P_TESTING ONE("201", "no-starttls")},
    {"RPT-18 testing holds", {RECORD, MX, A, STS}, TESTING, 0, DONE, 0, 0, 0, 0, P_TESTING OKAY},
    {"RPT-17, RPT-18 testing: a host that is not listed", {RECORD, MX, A, STS}, MISFIT, 0, DONE, 0, 0,
     0, 0, P_MISFIT ONE("205", "mx-not-in-sts-policy")},
    {"RPT-17 a host that is not listed", {RECORD, MX, A, STS}, OTHERS, NO_SESSION, DONE, 0, 0, 0, 0,
     P_OTHERS BEFORE("205", "\"n\":\"a.d.test\",\"f\":\"mx-not-in-sts-policy\"")},
    {"RPT-14 the policy could not be fetched, the mail goes", {RECORD, MX, A, STS}, NO_ANSWER, 0, DONE,
     0, 0, 0, 0, P_STS_BARE BEFORE("301", "\"f\":\"timeout\"") "," P_NONE OKAY},
    {"RPT-15, RPT-22 the policy is faulty", {RECORD, MX, A, STS}, FAULTY, 0, DONE, 0, 0, 0, 0,
     P_FAULTY BEFORE("302", "\"f\":\"the policy breaks the grammar\"") "," P_NONE OKAY},
    {"RPT-18 the last refresh failed, the cached policy holds", {RECORD, MX, A, NO_STS}, ENFORCE,
     CACHED | CACHED_FAILING, DONE, 0, 0, 0, 0,
     P_STS BEFORE("301", "\"f\":\"refresh-failed\"") "," P_STS OKAY},
    {"RPT-18 a refresh that timed out", {RECORD, MX, A, NO_STS}, ENFORCE, CACHED | CACHED_FAILING | WHY(SMTPSEC_FAILURE_TIMEOUT),
     DONE, 0, 0, 0, 0, P_STS BEFORE("301", "\"f\":\"refresh: timeout\"") "," P_STS OKAY},
    {"RPT-16, RPT-18 a refresh from a host with an expired certificate", {RECORD, MX, A, NO_STS},
     ENFORCE, CACHED | CACHED_FAILING | WHY(SMTPSEC_FAILURE_CERT_EXPIRED), DONE, 0, 0, 0, 0,
     P_STS BEFORE("303", "\"f\":\"refresh: cert-expired\"") "," P_STS OKAY},
    {"RPT-15, RPT-18 a refresh that gave a faulty policy", {RECORD, MX, A, NO_STS}, ENFORCE,
     CACHED | CACHED_FAILING | WHY(SS_STS_FAILED_GRAMMAR), DONE, 0, 0, 0, 0,
     P_STS BEFORE("302", "\"f\":\"refresh: the policy breaks the grammar\"") "," P_STS OKAY},
    {"RPT-17, RPT-18 strict testing: a host that is not listed is skipped, and told",
     {RECORD, MX, A, STS}, MISFIT, STRICT | NO_SESSION, DONE, 0, 0, 0, 0,
     P_MISFIT BEFORE("205", "\"n\":\"a.d.test\",\"f\":\"mx-not-in-sts-policy\"")},
    {"RPT-18 strict testing: what fails is told once", {RECORD, MX, A, STS}, TESTING, STRICT, DONE, 0,
     0, R(EXPIRED), 0, P_TESTING ONE("204", "expired")},
    {"RPT-17 enforce that only reports: a host that is not listed is used, and told",
     {RECORD, MX, A, STS}, OTHERS, STS_REPORTS, DONE, 0, 0, 0, 0,
     P_OTHERS ONE("205", "mx-not-in-sts-policy")},
    {"RPT-02 enforce that only reports: cleartext is told", {RECORD, MX, A, STS}, ENFORCE,
     STS_REPORTS, SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0, P_STS ONE("201", "no-starttls")},
    {"no policy of mode none is told",
     {RECORD, MX, A, STS}, "version: STSv1\nmode: none\nmax_age: 86400\n", 0, DONE, 0, 0, 0, 0,
     P_NONE OKAY},

    /* Both. */
    {"RPT-21 both, each with its own counts", {RECORD, SIGNED_MX, SIGNED_A, TLSA, STS}, ENFORCE, 0,
     DONE, 0, R(DANE_NO_MATCH), 0, 0, P_TLSA ONE("205", "dane-no-match") "," P_STS OKAY},
    {"RPT-21 both, the other way", {RECORD, SIGNED_MX, SIGNED_A, TLSA, STS}, ENFORCE, 0, DONE, 0, 0,
     R(EXPIRED), 0, P_TLSA OKAY "," P_STS ONE("204", "expired")},
    {"RPT-21 both, no STARTTLS", {RECORD, SIGNED_MX, SIGNED_A, TLSA, STS}, ENFORCE, 0,
     SMTPSEC_STARTTLS_ABSENT, R(NO_STARTTLS), 0, 0, 0,
     P_TLSA ONE("201", "no-starttls") "," P_STS ONE("201", "no-starttls")},
    {"RPT-20 a fault of ours is no session of theirs", {RECORD, MX, A, STS}, ENFORCE, 0, DONE, 0, 0,
     R(NO_TRUST_ANCHORS), 0, NULL},
};

static void
tell(const struct row *row, struct ss_evidence *evidence)
{
    size_t i;

    facts_init(evidence, "d.test");
    for (i = 0; i < LINES && row->lines[i] != NULL; i++)
        facts_dns(evidence, row->lines[i]);
    if (row->how & CACHED)
        facts_entry(&evidence->entry, "1", row->body, FACTS_NOW - 100, 86400);
    else if (row->body != NULL)
        facts_https(evidence, strcmp(row->body, NO_ANSWER) == 0 ? NULL : row->body);
    if (row->how & CACHED_FAILING)
        evidence->entry.failing_since = FACTS_NOW - 50;
    evidence->entry.failed_why = (int32_t)(row->how >> 20);
    if (row->how & REMEMBERED)
        facts_claim(&evidence->record, SMTPSEC_CLAIM_DANE, "a.d.test", 30, FACTS_NOW - 100,
                    FACTS_NOW + 86400);
    if (row->how & REMEMBERED_TLS)
        facts_claim(&evidence->record, SMTPSEC_CLAIM_ENCRYPTED, "a.d.test", 30, FACTS_NOW - 100, 0);
}

static void
except_sts(struct ss_settings *settings)
{
    struct ss_exception exception;

    memset(&exception, 0, sizeof(exception));
    exception.domain = facts_name("d.test");
    exception.kind = SS_EXCEPT_STS_LIVE;
    exception.until = FACTS_NOW + 86400;
    assert_int_equal(ss_exceptions_add(&settings->exceptions, &exception), 0);
}

static struct smtpsec_plan *
make_plan(const struct row *row)
{
    struct smtpsec_message message = {0};
    struct smtpsec_plan *plan, *derived;
    struct ss_settings settings;
    struct ss_evidence evidence;

    memset(&settings, 0, sizeof(settings));
    ss_settings_init(&settings);
    settings.tlsrpt = !(row->how & NOT_ASKED);
    if (row->how & DANE_ONLY)
        settings.minimum = SMTPSEC_LEVEL_DANE;
    if (row->how & DNSSEC_ONLY)
        settings.minimum = SMTPSEC_LEVEL_DNSSEC;
    if (row->how & DANE_REPORTS)
        settings.dane = SMTPSEC_MODE_REPORT;
    settings.sts_strict = (row->how & STRICT) != 0;
    settings.tlsrpt_transient = (row->how & TRANSIENT) != 0;
    if (row->how & STS_REPORTS)
        except_sts(&settings);
    tell(row, &evidence);
    assert_int_equal(ss_decide(&evidence, &settings, FACTS_NOW, &plan), 0);
    ss_exceptions_unref(settings.exceptions);
    message.tls_report = (row->how & REPORT_MAIL) != 0;
    message.requiretls = (row->how & REQUIRETLS) != 0;
    message.tls_required_no = (row->how & TLS_NOT_REQUIRED) != 0;
    assert_int_equal(ss_plan_copy_facts(plan, &derived), 0); /* and so the copy is tried as well */
    assert_int_equal(ss_plan_apply(derived, &message), 0);
    ss_plan_free(plan);
    ss_evidence_free(&evidence);
    return derived;
}

static void
make_verdict(const struct row *row, const struct smtpsec_requirement *requirement,
             struct smtpsec_verdict *verdict)
{
    memset(verdict, 0, sizeof(*verdict));
    verdict->looked = !(row->how & NOT_LOOKED);
    verdict->judged = row->starttls == DONE ? requirement->identities | requirement->audited : 0;
    verdict->plain = row->plain;
    verdict->dane = row->dane;
    verdict->pkix = row->pkix;
    verdict->pkix_too = row->pkix_too;
}

static void
must_tell(const struct smtpsec_report *report, const char *want)
{
    static const char head[] = "{\"dpv\":\"1\",\"d\":\"d.test\","
                               "\"pr\":\"v=TLSRPTv1;rua=mailto:r@d.test\",\"policies\":[";
    char whole[8192] = "";
    struct ss_buf out;

    assert_int_equal(ss_datagram_write(&report->told, &out), 0);
    if (want != NULL)
        snprintf(whole, sizeof(whole), "%s%s]}", head, want);
    ss_buf_u8(&out, 0);
    assert_string_equal((const char *)out.data, whole);
    ss_buf_free(&out);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_session_place place = {"192.0.2.7", "192.0.2.1", "mx.a"};
    struct smtpsec_session session = {.starttls = row->starttls};
    struct smtpsec_plan *plan = make_plan(row);
    struct smtpsec_report *report;
    struct smtpsec_verdict verdict;

    assert_int_equal(ss_considered_new(plan, &report), 0);
    if (!(row->how & NO_SESSION)) {
        assert_non_null(plan->hosts[0].requirement);
        make_verdict(row, plan->hosts[0].requirement, &verdict);
        assert_int_equal(ss_considered_session(report, plan->hosts[0].requirement, &session, &verdict,
                                               &place),
                         0);
    } else {
        assert_int_not_equal(plan->verdict, SMTPSEC_VERDICT_DELIVER);
    }
    ss_plan_free(plan); /* it is not kept */
    must_tell(report, row->want);
    ss_considered_free(report);
}

/* Two hosts tried, the first one in vain: each session is an entry. */
static void
two_sessions(void **state)
{
    static const struct row row = {"", {RECORD, MX, A, NO_STS}, NULL, 0, DONE, 0, 0, 0, 0, NULL};
    struct ss_session_place place = {NULL, NULL, NULL};
    struct smtpsec_session session = {.starttls = SMTPSEC_STARTTLS_ABSENT};
    struct smtpsec_plan *plan = make_plan(&row);
    struct smtpsec_report *report;
    struct smtpsec_verdict verdict;
    size_t i;

    (void)state;
    assert_int_equal(ss_considered_new(plan, &report), 0);
    make_verdict(&row, plan->hosts[0].requirement, &verdict);
    verdict.plain = R(NO_STARTTLS);
    assert_int_equal(ss_considered_session(report, plan->hosts[0].requirement, &session, &verdict,
                                           &place), 0);
    session.starttls = DONE;
    verdict.plain = R(NONE);
    assert_int_equal(ss_considered_session(report, plan->hosts[0].requirement, &session, &verdict,
                                           &place), 0);
    must_tell(report, P_NONE "\"failure-details\":[{\"c\":201,\"n\":\"a.d.test\",\"f\":\"no-starttls\"}],"
                             "\"t\":1,\"f\":1}," P_NONE OKAY);
    for (i = 2; i < SS_REPORT_SESSIONS; i++)
        assert_int_equal(ss_considered_session(report, plan->hosts[0].requirement, &session, &verdict,
                                               &place), 0);
    assert_int_equal(ss_considered_session(report, plan->hosts[0].requirement, &session, &verdict,
                                           &place), SMTPSEC_E_LIMIT);
    ss_considered_free(report);
    ss_plan_free(plan);
}

static void
another_host(void **state)
{
    static const struct row row = {"", {RECORD, MX, A, NO_STS}, NULL, 0, DONE, 0, 0, 0, 0, NULL};
    struct ss_session_place place = {NULL, NULL, NULL};
    struct smtpsec_session session = {.starttls = DONE};
    struct smtpsec_plan *plan = make_plan(&row);
    struct smtpsec_report *report;
    struct smtpsec_verdict verdict;
    struct ss_name name = facts_name("b.d.test");

    (void)state;
    assert_int_equal(ss_considered_new(plan, &report), 0);
    make_verdict(&row, plan->hosts[0].requirement, &verdict);
    ss_reference_set(&plan->hosts[0].requirement->host, &name);
    assert_int_equal(ss_considered_session(report, plan->hosts[0].requirement, &session, &verdict,
                                           &place), SMTPSEC_E_INVALID);
    must_tell(report, NULL);
    ss_considered_free(report);
    ss_plan_free(plan);
}

/* The record is asked beside the MX records, and nobody waits for it. */
static void
asked_beside(void **state)
{
    struct ss_settings settings;
    struct ss_evidence evidence;
    struct ss_wants wants;
    struct ss_question record;
    size_t i, round, asked = 0;

    (void)state;
    facts_question(&record, "TXT _smtp._tls.d.test nodata");
    for (round = 0; round < 3; round++) {
        memset(&settings, 0, sizeof(settings));
        ss_settings_init(&settings);
        settings.tlsrpt = round != 1;
        facts_init(&evidence, "d.test");
        if (round == 2) { /* all else is known */
            facts_dns(&evidence, MX);
            facts_dns(&evidence, "A a.d.test insecure 192.0.2.1");
            facts_dns(&evidence, "AAAA a.d.test nodata");
            facts_dns(&evidence, NO_STS);
        }
        assert_int_equal(ss_missing(&evidence, &settings, FACTS_NOW, &wants), 0);
        for (i = 0; i < wants.count; i++)
            asked += wants.questions[i].type == record.type &&
                     ss_name_equal(&wants.questions[i].name, &record.name);
        assert_int_equal(asked, 1);
        assert_int_equal(wants.count == 0, round == 2);
        ss_wants_free(&wants);
        ss_evidence_free(&evidence);
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/considered");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "RPT-20, RPT-23 two sessions, and the limit", two_sessions);
    ss_table_case(&t, "a host of another plan", another_host);
    ss_table_case(&t, "RPT-01 asked beside the MX records, and only when on", asked_beside);
    return ss_table_run(&t);
}
