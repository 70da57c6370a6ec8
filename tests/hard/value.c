/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>

#include "hard.h"
#include "memory/codec.h"

struct put {
    struct ss_bytes key;
    uint64_t n;
    size_t octets;
    bool stop;
};

static struct ss_bytes
key_text(struct value_key key, char text[32])
{
    int len = snprintf(text, 32, "writer%u/%u", key.writer, key.entry);

    return (struct ss_bytes){ (const uint8_t *)text, (size_t)len };
}

static int
edit_put(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    const struct put *put = arg;
    uint64_t state = put->n;
    size_t start = ss_codec_begin(out, SS_CODEC_POLICY, 1), i;

    (void)old;
    ss_buf_le32(out, (uint32_t)(put->n >> 32));
    ss_buf_le32(out, (uint32_t)put->n);
    for (i = 0; i < put->octets; i++)
        ss_buf_u8(out, (uint8_t)hard_random(&state));
    ss_codec_end(out, start, (struct ss_bytes){ NULL, 0 });
    *edit = SS_EDIT_PUT;
    if (put->stop)
        raise(SIGSTOP);
    return 0;
}

static int
put_value(struct ss_store *store, struct value_key key, uint64_t n, size_t octets, bool stop)
{
    char text[32];
    struct put put = { key_text(key, text), n, octets, stop };

    return ss_store_update(store, SS_TABLE_POLICIES, put.key, edit_put, &put);
}

int
value_put(struct ss_store *store, struct value_key key, uint64_t n, size_t octets)
{
    return put_value(store, key, n, octets, false);
}

int
value_put_stopping(struct ss_store *store, struct value_key key, uint64_t n, size_t octets)
{
    return put_value(store, key, n, octets, true);
}

/* The checksum stands; that every octet is the one of this number is looked at besides. */
static int64_t
read_value(struct ss_bytes value)
{
    struct ss_rd rd;
    uint64_t n, state;

    if (ss_codec_open(&rd, value, SS_CODEC_POLICY, 1, (struct ss_bytes){ NULL, 0 }) != 0)
        return -1;
    n = (uint64_t)ss_rd_le32(&rd) << 32;
    n |= ss_rd_le32(&rd);
    state = n;
    while (rd.left > 0) {
        if (ss_rd_u8(&rd) != (uint8_t)hard_random(&state))
            return -1;
    }
    return (int64_t)n;
}

int64_t
value_get(struct ss_store *store, struct value_key key)
{
    struct ss_buf got;
    char text[32];
    struct ss_bytes name = key_text(key, text);
    int64_t n;
    int rc;

    ss_buf_init(&got, SS_STORE_VALUE_MAX);
    rc = ss_store_get(store, SS_TABLE_POLICIES, name, &got);
    if (rc == SMTPSEC_E_NOT_FOUND)
        n = 0;
    else if (rc != 0)
        n = rc;
    else
        n = read_value((struct ss_bytes){ got.data, got.len });
    ss_buf_free(&got);
    return n;
}
