/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "dns/answer.h"

struct row {
    const char *name;
    int32_t failure;
    int32_t want_trust;
};

static const struct row rows[] = {
    { "fail/timeout", SMTPSEC_FAILURE_TIMEOUT, SMTPSEC_TRUST_INDETERMINATE },
    { "fail/servfail", SMTPSEC_FAILURE_SERVFAIL, SMTPSEC_TRUST_INDETERMINATE },
    { "RES-05 fail/bogus", SMTPSEC_FAILURE_BOGUS, SMTPSEC_TRUST_BOGUS },
    { "RES-06 fail/indeterminate", SMTPSEC_FAILURE_INDETERMINATE, SMTPSEC_TRUST_INDETERMINATE },
};

/* An answer with one record that owns octets. */
static void
fill(struct ss_answer *answer)
{
    ss_answer_init(answer);
    answer->outcome = SMTPSEC_ANSWER_RECORDS;
    answer->trust = SMTPSEC_TRUST_SECURE;
    answer->ttl = 300;
    answer->records = calloc(1, sizeof(*answer->records));
    assert_non_null(answer->records);
    answer->count = 1;
    answer->records[0].data = malloc(3);
    answer->records[0].len = 3;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_answer answer;

    fill(&answer);
    ss_answer_fail(&answer, row->failure);
    assert_int_equal(answer.outcome, SMTPSEC_ANSWER_FAILED);
    assert_int_equal(answer.failure, row->failure);
    assert_int_equal(answer.trust, row->want_trust);
    assert_int_equal(answer.ttl, 0);
    assert_int_equal(answer.count, 0);
    assert_null(answer.records);
}

static void
freed_is_empty(void **state)
{
    struct ss_answer answer;
    struct ss_answer empty;

    (void)state;
    ss_answer_init(&empty);
    fill(&answer);
    ss_answer_free(&answer);
    assert_memory_equal(&answer, &empty, sizeof(answer));
    ss_answer_free(&answer);
}

/* Records that rise, each by one thing more than the one before. */
static size_t
make_rising(struct ss_rr *rr)
{
    static uint8_t a[] = { 1 };
    static uint8_t ab[] = { 1, 2 };
    static uint8_t b[] = { 2 };

    memset(rr, 0, 8 * sizeof(*rr));
    rr[1].data = a;
    rr[1].len = 1;
    rr[2].data = ab;
    rr[2].len = 2;
    rr[3].data = b;
    rr[3].len = 1;
    rr[4].address.family = 4;
    assert_true(ss_name_from_text(&rr[5].name, "a", 1));
    rr[6].preference = 1;
    rr[7].type = 1;
    return 8;
}

static void
order(void **state)
{
    struct ss_rr rr[8];
    size_t count = make_rising(rr);
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < count; i++)
        for (j = 0; j < count; j++) {
            int got = ss_rr_compare(&rr[i], &rr[j]);

            assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
        }
}

static void
sorted(void **state)
{
    struct ss_rr rr[8];
    struct ss_rr mixed[8];
    struct ss_answer answer;
    size_t i;

    (void)state;
    ss_answer_init(&answer);
    answer.count = make_rising(rr);
    for (i = 0; i < answer.count; i++)
        mixed[i] = rr[(i * 3 + 5) % 8];
    answer.records = mixed;
    ss_answer_sort(&answer);
    assert_memory_equal(mixed, rr, sizeof(rr));
}

int
main(void)
{
    struct ss_table t = SS_TABLE("dns/answer");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "free/empty and once more", freed_is_empty);
    ss_table_case(&t, "sort/order", order);
    ss_table_case(&t, "sort/equal sets are equal", sorted);
    return ss_table_run(&t);
}
