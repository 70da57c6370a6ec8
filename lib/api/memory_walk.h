/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walks over what is remembered, for all that lists, counts or removes. */
#ifndef SS_API_MEMORY_WALK_H
#define SS_API_MEMORY_WALK_H

#include "api/context.h"
#include "base/name.h"
#include "memory/store.h"

/*
 * Visit the entries of one domain, by whatever route, or of all (NULL), in
 * key order and in slices: `each` may be slow and may change the store. A
 * domain's own are found without looking at the others. Returns 0, NOMEM,
 * MEMORY, or what `each` gave.
 */
int ss_memory_walk(struct ss_store *store, enum ss_store_table table, const struct ss_name *domain,
                   ss_store_each each, void *arg);

/*
 * What every call about the memory asks first: a context with a memory, and
 * the name (domain may be NULL, *name is then NULL). Returns 0, INVALID, NAME,
 * MEMORY.
 */
int ss_memory_ready(const struct smtpsec_context *context, const char *domain,
                    struct ss_name *room, const struct ss_name **name);

#endif
