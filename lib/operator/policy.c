/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "operator/reading.h"
#include "smtpsec.h"

#define DAY INT64_C(86400)
/* Whoever makes an exception looks at it again within two years. */
#define DAYS_AHEAD 731
#define KIND_WORDS "dane, mta-sts, encrypted or dnssec"

struct ss_word_shown
ss_word_show(struct ss_text word)
{
    struct ss_word_shown shown;

    ss_text_escape(shown.text, sizeof(shown.text), word.at, word.len);
    return shown;
}

struct ss_text
ss_reading_word(const struct ss_reading *reading, size_t n)
{
    return reading->line.words[n].text;
}

bool
ss_reading_name(struct ss_text word, struct ss_name *name, bool *below)
{
    *below = word.len > 0 && word.at[0] == '.';
    if (*below) {
        word.at++;
        word.len--;
    }
    return ss_name_from_text(name, word.at, word.len) && ss_name_is_host(name) &&
           !ss_name_is_numeric(name);
}

/* A setting stands once; true when this is the first time. */
static bool
first_time(struct ss_reading *reading, uint32_t *line, const char *what)
{
    if (*line != 0) {
        FAULT(reading, "%s was set on line %u already; expected: once", what, (unsigned)*line);
        return false;
    }
    *line = reading->line.number;
    return true;
}

static int32_t
kind_by_name(struct ss_text word)
{
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++)
        if (ss_text_equal(word, smtpsec_claim_name(kind)))
            return kind;
    return 0;
}

static bool
read_mode(struct ss_reading *reading, struct ss_text word, int32_t *out)
{
    int32_t mode;

    for (mode = SMTPSEC_MODE_OFF; mode <= SMTPSEC_MODE_ENFORCE; mode++) {
        if (ss_text_equal(word, smtpsec_mode_name(mode))) {
            *out = mode;
            return true;
        }
    }
    FAULT(reading, "\"%s\" is no mode; expected: off, report or enforce", ss_word_show(word).text);
    return false;
}

static void
take_mode(struct ss_reading *reading)
{
    int32_t kind = kind_by_name(ss_reading_word(reading, 1));
    int32_t mode;

    if (kind == 0) {
        FAULT(reading, "\"%s\" is no kind of claim; expected: " KIND_WORDS,
              ss_word_show(ss_reading_word(reading, 1)).text);
        return;
    }
    if (read_mode(reading, ss_reading_word(reading, 2), &mode) &&
        first_time(reading, &reading->mode_line[kind], "this mode"))
        reading->policy->mode[kind] = mode;
}

static void
take_soft_certificates(struct ss_reading *reading)
{
    int32_t mode;

    if (read_mode(reading, ss_reading_word(reading, 1), &mode) &&
        first_time(reading, &reading->soft_line, "soft-certificates"))
        reading->policy->soft_certificates = mode;
}

static void
take_hold(struct ss_reading *reading)
{
    struct ss_text word = ss_reading_word(reading, 1);
    int64_t hold = 0;

    if (ss_text_equal(word, "report")) {
        hold = SMTPSEC_HOLD_REPORT;
    } else if (ss_text_equal(word, "earned")) {
        hold = SMTPSEC_HOLD_EARNED;
    } else if (!ss_span_read(word, &hold)) {
        FAULT(reading, "\"%s\" is no hold; expected: report, earned, or a time such as 72h or 3d",
              ss_word_show(word).text);
        return;
    } else if (hold == 0 || hold > SS_HOLD_MOST) {
        FAULT(reading, "a hold of %s; expected: 1m to 30d, or report for none",
              ss_word_show(word).text);
        return;
    }
    if (first_time(reading, &reading->hold_line, "hold")) {
        reading->policy->has_hold = true;
        reading->policy->hold = hold;
    }
}

static void
take_cap(struct ss_reading *reading)
{
    struct ss_text word = ss_reading_word(reading, 1);
    int64_t cap;

    if (!ss_span_read(word, &cap))
        FAULT(reading, "\"%s\" is no time; expected: one such as 90d or 2160h",
              ss_word_show(word).text);
    else if (cap < SS_CAP_LEAST || cap > SS_CAP_MOST)
        FAULT(reading, "a cap of %s; expected: 1d to 366d", ss_word_show(word).text);
    else if (first_time(reading, &reading->cap_line, "cap"))
        reading->policy->cap = cap;
}

