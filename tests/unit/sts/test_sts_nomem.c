/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of a reading fails in turn (linked with --wrap). */
#include "table.h"
#include "sts/sts_policy.h"
#include "sts/sts_record.h"

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool counting;
static size_t left; /* allocations that still succeed */

static bool
spent(void)
{
    if (!counting)
        return false;
    if (left == 0)
        return true;
    left--;
    return false;
}

void *
__wrap_malloc(size_t size)
{
    return spent() ? NULL : __real_malloc(size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return spent() ? NULL : __real_realloc(old, size);
}

static const char body[] = "version: STSv1\nmode: enforce\nmax_age: 1\n"
                           "mx: a.d.test\nmx: b.d.test\nmx: c.d.test\nmx: d.d.test\nmx: e.d.test\n"
                           "mx: f.d.test\nmx: g.d.test\nmx: h.d.test\nmx: i.d.test\n";

static void
policy_without_memory(void **state)
{
    struct ss_bytes bytes = {(const uint8_t *)body, sizeof(body) - 1};
    struct ss_sts_policy policy;
    size_t allowed;
    bool valid;
    int code = SMTPSEC_E_NOMEM;

    (void)state;
    for (allowed = 0; code == SMTPSEC_E_NOMEM && allowed < 100; allowed++) {
        left = allowed;
        counting = true;
        code = ss_sts_policy_read(&policy, bytes, &valid, NULL);
        counting = false;
        assert_int_equal(valid, code == 0);
        assert_int_equal(policy.mx_count, code == 0 ? 9 : 0);
        ss_sts_policy_free(&policy);
    }
    assert_int_equal(code, 0);
    assert_true(allowed > 9);
}

/* The verdict does not depend on whether its note could be kept. */
static void
notes_without_memory(void **state)
{
    static const char text[] = "v=STSv1; id=-";
    struct ss_bytes one = {(const uint8_t *)text, sizeof(text) - 1};
    struct ss_sts_record record;
    struct ss_notes notes = {0};

    (void)state;
    left = 0;
    counting = true;
    assert_int_equal(ss_sts_record_find(&one, 1, &record, &notes), SS_STS_RECORD_INVALID);
    counting = false;
    assert_int_equal(notes.count, 0);
    assert_true(notes.lost);
    ss_notes_free(&notes);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_nomem");

    ss_table_case(&t, "a policy without memory is an error, not a verdict", policy_without_memory);
    ss_table_case(&t, "a record without memory for notes", notes_without_memory);
    return ss_table_run(&t);
}
