/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cached policies and their octets. */
#include <stdlib.h>
#include <string.h>

#include "memory/codec.h"
#include "memory/sts_entry.h"
#include "smtpsec.h"
#include "table.h"

#define T0 INT64_C(1750000000)

static const struct ss_bytes key = { (const uint8_t *)"\1d\4test", 8 };
static const struct ss_bytes other_key = { (const uint8_t *)"\1e\4test", 8 };

struct row {
    const char *name;
    const char *id;
    int64_t fetched, max_age;
    const char *body;
    const char *failed_id;
    int64_t failed_at, attempted, used, first_used;
    int32_t failed_why;
};

static const struct row rows[] = {
    { "nothing at all", "", 0, 0, "", "", 0, 0, 0, 0, 0 },
    { "a policy", "20250101", T0, 604800, "version: STSv1\nmode: none\n", "", 0, T0, T0, 0, 0 },
    { "a policy and a failed successor", "1", T0, 1, "x", "2", T0 + 5, T0 + 5, T0 + 6, 0, 0 },
    { "used on two days", "1", T0, 1, "x", "", 0, T0, T0 + 6, T0, 0 },
    { "RPT-18 why the last fetch failed", "1", T0, 1, "x", "2", T0 + 5, T0 + 5, T0 + 6, 0,
      SMTPSEC_FAILURE_CERT_EXPIRED },
    { "RPT-18 it broke the grammar", "1", T0, 1, "x", "2", T0 + 5, T0 + 5, T0 + 6, 0,
      SS_STS_FAILED_GRAMMAR },
    { "only a failure", "", 0, 0, "", "abcdefghijklmnopqrstuvwxyz012345", T0, T0, T0, 0, 0 },
};

static void
fill(struct ss_sts_entry *entry, const struct row *row)
{
    ss_sts_entry_init(entry);
    strcpy(entry->id, row->id);
    strcpy(entry->failed_id, row->failed_id);
    entry->fetched = row->fetched;
    entry->max_age = row->max_age;
    entry->failed_at = row->failed_at;
    entry->attempted = row->attempted;
    entry->used = row->used;
    entry->first_used = row->first_used;
    entry->failed_why = row->failed_why;
    entry->len = strlen(row->body);
    if (entry->len > 0) {
        entry->body = malloc(entry->len);
        assert_non_null(entry->body);
        memcpy(entry->body, row->body, entry->len);
    }
}

static void
assert_same(const struct ss_sts_entry *a, const struct ss_sts_entry *b)
{
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->failed_id, b->failed_id);
    assert_int_equal(a->fetched, b->fetched);
    assert_int_equal(a->max_age, b->max_age);
    assert_int_equal(a->failed_at, b->failed_at);
    assert_int_equal(a->attempted, b->attempted);
    assert_int_equal(a->used, b->used);
    assert_int_equal(a->first_used, b->first_used);
    assert_int_equal(a->failed_why, b->failed_why);
    assert_int_equal(a->len, b->len);
    if (a->len > 0)
        assert_memory_equal(a->body, b->body, a->len);
}

static void
check_row(void **state)
{
    struct ss_sts_entry entry, got, copy;
    struct ss_buf out;
    struct ss_bytes bytes;
    size_t i, bit;

    fill(&entry, *state);
    ss_buf_init(&out, 1000);
    ss_sts_entry_write(&out, key, &entry);
    assert_true(ss_buf_ok(&out));
    bytes = (struct ss_bytes){ out.data, out.len };
    assert_int_equal(ss_sts_entry_read(&got, key, bytes), 0);
    assert_same(&got, &entry);
    assert_int_equal(ss_sts_entry_copy(&copy, &got), 0);
    ss_sts_entry_free(&got);
    assert_same(&copy, &entry);
    ss_sts_entry_free(&copy);
    assert_int_equal(ss_sts_entry_read(&got, other_key, bytes), SMTPSEC_E_FORMAT);
    for (i = 0; i < bytes.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            out.data[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(ss_sts_entry_read(&got, key, bytes), SMTPSEC_E_FORMAT);
            assert_null(got.body);
            out.data[i] ^= (uint8_t)(1u << bit);
        }
        assert_int_equal(ss_sts_entry_read(&got, key, (struct ss_bytes){ bytes.data, i }),
                         SMTPSEC_E_FORMAT);
    }
    ss_buf_free(&out);
    ss_sts_entry_free(&entry);
}

