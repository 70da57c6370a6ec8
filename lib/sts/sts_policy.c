/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/fields.h"
#include "base/text.h"
#include "sts/sts_grammar.h"
#include "sts/sts_pattern.h"
#include "sts/sts_policy.h"

/* Faults told of one body; the rest would only push other notes out. */
#define FAULTS_TOLD 16

static const char section[] = "RFC 8461 3.2";

/* A body being read. The first value of a key is the one that counts (STSP-08). */
struct reader {
    struct ss_sts_policy policy;
    struct ss_notes *notes;
    struct ss_text line;
    size_t mx_cap;
    size_t faults;
    bool told_extension;
    bool seen_version;
    bool seen_mode;
    bool seen_max_age;
    bool nomem;
};

/* The line being read, as the origin of what is told of it; between lines the whole body. */
static struct ss_origin
origin_of(const struct reader *r)
{
    struct ss_origin origin = {"https", 0, {(const uint8_t *)r->line.at, r->line.len}};

    return origin;
}

/* A fault makes the whole policy invalid. t: where it is, or nothing. */
static void
fault(struct reader *r, const char *row, const char *what, struct ss_text t)
{
    const struct ss_origin origin = origin_of(r);

    r->faults++;
    if (r->faults > FAULTS_TOLD)
        return;
    if (t.at == NULL)
        ss_note_from(r->notes, &origin, SS_SKIPS, row, section, "%s", what);
    else
        ss_note_from(r->notes, &origin, SS_SKIPS, row, section, "%s: \"%.*s\"", what,
                     ss_fields_shown(t), t.at);
}

static void
read_version(struct reader *r, struct ss_text value)
{
    if (r->seen_version)
        return;
    r->seen_version = true;
    if (!ss_text_equal(value, "STSv1"))
        fault(r, "STSP-06", "unknown version", value);
}

static void
read_mode(struct reader *r, struct ss_text value)
{
    if (r->seen_mode)
        return;
    r->seen_mode = true;
    if (ss_text_equal(value, "enforce"))
        r->policy.mode = SMTPSEC_STS_ENFORCE;
    else if (ss_text_equal(value, "testing"))
        r->policy.mode = SMTPSEC_STS_TESTING;
    else if (ss_text_equal(value, "none"))
        r->policy.mode = SMTPSEC_STS_NONE;
    else
        fault(r, "STSP-06", "unknown mode", value);
}

static void
read_max_age(struct reader *r, struct ss_text value)
{
    const struct ss_origin origin = origin_of(r);
    uint64_t seconds = 0;

    if (r->seen_max_age)
        return;
    r->seen_max_age = true;
    if (!ss_text_number(value, 10, &seconds)) {
        fault(r, "STSP-14", "max_age is not one to ten digits", value);
        return;
    }
    if (seconds > SS_STS_MAX_AGE) {
        ss_note_from(r->notes, &origin, SS_LOWERS, "STSP-15", section, "max_age %.*s taken as %d",
                     ss_fields_shown(value), value.at, SS_STS_MAX_AGE);
        seconds = SS_STS_MAX_AGE;
    }
    r->policy.max_age = (int64_t)seconds;
}

/* Room for one more pattern. */
static bool
grow(struct reader *r)
{
    size_t cap = r->mx_cap == 0 ? 8 : r->mx_cap * 2;
    struct ss_sts_pattern *mx;

    if (r->policy.mx_count < r->mx_cap)
        return true;
    mx = realloc(r->policy.mx, cap * sizeof(*mx));
    if (mx == NULL)
        return false;
    r->policy.mx = mx;
    r->mx_cap = cap;
    return true;
}

static void
read_mx(struct reader *r, struct ss_text value)
{
    struct ss_sts_pattern pattern;
    int code;

    if (r->policy.mx_count == SS_STS_MX_MAX) {
        fault(r, "STSP-09", "more mx lines than are read", value);
        return;
    }
    code = ss_sts_pattern_read(&pattern, value);
    if (code == SMTPSEC_E_FORMAT) {
        fault(r, "STSP-17", "mx is neither a domain nor \"*.\" and a domain", value);
        return;
    }
    if (code != 0 || !grow(r)) {
        if (code == 0)
            ss_sts_pattern_free(&pattern);
        r->nomem = true;
        return;
    }
    r->policy.mx[r->policy.mx_count++] = pattern;
}

static bool
is_known(struct ss_text name)
{
    return ss_text_equal(name, "version") || ss_text_equal(name, "mode") ||
           ss_text_equal(name, "max_age") || ss_text_equal(name, "mx");
}

/*
 * STSP-10: unknown keys are ignored; STSP-11: malformed ones too, since they
 * cannot add a host. But a blank beside a key of ours is a mistake in that
 * key, not an extension (STSP-07).
 */
static void
read_extension(struct reader *r, struct ss_text name, struct ss_text value)
{
    const struct ss_origin origin = origin_of(r);

    if (is_known(ss_text_trim_blanks(ss_text_skip_blanks(name)))) {
        fault(r, "STSP-07", "blank beside a key", name);
        return;
    }
    if (r->told_extension || (ss_fields_is_name(name) && value.len > 0))
        return;
    ss_note_from(r->notes, &origin, SS_SKIPS, "STSP-11", section,
                 "malformed extension ignored: \"%.*s\"", ss_fields_shown(name), name.at);
    r->told_extension = true;
}

