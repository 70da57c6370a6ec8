/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which claims go, and when nothing is left of a record. */
#include "table.h"

#include <string.h>

#include "memory/prune.h"

#define NOW INT64_C(1800000000)
#define DAYS(n) ((int64_t)(n) * SS_DAY)

/* One claim, in days before NOW; expires in days after it. */
struct row {
    const char *name;
    int32_t kind;
    int first, last;
    uint32_t days;
    int expires; /* 0: none */
    bool want_gone;
};

static const struct row rows[] = {
    {"in force", SMTPSEC_CLAIM_DANE, 30, 1, 20, 0, false},
    {"of yesterday, binding for no time", SMTPSEC_CLAIM_ENCRYPTED, 1, 1, 1, 0, false},
    {"unearned, seen 89 days ago: it can still be earned", SMTPSEC_CLAIM_ENCRYPTED, 100, 89, 3, 0,
     false},
    {"seen 90 days ago to the second", SMTPSEC_CLAIM_ENCRYPTED, 100, 90, 3, 0, false},
    {"unseen for 91 days", SMTPSEC_CLAIM_ENCRYPTED, 100, 91, 3, 0, true},
    {"DANE unseen for 91 days", SMTPSEC_CLAIM_DANE, 300, 91, 100, 0, true},
    {"its policy lives for another day", SMTPSEC_CLAIM_MTA_STS, 300, 200, 5, 1, false},
    {"its policy ended yesterday", SMTPSEC_CLAIM_MTA_STS, 300, 200, 5, -1, true},
    {"a host without TLS, long ago", SMTPSEC_CLAIM_ENCRYPTED, 91, 91, 0, 0, true},
    {"a host without TLS, of late: it has a vote", SMTPSEC_CLAIM_ENCRYPTED, 80, 80, 0, 0, false},
    {"seen in the future", SMTPSEC_CLAIM_ENCRYPTED, -100, -200, 3, 0, false},
};

static void
fill(struct ss_record *record, const struct row *row)
{
    static const char host_text[] = "mx.d.test";
    struct ss_name host;
    struct ss_claim *claim;

    assert_true(ss_name_from_text(&host, host_text, strlen(host_text)));
    claim = ss_record_add(record, row->kind, row->kind == SMTPSEC_CLAIM_MTA_STS ? NULL : &host);
    assert_non_null(claim);
    claim->first_seen = NOW - DAYS(row->first);
    claim->last_seen = claim->counted = NOW - DAYS(row->last);
    claim->days = row->days;
    claim->expires = row->expires == 0 ? 0 : NOW + DAYS(row->expires);
}

static void
claim_goes_or_stays(void **state)
{
    const struct row *row = *state;
    struct ss_memory_settings settings;
    struct ss_record record;

    ss_memory_settings_init(&settings);
    ss_record_init(&record, NULL);
    fill(&record, row);
    record.refused_since = NOW - DAYS(1);
    assert_int_equal(ss_record_prune(&record, &settings, NOW), row->want_gone);
    assert_int_equal(record.count, row->want_gone ? 0 : 1);
    assert_int_equal(ss_record_spent(&record, &settings, NOW), row->want_gone);
    /* A hold goes with the last claim, not before. */
    assert_int_equal(record.refused_since, row->want_gone ? 0 : NOW - DAYS(1));
    ss_record_free(&record);
}

static void
others_stay(void **state)
{
    struct ss_memory_settings settings;
    struct ss_record record;

    (void)state;
    ss_memory_settings_init(&settings);
    ss_record_init(&record, NULL);
    fill(&record, &rows[0]);
    fill(&record, &rows[7]);
    assert_true(ss_record_prune(&record, &settings, NOW));
    assert_int_equal(record.count, 1);
    assert_int_equal(record.claims[0].kind, SMTPSEC_CLAIM_DANE);
    assert_false(ss_record_spent(&record, &settings, NOW));
    assert_false(ss_record_prune(&record, &settings, NOW));
    ss_record_free(&record);
}

/* Marks of a record without claims, in days after NOW; 0: none. */
struct mark {
    const char *name;
    int held_until;
    int mx_inception;
    bool want_spent;
};

static const struct mark marks[] = {
    {"nothing at all", 0, 0, true},
    {"an end is held until tomorrow", 1, 0, false},
    {"an end was believed yesterday, and is not held anew", -1, 0, false},
    {"an end was believed long ago", -91, 0, true},
    {"an end held until a far time, by a wrong clock", 91, 0, true},
    {"a signed MX set of yesterday", 0, -1, false},
    {"a signed MX set of long ago", 0, -91, true},
    {"one of both still counts", -91, -1, false},
};

static void
mark_keeps_or_not(void **state)
{
    const struct mark *row = *state;
    struct ss_memory_settings settings;
    struct ss_record record;

    ss_memory_settings_init(&settings);
    ss_record_init(&record, NULL);
    record.held_until = row->held_until == 0 ? 0 : NOW + DAYS(row->held_until);
    record.mx_inception = row->mx_inception == 0 ? 0 : NOW + DAYS(row->mx_inception);
    assert_false(ss_record_prune(&record, &settings, NOW));
    assert_int_equal(ss_record_spent(&record, &settings, NOW), row->want_spent);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("prune");

    SS_TABLE_ROWS(&table, claim_goes_or_stays, rows);
    SS_TABLE_ROWS(&table, mark_keeps_or_not, marks);
    ss_table_case(&table, "claims that count stay beside those that go", others_stay);
    return ss_table_run(&table);
}
