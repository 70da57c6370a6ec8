/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Things by their key: a hash table whose nodes lie in the things themselves. Pure. */
#ifndef SERVE_TABLE_H
#define SERVE_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct serve_node {
    struct serve_node *next;
    const char *key; /* lies in the same thing */
};

struct serve_table {
    struct serve_node **heads;
    size_t mask;
    uint64_t seed;
};

/* Room for about that many. The seed keeps strangers from choosing who shares a chain. */
int serve_table_init(struct serve_table *table, size_t most, uint64_t seed);
void serve_table_free(struct serve_table *table);
struct serve_node *serve_table_find(const struct serve_table *table, const char *key);
/* The key must not be there yet. */
void serve_table_add(struct serve_table *table, struct serve_node *node);
/* The node must be there. */
void serve_table_remove(struct serve_table *table, struct serve_node *node);

#endif
