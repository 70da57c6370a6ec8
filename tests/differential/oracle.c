/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * OpenSSL as an MTA sets it up for SMTP: usages 0 and 1 left out (RFC 7672
 * 3.1.3), no names for DANE-EE, no partial wildcards, security level 2, an
 * empty store, and a time of our own.
 */
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "verdicts.h"

static void *
must_have(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static void
must(int good)
{
    if (good <= 0) {
        ERR_print_errors_fp(stderr);
        abort();
    }
}

void
oracle_open(struct oracle *oracle)
{
    oracle->ssl = must_have(SSL_CTX_new(TLS_client_method()));
    oracle->store = must_have(X509_STORE_new());
    SSL_CTX_set_security_level(oracle->ssl, 2);
    must(SSL_CTX_dane_enable(oracle->ssl));
}

void
oracle_close(struct oracle *oracle)
{
    X509_STORE_free(oracle->store);
    SSL_CTX_free(oracle->ssl);
}

static SSL *
session_of(struct oracle *oracle, const struct trial *trial, struct their_verdict *verdict)
{
    SSL *ssl = must_have(SSL_new(oracle->ssl));
    size_t i;
    int added;

    must(SSL_dane_enable(ssl, trial->names[0]));
    SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    for (i = 1; i < trial->name_count; i++)
        must(SSL_add1_host(ssl, trial->names[i]));
    for (i = 0; i < trial->record_count; i++) {
        struct ss_bytes rdata = trial->records[i].rdata;

        /* Without data it says "malloc failure"; those it cannot be asked about. */
        if (rdata.len < 4 || rdata.data[0] < 2)
            continue;
        added = SSL_dane_tlsa_add(ssl, rdata.data[0], rdata.data[1], rdata.data[2], rdata.data + 3,
                                  rdata.len - 3);
        must(added + 1);
        verdict->usable[i] = added > 0;
        verdict->any_usable = verdict->any_usable || added > 0;
    }
    return ssl;
}

static const struct pool_cert *
find(const struct pool *pool, X509 *x509)
{
    size_t i;

    for (i = 0; x509 != NULL && i < pool->count; i++)
        if (X509_cmp(pool->certs[i].x509, x509) == 0)
            return &pool->certs[i];
    return NULL;
}

static bool
is_known_difference(X509_STORE_CTX *ctx, int error)
{
    X509 *x509 = X509_STORE_CTX_get_current_cert(ctx);
    time_t now = X509_VERIFY_PARAM_get_time(X509_STORE_CTX_get0_param(ctx));

    if (error == X509_V_ERR_INVALID_PURPOSE)
        return (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) != 0 &&
               (X509_get_extended_key_usage(x509) & XKU_ANYEKU) != 0;
    if (error == X509_V_ERR_CERT_HAS_EXPIRED)
        return ASN1_TIME_cmp_time_t(X509_get0_notAfter(x509), now) == 0;
    return true;
}

static int
be_lenient(int good, X509_STORE_CTX *ctx)
{
    const struct leniency *leniency = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);
    size_t i;

    for (i = 0; !good && leniency != NULL && i < leniency->count; i++)
        if (leniency->errors[i] == error && is_known_difference(ctx, error)) {
            X509_STORE_CTX_set_error(ctx, X509_V_OK);
            good = 1;
        }
    return good;
}

static void
configure(X509_STORE_CTX *ctx, SSL *ssl, const struct trial *trial)
{
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

    X509_STORE_CTX_set0_dane(ctx, SSL_get0_dane(ssl));
    must(X509_STORE_CTX_set_default(ctx, "ssl_server"));
    must(X509_VERIFY_PARAM_set1(param, SSL_get0_param(ssl)));
    X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(ssl));
    X509_VERIFY_PARAM_set_time(param, (time_t)trial->now);
}

void
oracle_judge(struct oracle *oracle, const struct pool *pool, const struct trial *trial,
             struct leniency *leniency, struct their_verdict *verdict)
{
    STACK_OF(X509) *chain = must_have(sk_X509_new_null());
    X509_STORE_CTX *ctx = must_have(X509_STORE_CTX_new());
    SSL *ssl;
    size_t i;

    *verdict = (struct their_verdict){.error = X509_V_ERR_UNSPECIFIED};
    ssl = session_of(oracle, trial, verdict);
    for (i = 0; i < trial->chain_count; i++)
        must(sk_X509_push(chain, trial->chain[i]->x509));
    must(X509_STORE_CTX_init(ctx, oracle->store, trial->chain[0]->x509, chain));
    configure(ctx, ssl, trial);
    X509_STORE_CTX_set_app_data(ctx, leniency);
    X509_STORE_CTX_set_verify_cb(ctx, be_lenient);
    if (verdict->any_usable) {
        verdict->accepted = X509_verify_cert(ctx) > 0;
        verdict->error = X509_STORE_CTX_get_error(ctx);
        verdict->depth = X509_STORE_CTX_get_error_depth(ctx);
        verdict->error_cert = find(pool, X509_STORE_CTX_get_current_cert(ctx));
        if (verdict->accepted != (verdict->error == X509_V_OK))
            abort();
    }
    ERR_clear_error();
    X509_STORE_CTX_free(ctx);
    sk_X509_free(chain);
    SSL_free(ssl);
}
