/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Certificates made while a test runs: real keys, real signatures, and faults
 * on request. Every failure aborts: a test without its certificates is none.
 *
 *   struct ss_test_cert *root = ss_test_cert(
 *       &(struct ss_test_cert_spec){.cn = "Root", .key = 1, .ca = true});
 *   struct ss_test_cert *leaf = ss_test_cert(&(struct ss_test_cert_spec){
 *       .cn = "mx.d.test", .issuer = root, .dns = {"mx.d.test"}});
 *
 * All are freed by ss_test_certs_free().
 */
#ifndef SS_TEST_CERTS_H
#define SS_TEST_CERTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* The middle of the default validity: 30 days before, 30 days after. */
#define SS_TEST_NOW INT64_C(1800000000)
#define SS_TEST_DAY INT64_C(86400)

enum {
    SS_TEST_KEYS = 72,       /* ECDSA P-256, made when first used */
    SS_TEST_KEY_RSA1024 = SS_TEST_KEYS /* weak */
};

struct ss_test_cert;

struct ss_test_cert_spec {
    const char *cn;                     /* of the subject; NULL: only an O */
    const char *second_cn;
    const struct ss_test_cert *issuer;  /* NULL: self-signed */
    const char *issuer_cn;              /* write another issuer name than the issuer has */
    unsigned key;
    bool forged;                        /* signed by a key that is not the issuer's */
    bool ca;
    bool has_path_length;
    int path_length;
    bool key_ids;                       /* subject and authority key identifiers */
    int64_t not_before, not_after;      /* 0: the default */
    const char *dns[8];                 /* dNSName entries, as C strings */
    const char *dns_octets;             /* one more dNSName, any octets */
    size_t dns_octets_len;
    const char *email;                  /* rfc822Name entry */
    const char *uri;
    const uint8_t *ip;                  /* iPAddress entry of 4 octets */
    struct ss_bytes raw_san;            /* the extension's value instead of all these */
    const char *eku;                    /* OID of an extended key usage */
    unsigned key_usage;                 /* GNUTLS_KEY_*; 0: no such extension */
    bool broken_key_usage;              /* one whose value is no bit string */
    const char *permit_dns, *exclude_dns; /* name constraints */
    bool v1;
    bool sha1;
    const char *critical_oid;           /* a critical extension that nobody knows */
};

/* Use this private key (DER) from now on, for certificates that a seed repeats. */
void ss_test_key_set(unsigned n, struct ss_bytes der);
struct ss_test_cert *ss_test_cert(const struct ss_test_cert_spec *spec);
struct ss_bytes ss_test_cert_der(const struct ss_test_cert *cert);
/* PEM text, valid until ss_test_certs_free(). */
struct ss_bytes ss_test_cert_pem(struct ss_test_cert *cert);
/* The SubjectPublicKeyInfo as GnuTLS writes it: another way than the library's. */
struct ss_bytes ss_test_cert_spki(struct ss_test_cert *cert);
void ss_test_certs_free(void);

/* A TLSA RDATA made of octets; matching: 0 full, 1 SHA-256, 2 SHA-512. Valid until the same. */
struct ss_bytes ss_test_tlsa(unsigned usage, unsigned selector, unsigned matching,
                             struct ss_test_cert *cert);
/* Any octets behind usage, selector and matching type. */
struct ss_bytes ss_test_tlsa_raw(unsigned usage, unsigned selector, unsigned matching,
                                 struct ss_bytes data);

#endif
