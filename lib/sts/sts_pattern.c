/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "sts/sts_pattern.h"

/* A sub-domain of RFC 5321 4.1.2: letters, digits, hyphens; no hyphen at either end. */
static bool
is_label(struct ss_text label)
{
    size_t i;

    for (i = 0; i < label.len; i++)
        if (!ss_is_alnum(label.at[i]) && label.at[i] != '-')
            return false;
    return label.len > 0 && label.at[0] != '-' && label.at[label.len - 1] != '-';
}

/* The Domain of RFC 5321; *last is its last label. U-labels are not converted (STSP-18). */
static bool
is_domain(struct ss_text t, struct ss_text *last)
{
    struct ss_text label, rest;

    while (ss_text_cut(t, '.', &label, &rest)) {
        if (!is_label(label))
            return false;
        t = rest;
    }
    *last = t;
    return is_label(t);
}

static bool
is_number(struct ss_text label)
{
    size_t i;

    for (i = 0; i < label.len; i++)
        if (!ss_is_digit(label.at[i]))
            return false;
    return true;
}

int
ss_sts_pattern_read(struct ss_sts_pattern *pattern, struct ss_text value)
{
    struct ss_sts_pattern p = {.wildcard = false};
    struct ss_text domain, last;
    size_t i;

    if (value.len > 0 && value.at[value.len - 1] == '.') /* STSP-19 */
        value.len--;
    domain = value;
    if (value.len >= 2 && memcmp(value.at, "*.", 2) == 0) {
        p.wildcard = true;
        domain.at += 2;
        domain.len -= 2;
    }
    if (!is_domain(domain, &last) || !ss_name_from_text(&p.name, domain.at, domain.len))
        return SMTPSEC_E_FORMAT;
    /* STSP-17: the grammar lets an IPv4 address pass; no host name ends in a number. */
    if (is_number(last))
        p.name.len = 0;
    p.text = ss_text_dup(value);
    if (p.text == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < value.len; i++)
        p.text[i] = ss_lower(p.text[i]);
    *pattern = p;
    return 0;
}

void
ss_sts_pattern_free(struct ss_sts_pattern *pattern)
{
    free(pattern->text);
    pattern->text = NULL;
}

/*
 * STSA-01, STSA-02: the same name, or for a wildcard the same name below
 * exactly one label. The root is not a host, so it fits nothing.
 */
bool
ss_sts_pattern_fits(const struct ss_sts_pattern *pattern, const struct ss_name *mx)
{
    size_t skip = 0;

    if (pattern->name.len == 0 || mx->len <= 1)
        return false;
    if (pattern->wildcard)
        skip = 1 + (size_t)mx->wire[0];
    if (mx->len < skip || mx->len - skip != pattern->name.len)
        return false;
    return memcmp(mx->wire + skip, pattern->name.wire, pattern->name.len) == 0;
}
