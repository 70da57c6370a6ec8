/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gnutls/gnutls.h>

#include "keys.h"

enum {
    KEYS_OF_ROOTS = 0,
    KEYS_OF_INTERMEDIATES = 12,
    KEYS_OF_LEAVES = 36
};

const char *
pool_reference(struct dice *dice)
{
    static const char *const names[] = {
        "mx.d.test", "mx.d.test", "mx.d.test", "mx.d.test", "mx.d.test", "mx.d.test", "d.test",
        "d.test", "mx2.d.test", "a.mx.d.test", "mx.e.test", "e.test", "xn--bcher-kva.test",
        "mx.xn--bcher-kva.test", "_mx.d.test", "MX.D.TEST",
    };

    return names[dice_below(dice, sizeof(names) / sizeof(names[0]))];
}

static const char *
presented(struct dice *dice)
{
    static const char *const names[] = {
        "*.d.test", "*.d.test", "*.d.test", "*.test", "*.mx.d.test", "*.e.test", "m*.d.test",
        "*x.d.test", "m*x.d.test", "*.*.test", "mx.*.test", "*", "*.", "mx.d.test.", "*.d.test.",
        "MX.D.Test", "*.D.TEST", ".d.test", "other.test", "mx.d.test.evil.test", "mx_1.d.test",
        "xn--*.d.test", "*.xn--bcher-kva.test", "m\xc3\xbc.d.test", " mx.d.test", "mx..d.test",
        "-mx.d.test", "d.test", "e.test", "192.0.2.1", "mx.d.test:25", "",
    };

    if (dice_percent(dice, 55))
        return pool_reference(dice);
    return names[dice_below(dice, sizeof(names) / sizeof(names[0]))];
}

static int64_t
some_end(struct dice *dice)
{
    static const int64_t days[] = {-1, -1, -1, 0, 365, 3650};

    return SS_TEST_NOW + days[dice_below(dice, 6)] * SS_TEST_DAY;
}

/* Faults and freedoms that any certificate may have. */
static void
any_variant(struct dice *dice, struct ss_test_cert_spec *spec)
{
    static const char *const purposes[] = {EKU_SERVER, EKU_SERVER, EKU_CLIENT, EKU_ANY};

    switch (dice_below(dice, 9)) {
    case 0:
    case 1:
        spec->not_after = some_end(dice);
        break;
    case 2:
        spec->not_before = SS_TEST_NOW + (dice_percent(dice, 70) ? SS_TEST_DAY : 0);
        break;
    case 3:
    case 4:
        spec->eku = purposes[dice_below(dice, 4)];
        break;
    case 5:
        spec->sha1 = true;
        break;
    case 6:
        spec->forged = true;
        break;
    case 7:
        spec->critical_oid = "1.2.3.4.5";
        break;
    default:
        spec->key_ids = true;
        break;
    }
}

static void
authority_variant(struct dice *dice, struct ss_test_cert_spec *spec)
{
    static const char *const spaces[] = {"d.test", "test", "mx.d.test", "other.test", "e.test",
                                         ".d.test", ".test"};

    switch (dice_below(dice, 12)) {
    case 0:
        spec->v1 = true;
        break;
    case 1:
        spec->ca = false;
        break;
    case 2:
        spec->ca = false;
        spec->key_usage = GNUTLS_KEY_KEY_CERT_SIGN;
        break;
    case 3:
    case 4:
        spec->has_path_length = true;
        spec->path_length = (int)dice_below(dice, 3);
        break;
    case 5:
        spec->key_usage = GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN;
        break;
    case 6:
        spec->key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
        break;
    case 7:
    case 8:
        spec->permit_dns = spaces[dice_below(dice, 7)];
        break;
    case 9:
        spec->exclude_dns = spaces[dice_below(dice, 7)];
        break;
    case 10:
        spec->key = SS_TEST_KEY_RSA1024;
        break;
    default:
        spec->broken_key_usage = dice_percent(dice, 50);
        break;
    }
}

static void
vary(struct dice *dice, struct ss_test_cert_spec *spec, unsigned percent,
     void (*own)(struct dice *, struct ss_test_cert_spec *))
{
    while (dice_percent(dice, percent)) {
        if (dice_percent(dice, 50))
            any_variant(dice, spec);
        else
            own(dice, spec);
        percent /= 3;
    }
}

static struct pool_cert *
next_cert(struct pool *pool)
{
    struct pool_cert *own = &pool->certs[pool->count];

    memset(own, 0, sizeof(*own));
    own->parent = -1;
    return own;
}

