/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every reason, and the line of the trace that tells it: rule, effect, section,
 * source. The enum is walked: a new reason that no row pins fails.
 */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "base/words.h"
#include "decision/origin.h"
#include "decision/verify.h"
#include "facts.h"

#define LINES 8
#define R(x) SMTPSEC_REASON_##x
#define D SMTPSEC_IDENTITY_DANE
#define P SMTPSEC_IDENTITY_PKIX

#define MX "MX d.test insecure 10:a.d.test"
#define SIGNED_MX "MX d.test secure 10:a.d.test"
#define A "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata"
#define SIGNED_A "A a.d.test secure 192.0.2.1", "AAAA a.d.test nodata-secure"
#define NO_STS "TXT _mta-sts.d.test nodata"
#define STS "TXT _mta-sts.d.test insecure v=STSv1;id=1;", "A mta-sts.d.test insecure 192.0.2.9", \
            "AAAA mta-sts.d.test nodata"
#define OTHERS "version: STSv1\nmode: enforce\nmx: other.test\nmax_age: 86400\n"
#define TESTING "version: STSv1\nmode: testing\nmx: other.test\nmax_age: 86400\n"
#define ADDRESSES(status) {SIGNED_MX, "A a.d.test " status, "AAAA a.d.test " status, NO_STS}
#define TLSA_IS(status) {SIGNED_MX, SIGNED_A, "TLSA _25._tcp.a.d.test " status, NO_STS}

enum { REQUIRETLS = 1, REMEMBERED = 2, MIN_DANE = 4, MIN_STS = 8, CACHED = 16, LOST = 32, REPORT = 64,
       LIFTED = 128, STRICT = 256, NO_ALIAS = 512, OWN = 1024, MIN_TLS = 2048, SOFT_OVER = 4096 };

/* ---- Plans ---- */

struct plan_row {
    const char *name;
    const char *lines[LINES];
    const char *policy;
    unsigned how;
    int32_t reason; /* NONE: not a refusal */
    enum ss_effect effect;
    const char *rule, *rfc, *source;
};

