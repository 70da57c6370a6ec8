/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layout of LMDB's pages, in the machine's own order and word size as LMDB keeps them. */
#ifndef SS_MEMORY_STORE_LMDB_PAGE_H
#define SS_MEMORY_STORE_LMDB_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "memory/store_lmdb.h"

enum {
    SS_LMDB_PAGE_BRANCH = 0x01,
    SS_LMDB_PAGE_LEAF = 0x02,
    SS_LMDB_PAGE_OVERFLOW = 0x04,
    SS_LMDB_PAGE_META = 0x08
};

enum { SS_LMDB_NODE_BIG = 0x01, SS_LMDB_NODE_TREE = 0x02 };

/* The head of each page. */
struct ss_lmdb_page {
    size_t number;
    uint16_t pad;
    uint16_t flags;
    uint16_t lower; /* overflow: with upper, how many pages */
    uint16_t upper;
};

struct ss_lmdb_tree {
    uint32_t pad;
    uint16_t flags;
    uint16_t depth;
    size_t branch_pages;
    size_t leaf_pages;
    size_t overflow_pages;
    size_t entries;
    size_t root;
};

struct ss_lmdb_meta {
    uint32_t magic;
    uint32_t version;
    void *address;
    size_t map_size;
    struct ss_lmdb_tree trees[2]; /* free list, main */
    size_t last_page;
    size_t txn;
};

bool ss_lmdb_pread(int fd, void *data, size_t len, uint64_t offset);
/* The meta that the newest state begins with, looked at as in level 1. */
enum ss_lmdb_health ss_lmdb_newest_meta(int fd, struct ss_lmdb_meta *newest);
/* Walk all trees and the free list. faults: as for ss_lmdb_check_all(); may be NULL. */
enum ss_lmdb_health ss_lmdb_walk(int fd, const struct ss_lmdb_meta *meta, uint64_t *faults);

#endif
