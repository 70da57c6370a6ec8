/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who goes when a table is full (DESIGN 6.12). For the makers of stores. */
#ifndef SS_MEMORY_STORE_ROOM_H
#define SS_MEMORY_STORE_ROOM_H

#include "memory/store.h"

#define SS_STORE_KEY_MAX 511
/* Looked at before one is chosen: all of a million would cost a stranger's mail a second. */
#define SS_ROOM_LOOKS 32

/* Where those on probation stand beside a table; SS_TABLE_COUNT: nowhere. */
enum ss_store_table ss_store_beside(enum ss_store_table table);
/* How many entries a table may have. */
uint64_t ss_store_bound(const struct ss_store *store, enum ss_store_table table);
/* The next number, below `below`, of the store's own row; strangers cannot guess it. */
uint64_t ss_store_random(struct ss_store *store, uint64_t below);

/* The one with the least evidence of those looked at. */
struct ss_room {
    struct ss_store *store;
    enum ss_store_table table;
    unsigned looked;
    uint64_t least; /* SS_STORE_FIXED: none may go */
    size_t key_len;
    uint8_t key[SS_STORE_KEY_MAX];
};

void ss_room_init(struct ss_room *room, struct ss_store *store, enum ss_store_table table);
void ss_room_look(struct ss_room *room, struct ss_bytes key, struct ss_bytes value);
/* Who goes; false: nobody may. */
bool ss_room_leaves(const struct ss_room *room, struct ss_bytes *key);

#endif