static void
take_plan_cache(struct ss_reading *reading)
{
    struct ss_text word = ss_reading_word(reading, 1);
    bool on = ss_text_equal(word, "on");

    if (!on && !ss_text_equal(word, "off"))
        FAULT(reading, "\"%s\" is no switch; expected: on or off", ss_word_show(word).text);
    else if (first_time(reading, &reading->plan_cache_line, "plan-cache"))
        reading->policy->plan_cache = on ? 1 : 0;
}

static void
take_canary(struct ss_reading *reading)
{
    struct ss_operator_policy *policy = reading->policy;
    struct ss_text word = ss_reading_word(reading, 1);
    struct ss_name name;
    size_t i;

    if (!ss_name_from_text(&name, word.at, word.len) || ss_name_is_numeric(&name)) {
        FAULT(reading, "\"%s\" is no domain name; expected: one that is known to be signed",
              ss_word_show(word).text);
        return;
    }
    for (i = 0; i < policy->canary_count; i++) {
        if (ss_name_equal(&policy->canaries[i], &name)) {
            FAULT(reading, "this canary is named already; expected: another one");
            return;
        }
    }
    if (policy->canary_count == SS_POLICY_CANARIES) {
        FAULT(reading, "a third canary; expected: at most two");
        return;
    }
    policy->canaries[policy->canary_count++] = name;
}

/* ---- Exceptions ---- */

static bool
read_domain(struct ss_reading *reading, struct ss_text word, struct ss_exception *exception)
{
    if (ss_text_equal(word, ".")) {
        FAULT(reading, "an exception for all domains; expected: a domain, or mode KIND report");
        return false;
    }
    if (!ss_reading_name(word, &exception->domain, &exception->below)) {
        FAULT(reading, "\"%s\" is no domain; expected: d.example, or .d.example for names below it",
              ss_word_show(word).text);
        return false;
    }
    return true;
}

/* What an exception names beside the memory's claims. */
static const struct {
    const char *word;
    int32_t kind;
} beside[] = {
    { "dane-live", SS_EXCEPT_DANE_LIVE },     { "mta-sts-live", SS_EXCEPT_STS_LIVE },
    { "level", SS_EXCEPT_LEVEL },             { "tls-version", SS_EXCEPT_TLS_VERSION },
    { "sts-testing", SS_EXCEPT_STS_TESTING },
};

static bool
read_kind(struct ss_reading *reading, struct ss_text word, struct ss_exception *exception)
{
    size_t i;

    exception->kind = kind_by_name(word);
    for (i = 0; exception->kind == 0 && i < sizeof(beside) / sizeof(beside[0]); i++)
        if (ss_text_equal(word, beside[i].word))
            exception->kind = beside[i].kind;
    if (exception->kind != 0 || ss_text_equal(word, "all"))
        return true;
    FAULT(reading, "\"%s\" is no kind of claim; expected: " KIND_WORDS ", or all; or dane-live, "
          "mta-sts-live, level, tls-version, sts-testing", ss_word_show(word).text);
    return false;
}

/* A date is mandatory: what nobody looks at again would weaken for ever. */
static bool
read_until(struct ss_reading *reading, struct ss_exception *exception)
{
    struct ss_text word = ss_reading_word(reading, 4);
    char latest[SS_DATE_TEXT];
    int64_t begin;

    if (!ss_text_equal(ss_reading_word(reading, 3), "until")) {
        FAULT(reading, "\"%s\" is out of place; expected: until YYYY-MM-DD",
              ss_word_show(ss_reading_word(reading, 3)).text);
        return false;
    }
    if (!ss_date_read(word, &begin)) {
        FAULT(reading, "\"%s\" is no date; expected: a day that exists, as YYYY-MM-DD",
              ss_word_show(word).text);
        return false;
    }
    exception->until = begin + DAY - 1;
    if (begin / DAY - reading->now / DAY > DAYS_AHEAD) {
        ss_date_write(latest, reading->now + DAYS_AHEAD * DAY);
        FAULT(reading, "%s is more than two years ahead; expected: %s or earlier",
              ss_word_show(word).text, latest);
        return false;
    }
    return true;
}

