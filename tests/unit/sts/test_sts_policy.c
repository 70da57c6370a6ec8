/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "sts/sts_policy.h"
#include "sts_files.h"

#define ENFORCE SMTPSEC_STS_ENFORCE
#define TESTING SMTPSEC_STS_TESTING
#define V "version: STSv1\n"
#define E "mode: enforce\n"
#define X "mx: mx.d.test\n"
#define A "max_age: 100\n"
#define NAME32 "a123456789b123456789c123456789d1"

struct row {
    const char *name;
    const char *body;
    int32_t want_mode; /* ABSENT: not valid */
    int64_t want_max_age;
    size_t want_mx;
    const char *want_rule; /* of the first note; NULL: no note */
};

#define BAD SMTPSEC_STS_ABSENT, 0, 0
#define GOOD ENFORCE, 100, 1

static const struct row rows[] = {
    {"STSP-01 LF", V E X A, GOOD, NULL},
    {"STSP-01 CRLF", "version: STSv1\r\nmode: enforce\r\nmx: mx.d.test\r\nmax_age: 100\r\n", GOOD,
     NULL},
    {"STSP-01 mixed", "version: STSv1\r\nmode: enforce\nmx: mx.d.test\r\nmax_age: 100\n", GOOD,
     NULL},
    {"STSP-01 no final terminator", V E X "max_age: 100", GOOD, NULL},
    {"STSP-02 CR alone", "version: STSv1\rmode: enforce\rmx: mx.d.test\rmax_age: 100\r", BAD,
     "STSP-02"},
    {"STSP-02 CR at the very end", V E X "max_age: 100\r", BAD, "STSP-02"},
    {"STSP-02 CR before CRLF", V E X "max_age: 100\r\r\n", BAD, "STSP-02"},
    {"STSP-02 BOM before version", "\xEF\xBB\xBF" V E X A, BAD, "STSP-02"},
    {"STSP-02 BOM before an extension", "\xEF\xBB\xBFx: y\n" V E X A, BAD, "STSP-02"},
    {"STSP-02 control in an extension", V E X A "x: \x1B\n", BAD, "STSP-02"},
    {"STSP-02 DEL in an extension", V E X A "x: \x7F\n", BAD, "STSP-02"},
    {"STSP-02 not UTF-8", V E X A "x: \xFC\n", BAD, "STSP-02"},
    {"STSP-02 UTF-8 cut off at the end", V E X A "x: \xC3", BAD, "STSP-02"},
    {"STSP-03 version missing", E X A, BAD, "STSP-03"},
    {"STSP-03 mode missing", V X A, BAD, "STSP-03"},
    {"STSP-03 max_age missing", V E X, BAD, "STSP-03"},
    {"STSP-03 mx missing", V E A, BAD, "STSP-03"},
    {"STSP-03 mx missing in testing", V "mode: testing\n" A, BAD, "STSP-03"},
    {"STSP-04 none without mx", V "mode: none\nmax_age: 86400\n", SMTPSEC_STS_NONE, 86400, 0, NULL},
    {"STSP-04 none with mx", V "mode: none\n" X "max_age: 86400\n", SMTPSEC_STS_NONE, 86400, 0,
     NULL},
    {"STSP-05 max_age first, version last", A E X V, GOOD, NULL},
    {"STSP-06 stsv1", "version: stsv1\n" E X A, BAD, "STSP-06"},
    {"STSP-06 STSv2", "version: STSv2\n" E X A, BAD, "STSP-06"},
    {"STSP-06 Enforce", V "mode: Enforce\n" X A, BAD, "STSP-06"},
    {"STSP-06 report", V "mode: report\n" X A, BAD, "STSP-06"},
    {"STSP-06 empty mode", V "mode:\n" X A, BAD, "STSP-06"},
    {"STSP-06 only Mode", V "Mode: enforce\n" X A, BAD, "STSP-03"},
    {"STSP-07 no blank", "version:STSv1\nmode:enforce\nmx:mx.d.test\nmax_age:100\n", GOOD, NULL},
    {"STSP-07 blank before the colon", V "mode :enforce\n" X A, BAD, "STSP-07"},
    {"STSP-07 blank before the colon of a second mx", V E X "mx : b.d.test\n" A, BAD, "STSP-07"},
    {"STSP-07 blank before the key", V "\tmode: enforce\n" X A, BAD, "STSP-07"},
    {"STSP-07 trailing blanks", V "mode: enforce \t \r\n" X A, GOOD, NULL},
    {"STSP-07 several blanks", V "mode: \t enforce\n" X A, GOOD, NULL},
    {"STSP-08 the first mode counts", V "mode: testing\n" E X A, TESTING, 100, 1, NULL},
    {"STSP-08 a later bad max_age is ignored", V E X A "max_age: x\n", GOOD, NULL},
    {"STSP-08 a later bad version is ignored", V "version: STSv2\n" E X A, GOOD, NULL},
    {"STSP-08 the first max_age is bad", V E X "max_age: x\n" A, BAD, "STSP-14"},
    {"STSP-08 the first mode is bad", V "mode: x\n" E X A, BAD, "STSP-06"},
    {"STSP-08 the first version is bad", "version: STSv2\n" V E X A, BAD, "STSP-06"},
    {"STSP-09 mx add up", V X E "mx: *.p.test\n" A, ENFORCE, 100, 2, NULL},
    {"STSP-10 value with colon and blank", V E X A "x_url: https://a.test/b c\n", GOOD, NULL},
    {"STSP-10 value in UTF-8", V E X A "x: b\xC3\xBC \xE4\xB8\xAD \xF0\x9F\x93\xAC\n", GOOD, NULL},
    {"STSP-10 name of 32", V E X A NAME32 ": x\n", GOOD, NULL},
    {"STSP-11 bad characters in a name", V E X A "$$: 1\n", GOOD, "STSP-11"},
    {"STSP-11 name of 33", V E X A NAME32 "2: x\n", GOOD, "STSP-11"},
    {"STSP-11 empty name", V E X A ": x\n", GOOD, "STSP-11"},
    {"STSP-11 empty value", V E X A "x:\n", GOOD, "STSP-11"},
    {"STSP-12 line without a colon", V E X A "garbage\n", BAD, "STSP-12"},
    {"STSP-13 blank lines", "\n" V "\r\n" E " \t\n" X A "\n\n", GOOD, NULL},
    {"STSP-14 -1", V E X "max_age: -1\n", BAD, "STSP-14"},
    {"STSP-14 +1", V E X "max_age: +1\n", BAD, "STSP-14"},
    {"STSP-14 1d", V E X "max_age: 1d\n", BAD, "STSP-14"},
    {"STSP-14 empty", V E X "max_age:\n", BAD, "STSP-14"},
    {"STSP-14 two numbers", V E X "max_age: 1 2\n", BAD, "STSP-14"},
    {"STSP-14 ten digits", V E X "max_age: 0000000100\n", GOOD, NULL},
    {"STSP-14 eleven digits", V E X "max_age: 00000000100\n", BAD, "STSP-14"},
    {"STSP-15 the maximum", V E X "max_age: 31557600\n", ENFORCE, SS_STS_MAX_AGE, 1, NULL},
    {"STSP-15 one more is clamped", V E X "max_age: 31557601\n", ENFORCE, 31557600, 1, "STSP-15"},
    {"STSP-15 9999999999 is clamped", V E X "max_age: 9999999999\n", ENFORCE, 31557600, 1,
     "STSP-15"},
    {"STSP-16 zero", V E X "max_age: 0\n", ENFORCE, 0, 1, NULL},
    {"STSP-17 a bad mx beside a good one", V E X "mx: *\n" A, BAD, "STSP-17"},
    {"STSP-17 a bad mx in mode none", V "mode: none\nmx: *\n" A, BAD, "STSP-17"},
    {"STSF-14 hello", "hello", BAD, "STSP-12"},
    {"STSP-03 empty body", "", BAD, "STSP-03"},
};

