/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator/policy.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"
#include "operator/line.h"
#include "smtpsec.h"

#define DAY INT64_C(86400)
/* Whoever makes an exception looks at it again within two years. */
#define DAYS_AHEAD 731
#define KIND_WORDS "dane, mta-sts, encrypted or dnssec"
#define SHOWN 48

struct reading {
    struct ss_operator_policy *policy;
    struct smtpsec_faults *faults;
    int64_t now;
    struct ss_line line;
    /* Where each setting was made; 0: not yet. */
    uint32_t mode_line[5];
    uint32_t soft_line;
    uint32_t hold_line;
    uint32_t cap_line;
    bool nomem;
};

#define FAULT(reading, ...) \
    ss_fault_add((reading)->faults, (reading)->line.number, false, __VA_ARGS__)

/* A word for a fault's text, cut where it is long; the line reader let nothing odd pass. */
struct shown {
    char text[SHOWN];
};

static struct shown
show(struct ss_text word)
{
    struct shown shown;

    ss_text_escape(shown.text, sizeof(shown.text), word.at, word.len);
    return shown;
}

static struct ss_text
argument(const struct reading *reading, size_t n)
{
    return reading->line.words[n].text;
}

/* A setting stands once; true when this is the first time. */
static bool
first_time(struct reading *reading, uint32_t *line, const char *what)
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
read_mode(struct reading *reading, struct ss_text word, int32_t *out)
{
    int32_t mode;

    for (mode = SMTPSEC_MODE_OFF; mode <= SMTPSEC_MODE_ENFORCE; mode++) {
        if (ss_text_equal(word, smtpsec_mode_name(mode))) {
            *out = mode;
            return true;
        }
    }
    FAULT(reading, "\"%s\" is no mode; expected: off, report or enforce", show(word).text);
    return false;
}

static void
take_mode(struct reading *reading)
{
    int32_t kind = kind_by_name(argument(reading, 1));
    int32_t mode;

    if (kind == 0) {
        FAULT(reading, "\"%s\" is no kind of claim; expected: " KIND_WORDS,
              show(argument(reading, 1)).text);
        return;
    }
    if (read_mode(reading, argument(reading, 2), &mode) &&
        first_time(reading, &reading->mode_line[kind], "this mode"))
        reading->policy->mode[kind] = mode;
}

static void
take_soft_certificates(struct reading *reading)
{
    int32_t mode;

    if (read_mode(reading, argument(reading, 1), &mode) &&
        first_time(reading, &reading->soft_line, "soft-certificates"))
        reading->policy->soft_certificates = mode;
}

static void
take_hold(struct reading *reading)
{
    struct ss_text word = argument(reading, 1);
    int64_t hold = 0;

    if (ss_text_equal(word, "report")) {
        hold = SMTPSEC_HOLD_REPORT;
    } else if (ss_text_equal(word, "earned")) {
        hold = SMTPSEC_HOLD_EARNED;
    } else if (!ss_span_read(word, &hold)) {
        FAULT(reading, "\"%s\" is no hold; expected: report, earned, or a time such as 72h or 3d",
              show(word).text);
        return;
    } else if (hold == 0 || hold > SS_HOLD_MOST) {
        FAULT(reading, "a hold of %s; expected: 1m to 30d, or report for none", show(word).text);
        return;
    }
    if (first_time(reading, &reading->hold_line, "hold")) {
        reading->policy->has_hold = true;
        reading->policy->hold = hold;
    }
}

static void
take_cap(struct reading *reading)
{
    struct ss_text word = argument(reading, 1);
    int64_t cap;

    if (!ss_span_read(word, &cap))
        FAULT(reading, "\"%s\" is no time; expected: one such as 90d or 2160h", show(word).text);
    else if (cap < SS_CAP_LEAST || cap > SS_CAP_MOST)
        FAULT(reading, "a cap of %s; expected: 1d to 366d", show(word).text);
    else if (first_time(reading, &reading->cap_line, "cap"))
        reading->policy->cap = cap;
}

