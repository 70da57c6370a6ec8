/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of a reading fails in turn (linked with --wrap): NOMEM, and nothing is kept. */
#include <string.h>

#include "table.h"
#include "operator/policy.h"
#include "smtpsec.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long left = -1; /* allocations that still succeed; -1: all */

static bool
fails(void)
{
    if (left > 0)
        left--;
    else if (left == 0)
        return true;
    return false;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

#define LINE(domain) "except " domain " all until 2027-03-01\n"

static const char text[] = LINE("a.test") LINE("b.test") LINE("c.test") LINE("d.test")
    LINE("e.test") LINE("f.test") LINE("g.test") LINE("h.test") LINE("i.test") LINE("j.test") "level a.test dane\nlevel b.test dane\nlevel c.test dane\n"
    "level d.test dane\nmx e.test dane\nmx f.test dane\nrelay g.test h.test\nlevel default dane\n"
    "dane-alone i.test on\n";

static void
without_memory(void **state)
{
    struct ss_bytes bytes = { (const uint8_t *)text, sizeof(text) - 1 };
    struct ss_operator_policy policy;
    struct smtpsec_faults faults;
    long allowed;
    int r = SMTPSEC_E_NOMEM;

    (void)state;
    memset(&faults, 0, sizeof(faults));
    for (allowed = 0; r == SMTPSEC_E_NOMEM && allowed < 100; allowed++) {
        left = allowed;
        r = ss_operator_policy_read(&policy, bytes, 1800000000, &faults);
        left = -1;
        assert_int_equal(faults.count, 0);
        if (r == 0)
            assert_int_equal(ss_rules_count(policy.rules), 9);
        if (r == 0)
            assert_int_equal(ss_exceptions_count(policy.exceptions), 10);
        ss_operator_policy_free(&policy);
    }
    assert_int_equal(r, 0);
    assert_true(allowed > 4); /* the table was made, and made wider */
}

int
main(void)
{
    struct ss_table t = SS_TABLE("operator/nomem");

    ss_table_case(&t, "each allocation", without_memory);
    return ss_table_run(&t);
}
