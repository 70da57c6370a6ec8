/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The envelope of every blob that travels between processes: magic, type,
 * version, length, body, and with a key an HMAC-SHA-256 over all of it. With
 * a key, an unsealed blob is refused; without one, blobs must come from the
 * same trust domain.
 */
#ifndef SS_DECISION_SEAL_H
#define SS_DECISION_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SS_BLOB_MAX (32 * 1024 * 1024)
#define SS_SEAL_KEY_MIN 16
#define SS_SEAL_KEY_MAX 64

enum ss_blob { SS_BLOB_REQUIREMENT = 1, SS_BLOB_OUTCOME = 2 };

struct ss_seal_key {
    uint8_t octets[SS_SEAL_KEY_MAX];
    size_t len; /* 0: no key */
};

/* Wrap a body. Returns 0, NOMEM, LIMIT. key may be NULL. */
int ss_seal(const struct ss_seal_key *key, enum ss_blob type, uint16_t version,
            const struct ss_buf *body, struct ss_buf *out);
/* Check and unwrap; body is a view. Returns 0, FORMAT, SEAL, VERSION, NOMEM. */
int ss_unseal(const struct ss_seal_key *key, enum ss_blob type, uint16_t version,
              struct ss_bytes blob, struct ss_bytes *body);

#endif