static const struct plan_row plan_rows[] = {
    {"RES-07 no-such-domain", {"MX d.test nxdomain-secure", NO_STS}, NULL, 0, R(NO_SUCH_DOMAIN),
     SS_REFUSES, "RES-07", "RFC 5321 5.1", "dns"},
    {"RES-11 null-mx", {"MX d.test insecure 0:.", NO_STS}, NULL, 0, R(NULL_MX), SS_REFUSES, "RES-11",
     "RFC 7505 3", "dns"},
    {"RES-18 no-address", {MX, "A a.d.test nodata", "AAAA a.d.test nodata", NO_STS}, NULL, 0,
     R(NO_ADDRESS), SS_SKIPS, "RES-18", "RFC 5321 5.1", "dns"},
    {"RES-04 mx-servfail", {"MX d.test servfail", NO_STS}, NULL, 0, R(MX_SERVFAIL), SS_REFUSES,
     "RES-04", "RFC 7672 2.1.2", "dns"},
    {"RES-04 mx-timeout", {"MX d.test timeout", NO_STS}, NULL, 0, R(MX_TIMEOUT), SS_REFUSES, "RES-04",
     "RFC 7672 2.1.2", "dns"},
    {"RES-05 mx-bogus", {"MX d.test bogus", NO_STS}, NULL, 0, R(MX_BOGUS), SS_REFUSES, "RES-05",
     "RFC 7672 2.1.1", "dns"},
    {"RES-06 mx-indeterminate", {"MX d.test indeterminate", NO_STS}, NULL, 0, R(MX_INDETERMINATE),
     SS_REFUSES, "RES-06", "RFC 7672 2.1.1", "dns"},
    {"RES-15 mx-alias", {"MX d.test alias", NO_STS}, NULL, 0, R(MX_ALIAS), SS_REFUSES, "RES-15",
     "RFC 7672 2.1.3", "dns"},
    {"RES-04 mx-rcode", {"MX d.test refused", NO_STS}, NULL, 0, R(MX_RCODE), SS_REFUSES, "RES-04",
     "RFC 7672 2.1.2", "dns"},
    {"RES-04 mx-malformed", {"MX d.test malformed", NO_STS}, NULL, 0, R(MX_MALFORMED), SS_REFUSES,
     "RES-04", "RFC 7672 2.1.2", "dns"},
    {"RES-24 mx-insecure", {MX, A, NO_STS}, NULL, MIN_DANE, R(MX_INSECURE), SS_SKIPS, "RES-24",
     "RFC 7672 2.2.1", "operator"},
    {"RES-03 no-better-host", {"MX d.test insecure 10:own.test", NO_STS}, NULL, OWN,
     R(NO_BETTER_HOST), SS_REFUSES, "RES-03", "RFC 5321 5.1", "operator"},
    {"RES-34 no-usable-host",
     {"MX d.test insecure 10:a.d.test 20:b.d.test", "A a.d.test servfail", "AAAA a.d.test servfail",
      "A b.d.test timeout", "AAAA b.d.test timeout", NO_STS}, NULL, 0, R(NO_USABLE_HOST), SS_REFUSES,
     "RES-34", "RFC 7672 2.2", "dns"},
    {"PREC-09 answer-held", {"MX d.test nxdomain", NO_STS}, NULL, REMEMBERED, R(ANSWER_HELD),
     SS_REFUSES, "PREC-09", "", "memory"},
    {"RES-26 dnssec-lost", {MX, A, NO_STS}, NULL, REMEMBERED | LOST, R(DNSSEC_LOST), SS_SKIPS,
     "RES-26", "RFC 7672 2.1.1", "memory"},
    {"RES-25 address-as-mx", {"MX d.test insecure 10:192.0.2.1", NO_STS}, NULL, 0,
     R(ADDRESS_AS_MX), SS_SKIPS, "RES-25", "RFC 5321 5.1", "dns"},
    {"RES-12 null-host", {"MX d.test insecure 0:. 10:.", NO_STS}, NULL, 0, R(NULL_HOST), SS_SKIPS,
     "RES-12", "RFC 7505 3", "dns"},
    {"RES-19 addr-servfail", ADDRESSES("servfail"), NULL, 0, R(ADDR_SERVFAIL), SS_SKIPS, "RES-19",
     "RFC 7672 2.1.2", "dns"},
    {"RES-19 addr-timeout", ADDRESSES("timeout"), NULL, 0, R(ADDR_TIMEOUT), SS_SKIPS, "RES-19",
     "RFC 7672 2.1.2", "dns"},
    {"RES-19 addr-bogus", ADDRESSES("bogus"), NULL, 0, R(ADDR_BOGUS), SS_SKIPS, "RES-19",
     "RFC 7672 2.1.2", "dns"},
    {"RES-15 addr-alias", ADDRESSES("alias"), NULL, 0, R(ADDR_ALIAS), SS_SKIPS, "RES-15",
     "RFC 7672 2.1.3", "dns"},
    {"RES-19 addr-rcode", ADDRESSES("refused"), NULL, 0, R(ADDR_RCODE), SS_SKIPS, "RES-19",
     "RFC 7672 2.1.2", "dns"},
    {"RES-19 addr-malformed", ADDRESSES("malformed"), NULL, 0, R(ADDR_MALFORMED), SS_SKIPS, "RES-19",
     "RFC 7672 2.1.2", "dns"},
    {"RES-06 addr-indeterminate", ADDRESSES("indeterminate"), NULL, 0, R(ADDR_INDETERMINATE), SS_SKIPS,
     "RES-06", "RFC 7672 2.1.1", "dns"},
    {"RES-30 cname-lookup",
     {SIGNED_MX, "A a.d.test insecure cname=h.p.test 192.0.2.1", "AAAA a.d.test insecure cname=h.p.test 2001:db8::1",
      "CNAME a.d.test timeout", NO_STS}, NULL, 0, R(CNAME_LOOKUP), SS_SKIPS, "RES-30",
     "RFC 7672 2.2.2", "dns"},
    {"TLSA-04 tlsa-servfail", TLSA_IS("servfail"), NULL, 0, R(TLSA_SERVFAIL), SS_SKIPS, "TLSA-04",
     "RFC 7672 2.1.2", "dns"},
    {"TLSA-04 tlsa-timeout", TLSA_IS("timeout"), NULL, 0, R(TLSA_TIMEOUT), SS_SKIPS, "TLSA-04",
     "RFC 7672 2.1.2", "dns"},
    {"TLSA-05 tlsa-bogus", TLSA_IS("bogus"), NULL, 0, R(TLSA_BOGUS), SS_SKIPS, "TLSA-05",
     "RFC 7672 2.2", "dns"},
    {"TLSA-09 tlsa-alias", TLSA_IS("alias"), NULL, 0, R(TLSA_ALIAS), SS_SKIPS, "TLSA-09",
     "RFC 7672 2.1.3", "dns"},
    {"TLSA-04 tlsa-rcode", TLSA_IS("refused"), NULL, 0, R(TLSA_RCODE), SS_SKIPS, "TLSA-04",
     "RFC 7672 2.1.2", "dns"},
    {"TLSA-04 tlsa-malformed", TLSA_IS("malformed"), NULL, 0, R(TLSA_MALFORMED), SS_SKIPS, "TLSA-04",
     "RFC 7672 2.1.2", "dns"},
    {"TLSA-25 tlsa-truncated", TLSA_IS("truncated"), NULL, 0, R(TLSA_TRUNCATED), SS_SKIPS, "TLSA-25",
     "RFC 7671 10.1.1", "dns"},
    {"RES-06 tlsa-indeterminate", TLSA_IS("indeterminate"), NULL, 0, R(TLSA_INDETERMINATE), SS_SKIPS,
     "RES-06", "RFC 7672 2.1.1", "dns"},
    {"TLSA-23 dane-required", TLSA_IS("nxdomain-secure"), NULL, MIN_DANE, R(DANE_REQUIRED), SS_SKIPS,
     "TLSA-23", "RFC 7672 6", "operator"},
    {"PREC-08 sts-required", {MX, A, NO_STS}, NULL, MIN_STS, R(STS_REQUIRED), SS_SKIPS, "PREC-08",
     "RFC 8461 5", "operator"},
    {"STSA-01 sts-mx-mismatch", {MX, A, STS}, OTHERS, 0, R(STS_MX_MISMATCH), SS_SKIPS, "STSA-01",
     "RFC 8461 4.1", "https"},
    {"STSA-01 sts-mx-mismatch, by a cached policy", {MX, A, NO_STS}, OTHERS, CACHED,
     R(STS_MX_MISMATCH), SS_SKIPS, "STSA-01", "RFC 8461 4.1", "cache"},
    {"STSA-01 sts-mx-mismatch, strict testing", {MX, A, STS}, TESTING, STRICT, R(STS_MX_MISMATCH),
     SS_SKIPS, "STSA-01", "RFC 8461 4.1", "https"},
    {"PREC-09 downgrade", {MX, A, NO_STS}, NULL, REMEMBERED, R(DOWNGRADE), SS_SKIPS, "PREC-09",
     "RFC 3207 6", "memory"},
    {"RTLS-04 requiretls-mx-unauthenticated", {MX, A, NO_STS}, NULL, REQUIRETLS,
     R(REQUIRETLS_MX_UNAUTHENTICATED), SS_SKIPS, "RTLS-04", "RFC 8689 4.2.1", "message"},
    /* Effects other than a refusal. */
    {"TLSA-10 raises", TLSA_IS("secure 3.1.1.171"), NULL, 0, R(NONE), SS_RAISES, "TLSA-10",
     "RFC 7672 2.2", "dns"},
    {"RTLS-01 raises", TLSA_IS("secure 3.1.1.171"), NULL, REQUIRETLS, R(NONE), SS_RAISES, "RTLS-01",
     "RFC 8689 2", "message"},
    {"PREC-08 raises", {MX, A, NO_STS}, NULL, MIN_TLS, R(NONE), SS_RAISES, "PREC-08", "RFC 7672 6",
     "operator"},
    {"PREC-09 reports", {MX, A, NO_STS}, NULL, REMEMBERED | REPORT, R(NONE), SS_REPORTS, "PREC-09",
     "RFC 3207 6", "memory"},
    {"STSA-10 reports", {MX, A, STS}, TESTING, 0, R(NONE), SS_REPORTS, "STSA-10", "RFC 8461 5",
     "https"},
    {"TRN-01 lowers", TLSA_IS("secure 3.1.1.171"), NULL, LIFTED, R(NONE), SS_LOWERS, "TRN-01",
     "RFC 8689 4.2.2", "message"},
    {"TLSA-11 lowers", TLSA_IS("secure 0.1.1.171"), NULL, 0, R(NONE), SS_LOWERS, "TLSA-11",
     "RFC 7672 2.2", "dns"},
    {"RES-26 lowers", {MX, A, NO_STS}, NULL, LOST, R(NONE), SS_LOWERS, "RES-26", "RFC 7672 2.1.1",
     "dns"},
    {"TLSA-15 skips a record", TLSA_IS("secure 4.1.1.171"), NULL, 0, R(NONE), SS_SKIPS, "TLSA-15",
     "RFC 6698 4.1", "dns"},
    {"TLSA-14 skips a record", TLSA_IS("secure 1.1.1.171"), NULL, 0, R(NONE), SS_SKIPS, "TLSA-14",
     "RFC 7672 3.1.3", "dns"},
    {"STSD-06 informs", {MX, A, NO_STS}, NULL, 0, R(NONE), SS_INFORMS, "STSD-06", "RFC 8461 3.1",
     "dns"},
};

