/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dane/tlsa.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/words.h"
#include "pkix/der.h"
#include "pkix/digest.h"

/* Octets of a record that a note shows: a whole digest. */
#define DATA_SHOWN 64
#define RECORD_TEXT (16 + 2 * DATA_SHOWN)

/* What is judged of each record: a view of its RDATA and the verdict. */
struct view {
    struct ss_bytes rdata;
    int32_t reason;
};

/* TLSA-18. A record that never could match says nothing of the server, so it is put aside. */
static int
judge_full(uint8_t usage, uint8_t selector, struct ss_bytes data, int32_t *reason)
{
    bool good;
    int code = 0;

    if (selector == SS_TLSA_SPKI)
        good = ss_der_is_spki(data);
    else if (usage == SS_TLSA_EE)
        good = ss_der_is_certificate(data);
    else
        /* An anchor is parsed later; for usage 3 octets are compared, and the frame is enough. */
        code = ss_certificate_parses(data, &good);
    if (code == 0 && !good)
        *reason = SMTPSEC_REASON_TLSA_DER;
    return code;
}

static int32_t
judge_digest(uint8_t matching, size_t len, bool disable_sha256, bool disable_sha512)
{
    size_t want = matching == SS_TLSA_SHA256 ? SS_SHA256_LEN : SS_SHA512_LEN;

    if (len != want)
        return SMTPSEC_REASON_TLSA_LENGTH; /* TLSA-16 */
    if (matching == SS_TLSA_SHA256 ? disable_sha256 : disable_sha512)
        return SMTPSEC_REASON_TLSA_DISABLED; /* TLSA-22 */
    return SMTPSEC_REASON_NONE;
}

/* Usability of one record, the others not looked at (RFC 6698 4.1, RFC 7672 3.1). */
static int
judge_record(struct view *view, bool disable_sha256, bool disable_sha512)
{
    const uint8_t *rdata = view->rdata.data;
    struct ss_bytes data;

    view->reason = SMTPSEC_REASON_NONE;
    if (view->rdata.len < 4) {
        view->reason = SMTPSEC_REASON_TLSA_SHORT; /* TLSA-17 */
    } else if (rdata[0] != SS_TLSA_TA && rdata[0] != SS_TLSA_EE) {
        view->reason = SMTPSEC_REASON_TLSA_USAGE; /* TLSA-14, TLSA-15 */
    } else if (rdata[1] > SS_TLSA_SPKI) {
        view->reason = SMTPSEC_REASON_TLSA_SELECTOR;
    } else if (rdata[2] > SS_TLSA_SHA512) {
        view->reason = SMTPSEC_REASON_TLSA_MATCHING;
    } else if (rdata[2] == SS_TLSA_FULL) {
        data.data = rdata + 3;
        data.len = view->rdata.len - 3;
        return judge_full(rdata[0], rdata[1], data, &view->reason);
    } else {
        view->reason = judge_digest(rdata[2], view->rdata.len - 3, disable_sha256, disable_sha512);
    }
    return 0;
}

/* By octets, that is by usage, selector, matching type, then data. */
static int
compare_views(const void *a, const void *b)
{
    const struct ss_bytes *left = &((const struct view *)a)->rdata;
    const struct ss_bytes *right = &((const struct view *)b)->rdata;
    size_t least = left->len < right->len ? left->len : right->len;
    int order = least > 0 ? memcmp(left->data, right->data, least) : 0;

    if (order != 0)
        return order;
    return (left->len > right->len) - (left->len < right->len);
}

/* An RRset holds no record twice (RFC 2181 5); sorted, twins are neighbours. */
static size_t
drop_twins(struct view *views, size_t count)
{
    size_t kept = 0;
    size_t i;

    for (i = 0; i < count; i++)
        if (kept == 0 || compare_views(&views[kept - 1], &views[i]) != 0)
            views[kept++] = views[i];
    return kept;
}

/*
 * Digest agility, RFC 7671 9: "the client SHOULD ... ignore all but the
 * strongest" digest of each usage and selector; Full is no digest and stays
 * (TLSA-20, TLSA-21). Judged after usability, so that a broken strong record
 * does not push out a good weaker one.
 */
