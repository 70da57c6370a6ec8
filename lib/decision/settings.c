/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/settings.h"

#include <stdio.h>
#include <string.h>

#include "base/date.h"

void
ss_settings_init(struct ss_settings *settings)
{
    settings->dane = SMTPSEC_MODE_ENFORCE;
    settings->tlsa_sha256 = true;
    settings->tlsa_sha512 = true;
    settings->mx_alias = true;
    settings->own_name_count = 0;
    settings->minimum = SMTPSEC_LEVEL_NONE;
    settings->mta_sts = true;
    settings->tlsrpt = false;
    settings->tlsrpt_transient = false;
    settings->sts_async = false;
    settings->dane_over_sts = false;
    settings->insecure_mx = SMTPSEC_LEVEL_DANE;
    settings->tls_version = 0x0303;
    settings->sts_strict = false;
    settings->dane_reports = false;
    settings->sts_reports = false;
    settings->lowered_until = INT64_MAX;
    ss_memory_settings_init(&settings->memory);
    settings->exceptions = NULL;
    settings->rules = NULL;
}

void
ss_settings_settle(struct ss_settings *settings)
{
    int32_t *mode = settings->memory.mode;

    if (mode[SMTPSEC_CLAIM_DANE] > settings->dane)
        mode[SMTPSEC_CLAIM_DANE] = settings->dane;
    if (!settings->mta_sts)
        mode[SMTPSEC_CLAIM_MTA_STS] = SMTPSEC_MODE_OFF;
}

/* TLSA-22: where what is live only reports, what is remembered of it does no more. */
static const struct ss_exception *
find_live(const struct ss_settings *settings, const struct ss_name *domain, int32_t kind,
          int64_t now)
{
    if (kind == SMTPSEC_CLAIM_DANE)
        return ss_exceptions_find(settings->exceptions, domain, SS_EXCEPT_DANE_LIVE, now);
    if (kind == SMTPSEC_CLAIM_MTA_STS)
        return ss_exceptions_find(settings->exceptions, domain, SS_EXCEPT_STS_LIVE, now);
    return NULL;
}

void
ss_settings_for(const struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                struct ss_memory_settings *memory, const struct ss_exception *lifted[5])
{
    const struct ss_exception *found;
    int32_t kind;

    if (memory != &settings->memory)
        *memory = settings->memory;
    if (lifted != NULL)
        memset(lifted, 0, 5 * sizeof(*lifted));
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        if (memory->mode[kind] != SMTPSEC_MODE_ENFORCE)
            continue;
        found = ss_exceptions_find(settings->exceptions, domain, kind, now);
        if (found == NULL)
            found = find_live(settings, domain, kind, now);
        if (found == NULL)
            continue;
        memory->mode[kind] = SMTPSEC_MODE_REPORT;
        if (lifted != NULL)
            lifted[kind] = found;
    }
}

static void
hold_text(char out[SS_SPAN_TEXT], int64_t hold)
{
    if (hold == SMTPSEC_HOLD_EARNED)
        snprintf(out, SS_SPAN_TEXT, "earned");
    else if (hold == SMTPSEC_HOLD_REPORT)
        snprintf(out, SS_SPAN_TEXT, "report");
    else
        ss_span_write(out, hold);
}

/* Every plan tells this: printf() would take longer than all the rest of the line. */
static void
add_word(char *out, size_t room, size_t *at, const char *word)
{
    size_t len = strlen(word);

    if (len >= room - *at)
        return;
    memcpy(out + *at, word, len + 1);
    *at += len;
}

/* The kinds in each mode, the strictest mode first: "enforce dane mta-sts, report dnssec". */
static void
modes_text(char *out, size_t room, const struct ss_memory_settings *memory)
{
    int32_t mode, kind;
    size_t at = 0;
    bool first;

    for (mode = SMTPSEC_MODE_ENFORCE; mode >= SMTPSEC_MODE_OFF; mode--) {
        first = true;
        for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
            if (memory->mode[kind] != mode)
                continue;
            if (first) {
                add_word(out, room, &at, at > 0 ? ", " : "");
                add_word(out, room, &at, smtpsec_mode_name(mode));
            }
            add_word(out, room, &at, " ");
            add_word(out, room, &at, smtpsec_claim_name(kind));
            first = false;
        }
    }
}

