/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

static struct CMUnitTest *
room(struct ss_table *table, size_t more)
{
    struct CMUnitTest *tests = realloc(table->tests, (table->count + more) * sizeof(*tests));

    if (tests == NULL)
        abort();
    memset(tests + table->count, 0, more * sizeof(*tests));
    table->tests = tests;
    return tests + table->count;
}

void
ss_table_add(struct ss_table *table, CMUnitTestFunction check, const void *rows, size_t row_size,
             size_t count)
{
    struct CMUnitTest *test = room(table, count);
    const char *row = rows;
    size_t i;

    for (i = 0; i < count; i++, row += row_size) {
        test[i].name = *(const char *const *)(const void *)row;
        test[i].test_func = check;
        test[i].initial_state = (void *)(uintptr_t)row;
    }
    table->count += count;
}

void
ss_table_case(struct ss_table *table, const char *name, CMUnitTestFunction check)
{
    struct CMUnitTest *test = room(table, 1);

    test->name = name;
    test->test_func = check;
    table->count++;
}

unsigned
ss_test_share(void)
{
    const char *share = getenv("SMTPSEC_TEST_SHARE");
    unsigned long n = share == NULL ? 1 : strtoul(share, NULL, 10);

    return n >= 1 && n <= 100 ? (unsigned)n : 1;
}

int
ss_table_run(struct ss_table *table)
{
    int failed = _cmocka_run_group_tests(table->group, table->tests, table->count, NULL, NULL);

    free(table->tests);
    table->tests = NULL;
    table->count = 0;
    return failed;
}
