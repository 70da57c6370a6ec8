/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each allocation of a report fails in turn: NOMEM, and nothing lost or freed twice. */
#include <string.h>

#include "table.h"
#include "report/datagram.h"

static size_t left; /* allocations that still succeed */

void *__real_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);

static int
fails(void)
{
    if (left == 0)
        return 1;
    left--;
    return 0;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *
__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

static int
run(struct ss_report *report, struct ss_buf *out)
{
    static const char text[] = "version: STSv1";
    struct ss_bytes string = {(const uint8_t *)text, sizeof(text) - 1};
    struct ss_report_failure failure = {SMTPSEC_RESULT_VALIDATION_FAILURE, "a", "b", "c", "d", "e"};
    size_t policy, entry;
    int r;

    r = ss_report_init(report, "d.test", "v=TLSRPTv1;rua=mailto:r@d.test");
    if (r == 0)
        r = ss_report_policy(report, SMTPSEC_POLICY_STS, "d.test", &policy);
    if (r == 0)
        r = ss_report_add_string(report, policy, string);
    if (r == 0)
        r = ss_report_add_pattern(report, policy, "*.d.test");
    if (r == 0)
        r = ss_report_begin(report, policy, &entry);
    if (r == 0)
        r = ss_report_fail(report, entry, &failure);
    return r == 0 ? ss_datagram_write(report, out) : r;
}

static void
each(void **state)
{
    struct ss_report report;
    struct ss_buf out;
    size_t n;
    int r = SMTPSEC_E_NOMEM;

    (void)state;
    for (n = 0; r != 0 && n < 200; n++) {
        memset(&report, 0, sizeof(report));
        ss_buf_init(&out, 1);
        left = n;
        r = run(&report, &out);
        left = SIZE_MAX;
        assert_true(r == 0 || r == SMTPSEC_E_NOMEM);
        ss_buf_free(&out);
        ss_report_clear(&report);
    }
    assert_int_equal(r, 0);
    assert_true(n > 8);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("report/nomem");

    left = SIZE_MAX;
    ss_table_case(&t, "each allocation in turn", each);
    return ss_table_run(&t);
}
