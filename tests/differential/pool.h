/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The certificates that cases are made of: a few hundred, sound and faulty, from one seed. */
#ifndef SS_DIFF_POOL_H
#define SS_DIFF_POOL_H

#include <openssl/x509.h>

#include "certs.h"
#include "random.h"

#define POOL_ROOTS 16
#define POOL_INTERMEDIATES 48
#define POOL_LEAVES 240
#define POOL_SIZE (POOL_ROOTS + POOL_INTERMEDIATES + POOL_LEAVES)

#define EKU_SERVER "1.3.6.1.5.5.7.3.1"
#define EKU_CLIENT "1.3.6.1.5.5.7.3.2"
#define EKU_ANY "2.5.29.37.0"

struct pool_cert {
    struct ss_test_cert_spec spec; /* what it was made from: a predicate reads this */
    struct ss_test_cert *cert;
    int parent;                    /* in the pool, or -1 for self-signed */
    char cn[64];
    char issuer_cn[64];            /* as written in it */
    struct ss_bytes der, spki;
    X509 *x509;
};

struct pool {
    size_t count;
    struct pool_cert certs[POOL_SIZE];
};

/* The names that leaves carry and that are asked for. */
const char *pool_reference(struct dice *dice);

void pool_make(struct pool *pool, uint64_t seed, uint64_t epoch);
void pool_free(struct pool *pool);
/* One line: names, faults, validity. */
void pool_describe(const struct pool_cert *cert, char *text, size_t len);

#endif