static void
settle(const struct plan_row *row, struct ss_settings *settings, struct ss_evidence *evidence)
{
    size_t i;

    memset(settings, 0, sizeof(*settings));
    ss_settings_init(settings);
    settings->sts_strict = (row->how & STRICT) != 0;
    settings->minimum = row->how & MIN_DANE  ? SMTPSEC_LEVEL_DANE
                        : row->how & MIN_STS ? SMTPSEC_LEVEL_MTA_STS
                        : row->how & MIN_TLS ? SMTPSEC_LEVEL_ENCRYPTED
                                             : SMTPSEC_LEVEL_NONE;
    if (row->how & OWN)
        settings->own_names[settings->own_name_count++] = facts_name("own.test");
    if (row->how & REPORT)
        settings->memory.mode[SMTPSEC_CLAIM_DANE] = SMTPSEC_MODE_REPORT;
    facts_init(evidence, "d.test");
    for (i = 0; i < LINES && row->lines[i] != NULL; i++)
        facts_dns(evidence, row->lines[i]);
    if (row->how & CACHED)
        facts_entry(&evidence->entry, "1", row->policy, FACTS_NOW - 100, 86400);
    else if (row->policy != NULL)
        facts_https(evidence, row->policy);
    if (row->how & REMEMBERED)
        facts_claim(&evidence->record, SMTPSEC_CLAIM_DANE, "a.d.test", 30, FACTS_NOW - 100,
                    FACTS_NOW + 86400);
    if (row->how & LOST)
        evidence->dnssec = SMTPSEC_DNSSEC_LOST;
}

