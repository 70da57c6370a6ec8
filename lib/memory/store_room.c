/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/store_room.h"

#include <string.h>

enum ss_store_table
ss_store_beside(enum ss_store_table table)
{
    if (table == SS_TABLE_CLAIMS)
        return SS_TABLE_CLAIMS_NEW;
    if (table == SS_TABLE_POLICIES)
        return SS_TABLE_POLICIES_NEW;
    return SS_TABLE_COUNT;
}

uint64_t
ss_store_bound(const struct ss_store *store, enum ss_store_table table)
{
    switch (table) {
    case SS_TABLE_CLAIMS:
    case SS_TABLE_POLICIES:
        return store->limits.kept;
    case SS_TABLE_CLAIMS_NEW:
    case SS_TABLE_POLICIES_NEW:
        return store->limits.probation;
    case SS_TABLE_PLANS:
    case SS_TABLE_ANSWERS:
        return store->limits.plans;
    default:
        return UINT64_MAX; /* we alone write there */
    }
}

/* A row that runs through all 64-bit numbers, each mixed before it is used. */
uint64_t
ss_store_random(struct ss_store *store, uint64_t below)
{
    uint64_t z = store->limits.seed += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return below == 0 ? 0 : z % below;
}

void
ss_room_init(struct ss_room *room, struct ss_store *store, enum ss_store_table table)
{
    memset(room, 0, sizeof(*room));
    room->store = store;
    room->table = table;
    room->least = SS_STORE_FIXED;
}

void
ss_room_look(struct ss_room *room, struct ss_bytes key, struct ss_bytes value)
{
    const struct ss_store_limits *limits = &room->store->limits;
    /* What may be lost at any time may go, too. */
    uint64_t rank = ss_store_is_volatile(room->table) ? 0 : SS_STORE_FIXED;

    room->looked++;
    if (key.len > sizeof(room->key))
        return;
    if (limits->rank != NULL)
        rank = limits->rank(limits->arg, room->table, key, value);
    if (rank >= room->least)
        return;
    room->least = rank;
    room->key_len = key.len;
    memcpy(room->key, key.data, key.len);
}

bool
ss_room_leaves(const struct ss_room *room, struct ss_bytes *key)
{
    key->data = room->key;
    key->len = room->key_len;
    return room->least != SS_STORE_FIXED;
}
