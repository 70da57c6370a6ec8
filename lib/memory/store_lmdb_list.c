/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of the LMDB store: copied out in pieces, and shown with no transaction open. */
#include <string.h>

#include "memory/store_lmdb.h"
#include "memory/store_room.h"

/* About the size of a piece. */
#define PIECE_OCTETS (256 * 1024)
#define PIECE_ENTRIES 256

/* A run of entries copied out: key length, value length, key, value. */
struct piece {
    struct ss_buf octets;
    size_t count;
};

/* A cursor and what it stands on; k.mv_data is NULL past the end. */
struct place {
    MDB_cursor *cursor;
    MDB_val k, v;
};

static bool
piece_full(const struct piece *piece, size_t most)
{
    return piece->count >= most || piece->count >= PIECE_ENTRIES ||
           piece->octets.len >= PIECE_OCTETS;
}

static void
piece_add(struct piece *piece, const struct place *at)
{
    ss_buf_le32(&piece->octets, (uint32_t)at->k.mv_size);
    ss_buf_le32(&piece->octets, (uint32_t)at->v.mv_size);
    ss_buf_put(&piece->octets, at->k.mv_data, at->k.mv_size);
    ss_buf_put(&piece->octets, at->v.mv_data, at->v.mv_size);
    piece->count++;
}

static int
move(struct place *at, MDB_cursor_op op)
{
    int rc = mdb_cursor_get(at->cursor, &at->k, &at->v, op);

    if (rc == MDB_NOTFOUND) {
        at->k.mv_data = NULL;
        return 0;
    }
    /* Larger than any that we write: damage. */
    return rc == 0 && at->v.mv_size > SS_STORE_VALUE_MAX ? MDB_CORRUPTED : rc;
}

/* Stand on the first entry after a key. */
static int
place_after(struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table, struct ss_bytes after,
            struct place *at)
{
    int rc;

    memset(at, 0, sizeof(*at));
    if (table == SS_TABLE_COUNT || !env->there[table])
        return 0;
    rc = mdb_cursor_open(txn, env->tables[table], &at->cursor);
    if (rc != 0)
        return rc;
    at->k = ss_lmdb_val(after);
    rc = move(at, after.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
    if (rc == 0 && at->k.mv_data != NULL && after.len > 0 && at->k.mv_size == after.len &&
        memcmp(at->k.mv_data, after.data, after.len) == 0)
        rc = move(at, MDB_NEXT);
    return rc;
}

/* Of two places, the one whose key comes first; NULL when both are past the end. */
static struct place *
first_of(MDB_txn *txn, MDB_dbi dbi, struct place *a, struct place *b)
{
    if (a->k.mv_data == NULL || b->k.mv_data == NULL)
        return a->k.mv_data != NULL ? a : b->k.mv_data != NULL ? b : NULL;
    return mdb_cmp(txn, dbi, &b->k, &a->k) < 0 ? b : a;
}

/* A table and those on probation beside it are shown as one, in the order of keys. */
static int
collect(struct ss_lmdb_env *env, MDB_txn *txn, enum ss_store_table table, struct ss_bytes after,
        size_t most, struct piece *piece)
{
    struct place kept, new, *next;
    int rc;

    memset(&new, 0, sizeof(new));
    rc = place_after(env, txn, table, after, &kept);
    if (rc == 0)
        rc = place_after(env, txn, ss_store_beside(table), after, &new);
    while (rc == 0 && !piece_full(piece, most)) {
        next = first_of(txn, env->tables[table], &kept, &new);
        if (next == NULL)
            break;
        piece_add(piece, next);
        rc = move(next, MDB_NEXT);
    }
    mdb_cursor_close(kept.cursor);
    mdb_cursor_close(new.cursor);
    return rc;
}

static int
read_piece(struct ss_lmdb_store *s, enum ss_store_table table, struct ss_bytes after, size_t most,
           struct piece *piece)
{
    MDB_txn *txn = NULL;
    int rc = ss_lmdb_enter_table(s, table, &s);

    ss_buf_init(&piece->octets, PIECE_OCTETS + 2 * SS_STORE_VALUE_MAX);
    piece->count = 0;
    if (rc != 0)
        return rc;
    rc = ss_lmdb_read_begin(s->env, &txn);
    if (rc == 0) {
        rc = collect(s->env, txn, table, after, most, piece);
        ss_lmdb_read_end(s->env, txn);
    }
    if (rc != 0)
        return ss_lmdb_failed(s, "list", rc);
    return ss_buf_ok(&piece->octets) ? 0 : SMTPSEC_E_NOMEM;
}

/* Show a piece; *last is the last key, inside the piece. */
static int
show(const struct piece *piece, ss_store_each each, void *arg, struct ss_bytes *last)
{
    struct ss_bytes key, value;
    struct ss_rd rd;
    int rc = 0;

    ss_rd_init(&rd, piece->octets.data, piece->octets.len);
    while (rc == 0 && rd.left > 0) {
        key.len = ss_rd_le32(&rd);
        value.len = ss_rd_le32(&rd);
        key.data = ss_rd_take(&rd, key.len);
        value.data = ss_rd_take(&rd, value.len);
        *last = key;
        rc = each(arg, key, value);
    }
    return rc;
}

int
ss_lmdb_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
             ss_store_each each, void *arg)
{
    struct ss_lmdb_store *s = ss_lmdb_store_of(store);
    struct piece now, before;
    int rc;

    ss_buf_init(&before.octets, 0);
    do {
        rc = read_piece(s, table, after, most, &now);
        if (rc == SMTPSEC_E_MEMORY && ss_store_is_volatile(table))
            rc = 0;
        ss_buf_free(&before.octets);
        before = now;
        if (rc != 0 || now.count == 0)
            break;
        rc = show(&now, each, arg, &after);
        most -= now.count;
    } while (rc == 0 && most > 0);
    ss_buf_free(&before.octets);
    return rc;
}
