/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries that say themselves whether they are whole: number n of a writer's
 * entry, in octets that follow from it, in the envelope of stored policies.
 */
#ifndef SS_TEST_HARD_VALUE_H
#define SS_TEST_HARD_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "memory/store.h"

struct value_key {
    unsigned writer;
    unsigned entry;
};

/* Store number n under a key, with so many octets behind it. Returns as ss_store_update(). */
int value_put(struct ss_store *store, struct value_key key, uint64_t n, size_t octets);
/* The same, and the process stops itself inside the write transaction. */
int value_put_stopping(struct ss_store *store, struct value_key key, uint64_t n, size_t octets);
/* The number stored; 0 when there is none, -1 when it is not whole, or another error. */
int64_t value_get(struct ss_store *store, struct value_key key);

#endif
