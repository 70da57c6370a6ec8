/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include <smtpsec.h>

/* FNV-1a from a secret start, and a last mix of its high half into the bits that are used. */
static size_t
place(const struct serve_table *table, const char *key)
{
    uint64_t hash = table->seed;

    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
    return (size_t)(hash ^ (hash >> 32)) & table->mask;
}

int
serve_table_init(struct serve_table *table, size_t most, uint64_t seed)
{
    size_t size = 16;

    while (size < most && size < (size_t)1 << 20)
        size *= 2;
    memset(table, 0, sizeof(*table));
    table->heads = calloc(size, sizeof(*table->heads));
    if (table->heads == NULL)
        return SMTPSEC_E_NOMEM;
    table->mask = size - 1;
    table->seed = seed;
    return 0;
}

void
serve_table_free(struct serve_table *table)
{
    free(table->heads);
    memset(table, 0, sizeof(*table));
}

struct serve_node *
serve_table_find(const struct serve_table *table, const char *key)
{
    struct serve_node *node = table->heads[place(table, key)];

    while (node != NULL && strcmp(node->key, key) != 0)
        node = node->next;
    return node;
}

void
serve_table_add(struct serve_table *table, struct serve_node *node)
{
    struct serve_node **head = &table->heads[place(table, node->key)];

    node->next = *head;
    *head = node;
}

void
serve_table_remove(struct serve_table *table, struct serve_node *node)
{
    struct serve_node **link = &table->heads[place(table, node->key)];

    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->next = NULL;
}