static void
apply_agility(struct view *views, size_t count)
{
    bool strong[2][2] = {{false, false}, {false, false}};
    size_t i;

    for (i = 0; i < count; i++) {
        const uint8_t *rdata = views[i].rdata.data;

        if (views[i].reason == SMTPSEC_REASON_NONE && rdata[2] == SS_TLSA_SHA512)
            strong[rdata[0] - SS_TLSA_TA][rdata[1]] = true;
    }
    for (i = 0; i < count; i++) {
        const uint8_t *rdata = views[i].rdata.data;

        if (views[i].reason == SMTPSEC_REASON_NONE && rdata[2] == SS_TLSA_SHA256 &&
            strong[rdata[0] - SS_TLSA_TA][rdata[1]])
            views[i].reason = SMTPSEC_REASON_TLSA_WEAKER;
    }
}

/* "3 1 1 0123...": the octets that there are, a whole digest of them at most. */
static void
record_text(const struct ss_bytes *rdata, char text[RECORD_TEXT])
{
    size_t len = rdata->len > 3 ? rdata->len - 3 : 0, at = 0, i;

    text[0] = '\0';
    for (i = 0; i < rdata->len && i < 3; i++)
        at += (size_t)snprintf(text + at, RECORD_TEXT - at, "%u ", rdata->data[i]);
    if (len > 0)
        ss_hex_write(text + at, rdata->data + 3, len < DATA_SHOWN ? len : DATA_SHOWN);
    if (len > DATA_SHOWN)
        strcat(text, "...");
}

static void
note_unused(struct ss_notes *notes, const struct view *view)
{
    static const struct {
        int32_t reason;
        const char *rule;
        const char *rfc;
    } rules[] = {
        {SMTPSEC_REASON_TLSA_SHORT, "TLSA-17", "RFC 6698 2.1"},
        {SMTPSEC_REASON_TLSA_SELECTOR, "TLSA-15", "RFC 6698 4.1"},
        {SMTPSEC_REASON_TLSA_MATCHING, "TLSA-15", "RFC 6698 4.1"},
        {SMTPSEC_REASON_TLSA_LENGTH, "TLSA-16", "RFC 6698 4.1"},
        {SMTPSEC_REASON_TLSA_DER, "TLSA-18", "RFC 6698 2.1.4"},
        {SMTPSEC_REASON_TLSA_WEAKER, "TLSA-20", "RFC 7671 9"},
        {SMTPSEC_REASON_TLSA_DISABLED, "TLSA-22", "RFC 7671 9"},
    };
    const struct ss_bytes *rdata = &view->rdata;
    const char *word = smtpsec_reason_name(view->reason);
    struct ss_origin origin = {"dns", 0, {NULL, 0}};
    char text[RECORD_TEXT];
    size_t i;

    if (view->reason == SMTPSEC_REASON_NONE)
        return;
    record_text(rdata, text);
    origin.input = (struct ss_bytes){(const uint8_t *)text, strlen(text)};
    if (view->reason == SMTPSEC_REASON_TLSA_USAGE) {
        bool pkix = rdata->data[0] < SS_TLSA_TA;

        ss_note_from(notes, &origin, SS_SKIPS, pkix ? "TLSA-14" : "TLSA-15",
                     pkix ? "RFC 7672 3.1.3" : "RFC 6698 4.1",
                     "TLSA record %u %u %u is not used: %s", rdata->data[0], rdata->data[1],
                     rdata->data[2], word);
        return;
    }
    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
        if (rules[i].reason == view->reason)
            ss_note_from(notes, &origin, SS_SKIPS, rules[i].rule, rules[i].rfc,
                         "TLSA record %u %u %u of %zu octets is not used: %s",
                         rdata->len > 0 ? rdata->data[0] : 0u, rdata->len > 1 ? rdata->data[1] : 0u,
                         rdata->len > 2 ? rdata->data[2] : 0u, rdata->len, word);
}

