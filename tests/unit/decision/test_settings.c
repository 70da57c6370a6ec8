/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the trace says of the operator's settings of the memory, and which exceptions count. */
#include <string.h>

#include "table.h"
#include "decision/settings.h"

static void
add(struct ss_settings *settings, const char *domain, int32_t kind, uint32_t line, const char *note)
{
    struct ss_exception one;

    memset(&one, 0, sizeof(one));
    one.below = domain[0] == '.';
    assert_true(ss_name_from_text(&one.domain, domain + one.below, strlen(domain + one.below)));
    one.kind = kind;
    one.until = 1803945599;
    one.line = line;
    strcpy(one.note, note);
    assert_int_equal(ss_exceptions_add(&settings->exceptions, &one), 0);
}

static int32_t
decide(struct ss_settings *settings, struct ss_notes *notes)
{
    struct ss_exceptions *table = settings->exceptions;
    struct ss_name name;
    int32_t bits;

    memset(notes, 0, sizeof(*notes));
    assert_true(ss_name_from_text(&name, "a.d.test", 8));
    bits = ss_settings_decide(settings, &name, 1800000000, notes);
    assert_null(settings->exceptions);
    ss_exceptions_unref(table);
    return bits;
}

static void
defaults(void **state)
{
    struct ss_settings settings;
    struct ss_notes notes;

    (void)state;
    ss_settings_init(&settings);
    assert_int_equal(decide(&settings, &notes), 0);
    assert_true(settings.lowered_until == INT64_MAX);
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.list[0].rule, "PREC-10");
    assert_string_equal(notes.list[0].text, "memory: enforce dane mta-sts encrypted dnssec; "
                                            "soft-certificates report; hold 72h; cap 90d");
    ss_notes_free(&notes);
}

static void
all_changed(void **state)
{
    struct ss_settings settings;
    struct ss_notes notes;

    (void)state;
    ss_settings_init(&settings);
    settings.memory.mode[SMTPSEC_CLAIM_DANE] = SMTPSEC_MODE_OFF;
    settings.memory.mode[SMTPSEC_CLAIM_ENCRYPTED] = SMTPSEC_MODE_REPORT;
    settings.memory.mode[SMTPSEC_CLAIM_DNSSEC] = SMTPSEC_MODE_REPORT;
    settings.memory.soft_pkix_mode = SMTPSEC_MODE_ENFORCE;
    settings.memory.hold = SMTPSEC_HOLD_EARNED;
    settings.memory.cap = 86400;
    decide(&settings, &notes);
    assert_string_equal(notes.list[0].text,
                        "memory: enforce mta-sts, report encrypted dnssec, off dane; "
                        "soft-certificates enforce; hold earned; cap 24h");
    ss_notes_free(&notes);
    settings.memory.hold = SMTPSEC_HOLD_REPORT;
    decide(&settings, &notes);
    assert_non_null(strstr(notes.list[0].text, "hold report"));
    ss_notes_free(&notes);
}

/* Each exception is one line, with all that it lifts; what it lifts not is as it was. */
static void
excepted(void **state)
{
    struct ss_settings settings;
    struct ss_notes notes;
    int32_t bits;

    (void)state;
    ss_settings_init(&settings);
    settings.memory.mode[SMTPSEC_CLAIM_DNSSEC] = SMTPSEC_MODE_OFF;
    add(&settings, ".d.test", 0, 7, "moves, ticket 4711");
    add(&settings, "b.d.test", SMTPSEC_CLAIM_DANE, 8, "another");
    bits = decide(&settings, &notes);
    assert_int_equal(bits, 1 << SMTPSEC_CLAIM_DANE | 1 << SMTPSEC_CLAIM_MTA_STS |
                               1 << SMTPSEC_CLAIM_ENCRYPTED);
    assert_int_equal(settings.memory.mode[SMTPSEC_CLAIM_DANE], SMTPSEC_MODE_REPORT);
    assert_int_equal(settings.memory.mode[SMTPSEC_CLAIM_DNSSEC], SMTPSEC_MODE_OFF);
    assert_true(settings.lowered_until == 1803945599);
    assert_int_equal(notes.count, 2);
    assert_string_equal(notes.list[0].rule, "PREC-08");
    assert_string_equal(notes.list[0].text,
                        "exception for .d.test, line 7, until 2027-03-01T23:59:59Z: claims of kind "
                        "dane, mta-sts, encrypted only report: moves, ticket 4711");
    assert_string_equal(notes.list[1].text,
                        "memory: enforce dane mta-sts encrypted, off dnssec; soft-certificates "
                        "report; hold 72h; cap 90d; exceptions in use 1");
    ss_notes_free(&notes);
}

