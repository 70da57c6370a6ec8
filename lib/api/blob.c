/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/blob.h"

#include <stdlib.h>

#include "api/context.h"

int
ss_blob_write(const struct smtpsec_context *context, enum ss_blob type, uint16_t version,
              const struct ss_buf *body, uint8_t **data, size_t *len)
{
    struct ss_buf out;
    int r;

    ss_buf_init(&out, SS_BLOB_MAX + 256);
    r = ss_seal(ss_context_key(context), type, version, body, &out);
    if (r != 0) {
        ss_buf_free(&out);
        return r;
    }
    *data = out.data;
    *len = out.len;
    return 0;
}

int
ss_blob_read(const struct smtpsec_context *context, enum ss_blob type, uint16_t version,
             const uint8_t *data, size_t len, struct ss_bytes *body)
{
    struct ss_bytes blob = {data, len};

    return ss_unseal(ss_context_key(context), type, version, blob, body);
}

void
smtpsec_bytes_free(uint8_t *data)
{
    free(data);
}