static const struct ss_origin by_operator = {"operator", SS_AGE_UNKNOWN, {NULL, 0}};

/* One line with all that the operator can set of the memory. */
static void
tell_settings(const struct ss_memory_settings *memory, size_t exceptions, struct ss_notes *notes)
{
    char modes[128] = "", hold[SS_SPAN_TEXT], cap[SS_SPAN_TEXT], used[48] = "";

    modes_text(modes, sizeof(modes), memory);
    hold_text(hold, memory->hold);
    ss_span_write(cap, memory->cap);
    if (exceptions > 0)
        snprintf(used, sizeof(used), "; exceptions in use %zu", exceptions);
    ss_note_from(notes, &by_operator, SS_INFORMS, "PREC-10", "",
                 "memory: %s; soft-certificates %s; hold %s; cap %s%s", modes,
                 smtpsec_mode_name(memory->soft_pkix_mode), hold, cap, used);
}

static void
tell_exception(const struct ss_exception *exception, const char *what, struct ss_notes *notes)
{
    char name[SS_NAME_TEXT], until[SS_TIME_TEXT], line[32] = "";

    ss_name_to_text(&exception->domain, name);
    ss_time_text(until, exception->until);
    if (exception->line > 0)
        snprintf(line, sizeof(line), ", line %u", (unsigned)exception->line);
    ss_note_from(notes, &by_operator, SS_LOWERS, "PREC-08", "",
                 "exception for %s%.253s%s, until %s: %s%s%s", exception->below ? "." : "", name,
                 line, until, what, exception->note[0] != '\0' ? ": " : "",
                 exception->note);
}

/* Each exception once, with all the kinds that it lifts. Returns how many. */
static size_t
tell_exceptions(const struct ss_exception *const lifted[5], struct ss_notes *notes)
{
    char what[96];
    size_t count = 0, at;
    int32_t kind, other;

    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        if (lifted[kind] == NULL)
            continue;
        for (other = SMTPSEC_CLAIM_DANE; lifted[other] != lifted[kind]; other++)
            continue;
        if (other != kind)
            continue;
        at = (size_t)snprintf(what, sizeof(what), "claims of kind ");
        for (; other <= SMTPSEC_CLAIM_DNSSEC; other++)
            if (lifted[other] == lifted[kind])
                at += (size_t)snprintf(what + at, sizeof(what) - at, "%s%s",
                                       other > kind ? ", " : "", smtpsec_claim_name(other));
        snprintf(what + at, sizeof(what) - at, " only report");
        tell_exception(lifted[kind], what, notes);
        count++;
    }
    return count;
}

/* ---- Rules ---- */

static enum ss_effect
effect_of(const struct ss_rule *rule)
{
    switch (rule->kind) {
    case SS_RULE_INSECURE_MX:
        return rule->value < SMTPSEC_LEVEL_DANE ? SS_LOWERS : SS_INFORMS;
    case SS_RULE_DANE_ALONE:
        return rule->value != 0 ? SS_LOWERS : SS_INFORMS;
    case SS_RULE_STS_TESTING:
        return rule->value != 0 ? SS_RAISES : SS_INFORMS;
    case SS_RULE_RELAY:
        return SS_INFORMS;
    default:
        return SS_RAISES;
    }
}