static void
read_line(struct reader *r, struct ss_text line)
{
    struct ss_text name, value;

    if (ss_text_skip_blanks(line).len == 0) /* STSP-13 */
        return;
    if (!ss_text_cut(line, ':', &name, &value)) {
        fault(r, "STSP-12", "line without a colon", line);
        return;
    }
    value = ss_text_trim_blanks(ss_text_skip_blanks(value));
    if (ss_text_equal(name, "version"))
        read_version(r, value);
    else if (ss_text_equal(name, "mode"))
        read_mode(r, value);
    else if (ss_text_equal(name, "max_age"))
        read_max_age(r, value);
    else if (ss_text_equal(name, "mx"))
        read_mx(r, value);
    else
        read_extension(r, name, value);
}

/*
 * Lines end with LF or CRLF, mixed as they like, the last end is optional
 * (STSP-01, erratum 6253). Any other CR was refused before.
 */
static void
read_lines(struct reader *r, struct ss_text body)
{
    struct ss_text line, rest;
    bool more = true;

    while (more && !r->nomem) {
        more = ss_text_cut(body, '\n', &line, &rest);
        if (!more)
            line = body;
        if (more && line.len > 0 && line.at[line.len - 1] == '\r')
            line.len--;
        r->line = line;
        read_line(r, line);
        if (more)
            body = rest;
    }
}

/* STSP-02: what may be in a body at all. */
static void
check_octets(struct reader *r, struct ss_text body)
{
    static const struct ss_text nothing = {NULL, 0};
    size_t i;
    unsigned char c;

    if (body.len >= 3 && memcmp(body.at, "\xEF\xBB\xBF", 3) == 0)
        fault(r, "STSP-02", "byte order mark", nothing);
    if (!ss_sts_is_utf8(body))
        fault(r, "STSP-02", "not UTF-8", nothing);
    for (i = 0; i < body.len; i++) {
        c = (unsigned char)body.at[i];
        if (c == '\n' || c == '\t' || (c == '\r' && i + 1 < body.len && body.at[i + 1] == '\n'))
            continue;
        if (c < ' ' || c == 0x7F) {
            fault(r, "STSP-02", c == '\r' ? "carriage return alone" : "control character", nothing);
            return;
        }
    }
}

/* STSP-03, STSP-04. */
static void
check_complete(struct reader *r)
{
    static const struct ss_text nothing = {NULL, 0};

    if (!r->seen_version)
        fault(r, "STSP-03", "version is missing", nothing);
    if (!r->seen_mode)
        fault(r, "STSP-03", "mode is missing", nothing);
    if (!r->seen_max_age)
        fault(r, "STSP-03", "max_age is missing", nothing);
    if (r->policy.mx_count == 0 && r->policy.mode != SMTPSEC_STS_NONE)
        fault(r, "STSP-03", "mx is missing", nothing);
}

/* Patterns of a policy of mode none mean nothing (STSP-04): none are kept. */
static void
drop_patterns(struct ss_sts_policy *policy)
{
    size_t i;

    for (i = 0; i < policy->mx_count; i++)
        ss_sts_pattern_free(&policy->mx[i]);
    free(policy->mx);
    policy->mx = NULL;
    policy->mx_count = 0;
}

void
ss_sts_policy_free(struct ss_sts_policy *policy)
{
    if (policy == NULL)
        return;
    drop_patterns(policy);
    policy->mode = SMTPSEC_STS_ABSENT;
    policy->max_age = 0;
}

int
ss_sts_policy_read(struct ss_sts_policy *policy, struct ss_bytes body, bool *valid,
                   struct ss_notes *notes)
{
    const struct ss_origin origin = {"https", 0, body};
    struct reader r = {.notes = notes};
    struct ss_text text;

    *valid = false;
    memset(policy, 0, sizeof(*policy));
    if (body.len > SS_STS_BODY_MAX) {
        ss_note_from(notes, &origin, SS_SKIPS, "STSF-09", "RFC 8461 3.3", "body of %zu octets",
                     body.len);
        return 0;
    }
    text.at = body.len > 0 ? (const char *)body.data : "";
    text.len = body.len;
    r.line = text;
    check_octets(&r, text);
    if (r.faults == 0) {
        read_lines(&r, text);
        r.line = text;
        check_complete(&r);
    }
    if (r.nomem || r.faults > 0) {
        ss_sts_policy_free(&r.policy);
        return r.nomem ? SMTPSEC_E_NOMEM : 0;
    }
    if (r.policy.mode == SMTPSEC_STS_NONE)
        drop_patterns(&r.policy);
    *policy = r.policy;
    *valid = true;
    return 0;
}

bool
ss_sts_policy_fits(const struct ss_sts_policy *policy, const struct ss_name *mx)
{
    size_t i;

    for (i = 0; i < policy->mx_count; i++)
        if (ss_sts_pattern_fits(&policy->mx[i], mx))
            return true;
    return false;
}