static struct smtpsec_plan *
make_plan(const struct plan_row *row)
{
    struct smtpsec_message message = {0};
    struct smtpsec_plan *plan, *derived;
    struct ss_settings settings;
    struct ss_evidence evidence;

    settle(row, &settings, &evidence);
    assert_int_equal(ss_decide(&evidence, &settings, FACTS_NOW, &plan), 0);
    message.requiretls = (row->how & REQUIRETLS) != 0;
    message.tls_required_no = (row->how & LIFTED) != 0;
    assert_int_equal(ss_plan_copy_facts(plan, &derived), 0);
    assert_int_equal(ss_plan_apply(derived, &message), 0);
    ss_plan_free(plan);
    ss_evidence_free(&evidence);
    return derived;
}

static bool
has_reason(const struct smtpsec_plan *plan, int32_t reason)
{
    size_t i;

    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].reason == reason)
            return true;
    return plan->reason == reason;
}

static bool
is_source(const char *source)
{
    static const char *const sources[] = {"dns", "https", "cache", "memory", "operator", "message",
                                          "session"};
    size_t i;

    for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        if (strcmp(source, sources[i]) == 0)
            return true;
    return false;
}

static void
check_plan(void **state)
{
    const struct plan_row *row = *state;
    struct smtpsec_plan *plan = make_plan(row);
    char seen[4096] = "";
    size_t i, found = 0;

    assert_true(has_reason(plan, row->reason) || row->reason == R(NONE));
    for (i = 0; i < plan->notes.count; i++) {
        const struct ss_note *note = &plan->notes.list[i];
        size_t at = strlen(seen);

        found += note->effect == row->effect && strcmp(note->rule, row->rule) == 0 &&
                 strcmp(note->rfc, row->rfc) == 0 && strcmp(note->source, row->source) == 0 &&
                 (row->reason == R(NONE) ||
                  strstr(note->text, smtpsec_reason_text(row->reason)) != NULL);
        snprintf(seen + at, sizeof(seen) - at, "\n%s %s, %s, %s: %s", ss_effect_name(note->effect),
                 note->rule, note->rfc, note->source, note->text);
        /* Every line says by which rule, and by whose word. */
        assert_true(note->rule[0] != '\0' && is_source(note->source));
    }
    if (found == 0)
        fail_msg("no such line:%s", seen);
    ss_plan_free(plan);
}

