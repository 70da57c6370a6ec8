/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blobs out of and into the library: body, envelope, and the bytes a caller frees. */
#ifndef SS_API_BLOB_H
#define SS_API_BLOB_H

#include "decision/seal.h"
#include "smtpsec.h"

int ss_blob_write(const struct smtpsec_context *context, enum ss_blob type, uint16_t version,
                  const struct ss_buf *body, uint8_t **data, size_t *len);
int ss_blob_read(const struct smtpsec_context *context, enum ss_blob type, uint16_t version,
                 const uint8_t *data, size_t len, struct ss_bytes *body);

#endif
