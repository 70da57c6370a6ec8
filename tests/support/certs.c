/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "certs.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

struct ss_test_cert {
    struct ss_test_cert *next;
    gnutls_x509_crt_t crt;
    unsigned key;
    gnutls_datum_t der, pem, spki;
};

struct kept {
    struct kept *next;
    uint8_t octets[];
};

static struct ss_test_cert *certs;
static struct kept *kept;
static gnutls_x509_privkey_t keys[SS_TEST_KEYS + 1];
static uint16_t serial;

static void
must(int code)
{
    if (code < 0)
        abort();
}

static void *
must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

/* Octets that live until ss_test_certs_free(). */
static uint8_t *
keep(size_t len)
{
    struct kept *one = must_have(calloc(1, sizeof(*one) + len));

    one->next = kept;
    kept = one;
    return one->octets;
}

static gnutls_x509_privkey_t
key_at(unsigned n)
{
    if (n > SS_TEST_KEYS)
        abort();
    if (keys[n] == NULL) {
        must(gnutls_x509_privkey_init(&keys[n]));
        if (n == SS_TEST_KEY_RSA1024)
            must(gnutls_x509_privkey_generate(keys[n], GNUTLS_PK_RSA, 1024, 0));
        else
            must(gnutls_x509_privkey_generate(keys[n], GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
                                              0));
    }
    return keys[n];
}

void
ss_test_key_set(unsigned n, struct ss_bytes der)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.data, (unsigned)der.len};

    if (n > SS_TEST_KEYS || keys[n] != NULL)
        abort();
    must(gnutls_x509_privkey_init(&keys[n]));
    must(gnutls_x509_privkey_import(keys[n], &datum, GNUTLS_X509_FMT_DER));
}

/* An entry of GeneralNames, shorter than 128 octets. */
static void
put_name(struct ss_buf *buf, uint8_t tag, const void *data, size_t len)
{
    if (len > 127)
        abort();
    ss_buf_u8(buf, tag);
    ss_buf_u8(buf, (uint8_t)len);
    ss_buf_put(buf, data, len);
}

static void
put_names(struct ss_buf *buf, const struct ss_test_cert_spec *spec)
{
    size_t i;

    for (i = 0; i < sizeof(spec->dns) / sizeof(spec->dns[0]); i++)
        if (spec->dns[i] != NULL)
            put_name(buf, 0x82, spec->dns[i], strlen(spec->dns[i]));
    if (spec->dns_octets != NULL)
        put_name(buf, 0x82, spec->dns_octets, spec->dns_octets_len);
    if (spec->email != NULL)
        put_name(buf, 0x81, spec->email, strlen(spec->email));
    if (spec->uri != NULL)
        put_name(buf, 0x86, spec->uri, strlen(spec->uri));
    if (spec->ip != NULL)
        put_name(buf, 0x87, spec->ip, 4);
}

/* Written by hand, since GnuTLS would refuse the odd ones. */
static void
set_alt_names(gnutls_x509_crt_t crt, const struct ss_test_cert_spec *spec)
{
    struct ss_buf inside, whole;

    ss_buf_init(&inside, 4096);
    ss_buf_init(&whole, 4096);
    put_names(&inside, spec);
    ss_buf_u8(&whole, 0x30);
    if (inside.len > 127) {
        ss_buf_u8(&whole, 0x82);
        ss_buf_be16(&whole, (uint16_t)inside.len);
    } else {
        ss_buf_u8(&whole, (uint8_t)inside.len);
    }
    ss_buf_put(&whole, inside.data, inside.len);
    if (spec->raw_san.data != NULL)
        must(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.17", spec->raw_san.data,
                                                  spec->raw_san.len, 0));
    else if (inside.len > 0)
        must(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.17", whole.data, whole.len, 0));
    ss_buf_free(&inside);
    ss_buf_free(&whole);
}