struct live_row {
    const char *name;
    const char *id;
    int64_t fetched, max_age, now;
    bool want;
};

static const struct live_row live_rows[] = {
    { "STSA-12 just fetched", "1", T0, 100, T0, true },
    { "STSA-12 at max_age", "1", T0, 100, T0 + 100, true },
    { "STSA-12 past max_age", "1", T0, 100, T0 + 101, false },
    { "STSA-12 a fetch after now counts as now", "1", T0 + 500, 100, T0, true },
    { "no policy is held", "", T0, 100, T0, false },
    { "max_age 0", "1", T0, 0, T0 + 1, false },
    { "the greatest max_age", "1", T0, INT64_MAX, INT64_MAX, true },
};

static void
check_live(void **state)
{
    const struct live_row *row = *state;
    struct ss_sts_entry entry;
    uint8_t body[1] = { 'x' };

    ss_sts_entry_init(&entry);
    strcpy(entry.id, row->id);
    entry.fetched = row->fetched;
    entry.max_age = row->max_age;
    entry.body = body;
    entry.len = 1;
    assert_int_equal(ss_sts_entry_live(&entry, row->now), row->want);
}

struct forged_row {
    const char *name;
    const char *octets;
    size_t len;
    int want;
};

#define OCTETS(text) text, sizeof(text) - 1

static const struct forged_row forged_rows[] = {
    { "nothing held", OCTETS("P\1\0\0\0\0\0"), 0 },
    { "a body", OCTETS("P\1\0\1\0\0\0x"), 0 },
    { "version 2", OCTETS("P\2\0\0\0\0\0\0"), 0 },
    { "version 2, first used", OCTETS("P\2\0\1\1\0\0\0\0\0\0\0\0"), 0 },
    { "version 2, flags of version 1", OCTETS("P\2\0\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "version 2, unknown flag", OCTETS("P\2\0\2\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "version 2, flag of version 3", OCTETS("P\2\0\2\1\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "version 3, why a fetch failed", OCTETS("P\3\0\2\1\0\0\0\0"), 0 },
    { "version 3, for no reason", OCTETS("P\3\0\2\0\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "version 3, unknown flag", OCTETS("P\3\0\4\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "version 4", OCTETS("P\4\0\0\0\0\0\0"), SMTPSEC_E_VERSION },
    { "version 0", OCTETS("P\0\0\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "another kind of value", OCTETS("C\1\0\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "unknown flag", OCTETS("P\1\x80\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "a body longer than the value", OCTETS("P\1\0\2\0\0\0x"), SMTPSEC_E_FORMAT },
    { "a body of 4 GiB", OCTETS("P\1\0\xff\xff\xff\xffx"), SMTPSEC_E_FORMAT },
    { "octets behind the body", OCTETS("P\1\0\1\0\0\0xy"), SMTPSEC_E_FORMAT },
    { "a time that is zero", OCTETS("P\1\4\0\0\0\0\0\0\0\0\0"), SMTPSEC_E_FORMAT },
    { "an id with a line feed", OCTETS("P\1\1\1\n\0\0\0\0"), SMTPSEC_E_FORMAT },
};

static void
check_forged(void **state)
{
    const struct forged_row *row = *state;
    struct ss_sts_entry got;
    struct ss_buf out;

    ss_buf_init(&out, 1000);
    ss_buf_put(&out, row->octets, row->len);
    ss_codec_end(&out, 0, row->octets[1] == 1 ? (struct ss_bytes){ NULL, 0 } : key);
    assert_int_equal(ss_sts_entry_read(&got, key, (struct ss_bytes){ out.data, out.len }),
                     row->want);
    ss_sts_entry_free(&got);
    ss_buf_free(&out);
}

static void
check_too_large(void **state)
{
    static uint8_t body[200000];
    struct ss_sts_entry entry;
    struct ss_buf out;

    (void)state;
    ss_sts_entry_init(&entry);
    entry.body = body;
    entry.len = sizeof(body);
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_sts_entry_write(&out, key, &entry);
    assert_false(ss_buf_ok(&out));
    ss_buf_free(&out);
    ss_sts_entry_free(NULL);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("memory/sts_entry");

    SS_TABLE_ROWS(&t, check_row, rows);
    SS_TABLE_ROWS(&t, check_live, live_rows);
    SS_TABLE_ROWS(&t, check_forged, forged_rows);
    ss_table_case(&t, "a body that no store takes is not written", check_too_large);
    return ss_table_run(&t);
}
