/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "table.h"
#include "sts/sts_pattern.h"

struct syntax_row {
    const char *name;
    const char *value;
    int want;
    const char *want_text;
    bool want_wildcard;
    bool want_name; /* false: legal, but matches nothing */
};

#define L63 "a23456789b123456789c123456789d123456789e123456789f123456789g123"
#define D255 L63 "." L63 "." L63 "." "a23456789b123456789c123456789d123456789e123456789f123456789g1"

static const struct syntax_row syntax_rows[] = {
    {"STSP-17 a domain", "mx.d.test", 0, "mx.d.test", false, true},
    {"STSP-17 a wildcard", "*.d.test", 0, "*.d.test", true, true},
    {"STSP-17 one label", "localhost", 0, "localhost", false, true},
    {"STSP-17 a star alone", "*", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a star and a dot", "*.", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 two stars", "*.*.d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a star inside a label", "mx*.d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a star further on", "mx.*.d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a leading dot", ".d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 empty", "", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 the root", ".", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 an empty label", "mx..d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 an address", "192.0.2.1", 0, "192.0.2.1", false, false},
    {"STSP-17 a wildcard over numbers", "*.0.2.1", 0, "*.0.2.1", true, false},
    {"STSP-17 an address literal", "[192.0.2.1]", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 an inner blank", "mx.d.test x", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 an underscore", "_mx.d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a hyphen in front", "-mx.d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a hyphen at the end", "mx-.d.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a label of 63", L63 ".test", 0, L63 ".test", false, true},
    {"STSP-17 a label of 64", L63 "4.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-17 a name of 255", D255, 0, D255, false, true},
    {"STSP-17 a name of 256", D255 "x", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-18 a U-label", "mx.b\xC3\xBC" "cher.test", SMTPSEC_E_FORMAT, NULL, false, false},
    {"STSP-18 an A-label", "xn--bcher-kva.test", 0, "xn--bcher-kva.test", false, true},
    {"STSP-19 upper case and a dot", "MX.D.TEST.", 0, "mx.d.test", false, true},
    {"STSP-19 two dots", "mx.d.test..", SMTPSEC_E_FORMAT, NULL, false, false},
};

static struct ss_text
text_of(const char *string)
{
    struct ss_text t = {string, strlen(string)};

    return t;
}

static void
check_syntax(void **state)
{
    const struct syntax_row *row = *state;
    struct ss_sts_pattern pattern;

    assert_int_equal(ss_sts_pattern_read(&pattern, text_of(row->value)), row->want);
    if (row->want != 0)
        return;
    assert_string_equal(pattern.text, row->want_text);
    assert_int_equal(pattern.wildcard, row->want_wildcard);
    assert_int_equal(pattern.name.len > 0, row->want_name);
    ss_sts_pattern_free(&pattern);
    assert_null(pattern.text);
}

struct fit_row {
    const char *name;
    const char *mx1; /* pattern */
    const char *mx2; /* a second one, or NULL */
    const char *host;
    bool want;
};

static const struct fit_row fit_rows[] = {
    {"STSA-01 the same name fits", "mx.d.test", NULL, "mx.d.test", true},
    {"STSA-01 another name does not", "mx.d.test", NULL, "mx2.d.test", false},
    {"STSA-01 a name below does not", "mx.d.test", NULL, "a.mx.d.test", false},
    {"STSA-01 the name above does not", "mx.d.test", NULL, "d.test", false},
    {"STSA-01 a longer name with the same end does not", "d.test", NULL, "xd.test", false},
    {"STSA-02 one label fits", "*.d.test", NULL, "a.d.test", true},
    {"STSA-02 two labels do not", "*.d.test", NULL, "a.b.d.test", false},
    {"STSA-02 no label does not", "*.d.test", NULL, "d.test", false},
    {"STSA-02 the end of a label is not a label", "*.d.test", NULL, "a.xd.test", false},
    {"STSA-03 the target of an alias is another name", "h.p.test", NULL, "mx.d.test", false},
    {"STSA-19 the domain itself", "d.test", NULL, "d.test", true},
    {"STSA-19 only mx is listed", "mx.d.test", NULL, "d.test", false},
    {"STSP-09 the first of two", "mx.d.test", "*.p.test", "mx.d.test", true},
    {"STSP-09 the second of two", "mx.d.test", "*.p.test", "a.p.test", true},
    {"STSP-09 neither of two", "mx.d.test", "*.p.test", "a.d.test", false},
    {"STSP-17 an address matches nothing", "192.0.2.1", NULL, "192.0.2.1", false},
    {"STSP-17 a wildcard over numbers matches nothing", "*.0.2.1", NULL, "192.0.2.1", false},
    {"STSP-19 case and dot", "MX.D.TEST.", NULL, "mx.d.test", true},
    {"STSP-19 case of the host", "mx.d.test", NULL, "MX.D.Test", true},
    {"STSA-02 the root is no host", "*.test", NULL, ".", false},
};

static void
check_fit(void **state)
{
    const struct fit_row *row = *state;
    struct ss_sts_pattern patterns[2];
    struct ss_sts_policy policy = {SMTPSEC_STS_ENFORCE, 1, 1, patterns};
    struct ss_name host;
    size_t i;

    assert_int_equal(ss_sts_pattern_read(&patterns[0], text_of(row->mx1)), 0);
    if (row->mx2 != NULL) {
        assert_int_equal(ss_sts_pattern_read(&patterns[1], text_of(row->mx2)), 0);
        policy.mx_count = 2;
    }
    assert_true(ss_name_from_text(&host, row->host, strlen(row->host)));
    assert_int_equal(ss_sts_policy_fits(&policy, &host), row->want);
    for (i = 0; i < policy.mx_count; i++)
        ss_sts_pattern_free(&patterns[i]);
}

static void
no_name(void **state)
{
    struct ss_sts_pattern pattern;
    struct ss_sts_policy policy = {SMTPSEC_STS_ENFORCE, 1, 1, &pattern};
    struct ss_name none = {.len = 0};

    (void)state;
    assert_int_equal(ss_sts_pattern_read(&pattern, text_of("*.d.test")), 0);
    assert_false(ss_sts_policy_fits(&policy, &none));
    policy.mx_count = 0;
    assert_true(ss_name_from_text(&none, "a.d.test", 8));
    assert_false(ss_sts_policy_fits(&policy, &none));
    ss_sts_pattern_free(&pattern);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_pattern");

    SS_TABLE_ROWS(&t, check_syntax, syntax_rows);
    SS_TABLE_ROWS(&t, check_fit, fit_rows);
    ss_table_case(&t, "STSA-01 no name and no pattern fit nothing", no_name);
    return ss_table_run(&t);
}
