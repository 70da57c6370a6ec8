/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/digest.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#include "smtpsec.h"

static int
hash(gnutls_digest_algorithm_t algorithm, const void *data, size_t len, uint8_t *out,
     size_t out_len)
{
    memset(out, 0, out_len);
    if (gnutls_hash_fast(algorithm, len > 0 ? data : "", len, out) != 0) {
        memset(out, 0, out_len);
        return SMTPSEC_E_NOMEM;
    }
    return 0;
}

int
ss_sha256(const void *data, size_t len, uint8_t out[SS_SHA256_LEN])
{
    return hash(GNUTLS_DIG_SHA256, data, len, out, SS_SHA256_LEN);
}

int
ss_sha512(const void *data, size_t len, uint8_t out[SS_SHA512_LEN])
{
    return hash(GNUTLS_DIG_SHA512, data, len, out, SS_SHA512_LEN);
}

int
ss_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len,
               uint8_t out[SS_SHA256_LEN])
{
    memset(out, 0, SS_SHA256_LEN);
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key_len > 0 ? key : "", key_len,
                         len > 0 ? data : "", len, out) != 0) {
        memset(out, 0, SS_SHA256_LEN);
        return SMTPSEC_E_NOMEM;
    }
    return 0;
}
