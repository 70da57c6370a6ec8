/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Readers of the LMDB store. One of a volatile table keeps its transaction,
 * reset between two values: it holds a slot, and pins no page. Whether the
 * file is still whole and in place is looked at once a second, and a fork is
 * noticed by a page that the kernel wipes in the child, so that a value costs
 * no system call. One of the memory begins a transaction for each value.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "memory/store_lmdb.h"

struct lmdb_reader {
    struct ss_store_reader reader;
    struct ss_lmdb_env *env; /* once more, while there is a transaction */
    MDB_txn *txn;
    pid_t pid;
    time_t looked;         /* when, in coarse seconds */
    volatile uint8_t *ours; /* 1; 0 in a forked child. NULL: the kernel cannot do that */
};

static struct lmdb_reader *
reader_of(struct ss_store_reader *reader)
{
    return (struct lmdb_reader *)(void *)reader;
}

static size_t
page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);

    return size > 0 ? (size_t)size : 4096;
}

/* A page of which a forked child finds nothing. */
static volatile uint8_t *
make_page(void)
{
    uint8_t *page = MAP_FAILED;

#ifdef MADV_WIPEONFORK
    page = mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page != MAP_FAILED && madvise(page, page_size(), MADV_WIPEONFORK) != 0) {
        munmap(page, page_size());
        page = MAP_FAILED;
    }
#endif
    if (page == MAP_FAILED)
        return NULL;
    *page = 1;
    return page;
}

static bool
is_forked(const struct lmdb_reader *r)
{
    return r->ours != NULL ? *r->ours == 0 : r->pid != getpid();
}

static void
leave(struct lmdb_reader *r)
{
    if (r->txn != NULL && !is_forked(r)) {
        mdb_txn_abort(r->txn);
        ss_lmdb_env_put(r->env);
    }
    r->txn = NULL;
    r->env = NULL;
    r->pid = getpid();
    if (r->ours != NULL)
        *r->ours = 1;
}

/* Begin the transaction that is kept, with what the store has open now. */
static int
begin(struct lmdb_reader *r)
{
    struct ss_lmdb_store *s;
    int rc = ss_lmdb_enter_table(ss_lmdb_store_of(r->reader.store), r->reader.table, &s);

    if (rc != 0)
        return rc;
    rc = mdb_txn_begin(s->env->mdb, NULL, MDB_RDONLY, &r->txn);
    if (rc == MDB_READERS_FULL && ss_lmdb_env_clear_readers(s->env))
        rc = mdb_txn_begin(s->env->mdb, NULL, MDB_RDONLY, &r->txn);
    if (rc != 0) {
        r->txn = NULL;
        return ss_lmdb_failed(s, "read", rc);
    }
    mdb_txn_reset(r->txn);
    r->env = s->env;
    ss_lmdb_env_ref(r->env);
    return 0;
}

/* Is what it has still what others have? */
static bool
is_good(struct lmdb_reader *r)
{
    struct timespec now;

    if (r->txn == NULL || is_forked(r) || atomic_load(&r->env->broken))
        return false;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0)
        return ss_lmdb_env_whole(r->env);
    if (now.tv_sec == r->looked)
        return true;
    r->looked = now.tv_sec;
    return ss_lmdb_env_whole(r->env);
}

/* A read transaction under way. Returns 0, NOMEM, MEMORY. */
static int
renew(struct lmdb_reader *r)
{
    int tries, rc;

    for (tries = 0; tries < 2; tries++) {
        if (!is_good(r)) {
            leave(r);
            rc = begin(r);
            if (rc != 0)
                return rc;
        }
        if (mdb_txn_renew(r->txn) == 0)
            return 0;
        leave(r);
    }
    return SMTPSEC_E_MEMORY;
}

static int
copy_out(int rc, const MDB_val *v, uint8_t *room, size_t cap, size_t *len)
{
    if (rc == MDB_NOTFOUND)
        return SMTPSEC_E_NOT_FOUND;
    if (rc != 0)
        return SMTPSEC_E_MEMORY;
    *len = v->mv_size;
    if (v->mv_size > cap)
        return SMTPSEC_E_LIMIT;
    if (v->mv_size > 0)
        memcpy(room, v->mv_data, v->mv_size);
    return 0;
}

/* Of the volatile tables what cannot be read is not there. */
static int
get_volatile(struct lmdb_reader *r, struct ss_bytes key, uint8_t *room, size_t cap, size_t *len)
{
    MDB_val k = ss_lmdb_val(key), v;
    int rc = renew(r);

    if (rc != 0)
        return rc == SMTPSEC_E_NOMEM ? rc : SMTPSEC_E_NOT_FOUND;
    if (!r->env->there[r->reader.table]) {
        rc = MDB_NOTFOUND;
    } else {
        rc = mdb_get(r->txn, r->env->tables[r->reader.table], &k, &v);
    }
    if (rc != 0 && rc != MDB_NOTFOUND)
        atomic_store(&r->env->broken, true);
    rc = copy_out(rc, &v, room, cap, len);
    mdb_txn_reset(r->txn);
    return rc == SMTPSEC_E_MEMORY ? SMTPSEC_E_NOT_FOUND : rc;
}

static int
get_once(struct lmdb_reader *r, struct ss_bytes key, uint8_t *room, size_t cap, size_t *len)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(r->reader.store);
    enum ss_store_table where;
    MDB_txn *txn = NULL;
    MDB_val v;
    int found, rc = ss_lmdb_enter(s);

    if (rc != 0)
        return rc;
    rc = ss_lmdb_read_begin(s->env, &txn);
    if (rc != 0)
        return ss_lmdb_failed(s, "read", rc);
    rc = ss_lmdb_find(s->env, txn, r->reader.table, key, &v, &where);
    found = copy_out(rc, &v, room, cap, len);
    ss_lmdb_read_end(s->env, txn);
    return found == SMTPSEC_E_MEMORY ? ss_lmdb_failed(s, "read", rc) : found;
}

int
ss_lmdb_reader_get(struct ss_store_reader *reader, struct ss_bytes key, uint8_t *room, size_t cap,
                   size_t *len)
{
    if (ss_store_is_volatile(reader->table))
        return get_volatile(reader_of(reader), key, room, cap, len);
    return get_once(reader_of(reader), key, room, cap, len);
}

int
ss_lmdb_reader_open(struct ss_store *store, enum ss_store_table table,
                    struct ss_store_reader **out)
{
    struct lmdb_reader *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return SMTPSEC_E_NOMEM;
    r->reader.store = store;
    r->reader.table = table;
    r->pid = getpid();
    if (ss_store_is_volatile(table)) {
        r->ours = make_page();
        /* Now, so that it is open before a process gives up what that takes. */
        (void)begin(r);
    }
    *out = &r->reader;
    return 0;
}

void
ss_lmdb_reader_close(struct ss_store_reader *reader)
{
    struct lmdb_reader *r = reader_of(reader);

    leave(r);
    if (r->ours != NULL)
        munmap((void *)(uintptr_t)r->ours, page_size());
    free(r);
}
