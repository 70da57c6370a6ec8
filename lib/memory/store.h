/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where octets are kept: tables of key and value. Two makers: RAM
 * (store_ram.c, pure) and LMDB (store_lmdb.c, the one file here that touches
 * the world). A store that fails never changes a decision already made.
 *
 * Claims and policies stand in two tables each (DESIGN 6.12): what has been
 * proved on two days or more, and, with an end of its own, what is on
 * probation. SS_TABLE_CLAIMS and _POLICIES mean both wherever they are asked
 * for or changed; the _NEW tables can only be read, and hold those on
 * probation alone. SS_TABLE_META holds a few small values under short names
 * in ASCII; "format" and those that begin with "hand" are the store's own.
 *
 * SS_TABLE_PLANS and _ANSWERS are volatile: whatever stands there may be gone
 * at the next look (a boot, damage, room that was needed, a cache thrown
 * away), and they are no part of the memory. All processes of the host share
 * them where the store can; where it cannot they are as if empty, and changing
 * them fails with SMTPSEC_E_MEMORY while the store's own state stays as it is.
 */
#ifndef SS_MEMORY_STORE_H
#define SS_MEMORY_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "smtpsec.h"

enum ss_store_table {
    SS_TABLE_CLAIMS = 0,
    SS_TABLE_POLICIES = 1,
    SS_TABLE_CLAIMS_NEW = 2,
    SS_TABLE_POLICIES_NEW = 3,
    SS_TABLE_META = 4,
    SS_TABLE_PLANS = 5,
    SS_TABLE_ANSWERS = 6,
    SS_TABLE_COUNT = 7
};

/* Largest value kept; larger ones are refused with SMTPSEC_E_LIMIT. */
#define SS_STORE_VALUE_MAX (128 * 1024)

/*
 * PUT_NEW puts on probation, or keeps there; what is off it stays off. In
 * SS_TABLE_META and in the volatile tables it is PUT.
 */
enum ss_edit { SS_EDIT_KEEP, SS_EDIT_PUT, SS_EDIT_DELETE, SS_EDIT_PUT_NEW };

/*
 * Decide on a change inside the write transaction. old is NULL when nothing is
 * stored; it is valid during the call only. For PUT and PUT_NEW, write the
 * value into out. A negative return ends the transaction without a change.
 *
 * It must not use a store, with one exception: the edit of a claim or a policy
 * may read and change the volatile tables of the same store, since they have a
 * write lock of their own. So what was kept by the old value is gone before
 * the new one can be seen. Never the other way round: two processes would
 * each hold the lock that the other waits for. The edit of a plan may read
 * claims and policies, which takes no lock.
 *
 * It may be asked more than once, each time with what stands there then: a
 * store across a network asks anew when somebody else was faster. The last time
 * counts, so an edit that notes something in arg begins its note anew.
 */
typedef int (*ss_store_edit)(void *arg, const struct ss_bytes *old, struct ss_buf *out,
                             enum ss_edit *edit);
/* Called for each entry of a list; views are valid during the call only. Return nonzero to stop. */
typedef int (*ss_store_each)(void *arg, struct ss_bytes key, struct ss_bytes value);

struct ss_store;
struct ss_lease;

/* It may not go. */
#define SS_STORE_FIXED UINT64_MAX
/*
 * How much evidence an entry is, of a table that is not SS_TABLE_META: _NEW
 * says that it is on probation. Where room is needed the least goes. Must not
 * use a store. Asked of the volatile tables too.
 */
typedef uint64_t (*ss_store_rank)(void *arg, enum ss_store_table table, struct ss_bytes key,
                                  struct ss_bytes value);

#define SS_STORE_KEPT 4000000
#define SS_STORE_PROBATION 65536
#define SS_STORE_PLANS 200000

/* For claims, and again for policies; `plans` for each of the volatile tables. */
struct ss_store_limits {
    uint64_t kept;      /* off probation; 0: SS_STORE_KEPT */
    uint64_t probation; /* on it, a tenth of `kept` at most; 0: SS_STORE_PROBATION */
    uint64_t plans;     /* 0: SS_STORE_PLANS */
    ss_store_rank rank; /* NULL: nothing may go, but of the volatile tables anything */
    void *arg;          /* of rank; must outlive the store */
    uint64_t seed;      /* that nobody can guess: where to look first; 0: the store's own */
};

struct ss_store_figures {
    uint64_t file_size;  /* RAM: of keys and values */
    uint64_t page_size;  /* RAM: 0, as for all that follow but the entries */
    uint64_t pages;      /* of the file, as far as it was ever used */
    uint64_t free_pages; /* of those, to be used again */
    uint64_t map_size;
    uint64_t map_max;    /* as large as it may grow */
    uint64_t readers;    /* slots that are taken */
    uint64_t readers_max;
    uint64_t format;     /* of the tables */
    uint64_t entries[SS_TABLE_COUNT]; /* here each table is counted by itself */
};

/* Reads one table of a store again and again, from one thread. This is the head of every reader. */
struct ss_store_reader {
    struct ss_store *store;
    enum ss_store_table table;
};

