/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories with stores in them, and LMDB by itself, the floor. They are made
 * in $SMTPSEC_BENCH_DIR and left there for the next run; where it is not set,
 * below $TMPDIR and removed at the end.
 */
#ifndef SS_BENCH_STORES_H
#define SS_BENCH_STORES_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "memory/store.h"
#include "population.h"

/*
 * Call this first where what is measured waits for the disk. Else stores are
 * in $SMTPSEC_BENCH_MEMORY_DIR where that is set: what only reads finds the
 * pages in memory in both cases, and ten million plans are made sooner.
 */
void stores_on_disk(void);
/* The directory of this name; made is false when an earlier run has filled it. */
const char *stores_directory(const char *name, bool *made);
/* It is filled now: the next run need not do so. */
void stores_filled(const char *directory);
/* One for this run alone, in memory where there is room for so many octets. */
const char *stores_scratch(const char *name, uint64_t octets);
void stores_remove(const char *directory);
/* At the program's end: remove what the next run is not to find. */
void stores_end(void);
/* Is there so much room for such directories? Else it is said to stderr. */
bool stores_room(uint64_t octets, const char *what);
/* Octets of a file in it; 0 when it is not there. */
uint64_t stores_file_size(const char *directory, const char *file);

/* Open ours, with room for so many entries. */
struct ss_store *stores_open(const char *directory, uint64_t entries);
/* An entry a transaction, as in life; order NULL: that of their numbers. */
void stores_load(struct ss_store *store, enum population kind, uint64_t count,
                 const uint64_t *order);
void stores_put(struct ss_store *store, enum ss_store_table table, const struct ss_buf *key,
                const struct ss_buf *value);

/* ---- LMDB by itself ---- */

struct bare {
    MDB_env *env;
    MDB_dbi table;
    MDB_txn *txn; /* the one that is renewed */
};

/* table NULL: the one without a name. flags: of mdb_env_open(), beside MDB_NOTLS. */
void bare_open(struct bare *bare, const char *directory, const char *table, unsigned flags);
void bare_close(struct bare *bare);
/* Renew, get, reset: what a reader that comes back does. The value is valid for no longer. */
bool bare_get(struct bare *bare, struct ss_bytes key, struct ss_bytes *value);
/*
 * Fill a table in the order of keys, many entries a transaction. entry gives
 * the i-th; those whose key is not above the last one's are left out.
 */
void bare_fill(const char *directory, const char *table, uint64_t count,
               void (*entry)(void *arg, uint64_t i, struct ss_buf *key, struct ss_buf *value),
               void *arg);
/* Write a compact copy into another directory. */
void bare_compact(const char *from, const char *to);

/* Make a store of ours with so many entries in it, in the order of keys; by LMDB, without waiting. */
void stores_bulk(const char *directory, enum population kind, uint64_t count);

#endif
