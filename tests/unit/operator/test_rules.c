/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator's rules: which of them counts for a domain or host, and that tables are shared whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "operator/policy.h"
#include "operator/rules.h"
#include "smtpsec.h"

#define NOW INT64_C(1800000000)

static struct ss_operator_policy policy;

static const char text[] = "level default encrypted\n"
                           "level d.test dane\n"
                           "level .d.test authenticated\n"
                           "level .a.d.test dnssec\n"
                           "tls-version .d.test 1.3\n"
                           "sts-testing .test strict\n"
                           "insecure-mx default encrypted\n"
                           "insecure-mx .test none\n"
                           "insecure-mx d.test dane\n"
                           "dane-alone default on\n"
                           "dane-alone .a.d.test off\n"
                           "mx mx.p.test mta-sts\n"
                           "mx .p.test dnssec\n"
                           "mx .x.p.test dane\n"
                           "relay d.test mx.p.test\n"
                           "relay d.test .q.test\n"
                           "relay .d.test mx.r.test\n";

static void
read_all(const char *lines)
{
    struct ss_bytes bytes = { (const uint8_t *)lines, strlen(lines) };
    struct smtpsec_faults faults;

    memset(&faults, 0, sizeof(faults));
    assert_int_equal(ss_operator_policy_read(&policy, bytes, NOW, &faults), 0);
    if (faults.count > 0)
        fail_msg("line %u: %s", (unsigned)faults.list[0].line, faults.list[0].text);
}

static struct ss_name
name_of(const char *domain)
{
    struct ss_name name;

    assert_true(ss_name_from_text(&name, domain, strlen(domain)));
    return name;
}

/* ---- By domain ---- */

struct domain_row {
    const char *name;
    const char *domain;
    uint32_t want[SS_RULE_KINDS]; /* lines; 0: none */
};

static const struct domain_row domains[] = {
    { "PREC-08 domain/the default alone", "other.example", { 1, 0, 0, 7, 10, 0 } },
    { "PREC-08 domain/exact goes before its parent", "d.test", { 2, 0, 6, 9, 10, 0 } },
    { "PREC-08 domain/a name below, not the domain's own rule", "b.d.test", { 3, 5, 6, 8, 10, 0 } },
    { "PREC-08 domain/the longest parent", "x.a.d.test", { 4, 5, 6, 8, 11, 0 } },
    { "PREC-08 domain/.a.d.test is not for a.d.test", "a.d.test", { 3, 5, 6, 8, 10, 0 } },
    { "PREC-08 domain/the end of a label is no parent", "bd.test", { 1, 0, 6, 8, 10, 0 } },
    { "PREC-08 domain/a host's rule is none for a domain", "mx.p.test", { 1, 0, 6, 8, 10, 0 } },
    { "PREC-08 domain/the parent itself", "test", { 1, 0, 0, 7, 10, 0 } },
};

static void
check_domain(void **state)
{
    const struct domain_row *row = *state;
    const struct ss_rule *found[SS_RULE_KINDS];
    struct ss_name name = name_of(row->domain);
    int kind;

    ss_rules_for_domain(policy.rules, &name, found);
    for (kind = 0; kind < SS_RULE_KINDS; kind++)
        assert_int_equal(found[kind] == NULL ? 0 : found[kind]->line, row->want[kind]);
}

/* ---- By host ---- */

struct host_row {
    const char *name;
    const char *domain; /* NULL: a look-up of mx rules */
    const char *host;
    uint32_t want;
};

static const struct host_row hosts[] = {
    { "PREC-08 mx/exact", NULL, "mx.p.test", 12 },
    { "PREC-08 mx/below", NULL, "other.p.test", 13 },
    { "PREC-08 mx/the longest parent", NULL, "a.b.x.p.test", 14 },
    { "PREC-08 mx/not itself", NULL, "p.test", 0 },
    { "PREC-08 mx/a domain's rule is none for a host", NULL, "d.test", 0 },
    { "relay/exact", "d.test", "mx.p.test", 15 },
    { "relay/below a name", "d.test", "a.mx.q.test", 16 },
    { "relay/not the name itself", "d.test", "q.test", 0 },
    { "relay/another host", "d.test", "mx2.p.test", 0 },
    { "relay/another domain", "e.test", "mx.p.test", 0 },
    { "relay/names below have their own", "b.d.test", "mx.p.test", 0 },
    { "relay/for names below", "c.b.d.test", "mx.r.test", 17 },
    { "relay/for names below, not itself", "d.test", "mx.r.test", 0 },
};

static void
check_host(void **state)
{
    const struct host_row *row = *state;
    struct ss_name host = name_of(row->host), domain;
    const struct ss_rule *found;

    if (row->domain == NULL) {
        found = ss_rules_for_mx(policy.rules, &host);
    } else {
        domain = name_of(row->domain);
        found = ss_rules_relay(policy.rules, &domain, &host);
    }
    assert_int_equal(found == NULL ? 0 : found->line, row->want);
}

/* ---- The table ---- */

static struct ss_rule
level_rule(const char *domain, int32_t level)
{
    struct ss_rule rule;

    memset(&rule, 0, sizeof(rule));
    rule.scope = SS_RULE_DOMAIN;
    rule.name = name_of(domain);
    rule.value = level;
    return rule;
}

