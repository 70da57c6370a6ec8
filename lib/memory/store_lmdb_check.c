/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading an LMDB file (data format 1 of LMDB 0.9) before it is mapped. LMDB
 * trusts its file: a short one is a SIGBUS, a wrong page a crash or an abort.
 * This uses pread alone. The walk of the tree is in store_lmdb_walk.c.
 */
#include "memory/store_lmdb_page.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0xBEEFC0DEu
#define DATA_VERSION 1
#define PAGE_MIN 512
#define PAGE_MAX 32768
#define MAP_SANE ((uint64_t)1 << 42)
#define TXN_SANE ((uint64_t)1 << 62)
#define FLAG_INTEGERKEY 0x08

bool
ss_lmdb_pread(int fd, void *data, size_t len, uint64_t offset)
{
    uint8_t *at = data;
    ssize_t got;

    while (len > 0) {
        got = pread(fd, at, len, (off_t)offset);
        if (got <= 0)
            return false;
        at += got;
        len -= (size_t)got;
        offset += (uint64_t)got;
    }
    return true;
}

/* One meta page by itself. */
static enum ss_lmdb_health
check_meta(const struct ss_lmdb_page *page, const struct ss_lmdb_meta *meta, uint64_t file_size)
{
    size_t size = meta->trees[0].pad;

    if (page->flags != SS_LMDB_PAGE_META || meta->magic != MAGIC)
        return SS_LMDB_DAMAGED;
    if (meta->version != DATA_VERSION)
        return SS_LMDB_NEWER;
    if (size < PAGE_MIN || size > PAGE_MAX || (size & (size - 1)) != 0)
        return SS_LMDB_DAMAGED;
    /* Flags of the free list are the environment's own; ours has none. */
    if (meta->trees[0].flags != FLAG_INTEGERKEY || meta->trees[1].flags != 0)
        return SS_LMDB_DAMAGED;
    if (meta->last_page < 1 || meta->last_page >= file_size / size)
        return SS_LMDB_DAMAGED;
    if (meta->map_size > MAP_SANE || meta->txn > TXN_SANE)
        return SS_LMDB_DAMAGED;
    return SS_LMDB_GOOD;
}

static bool
read_meta(int fd, uint64_t offset, struct ss_lmdb_page *page, struct ss_lmdb_meta *meta)
{
    uint8_t octets[sizeof(*page) + sizeof(*meta)];

    if (!ss_lmdb_pread(fd, octets, sizeof(octets), offset))
        return false;
    memcpy(page, octets, sizeof(*page));
    memcpy(meta, octets + sizeof(*page), sizeof(*meta));
    return true;
}

/* Both, and that they belong together: a transaction's number says on which page it is. */
static enum ss_lmdb_health
check_pair(int fd, uint64_t file_size, struct ss_lmdb_meta *newest)
{
    struct ss_lmdb_page page[2];
    struct ss_lmdb_meta meta[2];
    enum ss_lmdb_health health;
    int n, new;

    if (!read_meta(fd, 0, &page[0], &meta[0]))
        return SS_LMDB_DAMAGED;
    health = check_meta(&page[0], &meta[0], file_size);
    if (health == SS_LMDB_NEWER) {
        /* Newer only if the second agrees; by itself the number may be damage. */
        for (n = PAGE_MIN; n <= PAGE_MAX; n *= 2) {
            if (read_meta(fd, (uint64_t)n, &page[1], &meta[1]) && meta[1].magic == MAGIC &&
                meta[1].version == meta[0].version)
                return SS_LMDB_NEWER;
        }
        return SS_LMDB_DAMAGED;
    }
    if (health != SS_LMDB_GOOD || !read_meta(fd, meta[0].trees[0].pad, &page[1], &meta[1]) ||
        check_meta(&page[1], &meta[1], file_size) != SS_LMDB_GOOD ||
        meta[0].trees[0].pad != meta[1].trees[0].pad)
        return SS_LMDB_DAMAGED;
    new = meta[1].txn > meta[0].txn;
    if ((meta[new].txn & 1) != (uint64_t)new && meta[new].txn != 0)
        return SS_LMDB_DAMAGED;
    /* They are written in turn. A wider gap means that one was set back, and with it the memory. */
    if (meta[new].txn != 0 && meta[new].txn != meta[!new].txn + 1)
        return SS_LMDB_DAMAGED;
    *newest = meta[new];
    return SS_LMDB_GOOD;
}

enum ss_lmdb_health
ss_lmdb_newest_meta(int fd, struct ss_lmdb_meta *newest)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return SS_LMDB_UNREAD;
    if (st.st_size == 0)
        return SS_LMDB_EMPTY;
    return check_pair(fd, (uint64_t)st.st_size, newest);
}

enum ss_lmdb_health
ss_lmdb_check_metas(int fd)
{
    struct ss_lmdb_meta newest;

    return ss_lmdb_newest_meta(fd, &newest);
}

enum ss_lmdb_health
ss_lmdb_check_all(int fd, uint64_t *faults)
{
    struct ss_lmdb_meta newest;
    enum ss_lmdb_health health = ss_lmdb_newest_meta(fd, &newest);

    *faults = 0;
    if (health != SS_LMDB_GOOD)
        return health;
    return ss_lmdb_walk(fd, &newest, faults);
}
