/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The stores of the library. */
#include "store_support.h"

static struct ss_store *
open_ram(char directory[64])
{
    struct ss_store *store = NULL;

    directory[0] = '\0';
    assert_int_equal(ss_store_ram_open(&store), 0);
    return store;
}

static void
close_ram(struct ss_store *store, const char *directory)
{
    (void)directory;
    ss_store_close(store);
}

static struct ss_store *
open_lmdb(char directory[64])
{
    struct ss_store *store = NULL;

    store_directory(directory);
    assert_int_equal(ss_store_lmdb_open(directory, NULL, NULL, &store), 0);
    return store;
}

static void
close_lmdb(struct ss_store *store, const char *directory)
{
    ss_store_close(store);
    store_remove(directory);
}

static const struct store_maker ram = { "ram", open_ram, close_ram };
static const struct store_maker lmdb = { "lmdb", open_lmdb, close_lmdb };

const struct store_maker *const store_makers[] = { &ram, &lmdb, NULL };