/* ---- Sessions ---- */

struct session_row {
    const char *name;
    int32_t reason;
    int32_t identity; /* whose reason it is; 0: of the connection */
    const char *rule, *rfc, *source;
};

#define OF_CHAIN(name, reason, rfc) {"STSA-04 " name, R(reason), P, "STSA-04", rfc, "session"}

static const struct session_row session_rows[] = {
    {"TLSA-10 no-starttls", R(NO_STARTTLS), 0, "TLSA-10", "RFC 7672 2.2", "session"},
    {"PREC-17 starttls-refused", R(STARTTLS_REFUSED), 0, "PREC-17", "RFC 3207 4", "session"},
    {"PREC-16 starttls-injection", R(STARTTLS_INJECTION), 0, "PREC-16", "RFC 3207 6", "session"},
    {"TLSA-10 tls-handshake", R(TLS_HANDSHAKE), 0, "TLSA-10", "RFC 7672 2.2", "session"},
    {"RES-03 connect-failed", R(CONNECT_FAILED), 0, "RES-03", "RFC 5321 5.1", "session"},
    {"DANE-EE-12 tls-version", R(TLS_VERSION), 0, "DANE-EE-12", "RFC 7671 3", "session"},
    {"PREC-12 resumed", R(RESUMED), 0, "PREC-12", "RFC 7672 2.2.1", "session"},
    {"TLSA-24 requirement-expired", R(REQUIREMENT_EXPIRED), 0, "TLSA-24", "RFC 7672 2.2", "dns"},
    {"DANE-EE-11 no-certificate", R(NO_CERTIFICATE), D, "DANE-EE-11", "RFC 7672 8.2", "session"},
    {"DANE-EE-10 rpk", R(RAW_PUBLIC_KEY), D, "DANE-EE-10", "RFC 7671 5.1", "session"},
    {"DANE-EE-09 dane-no-match", R(DANE_NO_MATCH), D, "DANE-EE-09", "RFC 7672 2.2", "session"},
    {"DANE-TA-01 dane-ta-no-path", R(DANE_TA_NO_PATH), D, "DANE-TA-01", "RFC 7672 3.1.2", "session"},
    {"DANE-TA-12 dane-ta-leaf", R(DANE_TA_LEAF), D, "DANE-TA-12", "RFC 7671 5.2", "session"},
    {"NAME-10 name-mismatch under DANE-TA", R(NAME_MISMATCH), D, "NAME-10", "RFC 9525 6.3",
     "session"},
    OF_CHAIN("name-mismatch", NAME_MISMATCH, "RFC 9525 6.3"),
    OF_CHAIN("expired", EXPIRED, "RFC 5280 6.1"),
    OF_CHAIN("not-yet-valid", NOT_YET_VALID, "RFC 5280 6.1"),
    OF_CHAIN("not-trusted", NOT_TRUSTED, "RFC 5280 6.1"),
    OF_CHAIN("self-signed", SELF_SIGNED, "RFC 5280 6.1"),
    OF_CHAIN("not-ca", NOT_CA, "RFC 5280 4.2.1.9"),
    OF_CHAIN("path-length", PATH_LENGTH, "RFC 5280 4.2.1.9"),
    OF_CHAIN("name-constraint", NAME_CONSTRAINT, "RFC 5280 4.2.1.10"),
    OF_CHAIN("eku", EKU, "RFC 5280 4.2.1.12"),
    OF_CHAIN("weak-algorithm", WEAK_ALGORITHM, ""),
    OF_CHAIN("bad-certificate", BAD_CERTIFICATE, "RFC 5280 4.1"),
    OF_CHAIN("chain-too-long", CHAIN_TOO_LONG, ""),
    OF_CHAIN("bad-signature", BAD_SIGNATURE, "RFC 5280 6.1"),
    OF_CHAIN("key-usage", KEY_USAGE, "RFC 5280 4.2.1.3"),
    {"STSA-04 no-trust-anchors", R(NO_TRUST_ANCHORS), P, "STSA-04", "", "operator"},
};

