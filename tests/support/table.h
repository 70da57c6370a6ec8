/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Table tests: each row becomes a named cmocka test with the row as its
 * initial state, so that a failure prints the case and a filter can pick it.
 *
 *   struct row { const char *name; ...; };
 *   static void check(void **state) { const struct row *row = *state; ... }
 *   int main(void)
 *   {
 *       struct ss_table t = SS_TABLE("sts_policy");
 *       SS_TABLE_ROWS(&t, check, rows);
 *       return ss_table_run(&t);
 *   }
 *
 * The first member of a row must be its name.
 */
#ifndef SS_TEST_TABLE_H
#define SS_TEST_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct ss_table {
    const char *group;
    struct CMUnitTest *tests;
    size_t count;
};

#define SS_TABLE(group) { (group), NULL, 0 }
#define SS_TABLE_ROWS(table, check, rows) \
    ss_table_add((table), (check), (rows), sizeof((rows)[0]), sizeof(rows) / sizeof((rows)[0]))

/* Add one test a row; rows must outlive the run. Aborts without memory. */
void ss_table_add(struct ss_table *table, CMUnitTestFunction check, const void *rows, size_t row_size,
                  size_t count);
/* Add one test without a row. */
void ss_table_case(struct ss_table *table, const char *name, CMUnitTestFunction check);
/*
 * Random rounds are divided by this: 1, or SMTPSEC_TEST_SHARE of the environment,
 * which tests/meson.build sets where a round takes some fifty times as long.
 */
unsigned ss_test_share(void);
/* Run them all and free the table; the number of failures. */
int ss_table_run(struct ss_table *table);

#endif
