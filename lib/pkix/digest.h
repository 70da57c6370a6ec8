/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hashes. */
#ifndef SS_PKIX_DIGEST_H
#define SS_PKIX_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define SS_SHA256_LEN 32
#define SS_SHA512_LEN 64

/* These return 0 or SMTPSEC_E_NOMEM (GnuTLS refused; then out is zero). */
int ss_sha256(const void *data, size_t len, uint8_t out[SS_SHA256_LEN]);
int ss_sha512(const void *data, size_t len, uint8_t out[SS_SHA512_LEN]);
int ss_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
                   uint8_t out[SS_SHA256_LEN]);

#endif