static void
set_constraints(gnutls_x509_crt_t crt, const struct ss_test_cert_spec *spec)
{
    gnutls_x509_name_constraints_t names;
    gnutls_datum_t name;

    if (spec->permit_dns == NULL && spec->exclude_dns == NULL)
        return;
    must(gnutls_x509_name_constraints_init(&names));
    if (spec->permit_dns != NULL) {
        name.data = (unsigned char *)(uintptr_t)spec->permit_dns;
        name.size = (unsigned)strlen(spec->permit_dns);
        must(gnutls_x509_name_constraints_add_permitted(names, GNUTLS_SAN_DNSNAME, &name));
    }
    if (spec->exclude_dns != NULL) {
        name.data = (unsigned char *)(uintptr_t)spec->exclude_dns;
        name.size = (unsigned)strlen(spec->exclude_dns);
        must(gnutls_x509_name_constraints_add_excluded(names, GNUTLS_SAN_DNSNAME, &name));
    }
    must(gnutls_x509_crt_set_name_constraints(crt, names, 1));
    gnutls_x509_name_constraints_deinit(names);
}

static void
set_key_ids(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    uint8_t id[64];
    size_t len = sizeof(id);

    must(gnutls_x509_crt_get_key_id(crt, 0, id, &len));
    must(gnutls_x509_crt_set_subject_key_id(crt, id, len));
    len = sizeof(id);
    must(gnutls_x509_crt_get_key_id(issuer, 0, id, &len));
    must(gnutls_x509_crt_set_authority_key_id(crt, id, len));
}

static void
set_extensions(gnutls_x509_crt_t crt, const struct ss_test_cert_spec *spec)
{
    if (spec->ca || spec->has_path_length)
        must(gnutls_x509_crt_set_basic_constraints(crt, spec->ca,
                                                   spec->has_path_length ? spec->path_length
                                                                         : -1));
    set_alt_names(crt, spec);
    set_constraints(crt, spec);
    if (spec->eku != NULL)
        must(gnutls_x509_crt_set_key_purpose_oid(crt, spec->eku, 0));
    if (spec->key_usage != 0)
        must(gnutls_x509_crt_set_key_usage(crt, spec->key_usage));
    if (spec->broken_key_usage)
        must(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.15", "\x05", 2, 1));
    if (spec->critical_oid != NULL)
        must(gnutls_x509_crt_set_extension_by_oid(crt, spec->critical_oid, "\x05", 2, 1));
}

static void
set_frame(gnutls_x509_crt_t crt, const struct ss_test_cert_spec *spec)
{
    int64_t begin = spec->not_before != 0 ? spec->not_before : SS_TEST_NOW - 30 * SS_TEST_DAY;
    int64_t end = spec->not_after != 0 ? spec->not_after : SS_TEST_NOW + 30 * SS_TEST_DAY;

    serial++;
    must(gnutls_x509_crt_set_version(crt, spec->v1 ? 1 : 3));
    must(gnutls_x509_crt_set_serial(
        crt, (uint8_t[]){0x01, (uint8_t)(serial >> 8), (uint8_t)serial}, 3));
    must(gnutls_x509_crt_set_activation_time(crt, (time_t)begin));
    must(gnutls_x509_crt_set_expiration_time(crt, (time_t)end));
    must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, "Test", 4));
    if (spec->cn != NULL)
        must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, spec->cn,
                                           (unsigned)strlen(spec->cn)));
    if (spec->second_cn != NULL)
        must(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, spec->second_cn,
                                           (unsigned)strlen(spec->second_cn)));
    must(gnutls_x509_crt_set_key(crt, key_at(spec->key)));
}

/*
 * Sign in the name of the issuer. For a wrong key or a wrong name a stand-in
 * is made that has the name, and the key that shall sign.
 */
static void
sign(gnutls_x509_crt_t crt, const struct ss_test_cert_spec *spec)
{
    gnutls_x509_crt_t issuer = spec->issuer != NULL ? spec->issuer->crt : crt;
    unsigned key = spec->issuer != NULL ? spec->issuer->key : spec->key;
    gnutls_digest_algorithm_t digest = spec->sha1 ? GNUTLS_DIG_SHA1 : GNUTLS_DIG_SHA256;
    gnutls_x509_crt_t stand_in = NULL;

    if (spec->key_ids)
        set_key_ids(crt, issuer);
    if (spec->issuer_cn != NULL) {
        must(gnutls_x509_crt_init(&stand_in));
        must(gnutls_x509_crt_set_dn_by_oid(stand_in, GNUTLS_OID_X520_ORGANIZATION_NAME, 0, "Test",
                                           4));
        must(gnutls_x509_crt_set_dn_by_oid(stand_in, GNUTLS_OID_X520_COMMON_NAME, 0,
                                           spec->issuer_cn, (unsigned)strlen(spec->issuer_cn)));
        must(gnutls_x509_crt_set_key(stand_in, key_at(key)));
        issuer = stand_in;
    }
    if (spec->forged)
        key = key == 0 ? 1 : key - 1;
    /* RFC 6979: the same octets each time from the same keys. */
    must(gnutls_x509_crt_sign2(crt, issuer, key_at(key), digest,
                               GNUTLS_PRIVKEY_FLAG_REPRODUCIBLE));
    if (stand_in != NULL)
        gnutls_x509_crt_deinit(stand_in);
}