static void
read_body(struct ss_sts_policy *policy, const void *body, size_t len, bool *valid,
          struct ss_notes *notes)
{
    struct ss_bytes bytes = {body, len};

    memset(policy, 'x', sizeof(*policy));
    assert_int_equal(ss_sts_policy_read(policy, bytes, valid, notes), 0);
    if (!*valid) {
        assert_int_equal(policy->mode, SMTPSEC_STS_ABSENT);
        assert_int_equal(policy->mx_count, 0);
        assert_null(policy->mx);
    }
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_sts_policy policy;
    struct ss_notes notes = {0};
    bool valid = false;

    read_body(&policy, row->body, strlen(row->body), &valid, &notes);
    assert_int_equal(valid, row->want_mode != SMTPSEC_STS_ABSENT);
    assert_int_equal(policy.mode, row->want_mode);
    assert_int_equal(policy.max_age, row->want_max_age);
    assert_int_equal(policy.mx_count, row->want_mx);
    assert_int_equal(notes.count > 0, row->want_rule != NULL);
    if (row->want_rule != NULL)
        assert_string_equal(notes.list[0].rule, row->want_rule);
    ss_sts_policy_free(&policy);
    ss_notes_free(&notes);
}

static void
nul_inside(void **state)
{
    static const char body[] = V E X A "x: a\0b\n";
    struct ss_sts_policy policy;
    bool valid = true;

    (void)state;
    read_body(&policy, body, sizeof(body) - 1, &valid, NULL);
    assert_false(valid);
}