static bool
read_note(struct ss_reading *reading, struct ss_exception *exception)
{
    const struct ss_line_word *word = &reading->line.words[5];

    if (reading->line.count < 6)
        return true;
    if (!word->quoted) {
        FAULT(reading, "\"%s\" stands behind the date; expected: why, in double quotes",
              ss_word_show(word->text).text);
        return false;
    }
    if (word->text.len >= sizeof(exception->note)) {
        FAULT(reading, "%zu octets of why; expected: at most %zu", word->text.len,
              sizeof(exception->note) - 1);
        return false;
    }
    if (word->text.len > 0)
        memcpy(exception->note, word->text.at, word->text.len);
    return true;
}

static void
keep(struct ss_reading *reading, const struct ss_exception *exception)
{
    struct ss_exceptions **table = &reading->policy->exceptions;
    const struct ss_exception *other =
        ss_exceptions_exact(*table, &exception->domain, exception->below, exception->kind);
    int r;

    if (other != NULL && other->line == 0) {
        FAULT(reading, "there is an exception for this domain and kind already; expected: one");
        return;
    }
    if (other != NULL) {
        FAULT(reading, "line %u has an exception for this domain and kind; expected: one",
              (unsigned)other->line);
        return;
    }
    r = ss_exceptions_add(table, exception);
    if (r == SMTPSEC_E_LIMIT)
        FAULT(reading, "one exception more than can be kept; expected: at most %d",
              SS_EXCEPTIONS_MAX);
    reading->nomem = reading->nomem || r == SMTPSEC_E_NOMEM;
}

static void
take_exception(struct ss_reading *reading)
{
    struct ss_exception exception;
    char ended[SS_DATE_TEXT];

    memset(&exception, 0, sizeof(exception));
    exception.line = reading->line.number;
    if (!read_domain(reading, ss_reading_word(reading, 1), &exception) ||
        !read_kind(reading, ss_reading_word(reading, 2), &exception) ||
        !read_until(reading, &exception) || !read_note(reading, &exception))
        return;
    if (exception.until < reading->now) {
        ss_date_write(ended, exception.until);
        ss_fault_add(reading->faults, reading->line.number, true,
                     "this exception ended with %s: it is not used", ended);
        return;
    }
    keep(reading, &exception);
}

/* ---- Directives ---- */

static const struct directive {
    const char *word;
    size_t least, most; /* arguments */
    const char *form;
    void (*take)(struct ss_reading *reading);
} directives[] = {
    { "mode", 2, 2, "mode KIND off|report|enforce", take_mode },
    { "soft-certificates", 1, 1, "soft-certificates off|report|enforce", take_soft_certificates },
    { "hold", 1, 1, "hold report|earned|TIME", take_hold },
    { "cap", 1, 1, "cap TIME", take_cap },
    { "canary", 1, 1, "canary NAME", take_canary },
    { "plan-cache", 1, 1, "plan-cache on|off", take_plan_cache },
    { "except", 4, 5, "except DOMAIN KIND|all until YYYY-MM-DD [\"why\"]", take_exception },
    { "level", 2, 2, "level DOMAIN|default LEVEL", ss_take_level },
    { "tls-version", 2, 2, "tls-version DOMAIN|default 1.2|1.3", ss_take_tls_version },
    { "sts-testing", 2, 2, "sts-testing DOMAIN|default strict|report", ss_take_sts_testing },
    { "insecure-mx", 2, 2, "insecure-mx DOMAIN|default dane|encrypted|none", ss_take_insecure_mx },
    { "dane-alone", 2, 2, "dane-alone DOMAIN|default on|off", ss_take_dane_alone },
    { "mx", 2, 2, "mx HOST LEVEL", ss_take_mx },
    { "relay", 2, 2, "relay DOMAIN HOST", ss_take_relay },
};

enum { DIRECTIVES = sizeof(directives) / sizeof(directives[0]) };

/* Quotes are for the text that people read; a later directive may take more such. */
static bool
has_odd_quotes(const struct ss_line *line)
{
    size_t i;

    for (i = 0; i < line->count && i < 5; i++)
        if (line->words[i].quoted)
            return true;
    return false;
}