static void
two_exceptions(void **state)
{
    struct ss_settings settings;
    struct ss_notes notes;

    (void)state;
    ss_settings_init(&settings);
    add(&settings, "a.d.test", SMTPSEC_CLAIM_DANE, 0, "");
    add(&settings, "a.d.test", SMTPSEC_CLAIM_DNSSEC, 0, "");
    assert_int_equal(decide(&settings, &notes),
                     1 << SMTPSEC_CLAIM_DANE | 1 << SMTPSEC_CLAIM_DNSSEC);
    assert_int_equal(settings.memory.mode[SMTPSEC_CLAIM_ENCRYPTED], SMTPSEC_MODE_ENFORCE);
    assert_int_equal(notes.count, 3);
    assert_string_equal(notes.list[0].text, "exception for a.d.test, until 2027-03-01T23:59:59Z: "
                                            "claims of kind dane only report");
    assert_non_null(strstr(notes.list[2].text, "exceptions in use 2"));
    ss_notes_free(&notes);
}

/* What exceptions lowered ends with the first that counts, of whatever kind it is. */
static void
first_end(void **state)
{
    struct ss_exception one;
    struct ss_settings settings;
    struct ss_notes notes;

    (void)state;
    ss_settings_init(&settings);
    add(&settings, "a.d.test", SMTPSEC_CLAIM_DANE, 0, "");
    memset(&one, 0, sizeof(one));
    assert_true(ss_name_from_text(&one.domain, "a.d.test", 8));
    one.kind = SS_EXCEPT_TLS_VERSION;
    one.until = 1803000000;
    assert_int_equal(ss_exceptions_add(&settings.exceptions, &one), 0);
    one.kind = SS_EXCEPT_LEVEL; /* over: it lowers nothing */
    one.until = 1799999999;
    assert_int_equal(ss_exceptions_add(&settings.exceptions, &one), 0);
    decide(&settings, &notes);
    assert_true(settings.lowered_until == 1803000000);
    ss_notes_free(&notes);
}

/* PREC-08: a rule raises what the program asks of all mail, and lowers nothing of it. */
static void
rules_raise(void **state)
{
    struct ss_settings settings;
    struct ss_rule rule;
    struct ss_name name;

    (void)state;
    ss_settings_init(&settings);
    settings.minimum = SMTPSEC_LEVEL_DNSSEC;
    settings.tls_version = 0x0304;
    memset(&rule, 0, sizeof(rule));
    assert_true(ss_name_from_text(&name, "a.d.test", 8));
    rule.scope = SS_RULE_DOMAIN;
    rule.name = name;
    rule.kind = SS_RULE_LEVEL;
    rule.value = SMTPSEC_LEVEL_ENCRYPTED;
    assert_int_equal(ss_rules_add(&settings.rules, &rule), 0);
    rule.kind = SS_RULE_TLS_VERSION;
    rule.value = 0x0303;
    assert_int_equal(ss_rules_add(&settings.rules, &rule), 0);
    ss_settings_rules(&settings, &name, 1800000000, NULL);
    assert_int_equal(settings.minimum, SMTPSEC_LEVEL_DNSSEC);
    assert_int_equal(settings.tls_version, 0x0304);
    ss_rules_unref(settings.rules);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/settings");

    ss_table_case(&t, "PREC-10 the defaults", defaults);
    ss_table_case(&t, "PREC-10 all changed", all_changed);
    ss_table_case(&t, "PREC-08 one exception for several kinds", excepted);
    ss_table_case(&t, "PREC-08 two exceptions", two_exceptions);
    ss_table_case(&t, "PREC-08 the first end of all that count", first_end);
    ss_table_case(&t, "PREC-08 rules raise what is asked of all mail", rules_raise);
    return ss_table_run(&t);
}