/* A body of exactly len octets, padded by one long extension value. */
static bool
padded_is_valid(size_t len)
{
    static const char head[] = V E X A "x: ";
    char *body = malloc(len);
    struct ss_sts_policy policy;
    bool valid = false;

    assert_non_null(body);
    memset(body, 'a', len);
    memcpy(body, head, sizeof(head) - 1);
    read_body(&policy, body, len, &valid, NULL);
    ss_sts_policy_free(&policy);
    free(body);
    return valid;
}

static void
body_limit(void **state)
{
    (void)state;
    assert_true(padded_is_valid(SS_STS_BODY_MAX));
    assert_false(padded_is_valid(SS_STS_BODY_MAX + 1));
}

static bool
mx_lines_are_valid(size_t count)
{
    static char body[SS_STS_BODY_MAX];
    struct ss_sts_policy policy;
    bool valid = false;
    size_t len, i;

    len = (size_t)snprintf(body, sizeof(body), V E A);
    for (i = 0; i < count; i++)
        len += (size_t)snprintf(body + len, sizeof(body) - len, "mx: h%zu.d.test\n", i);
    assert_true(len < sizeof(body));
    read_body(&policy, body, len, &valid, NULL);
    assert_int_equal(policy.mx_count, valid ? count : 0);
    ss_sts_policy_free(&policy);
    return valid;
}

static void
mx_limit(void **state)
{
    (void)state;
    assert_true(mx_lines_are_valid(SS_STS_MX_MAX));
    assert_false(mx_lines_are_valid(SS_STS_MX_MAX + 1));
}

/* A body of nothing but faults leaves room for the notes of others. */
static void
notes_are_few(void **state)
{
    static char body[SS_STS_BODY_MAX];
    struct ss_sts_policy policy;
    struct ss_notes notes = {0};
    bool valid = true;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(body); i++)
        body[i] = "g\n"[i % 2];
    read_body(&policy, body, sizeof(body), &valid, &notes);
    assert_false(valid);
    assert_in_range(notes.count, 1, 16);
    ss_notes_free(&notes);
}

static void
free_takes_null(void **state)
{
    (void)state;
    ss_sts_policy_free(NULL);
}

/* STSF-14 stands for texts that are no policy at all, whatever their first fault is. */
static bool
is_told(const struct ss_notes *notes, const char *rules)
{
    size_t i;

    for (i = 0; i < notes->count; i++)
        if (strstr(rules, notes->list[i].rule) != NULL)
            return true;
    return notes->count > 0 && strstr(rules, "STSF-14") != NULL;
}

static void
check_file(const struct sts_file *file)
{
    struct ss_sts_policy policy;
    struct ss_notes notes = {0};
    bool valid = false;

    read_body(&policy, file->data, file->len, &valid, &notes);
    if (valid != file->ok)
        fail_msg("%s: valid %d", file->name, (int)valid);
    if (!file->ok && !is_told(&notes, file->rules))
        fail_msg("%s: refused, and no note names %s", file->name, file->rules);
    ss_sts_policy_free(&policy);
    ss_notes_free(&notes);
}

static void
files(void **state)
{
    (void)state;
    assert_true(sts_files_walk("sts_policy", check_file) >= 90);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_policy");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "STSP-02 NUL in an extension", nul_inside);
    ss_table_case(&t, "STSF-09 a body over the limit is no policy", body_limit);
    ss_table_case(&t, "STSP-09 more mx lines than the limit are no policy", mx_limit);
    ss_table_case(&t, "a flood of faults gives few notes", notes_are_few);
    ss_table_case(&t, "free takes NULL", free_takes_null);
    ss_table_case(&t, "files say what they are", files);
    return ss_table_run(&t);
}
