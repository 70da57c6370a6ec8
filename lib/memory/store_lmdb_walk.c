/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over all pages of an LMDB file: each page once, each node inside
 * its page and beside no other, keys rising, counts as the tree's head says.
 * A depth is bounded by LMDB's own limit, so the stack is an array.
 */
#include "memory/store_lmdb_page.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "memory/codec.h"

#define DEPTH_MAX 32
#define KEY_MAX 511
#define NODE_HEAD 8
#define NO_PAGE SIZE_MAX
#define TREES_MAX 32 /* ours are three; newer formats may have more */
#define PAGE_HEAD sizeof(struct ss_lmdb_page)

struct node {
    const uint8_t *key;
    size_t key_len;
    const uint8_t *data;
    uint32_t data_len;
    unsigned flags;
    size_t child; /* branch */
    size_t size;  /* of the whole node in its page */
};

struct key {
    size_t len;
    uint8_t octets[KEY_MAX];
};

/* What the checksum of each value of a tree covers. */
enum seal { SEAL_NONE, SEAL_POLICY, SEAL_CLAIM };

/* A page on the way down, and which of its nodes comes next. */
struct level {
    uint8_t *page;
    size_t count;
    size_t next;
    bool leaf;
};

struct walk {
    int fd;
    size_t page_size;
    size_t last_page;
    size_t txn;
    uint8_t *met;  /* a bit a page */
    uint8_t *taken; /* scratch: a bit a two octets of one page */
    struct level levels[DEPTH_MAX];
    /* the tree that is walked now */
    bool free_list;
    bool main_tree;
    enum seal seal;
    struct ss_lmdb_tree seen; /* counted */
    struct key last;          /* the next key must be greater; len 0: none yet */
    struct key bound;         /* ... and not less than this */
    /* trees that the main one names, to be walked after it */
    struct ss_lmdb_tree trees[TREES_MAX];
    enum seal seals[TREES_MAX];
    size_t tree_count;
    uint64_t faults;
    bool nomem;
};

/* True when the pages are in range and nobody had them before. */
static bool
meet(struct walk *w, size_t number, size_t count)
{
    size_t i;

    if (number < 2 || count == 0 || number > w->last_page || count > w->last_page - number + 1)
        return false;
    for (i = number; i < number + count; i++) {
        if (w->met[i / 8] & 1u << i % 8)
            return false;
        w->met[i / 8] = (uint8_t)(w->met[i / 8] | 1u << i % 8);
    }
    return true;
}

static void
page_head(const uint8_t *page, struct ss_lmdb_page *head)
{
    memcpy(head, page, sizeof(*head));
}

/* The n-th node of a page; false when it does not lie inside it. */
static bool
get_node(const struct walk *w, const struct level *level, size_t n, struct node *node)
{
    struct ss_lmdb_page head;
    uint16_t at, word[4];

    page_head(level->page, &head);
    memcpy(&at, level->page + PAGE_HEAD + 2 * n, sizeof(at));
    if (at < head.upper || at % 2 != 0 || at > w->page_size - NODE_HEAD)
        return false;
    memcpy(word, level->page + at, sizeof(word));
#if __BYTE_ORDER == __LITTLE_ENDIAN
    node->data_len = (uint32_t)word[0] | (uint32_t)word[1] << 16;
#else
    node->data_len = (uint32_t)word[1] | (uint32_t)word[0] << 16;
#endif
    node->flags = word[2];
    node->key_len = word[3];
    node->key = level->page + at + NODE_HEAD;
    node->data = node->key + node->key_len;
    node->child = node->data_len;
    node->size = NODE_HEAD + node->key_len;
    if (!level->leaf && sizeof(size_t) > 4)
        node->child |= (size_t)((uint64_t)node->flags << 32);
    else if (level->leaf)
        node->size += node->flags & SS_LMDB_NODE_BIG ? sizeof(size_t) : node->data_len;
    node->size += node->size & 1;
    return node->key_len <= KEY_MAX && node->size <= w->page_size - at;
}

/* Nodes fill what is below `upper` without a gap and without overlapping. */
static bool
check_nodes(struct walk *w, const struct level *level, size_t upper)
{
    size_t i, n, slot, total = 0;
    struct node node;

    memset(w->taken, 0, w->page_size / 16);
    for (n = 0; n < level->count; n++) {
        if (!get_node(w, level, n, &node))
            return false;
        slot = (size_t)(node.key - NODE_HEAD - level->page) / 2;
        for (i = slot; i < slot + node.size / 2; i++) {
            if (w->taken[i / 8] & 1u << i % 8)
                return false;
            w->taken[i / 8] = (uint8_t)(w->taken[i / 8] | 1u << i % 8);
        }
        total += node.size;
    }
    return total == w->page_size - upper;
}