/* A default that came later, by a call, raises over a rule that asks for less. */
static void
never_lowers(void **state)
{
    struct ss_rule rule = level_rule("d.test", SMTPSEC_LEVEL_ENCRYPTED);
    const struct ss_rule *found[SS_RULE_KINDS];
    struct ss_rules *table = NULL;
    struct ss_name name = rule.name;

    (void)state;
    assert_int_equal(ss_rules_add(&table, &rule), 0);
    rule.scope = SS_RULE_DEFAULT;
    memset(&rule.name, 0, sizeof(rule.name));
    rule.value = SMTPSEC_LEVEL_DANE;
    assert_int_equal(ss_rules_add(&table, &rule), 0);
    ss_rules_for_domain(table, &name, found);
    assert_int_equal(found[SS_RULE_LEVEL]->value, SMTPSEC_LEVEL_DANE);
    ss_rules_unref(table);
}

static void
shared(void **state)
{
    struct ss_rule rule = level_rule("d.test", SMTPSEC_LEVEL_DANE);
    const struct ss_rule *found[SS_RULE_KINDS];
    struct ss_rules *mine = NULL, *held;
    struct ss_name name = name_of("e.test");

    (void)state;
    assert_int_equal(ss_rules_add(&mine, &rule), 0);
    held = ss_rules_ref(mine);
    rule.name = name;
    assert_int_equal(ss_rules_add(&mine, &rule), 0);
    assert_ptr_not_equal(held, mine);
    assert_int_equal(ss_rules_count(held), 1);
    assert_int_equal(ss_rules_count(mine), 2);
    ss_rules_for_domain(held, &name, found);
    assert_null(found[SS_RULE_LEVEL]);
    ss_rules_for_domain(mine, &name, found);
    assert_non_null(found[SS_RULE_LEVEL]);
    ss_rules_unref(held);
    ss_rules_unref(mine);
}

/* As many as can be kept, found one by one; one more is refused. */
static void
many(void **state)
{
    const struct ss_rule *found[SS_RULE_KINDS];
    struct ss_rules *table = NULL;
    struct ss_rule rule;
    char domain[40];
    unsigned i;

    (void)state;
    for (i = 0; i < SS_RULES_MAX; i++) {
        snprintf(domain, sizeof(domain), "d%u.test", i * 7919 % SS_RULES_MAX);
        rule = level_rule(domain, SMTPSEC_LEVEL_DANE);
        rule.line = i + 1;
        assert_int_equal(ss_rules_add(&table, &rule), 0);
    }
    rule = level_rule("one.more.test", SMTPSEC_LEVEL_DANE);
    assert_int_equal(ss_rules_add(&table, &rule), SMTPSEC_E_LIMIT);
    assert_int_equal(ss_rules_count(table), SS_RULES_MAX);
    for (i = 0; i < SS_RULES_MAX; i++) {
        snprintf(domain, sizeof(domain), "d%u.test", i * 7919 % SS_RULES_MAX);
        rule.name = name_of(domain);
        ss_rules_for_domain(table, &rule.name, found);
        assert_non_null(found[SS_RULE_LEVEL]);
        assert_int_equal(found[SS_RULE_LEVEL]->line, i + 1);
    }
    ss_rules_unref(table);
}

static void
nothing(void **state)
{
    const struct ss_rule *found[SS_RULE_KINDS];
    struct ss_name name = name_of("d.test"), none;

    (void)state;
    memset(&none, 0, sizeof(none));
    ss_rules_for_domain(NULL, &name, found);
    assert_null(found[SS_RULE_LEVEL]);
    assert_null(ss_rules_for_mx(NULL, &name));
    assert_null(ss_rules_relay(NULL, &name, &name));
    assert_null(ss_rules_for_mx(policy.rules, &none));
    assert_null(ss_rules_relay(policy.rules, &none, &name));
    /* An address literal has no name: what is for all mail is for it, too. */
    ss_rules_for_domain(policy.rules, &none, found);
    assert_int_equal(found[SS_RULE_LEVEL]->line, 1);
    assert_int_equal(ss_rules_count(NULL), 0);
    assert_null(ss_rules_ref(NULL));
    ss_rules_unref(NULL);
}

/* What is told of a rule is its line. */
static void
as_text(void **state)
{
    char line[SS_RULE_TEXT + 1], all[sizeof(text)] = "";
    size_t i;

    (void)state;
    for (i = 0; i < ss_rules_count(policy.rules); i++) {
        ss_rule_text(ss_rules_at(policy.rules, i), line);
        strcat(line, "\n");
        assert_true(strlen(all) + strlen(line) < sizeof(all));
        strcat(all, line);
    }
    assert_string_equal(all, text);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("operator/rules");
    int r;

    read_all(text);
    SS_TABLE_ROWS(&t, check_domain, domains);
    SS_TABLE_ROWS(&t, check_host, hosts);
    ss_table_case(&t, "PREC-08 no rule lowers another, in whatever order", never_lowers);
    ss_table_case(&t, "a shared table does not change", shared);
    ss_table_case(&t, "as many as can be kept", many);
    ss_table_case(&t, "nothing", nothing);
    ss_table_case(&t, "PREC-08 rules as text", as_text);
    r = ss_table_run(&t);
    ss_operator_policy_free(&policy);
    return r;
}