/* A judgement that was made so; the trace is written from it. */
static void
judged(const struct session_row *row, struct smtpsec_requirement *requirement,
       struct smtpsec_session *session, struct smtpsec_verdict *verdict)
{
    static const int32_t plain[] = {R(CONNECT_FAILED), R(NO_STARTTLS), R(STARTTLS_REFUSED),
                                    R(TLS_HANDSHAKE), R(NONE), R(STARTTLS_INJECTION)};
    int32_t i;

    memset(verdict, 0, sizeof(*verdict));
    memset(session, 0, sizeof(*session));
    session->starttls = SMTPSEC_STARTTLS_DONE;
    session->version = row->reason == R(TLS_VERSION) ? 0x0302 : 0x0304;
    session->resumed = row->reason == R(RESUMED);
    for (i = 0; i < (int32_t)(sizeof(plain) / sizeof(plain[0])); i++)
        if (plain[i] == row->reason)
            session->starttls = i;
    verdict->plain = session->starttls != SMTPSEC_STARTTLS_DONE ? row->reason : R(NONE);
    verdict->reason = row->reason;
    verdict->judged = row->identity;
    verdict->dane = verdict->pkix = row->reason;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->tls_version = 0x0303;
    requirement->identities = row->identity != 0 ? row->identity : D;
}

static void
check_session(void **state)
{
    const struct session_row *row = *state;
    struct smtpsec_requirement *requirement;
    struct smtpsec_session session;
    struct smtpsec_verdict verdict;
    struct ss_trace trace;
    size_t i, found = 0;

    assert_int_equal(ss_requirement_new(&requirement), 0);
    judged(row, requirement, &session, &verdict);
    ss_word_facts_take(requirement, &session, &verdict);
    ss_verdict_trace(&verdict, &trace);
    for (i = 0; i < trace.count; i++) {
        const struct ss_step *step = &trace.steps[i];

        found += step->effect == SS_REFUSES && strcmp(step->rule, row->rule) == 0 &&
                 strcmp(step->rfc, row->rfc) == 0 && strcmp(step->source, row->source) == 0 &&
                 strcmp(step->text, smtpsec_reason_text(row->reason)) == 0;
    }
    assert_int_equal(found, 1);
    ss_requirement_free(requirement);
}

/* ---- The walk ---- */

/* Told elsewhere: of a TLSA record, or not by this library's judgement. */
static bool
told_elsewhere(int32_t reason)
{
    return reason == R(NONE) ||
           reason >= R(TLSA_SHORT) || /* test_tlsa.c */
           reason == R(INVALID_DOMAIN) || /* such a destination cannot be made */
           reason == R(TOO_MANY_HOSTS) || /* test_decide.c: 100 hosts */
           reason == R(MX_IS_SELF) || /* cut from the list: no-better-host, or nothing */
           reason == R(REQUIRETLS_UNSUPPORTED); /* of a reply: test_tally.c */
}