static void
take_canary(struct reading *reading)
{
    struct ss_operator_policy *policy = reading->policy;
    struct ss_text word = argument(reading, 1);
    struct ss_name name;
    size_t i;

    if (!ss_name_from_text(&name, word.at, word.len) || ss_name_is_numeric(&name)) {
        FAULT(reading, "\"%s\" is no domain name; expected: one that is known to be signed",
              show(word).text);
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

/* DOMAIN, or .DOMAIN for the names below it. */
static bool
read_domain(struct reading *reading, struct ss_text word, struct ss_exception *exception)
{
    struct ss_text name = word;

    exception->below = word.len > 0 && word.at[0] == '.';
    if (exception->below) {
        name.at++;
        name.len--;
    }
    if (exception->below && name.len == 0) {
        FAULT(reading, "an exception for all domains; expected: a domain, or mode KIND report");
        return false;
    }
    if (!ss_name_from_text(&exception->domain, name.at, name.len) ||
        !ss_name_is_host(&exception->domain) || ss_name_is_numeric(&exception->domain)) {
        FAULT(reading, "\"%s\" is no domain; expected: d.example, or .d.example for names below it",
              show(word).text);
        return false;
    }
    return true;
}

static bool
read_kind(struct reading *reading, struct ss_text word, struct ss_exception *exception)
{
    exception->kind = kind_by_name(word);
    if (exception->kind != 0 || ss_text_equal(word, "all"))
        return true;
    FAULT(reading, "\"%s\" is no kind of claim; expected: " KIND_WORDS ", or all",
          show(word).text);
    return false;
}

/* A date is mandatory: what nobody looks at again would weaken for ever. */
static bool
read_until(struct reading *reading, struct ss_exception *exception)
{
    struct ss_text word = argument(reading, 4);
    char latest[SS_DATE_TEXT];
    int64_t begin;

    if (!ss_text_equal(argument(reading, 3), "until")) {
        FAULT(reading, "\"%s\" is out of place; expected: until YYYY-MM-DD",
              show(argument(reading, 3)).text);
        return false;
    }
    if (!ss_date_read(word, &begin)) {
        FAULT(reading, "\"%s\" is no date; expected: a day that exists, as YYYY-MM-DD",
              show(word).text);
        return false;
    }
    exception->until = begin + DAY - 1;
    if (begin / DAY - reading->now / DAY > DAYS_AHEAD) {
        ss_date_write(latest, reading->now + DAYS_AHEAD * DAY);
        FAULT(reading, "%s is more than two years ahead; expected: %s or earlier",
              show(word).text, latest);
        return false;
    }
    return true;
}

static bool
read_note(struct reading *reading, struct ss_exception *exception)
{
    const struct ss_line_word *word = &reading->line.words[5];

    if (reading->line.count < 6)
        return true;
    if (!word->quoted) {
        FAULT(reading, "\"%s\" stands behind the date; expected: why, in double quotes",
              show(word->text).text);
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
keep(struct reading *reading, const struct ss_exception *exception)
{
    struct ss_exceptions **table = &reading->policy->exceptions;
    const struct ss_exception *other =
        ss_exceptions_exact(*table, &exception->domain, exception->below, exception->kind);
    int r;

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
take_exception(struct reading *reading)
{
    struct ss_exception exception;
    char ended[SS_DATE_TEXT];

    memset(&exception, 0, sizeof(exception));
    exception.line = reading->line.number;
    if (!read_domain(reading, argument(reading, 1), &exception) ||
        !read_kind(reading, argument(reading, 2), &exception) ||
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
    void (*take)(struct reading *reading);
} directives[] = {
    { "mode", 2, 2, "mode KIND off|report|enforce", take_mode },
    { "soft-certificates", 1, 1, "soft-certificates off|report|enforce", take_soft_certificates },
    { "hold", 1, 1, "hold report|earned|TIME", take_hold },
    { "cap", 1, 1, "cap TIME", take_cap },
    { "canary", 1, 1, "canary NAME", take_canary },
    { "except", 4, 5, "except DOMAIN KIND|all until YYYY-MM-DD [\"why\"]", take_exception },
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
take_line(struct reading *reading)
{
    const struct ss_line *line = &reading->line;
    const struct directive *directive = NULL;
    size_t i;

    for (i = 0; i < DIRECTIVES; i++)
        if (ss_text_equal(line->words[0].text, directives[i].word) && !line->words[0].quoted)
            directive = &directives[i];
    if (directive == NULL)
        FAULT(reading,
              "\"%s\" is no directive; expected: mode, soft-certificates, hold, cap, canary "
              "or except",
              show(line->words[0].text).text);
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

static void
begin(struct ss_operator_policy *policy)
{
    int32_t kind;

    memset(policy, 0, sizeof(*policy));
    for (kind = 0; kind <= SMTPSEC_CLAIM_DNSSEC; kind++)
        policy->mode[kind] = SS_UNSAID;
    policy->soft_certificates = SS_UNSAID;
}

void
ss_operator_policy_free(struct ss_operator_policy *policy)
{
    ss_exceptions_unref(policy->exceptions);
    policy->exceptions = NULL;
}

int
ss_operator_policy_read(struct ss_operator_policy *policy, struct ss_bytes text, int64_t now,
                        struct smtpsec_faults *faults)
{
    struct ss_text rest = { (const char *)text.data, text.len };
    struct reading reading;
    struct ss_text line;

    begin(policy);
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
        else if (line.len > SS_POLICY_LINE)
            FAULT(&reading, "%zu octets; expected: at most %d a line", line.len, SS_POLICY_LINE);
        else if (ss_line_read(&reading.line, line, faults) && reading.line.count > 0)
            take_line(&reading);
    }
    return reading.nomem ? SMTPSEC_E_NOMEM : 0;
}