static void
take_line(struct ss_reading *reading)
{
    const struct ss_line *line = &reading->line;
    const struct directive *directive = NULL;
    size_t i;

    for (i = 0; i < DIRECTIVES; i++)
        if (ss_text_equal(line->words[0].text, directives[i].word) && !line->words[0].quoted)
            directive = &directives[i];
    if (directive == NULL)
        FAULT(reading,
              "\"%s\" is no directive; expected: mode, soft-certificates, hold, cap, canary, "
              "plan-cache, except, level, tls-version, sts-testing, insecure-mx, dane-alone, mx or "
              "relay",
              ss_word_show(line->words[0].text).text);
    else if (line->count - 1 < directive->least || line->count - 1 > directive->most)
        FAULT(reading, "%s words; expected: %s",
              line->count - 1 < directive->least ? "too few" : "too many", directive->form);
    else if (has_odd_quotes(line))
        FAULT(reading, "double quotes are for the reason of an exception alone; expected: %s",
              directive->form);
    else
        directive->take(reading);
}

/* One line, and what follows it. A CR before the line's end belongs to it. */
static struct ss_text
cut_line(struct ss_text *rest)
{
    struct ss_text line;

    if (!ss_text_cut(*rest, '\n', &line, rest)) {
        line = *rest;
        rest->at += rest->len;
        rest->len = 0;
    }
    if (line.len > 0 && line.at[line.len - 1] == '\r')
        line.len--;
    return line;
}

static bool
has_mark(struct ss_text line)
{
    return line.len >= 3 && memcmp(line.at, "\xef\xbb\xbf", 3) == 0;
}

void
ss_operator_policy_begin(struct ss_operator_policy *policy)
{
    int32_t kind;

    memset(policy, 0, sizeof(*policy));
    for (kind = 0; kind <= SMTPSEC_CLAIM_DNSSEC; kind++)
        policy->mode[kind] = SS_UNSAID;
    policy->soft_certificates = SS_UNSAID;
    policy->plan_cache = SS_UNSAID;
}

void
ss_operator_policy_free(struct ss_operator_policy *policy)
{
    ss_exceptions_unref(policy->exceptions);
    policy->exceptions = NULL;
    ss_rules_unref(policy->rules);
    policy->rules = NULL;
}

/* One line without its end. */
static void
read_line(struct ss_reading *reading, struct ss_text line)
{
    if (line.len > SS_POLICY_LINE)
        FAULT(reading, "%zu octets; expected: at most %d a line", line.len, SS_POLICY_LINE);
    else if (ss_line_read(&reading->line, line, reading->faults) && reading->line.count > 0)
        take_line(reading);
}

int
ss_operator_policy_line(struct ss_operator_policy *policy, struct ss_bytes text, int64_t now,
                        struct smtpsec_faults *faults)
{
    struct ss_text line = { (const char *)text.data, text.len };
    size_t before = ss_rules_count(policy->rules);
    struct ss_reading reading;

    memset(&reading, 0, sizeof(reading));
    reading.policy = policy;
    reading.faults = faults;
    reading.now = now;
    read_line(&reading, line);
    ss_check_rules(&reading, before);
    return reading.nomem ? SMTPSEC_E_NOMEM : 0;
}

int
ss_operator_policy_read(struct ss_operator_policy *policy, struct ss_bytes text, int64_t now,
                        struct smtpsec_faults *faults)
{
    struct ss_text rest = { (const char *)text.data, text.len };
    struct ss_reading reading;
    struct ss_text line;

    ss_operator_policy_begin(policy);
    memset(&reading, 0, sizeof(reading));
    reading.policy = policy;
    reading.faults = faults;
    reading.now = now;
    if (text.len > SS_POLICY_OCTETS)
        return SMTPSEC_E_LIMIT;
    while (rest.len > 0 && !reading.nomem) {
        line = cut_line(&rest);
        reading.line.number++;
        if (reading.line.number == 1 && has_mark(line))
            FAULT(&reading, "a byte order mark; expected: a file without one");
        else
            read_line(&reading, line);
    }
    ss_check_rules(&reading, 0);
    return reading.nomem ? SMTPSEC_E_NOMEM : 0;
}
