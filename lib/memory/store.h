/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where octets are kept: tables of key and value. Two makers: RAM
 * (store_ram.c, pure) and LMDB (store_lmdb.c, the one file here that touches
 * the world). A store that fails never changes a decision already made.
 */
#ifndef SS_MEMORY_STORE_H
#define SS_MEMORY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "smtpsec.h"

enum ss_store_table { SS_TABLE_CLAIMS = 0, SS_TABLE_POLICIES = 1, SS_TABLE_COUNT = 2 };

/* Largest value kept; larger ones are refused with SMTPSEC_E_LIMIT. */
#define SS_STORE_VALUE_MAX (128 * 1024)

enum ss_edit { SS_EDIT_KEEP, SS_EDIT_PUT, SS_EDIT_DELETE };

/*
 * Decide on a change inside the write transaction. old is NULL when nothing is
 * stored; it is valid during the call only. For PUT, write the value into out.
 * A negative return ends the transaction without a change.
 */
typedef int (*ss_store_edit)(void *arg, const struct ss_bytes *old, struct ss_buf *out,
                             enum ss_edit *edit);
/* Called for each entry of a list; views are valid during the call only. Return nonzero to stop. */
typedef int (*ss_store_each)(void *arg, struct ss_bytes key, struct ss_bytes value);

struct ss_store;
struct ss_lease;

struct ss_store_kind {
    int (*get)(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
               struct ss_buf *value);
    int (*update)(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                  ss_store_edit edit, void *arg);
    int (*each)(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
                ss_store_each each, void *arg);
    void (*close)(struct ss_store *store);
    /* May be NULL: nobody else uses the store. */
    int (*lease)(struct ss_store *store, uint64_t name, struct ss_lease **out);
};

/* The head of every store. */
struct ss_store {
    const struct ss_store_kind *kind;
    int32_t state; /* SMTPSEC_MEMORY_OK, _READ_ONLY, _LOST */
    struct ss_error error;
};

/* Copy a value out. Returns 0, NOT_FOUND, NOMEM, MEMORY. */
int ss_store_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                 struct ss_buf *value);
/*
 * Read, decide, write, in one transaction; keeping writes nothing. The edit
 * must not use a store. Returns 0, NOMEM, MEMORY, LIMIT, or the edit's own.
 */
int ss_store_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                    ss_store_edit edit, void *arg);
/*
 * Visit at most `most` entries after a key (empty: from the first), in key
 * order; `each` may change the store. Returns 0, NOMEM, MEMORY, or what `each`
 * gave.
 */
int ss_store_each_after(struct ss_store *store, enum ss_store_table table, struct ss_bytes after,
                        size_t most, ss_store_each each, void *arg);
/*
 * Visit every entry, in slices of bounded length, so that no transaction grows
 * with the store. `each` may stop it, as above. Returns as above.
 */
int ss_store_walk(struct ss_store *store, enum ss_store_table table, ss_store_each each, void *arg);
/* Close; takes NULL. */
void ss_store_close(struct ss_store *store);

/*
 * The right to do something that one process at a time should do, such as to
 * fetch a policy. It ends when it is released, and with its holder's process
 * however that ends. It may outlive its store.
 */
struct ss_lease {
    unsigned refs;
    void (*end)(struct ss_lease *lease);
};

/*
 * Take the lease of a name, 64 bits of a digest of what is meant: two names
 * that agree by chance only wait for each other. Does not wait.
 * Returns 0, PENDING (another holds it), NOMEM, or MEMORY (the store cannot
 * tell: go on without).
 */
int ss_store_lease(struct ss_store *store, uint64_t name, struct ss_lease **out);
/* Share it: it ends with the last release. Both take NULL. */
struct ss_lease *ss_lease_ref(struct ss_lease *lease);
void ss_lease_release(struct ss_lease *lease);

int ss_store_ram_open(struct ss_store **out);

/*
 * Open the store in a directory. It is one environment per file and process
 * (a registry by device and inode), abandoned and re-opened after fork.
 *
 * Returns 0 and a store, whose state may be READ_ONLY or LOST, or NOMEM. A
 * store that could not be opened is LOST, says why in its error, and answers
 * SMTPSEC_E_MEMORY. set_aside: receives true when a new memory is begun where
 * one was kept before: its file is gone or empty, or was damaged and renamed
 * away.
 */
int ss_store_lmdb_open(const char *directory, bool read_only, bool *set_aside,
                       struct ss_store **out);

#endif
