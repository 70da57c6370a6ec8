/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A TLSA RRset: an octet of switches, then for each record two octets of
 * length and its RDATA.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dane/tlsa.h"

#define MOST 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

static int
same_record(const struct ss_tlsa *a, const struct ss_tlsa *b)
{
    return a->usage == b->usage && a->selector == b->selector && a->matching == b->matching &&
           a->reason == b->reason && a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static void
must_be_same(const struct ss_tlsa_set *a, const struct ss_tlsa_set *b)
{
    size_t i;

    must(a->count == b->count);
    for (i = 0; i < a->count; i++)
        must(same_record(&a->records[i], &b->records[i]));
}

/* What is used must be of a kind that can match. */
static void
must_be_sound(const struct ss_tlsa_set *set, int disable_sha256, int disable_sha512)
{
    size_t i;

    for (i = 0; i < set->count; i++) {
        const struct ss_tlsa *record = &set->records[i];

        if (record->reason != SMTPSEC_REASON_NONE)
            continue;
        must(record->usage == 2 || record->usage == 3);
        must(record->selector <= 1 && record->matching <= 2 && record->len > 0);
        must(record->matching != 1 || (record->len == 32 && !disable_sha256));
        must(record->matching != 2 || (record->len == 64 && !disable_sha512));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes list[MOST], reversed[MOST];
    struct ss_notes notes = {0};
    struct ss_tlsa_set set, other, copy;
    struct ss_rd rd;
    uint8_t switches;
    size_t count, i;

    ss_rd_init(&rd, data, size);
    switches = ss_rd_u8(&rd);
    for (count = 0; count < MOST && rd.left > 0; count++) {
        list[count].len = ss_rd_be16(&rd);
        if (list[count].len > rd.left)
            list[count].len = rd.left;
        list[count].data = ss_rd_take(&rd, list[count].len);
    }
    if (rd.bad)
        return 0;
    for (i = 0; i < count; i++)
        reversed[i] = list[count - 1 - i];
    must(ss_tlsa_set_read(&set, list, count, switches & 1, switches & 2, &notes) == 0);
    must(ss_tlsa_set_read(&other, reversed, count, switches & 1, switches & 2, NULL) == 0);
    must(ss_tlsa_set_copy(&copy, &set) == 0);
    must(set.count <= count);
    must_be_same(&set, &other);
    must_be_same(&set, &copy);
    must_be_sound(&set, switches & 1, switches & 2);
    ss_notes_free(&notes);
    ss_tlsa_set_free(&set);
    ss_tlsa_set_free(&other);
    ss_tlsa_set_free(&copy);
    return 0;
}
