/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The datagram as a collector reads it: keys, order, numbers, escapes, bounds. */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "report/datagram.h"
#include "report/json.h"

#define RECORD "v=TLSRPTv1;rua=mailto:r@d.test"
#define HEAD "{\"dpv\":\"1\",\"d\":\"d.test\",\"pr\":\"" RECORD "\",\"policies\":["
#define TAIL "]}"

static struct ss_report report;

static size_t
policy(int32_t type, const char *domain)
{
    size_t index;

    assert_int_equal(ss_report_policy(&report, type, domain, &index), 0);
    return index;
}

static size_t
begin(size_t of)
{
    size_t index;

    assert_int_equal(ss_report_begin(&report, of, &index), 0);
    return index;
}

static void
string(size_t of, const char *text, size_t len)
{
    struct ss_bytes bytes = {(const uint8_t *)text, len};

    assert_int_equal(ss_report_add_string(&report, of, bytes), 0);
}

static void
must_be(const char *want)
{
    struct ss_buf out;

    assert_int_equal(ss_datagram_write(&report, &out), 0);
    ss_buf_u8(&out, 0);
    assert_true(ss_buf_ok(&out));
    assert_string_equal((const char *)out.data, want);
    ss_buf_free(&out);
    ss_report_clear(&report);
}

static void
start(void)
{
    assert_int_equal(ss_report_init(&report, "d.test", RECORD), 0);
}

static void
nothing(void **state)
{
    struct ss_buf out;

    (void)state;
    start();
    policy(SMTPSEC_POLICY_STS, "d.test");
    assert_int_equal(ss_datagram_write(&report, &out), 0);
    assert_int_equal(out.len, 0);
    ss_buf_free(&out);
    ss_report_clear(&report);
}

static void
success(void **state)
{
    (void)state;
    start();
    begin(policy(SMTPSEC_POLICY_NONE, "d.test"));
    must_be(HEAD "{\"policy-type\":9,\"policy-domain\":\"d.test\",\"t\":0,\"f\":0}" TAIL);
}

static void
two_policies(void **state)
{
    size_t tlsa, sts;

    (void)state;
    start();
    tlsa = policy(SMTPSEC_POLICY_TLSA, "mx.p.test");
    sts = policy(SMTPSEC_POLICY_STS, "d.test");
    assert_int_equal(policy(SMTPSEC_POLICY_TLSA, "mx.p.test"), tlsa);
    string(tlsa, "3 1 1 abcd", 10);
    string(sts, "version: STSv1", 14);
    string(sts, "mode: enforce", 13);
    assert_int_equal(ss_report_add_pattern(&report, sts, "*.p.test"), 0);
    assert_int_equal(ss_report_add_pattern(&report, sts, "mx.d.test"), 0);
    begin(tlsa);
    begin(sts);
    must_be(HEAD "{\"policy-type\":1,\"policy-domain\":\"mx.p.test\",\"policy-string\":[\"3 1 1 abcd\"],"
                 "\"t\":0,\"f\":0},"
                 "{\"policy-type\":2,\"policy-domain\":\"d.test\",\"policy-string\":[\"version: STSv1\","
                 "\"mode: enforce\"],\"mx-host\":[\"*.p.test\",\"mx.d.test\"],\"t\":0,\"f\":0}" TAIL);
}

static void
details(void **state)
{
    struct ss_report_failure full = {SMTPSEC_RESULT_CERTIFICATE_EXPIRED, "192.0.2.1", "mx.d.test",
                                     "mx", "192.0.2.2", "expired"};
    struct ss_report_failure bare = {SMTPSEC_RESULT_STS_POLICY_FETCH_ERROR, NULL, "", NULL, NULL,
                                     NULL};
    size_t entry;

    (void)state;
    start();
    entry = begin(policy(SMTPSEC_POLICY_STS, "d.test"));
    assert_int_equal(ss_report_fail(&report, entry, &full), 0);
    assert_int_equal(ss_report_fail(&report, entry, &bare), 0);
    must_be(HEAD "{\"policy-type\":2,\"policy-domain\":\"d.test\",\"failure-details\":["
                 "{\"c\":204,\"s\":\"192.0.2.1\",\"n\":\"mx.d.test\",\"h\":\"mx\",\"r\":\"192.0.2.2\","
                 "\"f\":\"expired\"},{\"c\":301}],\"t\":2,\"f\":1}" TAIL);
}

struct escape {
    const char *name;
    const char *text;
    size_t len;
    const char *want;
};

static const struct escape escapes[] = {
    {"json/empty", "", 0, "\"\""},
    {"json/quotes and backslashes", "a\"b\\c/", 6, "\"a\\\"b\\\\c/\""},
    {"json/control octets", "\0\x1f\n\x7f", 4, "\"\\u0000\\u001f\\u000a\\u007f\""},
    {"json/octets outside ASCII, UTF-8 or not", "\xc3\xa9\xff", 3, "\"\\u00c3\\u00a9\\u00ff\""},
};

static void
check_escape(void **state)
{
    const struct escape *row = *state;
    struct ss_buf out;

    ss_buf_init(&out, 100);
    ss_json_text(&out, row->text, row->len);
    ss_buf_u8(&out, 0);
    assert_string_equal((const char *)out.data, row->want);
    ss_buf_free(&out);
}

/* Whatever a stranger publishes, the datagram stays one, and whole. */
static void
bounds(void **state)
{
    static char line[SS_REPORT_POLICY_OCTETS];
    struct ss_buf out;
    size_t of, entry, i;
    struct ss_report_failure failure = {SMTPSEC_RESULT_VALIDATION_FAILURE, NULL, line, NULL, NULL,
                                        NULL};

    (void)state;
    start();
    of = policy(SMTPSEC_POLICY_STS, "d.test");
    memset(line, 0x80, sizeof(line) - 1); /* six octets each, once escaped */
    string(of, line, sizeof(line) - 1);
    assert_int_equal(report.policies[of].strings.len, 0);
    for (i = 0; i < 20; i++)
        string(of, line, 200);
    assert_int_equal(report.policies[of].strings.len, 6 * 1203 - 1);
    for (i = 0; i < 20; i++) {
        entry = begin(of);
        assert_int_equal(ss_report_fail(&report, entry, &failure), 0);
        assert_int_equal(report.entries[entry].failures, 0); /* no room, not counted */
    }
    line[3000] = '\0';
    assert_int_equal(ss_report_fail(&report, 0, &failure), 0);
    assert_int_equal(ss_report_fail(&report, 0, &failure), 0);
    assert_int_equal(report.entries[0].failures, 1);
    assert_int_equal(ss_datagram_write(&report, &out), 0);
    assert_true(out.len > SS_DATAGRAM_OCTETS - 8000 && out.len <= SS_DATAGRAM_OCTETS);
    assert_memory_equal(out.data + out.len - 11, ":0,\"f\":0}]}", 11);
    ss_buf_free(&out);
    ss_report_clear(&report);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("report/datagram");

    SS_TABLE_ROWS(&t, check_escape, escapes);
    ss_table_case(&t, "RPT-24 nothing is written without an entry", nothing);
    ss_table_case(&t, "RPT-20, RPT-24 a success", success);
    ss_table_case(&t, "RPT-21, RPT-22, RPT-24 two policies, one entry each", two_policies);
    ss_table_case(&t, "RPT-19, RPT-23, RPT-24 what is not known has no key", details);
    ss_table_case(&t, "a policy without end is cut, and the datagram with it", bounds);
    return ss_table_run(&t);
}
