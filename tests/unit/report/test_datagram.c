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
        assert_int_equal(report.entries[entry].failures, 1); /* the bare result has room */
    }
    line[3000] = '\0';
    assert_int_equal(ss_report_fail(&report, 0, &failure), 0);
    assert_int_equal(ss_report_fail(&report, 0, &failure), 0);
    assert_int_equal(report.entries[0].failures, 3);
    assert_int_equal(ss_datagram_write(&report, &out), 0);
    assert_true(out.len > SS_DATAGRAM_OCTETS - 8000 && out.len <= SS_DATAGRAM_OCTETS);
    assert_memory_equal(out.data + out.len - 11, ":1,\"f\":1}]}", 11);
    ss_buf_free(&out);
    ss_report_clear(&report);
}

/* ---- Hostile texts ---- */

/* Printable ASCII, strings that end, escapes that are JSON's, brackets that pair, nothing behind. */
static void
must_be_json(const struct ss_buf *out)
{
    char open[16];
    size_t depth = 0, i;
    bool text = false;

    for (i = 0; i < out->len; i++) {
        char c = (char)out->data[i];

        assert_in_range(c, ' ', '~');
        if (text && c == '\\') {
            c = (char)out->data[++i];
            assert_true(c == '"' || c == '\\' || c == 'u');
            if (c == 'u') {
                assert_memory_equal(out->data + i + 1, "00", 2);
                i += 4;
            }
        } else if (c == '"') {
            text = !text;
        } else if (!text && (c == '{' || c == '[')) {
            assert_true(depth < sizeof(open));
            open[depth++] = c;
        } else if (!text && (c == '}' || c == ']')) {
            assert_true(depth > 0 && open[--depth] == (c == '}' ? '{' : '['));
            assert_true(depth > 0 || i + 1 == out->len);
            assert_true(out->data[i - 1] != ',');
        }
    }
    assert_true(!text && depth == 0 && i == out->len);
}

static uint64_t
next(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

/* Octets that break things, or any; terminated. */
static size_t
hostile(uint64_t *seed, char *out, size_t room)
{
    static const char nasty[] = "\"\\\n\r\t\x1b\x7f\x80\xff{}[],:/u\xed\xa0\x80";
    size_t len = next(seed) % room, i;

    for (i = 0; i < len; i++)
        out[i] = next(seed) % 3 > 0 ? nasty[next(seed) % (sizeof(nasty) - 1)]
                                    : (char)next(seed);
    out[len] = '\0';
    return len;
}

static void
hostile_texts(void **state)
{
    static char text[6][9000];
    static const size_t rooms[] = {20, 300, 9000};
    uint64_t seed = 1;
    size_t round, i, k, of, entry, room, len, counted;
    struct ss_buf out;

    (void)state;
    for (round = 0; round < 30; round++) {
        room = rooms[round % 3];
        hostile(&seed, text[0], room);
        hostile(&seed, text[1], room > 1025 ? 1025 : room);
        assert_int_equal(ss_report_init(&report, text[0], text[1]), 0);
        for (i = 0; i < 1 + round % 7; i++) {
            hostile(&seed, text[0], room);
            of = policy(1 + (int32_t)(i % 2), text[0]);
            for (k = 0; k < 8; k++) {
                len = hostile(&seed, text[1], room); /* NULs among them */
                string(of, text[1], len);
                assert_int_equal(ss_report_add_pattern(&report, of, text[1]), 0);
            }
            entry = begin(of);
            for (k = 0; k < 5; k++)
                hostile(&seed, text[1 + k], room);
            for (k = 0; k < 3; k++)
                assert_int_equal(ss_report_fail(&report, entry, &(struct ss_report_failure){
                    SMTPSEC_RESULT_VALIDATION_FAILURE, text[1], text[2], text[3], text[4], text[5]}), 0);
            counted = report.entries[entry].failures;
            assert_in_range(counted, 1, 3); /* never a success */
        }
        assert_int_equal(ss_datagram_write(&report, &out), 0);
        assert_in_range(out.len, 1, SS_DATAGRAM_OCTETS);
        must_be_json(&out);
        ss_buf_free(&out);
        ss_report_clear(&report);
    }
}

/* What a server calls itself, at any length, makes no success of its failure. */
static void
long_helo(void **state)
{
    static char helo[SS_REPORT_ENTRY_OCTETS + 1];
    struct ss_report_failure failure = {SMTPSEC_RESULT_STARTTLS_NOT_SUPPORTED, "192.0.2.1", "mx.d.test",
                                        helo, "192.0.2.2", "no-starttls"};

    (void)state;
    memset(helo, 'a', sizeof(helo) - 1);
    start();
    assert_int_equal(ss_report_fail(&report, begin(policy(SMTPSEC_POLICY_NONE, "d.test")), &failure), 0);
    must_be(HEAD "{\"policy-type\":9,\"policy-domain\":\"d.test\",\"failure-details\":[{\"c\":201}],"
                 "\"t\":1,\"f\":1}" TAIL);
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
    ss_table_case(&t, "RPT-24 hostile texts in every field", hostile_texts);
    ss_table_case(&t, "RPT-02 a name without end in reply to EHLO is a failure all the same", long_helo);
    ss_table_case(&t, "a policy without end is cut, and the datagram with it", bounds);
    return ss_table_run(&t);
}