static void
make(struct pool *pool)
{
    struct pool_cert *own = &pool->certs[pool->count++];
    const struct pool_cert *parent = own->parent >= 0 ? &pool->certs[own->parent] : own;
    const uint8_t *at;

    own->spec.cn = own->cn;
    /* Version 1 has no extensions; an ECDSA key does not sign in the name of an RSA one. */
    own->spec.key_ids = own->spec.key_ids && !own->spec.v1;
    own->spec.forged = own->spec.forged && parent->spec.key != SS_TEST_KEY_RSA1024;
    own->spec.issuer = own->parent >= 0 ? parent->cert : NULL;
    if (own->spec.issuer_cn == NULL)
        memcpy(own->issuer_cn, parent->cn, sizeof(own->issuer_cn));
    own->cert = ss_test_cert(&own->spec);
    own->der = ss_test_cert_der(own->cert);
    own->spki = ss_test_cert_spki(own->cert);
    at = own->der.data;
    own->x509 = d2i_X509(NULL, &at, (long)own->der.len);
}

/* Another certificate for the same name: same key, or another. */
static void
make_twin(struct dice *dice, struct pool_cert *own, const struct pool_cert *model)
{
    memcpy(own->cn, model->cn, sizeof(own->cn));
    if (dice_percent(dice, 70))
        own->spec.key = model->spec.key;
}

static void
make_roots(struct pool *pool, struct dice *dice)
{
    unsigned i;

    for (i = 0; i < POOL_ROOTS; i++) {
        struct pool_cert *own = next_cert(pool);

        own->spec.ca = true;
        own->spec.key = KEYS_OF_ROOTS + dice_below(dice, 12);
        own->spec.key_ids = dice_percent(dice, 30);
        snprintf(own->cn, sizeof(own->cn), "Root %u", i);
        if (i > 2 && dice_percent(dice, 25))
            make_twin(dice, own, &pool->certs[dice_below(dice, i)]);
        if (i > 1)
            vary(dice, &own->spec, 45, authority_variant);
        make(pool);
    }
}

static int
some_authority(struct pool *pool, struct dice *dice, unsigned percent_roots)
{
    if (pool->count <= POOL_ROOTS || dice_percent(dice, percent_roots))
        return (int)dice_below(dice, POOL_ROOTS);
    return (int)(POOL_ROOTS +
                 dice_below(dice, (unsigned)(pool->count < POOL_ROOTS + POOL_INTERMEDIATES
                                                 ? pool->count - POOL_ROOTS
                                                 : POOL_INTERMEDIATES)));
}

static void
make_intermediates(struct pool *pool, struct dice *dice)
{
    unsigned i;

    for (i = 0; i < POOL_INTERMEDIATES; i++) {
        struct pool_cert *own = next_cert(pool);

        own->spec.ca = true;
        own->spec.key = KEYS_OF_INTERMEDIATES + dice_below(dice, 24);
        own->spec.key_ids = dice_percent(dice, 30);
        own->parent = some_authority(pool, dice, 65);
        snprintf(own->cn, sizeof(own->cn), "Inter %u", i);
        if (i > 4 && dice_percent(dice, 25))
            make_twin(dice, own, &pool->certs[POOL_ROOTS + dice_below(dice, i)]);
        else if (dice_percent(dice, 3))
            make_twin(dice, own, &pool->certs[own->parent]);
        vary(dice, &own->spec, 40, authority_variant);
        /* A name in other letters: equal by RFC 5280 7.1, not by octets. */
        if (dice_percent(dice, 3)) {
            memcpy(own->issuer_cn, pool->certs[own->parent].cn, sizeof(own->issuer_cn));
            own->issuer_cn[0] ^= 0x20;
            own->spec.issuer_cn = own->issuer_cn;
        }
        make(pool);
    }
}

static void
leaf_names(struct dice *dice, struct pool_cert *own, unsigned number)
{
    static const uint8_t address[4] = {192, 0, 2, 1};
    static const char with_nul[] = "mx.d.test\0.evil.test";
    struct ss_test_cert_spec *spec = &own->spec;
    unsigned count = dice_percent(dice, 18) ? 0 : 1 + dice_below(dice, 3);
    unsigned i;

    for (i = 0; i < count; i++)
        spec->dns[i] = presented(dice);
    if (dice_percent(dice, 2)) {
        spec->dns_octets = with_nul;
        spec->dns_octets_len = sizeof(with_nul) - 1;
    }
    if (dice_percent(dice, 8))
        spec->ip = address;
    if (dice_percent(dice, 5))
        spec->email = "post@d.test";
    if (dice_percent(dice, 5))
        spec->uri = "smtp://mx.d.test";
    if (dice_percent(dice, 40))
        snprintf(own->cn, sizeof(own->cn), "%s", presented(dice));
    if (own->cn[0] == '\0')
        snprintf(own->cn, sizeof(own->cn), "leaf %u", number);
    if (dice_percent(dice, 4))
        spec->second_cn = pool_reference(dice);
}

