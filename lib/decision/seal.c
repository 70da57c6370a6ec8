/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/seal.h"

#include <string.h>

#include "pkix/digest.h"
#include "smtpsec.h"

/* "SSB", then whether a seal follows. */
static const uint8_t magic[3] = {'S', 'S', 'B'};
enum { HEAD = 3 + 1 + 1 + 2 + 4, SEALED = 1 };

int
ss_seal(const struct ss_seal_key *key, enum ss_blob type, uint16_t version, const struct ss_buf *body,
        struct ss_buf *out)
{
    uint8_t hmac[SS_SHA256_LEN];
    bool sealed = key != NULL && key->len > 0;
    int r = 0;

    if (!ss_buf_ok(body))
        return body->full ? SMTPSEC_E_LIMIT : SMTPSEC_E_NOMEM;
    ss_buf_put(out, magic, sizeof(magic));
    ss_buf_u8(out, sealed ? SEALED : 0);
    ss_buf_u8(out, (uint8_t)type);
    ss_buf_le16(out, version);
    ss_buf_le32(out, (uint32_t)body->len);
    ss_buf_put(out, body->data, body->len);
    if (sealed && ss_buf_ok(out)) {
        r = ss_hmac_sha256(key->octets, key->len, out->data, out->len, hmac);
        ss_buf_put(out, hmac, sizeof(hmac));
    }
    if (r == 0 && !ss_buf_ok(out))
        r = out->full ? SMTPSEC_E_LIMIT : SMTPSEC_E_NOMEM;
    return r;
}

static int
check_seal(const struct ss_seal_key *key, struct ss_bytes blob, size_t signed_len)
{
    uint8_t hmac[SS_SHA256_LEN];
    int r;

    r = ss_hmac_sha256(key->octets, key->len, blob.data, signed_len, hmac);
    if (r != 0)
        return r;
    return ss_equal_ct(hmac, blob.data + signed_len, sizeof(hmac)) ? 0 : SMTPSEC_E_SEAL;
}

int
ss_unseal(const struct ss_seal_key *key, enum ss_blob type, uint16_t version, struct ss_bytes blob,
          struct ss_bytes *body)
{
    bool needed = key != NULL && key->len > 0;
    const uint8_t *start;
    uint8_t sealed, kind;
    uint16_t made_by;
    struct ss_rd rd;
    int r;

    ss_rd_init(&rd, blob.data, blob.len);
    start = ss_rd_take(&rd, sizeof(magic));
    sealed = ss_rd_u8(&rd);
    kind = ss_rd_u8(&rd);
    made_by = ss_rd_le16(&rd);
    body->len = ss_rd_le32(&rd);
    body->data = ss_rd_take(&rd, body->len);
    if (body->data == NULL || memcmp(start, magic, sizeof(magic)) != 0 || sealed > SEALED ||
        kind != (uint8_t)type || rd.left != (sealed ? SS_SHA256_LEN : 0))
        return SMTPSEC_E_FORMAT;
    /* The seal is looked at before the version: an unsealed blob must not choose its fate. */
    if (needed && !sealed)
        return SMTPSEC_E_SEAL;
    if (needed) {
        r = check_seal(key, blob, HEAD + body->len);
        if (r != 0)
            return r;
    }
    if (made_by > version)
        return SMTPSEC_E_VERSION;
    return made_by == version ? 0 : SMTPSEC_E_FORMAT;
}
