/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directives of a policy file that make rules for mail, domains and hosts. */
#include <stdio.h>
#include <string.h>

#include "operator/reading.h"
#include "operator/rules.h"
#include "smtpsec.h"

struct choice {
    const char *word;
    int32_t value;
};

static const struct choice levels[] = {
    { "encrypted", SMTPSEC_LEVEL_ENCRYPTED }, { "authenticated", SMTPSEC_LEVEL_AUTHENTICATED },
    { "dnssec", SMTPSEC_LEVEL_DNSSEC },       { "mta-sts", SMTPSEC_LEVEL_MTA_STS },
    { "dane", SMTPSEC_LEVEL_DANE },           { NULL, 0 },
};
static const struct choice versions[] = { { "1.2", 0x0303 }, { "1.3", 0x0304 }, { NULL, 0 } };
static const struct choice testings[] = { { "report", 0 }, { "strict", 1 }, { NULL, 0 } };
static const struct choice switches[] = { { "off", 0 }, { "on", 1 }, { NULL, 0 } };
static const struct choice insecures[] = {
    { "dane", SMTPSEC_LEVEL_DANE },
    { "encrypted", SMTPSEC_LEVEL_ENCRYPTED },
    { "none", SMTPSEC_LEVEL_NONE },
    { NULL, 0 },
};

static bool
read_choice(struct ss_reading *reading, const struct choice *choices, const char *expected,
            struct ss_rule *rule)
{
    struct ss_text word = ss_reading_word(reading, 2);

    for (; choices->word != NULL; choices++) {
        if (ss_text_equal(word, choices->word)) {
            rule->value = choices->value;
            return true;
        }
    }
    FAULT(reading, "\"%s\" is out of place; expected: %s", ss_word_show(word).text, expected);
    return false;
}

/* For whom: DOMAIN, .DOMAIN or, where it may be, default. */
static bool
read_scope(struct ss_reading *reading, bool may_be_all, struct ss_rule *rule)
{
    struct ss_text word = ss_reading_word(reading, 1);
    bool below;

    if (may_be_all && ss_text_equal(word, "default")) {
        rule->scope = SS_RULE_DEFAULT;
        return true;
    }
    if (!ss_reading_name(word, &rule->name, &below)) {
        FAULT(reading,
              "\"%s\" is no domain; expected: d.example, or .d.example for names below it%s",
              ss_word_show(word).text, may_be_all ? ", or default" : "");
        return false;
    }
    rule->scope = below ? SS_RULE_BELOW : SS_RULE_DOMAIN;
    return true;
}

static void
keep(struct ss_reading *reading, const struct ss_rule *rule)
{
    struct ss_rules **table = &reading->policy->rules;
    const struct ss_rule *other = ss_rules_same(*table, rule);
    int r;

    if (other != NULL && other->line != 0) {
        FAULT(reading, "line %u has this rule for the same name; expected: one",
              (unsigned)other->line);
        return;
    }
    if (other != NULL) {
        FAULT(reading, "there is such a rule for the same name already; expected: one");
        return;
    }
    r = ss_rules_add(table, rule);
    if (r == SMTPSEC_E_LIMIT)
        FAULT(reading, "one rule more than can be kept; expected: at most %d", SS_RULES_MAX);
    reading->nomem = reading->nomem || r == SMTPSEC_E_NOMEM;
}

static struct ss_rule
begin_rule(const struct ss_reading *reading, enum ss_rule_kind kind)
{
    struct ss_rule rule;

    memset(&rule, 0, sizeof(rule));
    rule.kind = kind;
    rule.line = reading->line.number;
    return rule;
}

static void
take_rule(struct ss_reading *reading, enum ss_rule_kind kind, const struct choice *choices,
          const char *expected)
{
    struct ss_rule rule = begin_rule(reading, kind);

    if (read_scope(reading, true, &rule) && read_choice(reading, choices, expected, &rule))
        keep(reading, &rule);
}

/* `none` is no level: it would lower without a date. */
void
ss_take_level(struct ss_reading *reading)
{
    take_rule(reading, SS_RULE_LEVEL, levels,
              "encrypted, authenticated, dnssec, mta-sts or dane (to lower: except DOMAIN level "
              "until YYYY-MM-DD)");
}

void
ss_take_tls_version(struct ss_reading *reading)
{
    take_rule(reading, SS_RULE_TLS_VERSION, versions, "1.2 or 1.3");
}

void
ss_take_sts_testing(struct ss_reading *reading)
{
    take_rule(reading, SS_RULE_STS_TESTING, testings, "strict or report");
}

void
ss_take_insecure_mx(struct ss_reading *reading)
{
    take_rule(reading, SS_RULE_INSECURE_MX, insecures, "dane, encrypted or none");
}

void
ss_take_dane_alone(struct ss_reading *reading)
{
    take_rule(reading, SS_RULE_DANE_ALONE, switches, "on or off");
}

void
ss_take_mx(struct ss_reading *reading)
{
    struct ss_rule rule = begin_rule(reading, SS_RULE_LEVEL);
    struct ss_text word = ss_reading_word(reading, 1);
    bool below;

    if (!ss_reading_name(word, &rule.name, &below)) {
        FAULT(reading, "\"%s\" is no host; expected: mx.example, or .example for hosts below it",
              ss_word_show(word).text);
        return;
    }
    rule.scope = below ? SS_RULE_MX_BELOW : SS_RULE_MX;
    if (read_choice(reading, levels, "encrypted, authenticated, dnssec, mta-sts or dane", &rule))
        keep(reading, &rule);
}

/* Not for all mail: whoever forges an MX record could send any domain's mail to that host. */
void
ss_take_relay(struct ss_reading *reading)
{
    struct ss_rule rule = begin_rule(reading, SS_RULE_RELAY);
    struct ss_text word = ss_reading_word(reading, 2);

    if (!read_scope(reading, false, &rule))
        return;
    if (!ss_reading_name(word, &rule.host, &rule.host_below)) {
        FAULT(reading, "\"%s\" is no host; expected: mx.example, or .example for hosts below it",
              ss_word_show(word).text);
        return;
    }
    keep(reading, &rule);
}

void
ss_check_rules(struct ss_reading *reading, size_t n)
{
    const struct ss_rules *table = reading->policy->rules;
    const struct ss_rule *rule, *wider;
    char text[SS_RULE_TEXT], line[24] = "";

    for (; n < ss_rules_count(table); n++) {
        rule = ss_rules_at(table, n);
        wider = ss_rules_stricter(table, rule);
        if (wider == NULL)
            continue;
        ss_rule_text(wider, text);
        if (wider->line != 0)
            snprintf(line, sizeof(line), " on line %u", (unsigned)wider->line);
        ss_fault_add(reading->faults, rule->line, false,
                     "asks for less than \"%.100s\"%s; expected: as much, since only an exception "
                     "with a date lowers",
                     text, line);
    }
}