/* Read a branch or leaf onto a level. */
static bool
descend(struct walk *w, size_t depth, size_t number)
{
    struct level *level = &w->levels[depth];
    struct ss_lmdb_page head;

    if (!meet(w, number, 1))
        return false;
    if (level->page == NULL)
        level->page = malloc(w->page_size);
    if (level->page == NULL) {
        w->nomem = true;
        return false;
    }
    if (!ss_lmdb_pread(w->fd, level->page, w->page_size, (uint64_t)number * w->page_size))
        return false;
    page_head(level->page, &head);
    if (head.number != number || head.lower < PAGE_HEAD || head.lower % 2 != 0 ||
        head.lower > head.upper || head.upper > w->page_size)
        return false;
    level->leaf = head.flags == SS_LMDB_PAGE_LEAF;
    level->next = 0;
    level->count = (head.lower - PAGE_HEAD) / 2;
    if (!level->leaf && head.flags != SS_LMDB_PAGE_BRANCH)
        return false;
    /* LMDB aborts the process on a branch with one child. */
    if (level->count < (level->leaf ? 1u : 2u))
        return false;
    if (level->leaf)
        w->seen.leaf_pages++;
    else
        w->seen.branch_pages++;
    return check_nodes(w, level, head.upper);
}

static int
compare(const struct walk *w, const uint8_t *a, size_t a_len, const struct key *b)
{
    size_t left, right, shorter = a_len < b->len ? a_len : b->len;
    int order;

    if (w->free_list) {
        memcpy(&left, a, sizeof(left));
        memcpy(&right, b->octets, sizeof(right));
        return left < right ? -1 : left > right;
    }
    order = memcmp(a, b->octets, shorter);
    if (order != 0)
        return order;
    return a_len < b->len ? -1 : a_len > b->len;
}

static void
keep(struct key *key, const struct node *node)
{
    key->len = node->key_len;
    memcpy(key->octets, node->key, node->key_len);
}

/* Keys rise over the whole tree; a separator lies between what is left and right of it. */
static bool
check_key(struct walk *w, const struct node *node)
{
    if (node->key_len == 0 || (w->free_list && node->key_len != sizeof(size_t)))
        return false;
    if (w->last.len > 0 && compare(w, node->key, node->key_len, &w->last) <= 0)
        return false;
    return w->bound.len == 0 || compare(w, node->key, node->key_len, &w->bound) >= 0;
}

/* Page numbers that are free, falling; each belongs to nobody else. */
static bool
check_free_pages(struct walk *w, const uint8_t *list, size_t len)
{
    size_t count, number, before = NO_PAGE, i;

    if (len < sizeof(count) || len % sizeof(count) != 0)
        return false;
    memcpy(&count, list, sizeof(count));
    if (count > len / sizeof(count) - 1)
        return false;
    for (i = 1; i <= count; i++) {
        memcpy(&number, list + i * sizeof(number), sizeof(number));
        if (number >= before || !meet(w, number, 1))
            return false;
        before = number;
    }
    return true;
}

/*
 * An octet that fell over inside an entry leaves the page as good as it was.
 * In the value its reader will see that; in the key nobody would, for nobody
 * asks for that key.
 */
static void
check_seal(struct walk *w, const struct node *node, const uint8_t *value)
{
    struct ss_bytes key = { node->key, node->key_len }, octets = { value, node->data_len };

    /* Policies of version 1 were not bound to their keys. */
    if (w->seal == SEAL_POLICY && octets.len > 1 && octets.data[1] == 1)
        key.len = 0;
    if (!ss_codec_sound(octets, key))
        w->faults++;
}

/* A value on pages of its own. */
static bool
check_big(struct walk *w, const struct node *node)
{
    size_t number, pages = (PAGE_HEAD - 1 + node->data_len) / w->page_size + 1;
    struct ss_lmdb_page head;
    uint32_t count;
    uint8_t *value;
    bool good = true;

    memcpy(&number, node->data, sizeof(number));
    if (!meet(w, number, pages) ||
        !ss_lmdb_pread(w->fd, &head, sizeof(head), (uint64_t)number * w->page_size))
        return false;
    memcpy(&count, &head.lower, sizeof(count));
    if (head.number != number || head.flags != SS_LMDB_PAGE_OVERFLOW || count != pages)
        return false;
    w->seen.overflow_pages += pages;
    if (!w->free_list && w->seal == SEAL_NONE)
        return true;
    value = malloc(node->data_len > 0 ? node->data_len : 1);
    if (value == NULL) {
        w->nomem = true;
        return false;
    }
    good = ss_lmdb_pread(w->fd, value, node->data_len,
                         (uint64_t)number * w->page_size + PAGE_HEAD);
    if (good && w->free_list)
        good = check_free_pages(w, value, node->data_len);
    else if (good)
        check_seal(w, node, value);
    free(value);
    return good;
}

static bool
begins_with(const struct node *node, const char *name)
{
    size_t len = strlen(name);

    return node->key_len >= len && memcmp(node->key, name, len) == 0;
}

/* Claims and policies, and those of either on probation. */
static enum seal
seal_of(const struct node *node)
{
    if (begins_with(node, "claims"))
        return SEAL_CLAIM;
    return begins_with(node, "policies") ? SEAL_POLICY : SEAL_NONE;
}