static void
leaf_variant(struct dice *dice, struct ss_test_cert_spec *spec)
{
    switch (dice_below(dice, 7)) {
    case 0:
        spec->ca = true;
        break;
    case 1:
        spec->key = SS_TEST_KEY_RSA1024;
        break;
    case 2:
        spec->v1 = true;
        break;
    case 3:
        spec->key_usage = GNUTLS_KEY_KEY_CERT_SIGN;
        break;
    case 4:
        spec->key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE;
        break;
    case 5:
        spec->key_usage = dice_percent(dice, 50) ? GNUTLS_KEY_KEY_AGREEMENT
                                                 : GNUTLS_KEY_NON_REPUDIATION;
        break;
    default:
        spec->broken_key_usage = dice_percent(dice, 30);
        break;
    }
}

static void
make_leaves(struct pool *pool, struct dice *dice)
{
    unsigned i;

    for (i = 0; i < POOL_LEAVES; i++) {
        struct pool_cert *own = next_cert(pool);

        own->spec.key = KEYS_OF_LEAVES + dice_below(dice, 28);
        own->spec.key_ids = dice_percent(dice, 30);
        if (!dice_percent(dice, 8))
            own->parent = some_authority(pool, dice, 35);
        if (i > 10 && dice_percent(dice, 2))
            own->parent = (int)(POOL_ROOTS + POOL_INTERMEDIATES + dice_below(dice, i));
        leaf_names(dice, own, i);
        vary(dice, &own->spec, 40, leaf_variant);
        make(pool);
    }
}

void
pool_make(struct pool *pool, uint64_t seed, uint64_t epoch)
{
    struct dice dice = dice_for(seed, epoch, 1);

    pool->count = 0;
    keys_set(&dice);
    make_roots(pool, &dice);
    make_intermediates(pool, &dice);
    make_leaves(pool, &dice);
}

void
pool_free(struct pool *pool)
{
    size_t i;

    for (i = 0; i < pool->count; i++)
        X509_free(pool->certs[i].x509);
    pool->count = 0;
    ss_test_certs_free();
}

static void
describe_names(const struct pool_cert *cert, FILE *out)
{
    const struct ss_test_cert_spec *spec = &cert->spec;
    size_t i;

    for (i = 0; i < sizeof(spec->dns) / sizeof(spec->dns[0]); i++)
        if (spec->dns[i] != NULL)
            fprintf(out, " dns=\"%s\"", spec->dns[i]);
    if (spec->dns_octets != NULL)
        fprintf(out, " dns-with-nul");
    if (spec->second_cn != NULL)
        fprintf(out, " cn2=\"%s\"", spec->second_cn);
    fprintf(out, "%s%s%s", spec->email ? " email" : "", spec->uri ? " uri" : "",
            spec->ip ? " ip" : "");
}

static void
describe_faults(const struct pool_cert *cert, FILE *out)
{
    const struct ss_test_cert_spec *spec = &cert->spec;

    fprintf(out, "%s%s%s%s%s%s", spec->ca ? " ca" : "", spec->v1 ? " v1" : "",
            spec->sha1 ? " sha1" : "", spec->forged ? " forged" : "",
            spec->key_ids ? " key-ids" : "", spec->broken_key_usage ? " broken-key-usage" : "");
    if (spec->has_path_length)
        fprintf(out, " pathlen=%d", spec->path_length);
    if (spec->key_usage != 0)
        fprintf(out, " key-usage=%#x", spec->key_usage);
    if (spec->eku != NULL)
        fprintf(out, " eku=%s", spec->eku);
    if (spec->permit_dns != NULL)
        fprintf(out, " permit=%s", spec->permit_dns);
    if (spec->exclude_dns != NULL)
        fprintf(out, " exclude=%s", spec->exclude_dns);
    if (spec->critical_oid != NULL)
        fprintf(out, " critical");
    if (spec->not_before != 0)
        fprintf(out, " from=%+lld", (long long)(spec->not_before - SS_TEST_NOW));
    if (spec->not_after != 0)
        fprintf(out, " until=%+lld", (long long)(spec->not_after - SS_TEST_NOW));
}

void
pool_describe(const struct pool_cert *cert, char *text, size_t len)
{
    FILE *out = fmemopen(text, len, "w");

    if (out == NULL)
        abort();
    fprintf(out, "\"%s\" by \"%s\" key %u%s", cert->cn, cert->issuer_cn, cert->spec.key,
            cert->parent < 0 ? " self-signed" : "");
    describe_names(cert, out);
    describe_faults(cert, out);
    fclose(out);
    text[len - 1] = '\0';
}