struct ss_test_cert *
ss_test_cert(const struct ss_test_cert_spec *spec)
{
    struct ss_test_cert *cert = must_have(calloc(1, sizeof(*cert)));

    cert->key = spec->key;
    must(gnutls_x509_crt_init(&cert->crt));
    set_frame(cert->crt, spec);
    if (!spec->v1)
        set_extensions(cert->crt, spec);
    sign(cert->crt, spec);
    must(gnutls_x509_crt_export2(cert->crt, GNUTLS_X509_FMT_DER, &cert->der));
    cert->next = certs;
    certs = cert;
    return cert;
}

static struct ss_bytes
bytes_of(const gnutls_datum_t *datum)
{
    struct ss_bytes bytes = {datum->data, datum->size};

    return bytes;
}

struct ss_bytes
ss_test_cert_der(const struct ss_test_cert *cert)
{
    return bytes_of(&cert->der);
}

struct ss_bytes
ss_test_cert_pem(struct ss_test_cert *cert)
{
    if (cert->pem.data == NULL)
        must(gnutls_pem_base64_encode2("CERTIFICATE", &cert->der, &cert->pem));
    return bytes_of(&cert->pem);
}

struct ss_bytes
ss_test_cert_spki(struct ss_test_cert *cert)
{
    gnutls_pubkey_t key;

    if (cert->spki.data == NULL) {
        must(gnutls_pubkey_init(&key));
        must(gnutls_pubkey_import_x509(key, cert->crt, 0));
        must(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, &cert->spki));
        gnutls_pubkey_deinit(key);
    }
    return bytes_of(&cert->spki);
}

void
ss_test_certs_free(void)
{
    size_t i;

    while (certs != NULL) {
        struct ss_test_cert *next = certs->next;

        gnutls_x509_crt_deinit(certs->crt);
        gnutls_free(certs->der.data);
        gnutls_free(certs->pem.data);
        gnutls_free(certs->spki.data);
        free(certs);
        certs = next;
    }
    while (kept != NULL) {
        struct kept *next = kept->next;

        free(kept);
        kept = next;
    }
    for (i = 0; i <= SS_TEST_KEYS; i++) {
        if (keys[i] != NULL)
            gnutls_x509_privkey_deinit(keys[i]);
        keys[i] = NULL;
    }
    serial = 0;
}

struct ss_bytes
ss_test_tlsa_raw(unsigned usage, unsigned selector, unsigned matching, struct ss_bytes data)
{
    uint8_t *octets = keep(data.len + 3);
    struct ss_bytes rdata = {octets, data.len + 3};

    octets[0] = (uint8_t)usage;
    octets[1] = (uint8_t)selector;
    octets[2] = (uint8_t)matching;
    if (data.len > 0)
        memcpy(octets + 3, data.data, data.len);
    return rdata;
}

struct ss_bytes
ss_test_tlsa(unsigned usage, unsigned selector, unsigned matching, struct ss_test_cert *cert)
{
    struct ss_bytes data = selector == 1 ? ss_test_cert_spki(cert) : ss_test_cert_der(cert);
    uint8_t digest[64];

    if (matching != 0) {
        must(gnutls_hash_fast(matching == 1 ? GNUTLS_DIG_SHA256 : GNUTLS_DIG_SHA512, data.data,
                              data.len, digest));
        data.data = digest;
        data.len = matching == 1 ? 32 : 64;
    }
    return ss_test_tlsa_raw(usage, selector, matching, data);
}