struct ss_store_kind {
    int (*get)(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
               struct ss_buf *value);
    int (*update)(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                  ss_store_edit edit, void *arg);
    int (*each)(struct ss_store *store, enum ss_store_table table, struct ss_bytes after,
                size_t most, ss_store_each each, void *arg);
    void (*close)(struct ss_store *store);
    /* May be NULL: nobody else uses the store. */
    int (*lease)(struct ss_store *store, uint64_t name, struct ss_lease **out);
    int (*figures)(struct ss_store *store, struct ss_store_figures *out);
    /* May be NULL: there are no pages. */
    int (*check)(struct ss_store *store, bool *damaged);
    /* May be NULL. Called on a store that is LOST: open it anew, if it is time. */
    void (*retry)(struct ss_store *store);
    /* All three or none: then a reader is a series of get(). */
    int (*reader_open)(struct ss_store *store, enum ss_store_table table,
                       struct ss_store_reader **out);
    int (*reader_get)(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room,
                      size_t cap, size_t *len);
    void (*reader_close)(struct ss_store_reader *reader);
    /* May be NULL: there are no volatile tables. */
    int (*discard)(struct ss_store *store);
};

/* The head of every store. */
struct ss_store {
    const struct ss_store_kind *kind;
    int32_t state; /* SMTPSEC_MEMORY_OK, _READ_ONLY, _LOST; a lost one may come back */
    struct ss_error error;
    struct ss_store_limits limits;
    /* A new memory was begun in place of one that was kept here; who reads it may clear it. */
    bool set_aside;
    /* Entries that were found damaged as it was opened; who reads it may clear it. */
    uint64_t faults;
};

/* Set the bounds; without this they are the ones named above, and nothing may go. */
void ss_store_set_limits(struct ss_store *store, const struct ss_store_limits *limits);

/* Copy a value out. Returns 0, NOT_FOUND, NOMEM, MEMORY. */
int ss_store_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                 struct ss_buf *value);
/*
 * Open a reader: no allocation, and no system call beyond the store's own, for
 * each value. It lives on while its store is lost and comes back, and in a
 * forked child, where it may be used and closed like the store.
 * Returns 0, NOMEM, MEMORY (lost; not for a volatile table that is not there).
 */
int ss_store_reader_open(struct ss_store *store, enum ss_store_table table,
                         struct ss_store_reader **out);
/*
 * Copy a value into room of `cap` octets; *len receives how long it is.
 * Returns 0, NOT_FOUND, LIMIT (longer than cap; nothing is copied), NOMEM, MEMORY.
 */
int ss_store_reader_get(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room,
                        size_t cap, size_t *len);
/* Takes NULL. Before the store is closed. */
void ss_store_reader_close(struct ss_store_reader *reader);
/*
 * Read, decide, write, in one transaction; keeping writes nothing. The edit
 * must not use a store. Returns 0, NOMEM, MEMORY, LIMIT (too large, or no room
 * and all that was looked at is in force; what was on probation stays there,
 * changed), or the edit's own.
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
/* Count. Returns 0, NOMEM, MEMORY. */
int ss_store_figures(struct ss_store *store, struct ss_store_figures *out);
/*
 * Read every page, beside all other use; the values are the caller's to read.
 * Returns 0 and whether a page is damaged, NOMEM, or MEMORY (cannot be read).
 */
int ss_store_check(struct ss_store *store, bool *damaged);
/* Is this table one of those that may be gone at the next look? */
bool ss_store_is_volatile(enum ss_store_table table);
/*
 * Throw the volatile tables away, for all processes that share them: who
 * writes there notices at once, who reads within a second or so. May be called
 * from the edit of a claim or a policy, not from that of a plan. Returns 0, NOMEM, or MEMORY (they may
 * still be there).
 */
int ss_store_discard_volatile(struct ss_store *store);
/* Close; takes NULL. */
void ss_store_close(struct ss_store *store);

/*
 * The right to do something that one process at a time should do, such as to
 * fetch a policy. It ends when it is released, and with its holder's process
 * however that ends; with a store across a network it ends by itself some time
 * after, dead holder or slow one. So it may spare work, and protects nothing.
 * It may outlive its store.
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

struct ss_store_lmdb_options {
    bool read_only;
    bool shared;    /* with a group (DESIGN 6.13) */
    uint32_t group; /* this one */
};

/*
 * Open the store in a directory. It is one environment per file and process
 * (a registry by device and inode), abandoned and re-opened after fork.
 * options: NULL for none.
 *
 * Returns 0 and a store, whose state may be READ_ONLY or LOST, or NOMEM. A
 * store that could not be opened is LOST, says why in its error, and answers
 * SMTPSEC_E_MEMORY; it tries again once a minute. set_aside: receives true
 * when a new memory is begun where one was kept before: its file is gone or
 * empty, or was damaged and renamed away. May be NULL.
 */
int ss_store_lmdb_open(const char *directory, const struct ss_store_lmdb_options *options,
                       bool *set_aside, struct ss_store **out);

#endif
