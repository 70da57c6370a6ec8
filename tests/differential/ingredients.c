/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ingredients.h"

#include <string.h>
#include <strings.h>

bool
same_octets(struct ss_bytes a, struct ss_bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static bool
has(const struct candidates *candidates, const struct pool_cert *cert)
{
    size_t i;

    for (i = 0; i < candidates->count; i++)
        if (same_octets(candidates->list[i]->der, cert->der))
            return true;
    return false;
}

static bool
issues_one(const struct candidates *candidates, const struct pool_cert *cert)
{
    size_t i;

    for (i = 0; i < candidates->count; i++)
        if (strcasecmp(candidates->list[i]->issuer_cn, cert->cn) == 0)
            return true;
    return false;
}

bool
is_own_anchor(const struct trial_record *record, unsigned selector)
{
    return record->usage == 2 && record->selector == selector && record->matching == 0 &&
           record->harm == HARM_NONE;
}

struct candidates
candidates_of(const struct trial *trial)
{
    struct candidates candidates = {1, {trial->chain[0]}};
    size_t before, i;

    do {
        before = candidates.count;
        for (i = 1; i < trial->chain_count; i++)
            if (!has(&candidates, trial->chain[i]) && issues_one(&candidates, trial->chain[i]))
                candidates.list[candidates.count++] = trial->chain[i];
        for (i = 0; i < trial->record_count; i++)
            if (is_own_anchor(&trial->records[i], 0) && !has(&candidates, trial->records[i].of) &&
                issues_one(&candidates, trial->records[i].of))
                candidates.list[candidates.count++] = trial->records[i].of;
    } while (candidates.count > before);
    return candidates;
}

bool
is_weak(const struct pool_cert *cert)
{
    return cert->spec.key == SS_TEST_KEY_RSA1024;
}

bool
can_issue(const struct pool_cert *issuer, const struct pool_cert *cert)
{
    return strcasecmp(cert->issuer_cn, issuer->cn) == 0;
}

bool
self_issued(const struct pool_cert *cert)
{
    return strcasecmp(cert->cn, cert->issuer_cn) == 0;
}

int64_t
begin_of(const struct pool_cert *cert)
{
    return cert->spec.not_before != 0 ? cert->spec.not_before : SS_TEST_NOW - 30 * SS_TEST_DAY;
}

int64_t
end_of(const struct pool_cert *cert)
{
    return cert->spec.not_after != 0 ? cert->spec.not_after : SS_TEST_NOW + 30 * SS_TEST_DAY;
}

bool
names_it(const struct trial_record *record, unsigned usage, const struct pool_cert *cert)
{
    if (record->usage != usage || record->selector > 1 || record->matching > 2 ||
        record->harm != HARM_NONE)
        return false;
    return record->selector == 0 ? same_octets(record->of->der, cert->der)
                                 : same_octets(record->of->spki, cert->spki);
}

bool
named_by_any(const struct trial *trial, unsigned usage, const struct pool_cert *cert)
{
    size_t i;

    for (i = 0; i < trial->record_count; i++)
        if (names_it(&trial->records[i], usage, cert))
            return true;
    return false;
}

bool
is_on_path(const struct trial *path, const struct pool_cert *cert)
{
    size_t i;

    for (i = 0; i < path->chain_count; i++)
        if (same_octets(path->chain[i]->der, cert->der))
            return true;
    return false;
}

bool
has_dns_id(const struct pool_cert *cert)
{
    return !cert->spec.v1 && (cert->spec.dns[0] != NULL || cert->spec.dns_octets != NULL);
}

bool
has_empty_name(const struct pool_cert *cert)
{
    size_t i;

    for (i = 0; i < sizeof(cert->spec.dns) / sizeof(cert->spec.dns[0]); i++)
        if (cert->spec.dns[i] != NULL && cert->spec.dns[i][0] == '\0')
            return !cert->spec.v1;
    return false;
}

bool
any_presented(const struct trial *trial,
              bool (*is_such)(const struct trial *trial, const char *presented))
{
    const struct pool_cert *leaf = trial->chain[0];
    size_t i;

    if (!has_dns_id(leaf))
        return is_such(trial, leaf->cn);
    for (i = 0; i < sizeof(leaf->spec.dns) / sizeof(leaf->spec.dns[0]); i++)
        if (leaf->spec.dns[i] != NULL && is_such(trial, leaf->spec.dns[i]))
            return true;
    return false;
}

static size_t
dots_in(const char *text)
{
    size_t dots = 0;

    for (; *text != '\0'; text++)
        dots += *text == '.';
    return dots;
}

bool
is_wide_star(const struct trial *trial, const char *presented)
{
    size_t i;

    if (strncmp(presented, "*.", 2) != 0 || dots_in(presented) != 1)
        return false;
    for (i = 0; i < trial->name_count; i++)
        if (dots_in(trial->names[i]) == 1 &&
            strcasecmp(strchr(trial->names[i], '.'), presented + 1) == 0)
            return true;
    return false;
}

bool
is_star_over_underscore(const struct trial *trial, const char *presented)
{
    size_t i;

    for (i = 0; i < trial->name_count && strncmp(presented, "*.", 2) == 0; i++)
        if (trial->names[i][0] == '_' &&
            strcasecmp(strchr(trial->names[i], '.'), presented + 1) == 0)
            return true;
    return false;
}

bool
is_dotted(const struct trial *trial, const char *presented)
{
    size_t len = strlen(presented);

    (void)trial;
    return len > 1 && presented[len - 1] == '.';
}
