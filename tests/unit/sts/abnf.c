/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "abnf.h"

/*
 * A rule takes the octets from `a` to before `b` and says whether it derives
 * exactly these.
 */
typedef const unsigned char *at;

static bool
alpha(unsigned c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
digit(unsigned c)
{
    return c >= '0' && c <= '9';
}

static bool
wsp(unsigned c)
{
    return c == ' ' || c == '\t';
}

static bool
all(at a, at b, bool (*fits)(unsigned))
{
    while (a < b && fits(*a))
        a++;
    return a == b;
}

static bool
is(at a, at b, const char *word)
{
    return (size_t)(b - a) == strlen(word) && memcmp(a, word, strlen(word)) == 0;
}

static bool
begins(at a, at b, const char *word)
{
    return (size_t)(b - a) >= strlen(word) && memcmp(a, word, strlen(word)) == 0;
}

/* (ALPHA / DIGIT) *31(ALPHA / DIGIT / "_" / "-" / "."): the extension's name, in both sections. */
static bool
ext_name_rest(unsigned c)
{
    return alpha(c) || digit(c) || c == '_' || c == '-' || c == '.';
}

static bool
ext_name(at a, at b)
{
    return b - a >= 1 && b - a <= 32 && (alpha(*a) || digit(*a)) && all(a + 1, b, ext_name_rest);
}

/* ---- Section 3.1, the record -------------------------------------------- */

/* 1*(%x21-3A / %x3C / %x3E-7E) */
static bool
ext_value_octet(unsigned c)
{
    return (c >= 0x21 && c <= 0x3A) || c == 0x3C || (c >= 0x3E && c <= 0x7E);
}

static bool
alnum(unsigned c)
{
    return alpha(c) || digit(c);
}

static bool
not_semicolon(unsigned c)
{
    return c != ';';
}

/* sts-id = %s"id=" 1*32(ALPHA / DIGIT) */
static bool
sts_id(at a, at b)
{
    return begins(a, b, "id=") && b - a >= 3 + 1 && b - a <= 3 + 32 && all(a + 3, b, alnum);
}

/* sts-extension = sts-ext-name "=" sts-ext-value */
static bool
sts_extension(at a, at b)
{
    at e;

    for (e = a; e < b; e++)
        if (*e == '=' && ext_name(a, e) && e + 1 < b && all(e + 1, b, ext_value_octet))
            return true;
    return false;
}

/*
 * sts-field. STSD-10: what begins with "id=" is an id and no extension named
 * id, so a bad one is a fault; STSD-13: but for a later one, which is ignored.
 */
static bool
sts_field(at a, at b, bool id_is_known)
{
    if (begins(a, b, "id="))
        return id_is_known ? all(a, b, not_semicolon) : sts_id(a, b);
    return sts_extension(a, b);
}

/* sts-field-delim = *WSP ";" *WSP, at the begin of what is left; NULL: there is none. */
static at
sts_field_delim(at a, at b)
{
    while (a < b && wsp(*a))
        a++;
    if (a == b || *a != ';')
        return NULL;
    for (a++; a < b && wsp(*a); a++)
        ;
    return a;
}

/*
 * *(sts-field-delim sts-field) [sts-field-delim], the id required; id: where it stands, or
 * NULL.
 * STSD-09: blanks at the very end need no semicolon.
 */
static bool
sts_fields(at a, at b, at id, at id_end, char *out)
{
    at field = sts_field_delim(a, b), end;

    if (all(a, b, wsp) || field == b) {
        if (id == NULL)
            return false;
        memcpy(out, id, (size_t)(id_end - id));
        out[id_end - id] = '\0';
        return true;
    }
    if (field == NULL)
        return false;
    for (end = field + 1; end <= b; end++) {
        bool first = id == NULL && begins(field, end, "id=");

        if (sts_field(field, end, id != NULL) &&
            sts_fields(end, b, first ? field + 3 : id, first ? end : id_end, out))
            return true;
    }
    return false;
}

/* sts-version and the delimiter: what is not so does not count at all (STSD-04, STSD-05). */
static bool
is_candidate(at a, at b)
{
    return begins(a, b, "v=STSv1") && sts_field_delim(a + 7, b) != NULL;
}

enum abnf_state
abnf_record(const unsigned char *const *texts, const size_t *lens, size_t count, char *id)
{
    size_t i, found = 0, one = 0;

    id[0] = '\0';
    for (i = 0; i < count; i++) {
        if (is_candidate(texts[i], texts[i] + lens[i])) {
            found++;
            one = i;
        }
    }
    if (found != 1)
        return found == 0 ? ABNF_NONE : ABNF_SEVERAL;
    if (!sts_fields(texts[one] + 7, texts[one] + lens[one], NULL, NULL, id))
        return ABNF_INVALID;
    return ABNF_FOUND;
}

/* ---- Section 3.2, the policy -------------------------------------------- */

static bool
tail(at a, at b)
{
    return a < b && *a >= 0x80 && *a <= 0xBF;
}

static bool
between(unsigned c, unsigned low, unsigned high)
{
    return c >= low && c <= high;
}

/* UTF8-2, UTF8-3, UTF8-4 of RFC 3629 section 4: length at a, 0 when there is none. */
static size_t
utf8_many(at a, at b)
{
    size_t left = (size_t)(b - a);

    if (left >= 2 && between(a[0], 0xC2, 0xDF) && tail(a + 1, b))
        return 2;
    if (left >= 3 && tail(a + 2, b) &&
        ((a[0] == 0xE0 && between(a[1], 0xA0, 0xBF)) ||
         (between(a[0], 0xE1, 0xEC) && tail(a + 1, b)) ||
         (a[0] == 0xED && between(a[1], 0x80, 0x9F)) ||
         (between(a[0], 0xEE, 0xEF) && tail(a + 1, b))))
        return 3;
    if (left >= 4 && tail(a + 2, b) && tail(a + 3, b) &&
        ((a[0] == 0xF0 && between(a[1], 0x90, 0xBF)) ||
         (between(a[0], 0xF1, 0xF3) && tail(a + 1, b)) ||
         (a[0] == 0xF4 && between(a[1], 0x80, 0x8F))))
        return 4;
    return 0;
}

/* STSP-02: UTF-8, of the controls only tabs and line ends; no byte order mark in front. */
static bool
fit_to_be_read(at a, at b)
{
    if (begins(a, b, "\xEF\xBB\xBF"))
        return false;
    while (a < b) {
        size_t many = utf8_many(a, b);

        if (many > 0)
            a += many;
        else if (begins(a, b, "\r\n"))
            a += 2;
        else if (between(*a, 0x20, 0x7E) || *a == '\t' || *a == '\n')
            a++;
        else
            return false;
    }
    return true;
}

/* sub-domain = Let-dig [Ldh-str] (RFC 5321 4.1.2), at most 63 octets (RFC 1035 2.3.4) */
static bool
let_dig_hyphen(unsigned c)
{
    return alnum(c) || c == '-';
}

static bool
sub_domain(at a, at b)
{
    return b - a >= 1 && b - a <= 63 && alnum(a[0]) && alnum(b[-1]) && all(a, b, let_dig_hyphen);
}

/* Domain = sub-domain *("." sub-domain); last: where the last one begins */
static bool
domain(at a, at b, at *last)
{
    at e;

    for (e = a; e < b; e++)
        if (*e == '.' && sub_domain(a, e) && domain(e + 1, b, last))
            return true;
    *last = a;
    return sub_domain(a, b);
}

/* sts-policy-mx-value = ["*."] Domain; STSP-19: one last dot is no part of it */
static bool
mx_value(at a, at b, struct abnf_mx *mx)
{
    at last, from = begins(a, b, "*.") ? a + 2 : a;
    size_t i;

    if (b > a && b[-1] == '.')
        b--;
    if (b < from || b - from > 253 || !domain(from, b, &last))
        return false;
    mx->wildcard = from != a;
    mx->never = all(last, b, digit);
    for (i = 0; a + i < b; i++)
        mx->text[i] = (char)(a[i] >= 'A' && a[i] <= 'Z' ? a[i] - 'A' + 'a' : a[i]);
    mx->text[i] = '\0';
    return true;
}

/* 1*10(DIGIT); STSP-15: at most a year of 365.25 days */
static bool
max_age_value(at a, at b, int64_t *out)
{
    int64_t n = 0;

    if (b - a < 1 || b - a > 10 || !all(a, b, digit))
        return false;
    for (; a < b; a++)
        n = n * 10 + (*a - '0');
    *out = n > 31557600 ? 31557600 : n;
    return true;
}

/* A key and sts-policy-field-delim = ":" *WSP; value receives what follows. */
static bool
key(at a, at b, const char *word, at *value)
{
    if (!begins(a, b, word) || a + strlen(word) == b || a[strlen(word)] != ':')
        return false;
    for (a += strlen(word) + 1; a < b && wsp(*a); a++)
        ;
    *value = a;
    return true;
}

/* STSP-07: blanks around a key that we know, before its colon. */
static bool
blanks_at_known_key(at a, at b)
{
    static const char *const known[] = {"version", "mode", "max_age", "mx"};
    at from, to, colon = memchr(a, ':', (size_t)(b - a));
    size_t i;

    for (from = a; from < colon; from++)
        for (to = from; to <= colon; to++)
            for (i = 0; i < 4; i++)
                if (is(from, to, known[i]) && all(a, from, wsp) && all(to, colon, wsp))
                    return from > a || to < colon;
    return false;
}

struct reading {
    struct abnf_policy *policy;
    bool version, mode, max_age;
};

/* One line without its end and its last blanks. False: there is no policy here. */
static bool
policy_line(struct reading *r, at a, at b)
{
    at v;

    if (a == b) /* STSP-13 */
        return true;
    if (memchr(a, ':', (size_t)(b - a)) == NULL) /* STSP-12 */
        return false;
    if (blanks_at_known_key(a, b))
        return false;
    if (key(a, b, "version", &v)) {
        if (!r->version && !is(v, b, "STSv1"))
            return false;
        r->version = true; /* STSP-08: the first one counts, here and below */
    } else if (key(a, b, "mode", &v)) {
        if (r->mode)
            return true;
        r->policy->mode = v < b ? (char)*v : ' ';
        return r->mode = is(v, b, "testing") || is(v, b, "enforce") || is(v, b, "none");
    } else if (key(a, b, "max_age", &v)) {
        return r->max_age || (r->max_age = max_age_value(v, b, &r->policy->max_age));
    } else if (key(a, b, "mx", &v)) {
        return r->policy->mx_count < ABNF_MX &&
               mx_value(v, b, &r->policy->mx[r->policy->mx_count++]);
    }
    return true; /* STSP-10, STSP-11: an extension, whatever it looks like */
}

static bool
policy_lines(struct reading *r, at a, at b)
{
    at end, next;

    while (a < b) {
        for (end = a; end < b && *end != '\n'; end++)
            ;
        next = end < b ? end + 1 : b;
        if (end < b && end > a && end[-1] == '\r')
            end--;
        while (end > a && wsp(end[-1]))
            end--;
        if (!policy_line(r, a, end))
            return false;
        a = next;
    }
    return true;
}

void
abnf_policy(struct abnf_policy *policy, const unsigned char *body, size_t len)
{
    struct reading r = {policy, false, false, false};

    policy->mx_count = 0;
    policy->max_age = 0;
    policy->mode = ' ';
    policy->valid = len <= 65536 && fit_to_be_read(body, body + len) &&
                    policy_lines(&r, body, body + len) && r.version && r.mode && r.max_age &&
                    policy->mx_count < ABNF_MX &&
                    (policy->mx_count > 0 || policy->mode == 'n'); /* STSP-03, STSP-04 */
    if (policy->valid && policy->mode == 'n')
        policy->mx_count = 0;
}

bool
abnf_fits(const struct abnf_policy *policy, const char *host)
{
    const char *dot = strchr(host, '.');
    size_t i;

    for (i = 0; i < policy->mx_count; i++) {
        const struct abnf_mx *mx = &policy->mx[i];

        if (mx->never)
            continue;
        if (!mx->wildcard && strcmp(mx->text, host) == 0)
            return true;
        if (mx->wildcard && dot != NULL && dot > host && strcmp(mx->text + 2, dot + 1) == 0)
            return true;
    }
    return false;
}
