/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Short forms for tests of stores. All use the table of claims. */
#ifndef SS_TEST_STORE_SUPPORT_H
#define SS_TEST_STORE_SUPPORT_H

#include "memory/store.h"

/* The table of tests and the tables of a store have one name; here the former steps aside. */
#define ss_table ss_test_table
#include "table.h"
#undef ss_table

/*
 * Who makes stores: the tests of what every store does run once for each in the
 * list that they are linked with (makers.c here: RAM and LMDB).
 */
struct store_maker {
    const char *name;
    struct ss_store *(*open)(char directory[64]); /* a new one, with a place of its own */
    void (*close)(struct ss_store *store, const char *directory);
};
extern const struct store_maker *const store_makers[]; /* NULL ends it */

struct ss_test_table;
/* Rows whose second member is a maker: each once for each, and named so. */
#define STORE_ROWS(table, check, rows) \
    store_rows((table), (check), (rows), sizeof((rows)[0]), sizeof(rows) / sizeof((rows)[0]))
void store_rows(struct ss_test_table *table, CMUnitTestFunction check, const void *rows,
                size_t row_size, size_t count);

struct ss_bytes store_bytes(const char *text);
/* An edit that puts the struct ss_bytes in arg. */
int store_edit_put(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit);
/* An edit that adds one to a number kept as le32. */
int store_edit_add(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit);
int store_put(struct ss_store *store, const char *key, const char *value);
int store_delete(struct ss_store *store, const char *key);
int store_keep(struct ss_store *store, const char *key);
int store_add(struct ss_store *store, const char *key);
/* The number under a key; -1 for none, or the error. */
long store_number(struct ss_store *store, const char *key);
/* True when the value is this, NULL for none. */
int store_has(struct ss_store *store, const char *key, const char *value);
void store_expect(struct ss_store *store, const char *key, const char *value);
/*
 * End a forked child. It becomes another program first: what it has inherited
 * and must not touch is no leak that a checker should find.
 */
_Noreturn void store_child_exit(int status);
/* Make a directory for a store, in memory where there is such a place. */
void store_directory(char path[64]);
/* Remove a directory and the files in it. */
void store_remove(const char *directory);

#endif