void
ss_settings_tell_rule(const struct ss_rule *rule, const char *whom, struct ss_notes *notes)
{
    struct ss_origin origin = {"operator", SS_AGE_UNKNOWN, {NULL, 0}};
    char text[SS_RULE_TEXT], line[24] = "";

    if (rule->line > 0)
        snprintf(line, sizeof(line), ", line %u", (unsigned)rule->line);
    ss_rule_text(rule, text);
    origin.input.data = (const uint8_t *)text;
    origin.input.len = strlen(text);
    ss_note_from(notes, &origin, effect_of(rule), "PREC-08", "",
                 "the operator's rule%s%s%s: %.300s",
                 whom == NULL ? "" : " for ", whom == NULL ? "" : whom, line, text);
}

/* What an exception has lowered must not outlive it, in a plan say. */
static void
end_with(struct ss_settings *settings, const struct ss_exception *exception)
{
    if (exception->until < settings->lowered_until)
        settings->lowered_until = exception->until;
}

static bool
excepted(struct ss_settings *settings, const struct ss_name *domain, int64_t now, int32_t kind,
         const char *what, struct ss_notes *notes)
{
    const struct ss_exception *found =
        ss_exceptions_find(settings->exceptions, domain, kind, now);

    if (found == NULL)
        return false;
    tell_exception(found, what, notes);
    end_with(settings, found);
    return true;
}

static void
put_rule(struct ss_settings *settings, const struct ss_rule *rule)
{
    if (rule->kind == SS_RULE_LEVEL && rule->value > settings->minimum)
        settings->minimum = rule->value;
    else if (rule->kind == SS_RULE_TLS_VERSION && rule->value > settings->tls_version)
        settings->tls_version = (uint16_t)rule->value;
    else if (rule->kind == SS_RULE_STS_TESTING)
        settings->sts_strict = rule->value != 0;
    else if (rule->kind == SS_RULE_INSECURE_MX)
        settings->insecure_mx = rule->value;
    else if (rule->kind == SS_RULE_DANE_ALONE)
        settings->dane_over_sts = rule->value != 0;
}

/* What a dated exception lifts falls back to what holds without any wish of the operator's. */
static void
lift(struct ss_settings *settings, const struct ss_name *domain, int64_t now,
     struct ss_notes *notes)
{
    if (excepted(settings, domain, now, SS_EXCEPT_LEVEL, "no level is asked", notes))
        settings->minimum = SMTPSEC_LEVEL_NONE;
    if (excepted(settings, domain, now, SS_EXCEPT_TLS_VERSION, "TLS 1.2 is enough", notes))
        settings->tls_version = 0x0303;
    if (excepted(settings, domain, now, SS_EXCEPT_STS_TESTING,
                 "a testing policy only reports", notes))
        settings->sts_strict = false;
    settings->dane_reports =
        excepted(settings, domain, now, SS_EXCEPT_DANE_LIVE,
                 "what DANE asks only reports, but for REQUIRETLS", notes);
    settings->sts_reports =
        excepted(settings, domain, now, SS_EXCEPT_STS_LIVE,
                 "what MTA-STS asks only reports, but for REQUIRETLS", notes);
}

void
ss_settings_rules(struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                  struct ss_notes *notes)
{
    const struct ss_rule *found[SS_RULE_KINDS];
    int kind;

    ss_rules_for_domain(settings->rules, domain, found);
    for (kind = 0; kind < SS_RULE_KINDS; kind++) {
        if (found[kind] == NULL)
            continue;
        put_rule(settings, found[kind]);
        ss_settings_tell_rule(found[kind], NULL, notes);
    }
    lift(settings, domain, now, notes);
}

int32_t
ss_settings_decide(struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                   struct ss_notes *notes)
{
    const struct ss_exception *lifted[5];
    struct ss_memory_settings chosen = settings->memory;
    int32_t kind, bits = 0;

    ss_settings_for(settings, domain, now, &settings->memory, lifted);
    ss_settings_rules(settings, domain, now, notes);
    settings->exceptions = NULL;
    settings->rules = NULL;
    tell_settings(&chosen, tell_exceptions(lifted, notes), notes);
    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        if (lifted[kind] == NULL)
            continue;
        bits |= 1 << kind;
        end_with(settings, lifted[kind]);
    }
    return bits;
}
