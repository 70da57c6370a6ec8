/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/claim.h"

#include <stdlib.h>
#include <string.h>

static const struct ss_name whole_domain;

void
ss_record_init(struct ss_record *record, const struct ss_memory_key *key)
{
    memset(record, 0, sizeof(*record));
    if (key != NULL)
        record->key = *key;
}

void
ss_record_free(struct ss_record *record)
{
    if (record == NULL)
        return;
    free(record->claims);
    record->claims = NULL;
    record->count = 0;
}

int
ss_record_copy(struct ss_record *out, const struct ss_record *record)
{
    struct ss_claim *claims = NULL;

    ss_record_init(out, &record->key);
    if (record->count > 0) {
        claims = calloc(record->count, sizeof(*claims));
        if (claims == NULL)
            return SMTPSEC_E_NOMEM;
        memcpy(claims, record->claims, record->count * sizeof(*claims));
    }
    *out = *record;
    out->claims = claims;
    return 0;
}

static int
compare(const struct ss_claim *claim, int32_t kind, const struct ss_name *host)
{
    if (claim->kind != kind)
        return claim->kind < kind ? -1 : 1;
    return ss_name_compare(&claim->host, host);
}

/* The index of the first claim that is not before (kind, host). */
static size_t
place(const struct ss_record *record, int32_t kind, const struct ss_name *host)
{
    size_t low = 0, high = record->count, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (compare(&record->claims[middle], kind, host) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct ss_claim *
ss_record_find(const struct ss_record *record, int32_t kind, const struct ss_name *host)
{
    size_t at;

    if (host == NULL)
        host = &whole_domain;
    at = place(record, kind, host);
    if (at == record->count || compare(&record->claims[at], kind, host) != 0)
        return NULL;
    return &record->claims[at];
}

struct ss_claim *
ss_record_add(struct ss_record *record, int32_t kind, const struct ss_name *host)
{
    struct ss_claim *claims;
    size_t at;

    if (host == NULL)
        host = &whole_domain;
    at = place(record, kind, host);
    if (at < record->count && compare(&record->claims[at], kind, host) == 0)
        return &record->claims[at];
    if (record->count >= SS_CLAIMS_MAX)
        return NULL;
    claims = realloc(record->claims, (record->count + 1) * sizeof(*claims));
    if (claims == NULL)
        return NULL;
    record->claims = claims;
    memmove(claims + at + 1, claims + at, (record->count - at) * sizeof(*claims));
    record->count++;
    memset(&claims[at], 0, sizeof(claims[at]));
    claims[at].kind = kind;
    claims[at].host = *host;
    return &claims[at];
}

void
ss_record_remove(struct ss_record *record, const struct ss_claim *claim)
{
    size_t at;

    if (claim == NULL)
        return;
    at = (size_t)(claim - record->claims);
    record->count--;
    memmove(record->claims + at, record->claims + at + 1,
            (record->count - at) * sizeof(*record->claims));
}

uint8_t
ss_zone_depth(const struct ss_name *name, const struct ss_name *zone)
{
    size_t at = 0, labels = ss_name_labels(zone);

    if (zone->len == 0 || zone->len > name->len)
        return 0;
    while (at < (size_t)(name->len - zone->len))
        at += 1 + (size_t)name->wire[at];
    if (at != (size_t)(name->len - zone->len) ||
        memcmp(name->wire + at, zone->wire, zone->len) != 0)
        return 0;
    return (uint8_t)labels;
}

bool
ss_zone_name(const struct ss_name *name, uint8_t depth, struct ss_name *zone)
{
    size_t labels = ss_name_labels(name), at = 0;

    if (depth == 0 || depth > labels)
        return false;
    for (; labels > depth; labels--)
        at += 1 + (size_t)name->wire[at];
    memset(zone, 0, sizeof(*zone));
    zone->len = (uint8_t)(name->len - at);
    memcpy(zone->wire, name->wire + at, zone->len);
    return true;
}