static void
every_reason(void **state)
{
    const struct ss_reason *reason;
    size_t i, k, rows;

    (void)state;
    for (i = 0; i < ss_reason_count(); i++) {
        reason = ss_reason_at(i);
        rows = told_elsewhere(reason->code);
        for (k = 0; k < sizeof(plan_rows) / sizeof(plan_rows[0]); k++)
            rows += plan_rows[k].reason == reason->code;
        for (k = 0; k < sizeof(session_rows) / sizeof(session_rows[0]); k++)
            rows += session_rows[k].reason == reason->code;
        if (rows == 0)
            fail_msg("no row tells what the trace says of %s", reason->name);
        if (reason->code == R(NONE))
            continue;
        assert_true(strlen(ss_reason_origin(reason->code)->rule) > 4);
        assert_true(is_source(ss_reason_origin(reason->code)->source));
    }
    assert_string_equal(ss_reason_origin(9999)->rule, "");
}

/* ---- Octets of strangers ---- */

/* What is faulty is shown, escaped and cut, with where it came from. */
struct fault_row {
    const char *name;
    const char *lines[LINES];
    const char *policy;
    const char *rule, *source, *input;
};

static const struct fault_row fault_rows[] = {
    {"STSP-12 a policy's line", {MX, A, STS}, "version: STSv1\n\xc2\x9b" "31m no colon\n", "STSP-12",
     "https", "\\xc2\\x9b31m no colon"},
    {"STSP-02 a policy's octets", {MX, A, STS}, "version: STSv1\n\x1b[2J\n", "STSP-02", "https",
     "version: STSv1\\x0a\\x1b[2J\\x0a"},
    {"STSP-17 an mx line", {MX, A, STS}, "mx: \"<script>\"\n", "STSP-17", "https",
     "mx: \"<script>\""},
    {"STSD-12 a record", {MX, A, "TXT _mta-sts.d.test insecure v=STSv1;\xff\x7f;id=1;"}, NULL,
     "STSD-12", "dns", "v=STSv1;\\xff\\x7f;id=1;"},
    {"STSD-04 no record", {MX, A, "TXT _mta-sts.d.test insecure \\x"}, NULL, "STSD-04", "dns",
     "\\x5cx"},
    {"TLSA-15 a TLSA record", TLSA_IS("secure 9.1.1.1"), NULL, "TLSA-15", "dns",
     "9 1 1 0101010101010101010101010101010101010101010101010101010101010101"},
};

static void
check_fault(void **state)
{
    const struct fault_row *row = *state;
    struct plan_row world = {.policy = row->policy};
    struct smtpsec_plan *plan;
    size_t i, k, found = 0;

    memcpy(world.lines, row->lines, sizeof(world.lines));
    plan = make_plan(&world);
    for (i = 0; i < plan->notes.count; i++) {
        const struct ss_note *note = &plan->notes.list[i];

        for (k = 0; note->text[k] != '\0'; k++)
            assert_in_range(note->text[k], ' ', '~');
        for (k = 0; note->input[k] != '\0'; k++)
            assert_in_range(note->input[k], ' ', '~');
        if (strcmp(note->rule, row->rule) != 0 || note->effect != SS_SKIPS)
            continue;
        found++;
        assert_string_equal(note->input, row->input);
        assert_string_equal(note->source, row->source);
        assert_int_equal(note->age, 0);
    }
    assert_int_equal(found, 1);
    ss_plan_free(plan);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/trace");

    SS_TABLE_ROWS(&t, check_plan, plan_rows);
    SS_TABLE_ROWS(&t, check_session, session_rows);
    SS_TABLE_ROWS(&t, check_fault, fault_rows);
    ss_table_case(&t, "every reason has a line, a rule and a source", every_reason);
    return ss_table_run(&t);
}