/* The head of a named tree; ours have no flags. */
static bool
add_tree(struct walk *w, const struct node *node)
{
    struct ss_lmdb_tree *tree;

    if (!w->main_tree || node->data_len != sizeof(*tree) || w->tree_count == TREES_MAX)
        return false;
    w->seals[w->tree_count] = seal_of(node);
    tree = &w->trees[w->tree_count++];
    memcpy(tree, node->data, sizeof(*tree));
    return tree->flags == 0 && tree->pad == 0;
}

static bool
check_leaf_node(struct walk *w, const struct node *node)
{
    size_t txn;

    if (!check_key(w, node))
        return false;
    keep(&w->last, node);
    w->bound.len = 0;
    w->seen.entries++;
    if (w->free_list) {
        memcpy(&txn, node->key, sizeof(txn));
        if (txn > w->txn)
            return false;
    }
    switch (node->flags) {
    case 0:
        if (w->seal != SEAL_NONE)
            check_seal(w, node, node->data);
        return !w->free_list || check_free_pages(w, node->data, node->data_len);
    case SS_LMDB_NODE_BIG:
        return check_big(w, node);
    case SS_LMDB_NODE_TREE:
        return add_tree(w, node);
    default:
        return false;
    }
}

/* All of a leaf, at the depth where leaves must be. */
static bool
check_leaf(struct walk *w, struct level *level)
{
    struct node node;

    for (; level->next < level->count; level->next++) {
        if (!get_node(w, level, level->next, &node) || !check_leaf_node(w, &node))
            return false;
    }
    return true;
}

/* Go down to the next child of a branch. */
static bool
next_child(struct walk *w, size_t depth)
{
    struct level *level = &w->levels[depth];
    struct node node;

    if (!get_node(w, level, level->next, &node))
        return false;
    /* The first child of a branch has no separator. */
    if (level->next > 0) {
        if (!check_key(w, &node))
            return false;
        keep(&w->bound, &node);
    }
    level->next++;
    return descend(w, depth + 1, node.child);
}

static bool
same_counts(const struct ss_lmdb_tree *a, const struct ss_lmdb_tree *b)
{
    return a->branch_pages == b->branch_pages && a->leaf_pages == b->leaf_pages &&
           a->overflow_pages == b->overflow_pages && a->entries == b->entries;
}

static bool
walk_tree(struct walk *w, const struct ss_lmdb_tree *tree)
{
    size_t depth = 0;

    memset(&w->seen, 0, sizeof(w->seen));
    w->last.len = 0;
    w->bound.len = 0;
    if (tree->root == NO_PAGE)
        return tree->depth == 0 && same_counts(&w->seen, tree);
    if (tree->depth == 0 || tree->depth > DEPTH_MAX || !descend(w, 0, tree->root))
        return false;
    for (;;) {
        if (w->levels[depth].leaf != (depth + 1 == tree->depth))
            return false;
        if (w->levels[depth].leaf && !check_leaf(w, &w->levels[depth]))
            return false;
        while (w->levels[depth].next == w->levels[depth].count) {
            if (depth == 0)
                return same_counts(&w->seen, tree);
            depth--;
        }
        if (!next_child(w, depth))
            return false;
        depth++;
    }
}

static bool
walk_all(struct walk *w, const struct ss_lmdb_meta *meta)
{
    size_t i;

    w->free_list = true;
    if (!walk_tree(w, &meta->trees[0]))
        return false;
    w->free_list = false;
    w->main_tree = true;
    if (meta->trees[1].pad != 0 || !walk_tree(w, &meta->trees[1]))
        return false;
    w->main_tree = false;
    for (i = 0; i < w->tree_count; i++) {
        w->seal = w->seals[i];
        if (!walk_tree(w, &w->trees[i]))
            return false;
    }
    return true;
}

enum ss_lmdb_health
ss_lmdb_walk(int fd, const struct ss_lmdb_meta *meta, uint64_t *faults)
{
    struct walk *w = calloc(1, sizeof(*w));
    enum ss_lmdb_health health = SS_LMDB_UNREAD;
    size_t i;

    if (w == NULL)
        return health;
    w->fd = fd;
    w->page_size = meta->trees[0].pad;
    w->last_page = meta->last_page;
    w->txn = meta->txn;
    w->met = calloc(1, meta->last_page / 8 + 1);
    w->taken = calloc(1, w->page_size / 16);
    if (w->met != NULL && w->taken != NULL) {
        health = walk_all(w, meta) ? SS_LMDB_GOOD : SS_LMDB_DAMAGED;
        if (w->nomem)
            health = SS_LMDB_UNREAD;
    }
    if (faults != NULL)
        *faults = w->faults;
    for (i = 0; i < DEPTH_MAX; i++)
        free(w->levels[i].page);
    free(w->taken);
    free(w->met);
    free(w);
    return health;
}