static struct ss_tlsa
record_of(const struct view *view)
{
    const struct ss_bytes *rdata = &view->rdata;
    struct ss_tlsa record = {0, 0, 0, view->reason, NULL, 0};

    if (rdata->len > 0)
        record.usage = rdata->data[0];
    if (rdata->len > 1)
        record.selector = rdata->data[1];
    if (rdata->len > 2)
        record.matching = rdata->data[2];
    if (rdata->len > 3) {
        record.data = (uint8_t *)(uintptr_t)(rdata->data + 3);
        record.len = rdata->len - 3;
    }
    return record;
}

int
ss_tlsa_set_read(struct ss_tlsa_set *set, const struct ss_bytes *rdata, size_t count,
                 bool disable_sha256, bool disable_sha512, struct ss_notes *notes)
{
    struct ss_tlsa_set read = {0, NULL};
    struct view *views = calloc(count > 0 ? count : 1, sizeof(*views));
    int code = views != NULL ? 0 : SMTPSEC_E_NOMEM;
    size_t i;

    set->count = 0;
    set->records = NULL;
    for (i = 0; i < count && code == 0; i++)
        views[i].rdata = rdata[i];
    if (code == 0 && count > 1)
        qsort(views, count, sizeof(*views), compare_views);
    if (code == 0)
        count = drop_twins(views, count);
    for (i = 0; i < count && code == 0; i++)
        code = judge_record(&views[i], disable_sha256, disable_sha512);
    if (code != 0)
        goto out;
    apply_agility(views, count);
    for (i = 0; i < count && code == 0; i++) {
        struct ss_tlsa record = record_of(&views[i]);

        note_unused(notes, &views[i]);
        code = ss_tlsa_set_add(&read, &record);
    }
    if (code != 0)
        goto out;
    *set = read;
    read.count = 0;
    read.records = NULL;
out:
    ss_tlsa_set_free(&read);
    free(views);
    return code;
}

/* Room grows in powers of two, kept by the count alone. */
static bool
make_room(struct ss_tlsa_set *set)
{
    size_t count = set->count;
    struct ss_tlsa *records;

    if (count > 0 && (count & (count - 1)) != 0)
        return true;
    records = realloc(set->records, (count > 0 ? count * 2 : 1) * sizeof(*records));
    if (records == NULL)
        return false;
    set->records = records;
    return true;
}

int
ss_tlsa_set_add(struct ss_tlsa_set *set, const struct ss_tlsa *record)
{
    struct ss_tlsa copy = *record;

    copy.data = NULL;
    if (!make_room(set))
        return SMTPSEC_E_NOMEM;
    if (record->len > 0) {
        copy.data = malloc(record->len);
        if (copy.data == NULL)
            return SMTPSEC_E_NOMEM;
        memcpy(copy.data, record->data, record->len);
    }
    set->records[set->count++] = copy;
    return 0;
}

int
ss_tlsa_set_copy(struct ss_tlsa_set *out, const struct ss_tlsa_set *set)
{
    struct ss_tlsa_set copy = {0, NULL};
    size_t i;
    int code = 0;

    out->count = 0;
    out->records = NULL;
    for (i = 0; i < set->count && code == 0; i++)
        code = ss_tlsa_set_add(&copy, &set->records[i]);
    if (code != 0) {
        ss_tlsa_set_free(&copy);
        return code;
    }
    *out = copy;
    return 0;
}

void
ss_tlsa_set_free(struct ss_tlsa_set *set)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        free(set->records[i].data);
    free(set->records);
    set->count = 0;
    set->records = NULL;
}

bool
ss_tlsa_set_usable(const struct ss_tlsa_set *set)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if (set->records[i].reason == SMTPSEC_REASON_NONE)
            return true;
    return false;
}

bool
ss_tlsa_set_anchors(const struct ss_tlsa_set *set)
{
    size_t i;

    for (i = 0; i < set->count; i++)
        if (set->records[i].reason == SMTPSEC_REASON_NONE && set->records[i].usage == SS_TLSA_TA)
            return true;
    return false;
}
