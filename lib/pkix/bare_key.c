/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/certificate.h"

/*
 * The library verifies signatures of certificates only by certificates. So a
 * key from a TLSA record becomes one, in memory, never seen by anybody: with
 * the name that its children give as their issuer, a CA, without an end, and
 * with a signature that nobody checks on an anchor. It has no key identifier,
 * so that the authority key identifier of any child fits.
 */

#define LONGEST_ANCHOR (256 * 1024)

static const uint8_t version_and_serial[] = {0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x01, 0x01};
/* ecdsa-with-SHA256 (RFC 5758 3.2) */
static const uint8_t algorithm[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
/* basicConstraints, critical, cA TRUE, no pathLen (RFC 5280 4.2.1.9) */
static const uint8_t extensions[] = {0xa3, 0x13, 0x30, 0x11, 0x30, 0x0f, 0x06,
                                     0x03, 0x55, 0x1d, 0x13, 0x01, 0x01, 0xff,
                                     0x04, 0x05, 0x30, 0x03, 0x01, 0x01, 0xff};
/* 1970 to 9999 */
static const char validity[] = "\x30\x22\x18\x0f" "19700101000000Z" "\x18\x0f" "99991231235959Z";
/* A BIT STRING that holds an empty ECDSA-Sig-Value. */
static const uint8_t signature[] = {0x03, 0x09, 0x00, 0x30, 0x06, 0x02,
                                    0x01, 0x01, 0x02, 0x01, 0x01};

static void
put_header(struct ss_buf *buf, uint8_t tag, size_t len)
{
    ss_buf_u8(buf, tag);
    if (len < 0x80) {
        ss_buf_u8(buf, (uint8_t)len);
    } else if (len < 0x100) {
        ss_buf_u8(buf, 0x81);
        ss_buf_u8(buf, (uint8_t)len);
    } else if (len < 0x10000) {
        ss_buf_u8(buf, 0x82);
        ss_buf_be16(buf, (uint16_t)len);
    } else {
        ss_buf_u8(buf, 0x83);
        ss_buf_u8(buf, (uint8_t)(len >> 16));
        ss_buf_be16(buf, (uint16_t)len);
    }
}

static void
put_tbs(struct ss_buf *tbs, const gnutls_datum_t *name, struct ss_bytes spki)
{
    ss_buf_put(tbs, version_and_serial, sizeof(version_and_serial));
    ss_buf_put(tbs, algorithm, sizeof(algorithm));
    ss_buf_put(tbs, name->data, name->size);
    ss_buf_put(tbs, validity, sizeof(validity) - 1);
    ss_buf_put(tbs, name->data, name->size);
    ss_buf_put(tbs, spki.data, spki.len);
    ss_buf_put(tbs, extensions, sizeof(extensions));
}

int
ss_bare_key_anchor(const gnutls_datum_t *name, struct ss_bytes spki, gnutls_x509_crt_t *out)
{
    struct ss_buf tbs, inside, whole;
    struct ss_bytes der;
    int code = SMTPSEC_E_FORMAT;

    *out = NULL;
    ss_buf_init(&tbs, LONGEST_ANCHOR);
    ss_buf_init(&inside, LONGEST_ANCHOR);
    ss_buf_init(&whole, LONGEST_ANCHOR);
    put_tbs(&tbs, name, spki);
    put_header(&inside, 0x30, tbs.len);
    ss_buf_put(&inside, tbs.data, tbs.len);
    ss_buf_put(&inside, algorithm, sizeof(algorithm));
    ss_buf_put(&inside, signature, sizeof(signature));
    put_header(&whole, 0x30, inside.len);
    ss_buf_put(&whole, inside.data, inside.len);
    if (tbs.nomem || inside.nomem || whole.nomem) {
        code = SMTPSEC_E_NOMEM;
    } else if (ss_buf_ok(&tbs) && ss_buf_ok(&inside) && ss_buf_ok(&whole)) {
        der.data = whole.data;
        der.len = whole.len;
        code = ss_certificate_import(der, out);
    }
    ss_buf_free(&tbs);
    ss_buf_free(&inside);
    ss_buf_free(&whole);
    return code;
}
