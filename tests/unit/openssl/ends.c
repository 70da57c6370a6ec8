/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ends.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

static EVP_PKEY *keys[SS_TEST_KEYS];

static void
must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", what);
    ERR_print_errors_fp(stderr);
    abort();
}

void
ends_key(unsigned n)
{
    unsigned char *der = NULL;
    struct ss_bytes bytes;
    int len;

    keys[n] = EVP_EC_gen("P-256");
    must(keys[n] != NULL, "key");
    len = i2d_PrivateKey(keys[n], &der);
    must(len > 0, "key in DER");
    bytes.data = der;
    bytes.len = (size_t)len;
    ss_test_key_set(n, bytes);
    OPENSSL_free(der);
}

void
ends_keys_free(void)
{
    unsigned n;

    for (n = 0; n < SS_TEST_KEYS; n++) {
        EVP_PKEY_free(keys[n]);
        keys[n] = NULL;
    }
}

static X509 *
certificate(const struct ss_test_cert *cert)
{
    struct ss_bytes der = ss_test_cert_der(cert);
    const unsigned char *at = der.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);

    must(x509 != NULL, "certificate");
    return x509;
}

SSL_CTX *
ends_server(unsigned key, const struct ss_test_cert *const *chain, size_t count)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    size_t i;

    must(ctx != NULL, "server");
    for (i = 0; i < count; i++) {
        X509 *x509 = certificate(chain[i]);

        must((i == 0 ? SSL_CTX_use_certificate(ctx, x509) : (int)SSL_CTX_add1_chain_cert(ctx, x509)) ==
                 1,
             "server certificate");
        X509_free(x509);
    }
    must(count == 0 || SSL_CTX_use_PrivateKey(ctx, keys[key]) == 1, "server key");
    return ctx;
}

SSL_CTX *
ends_client(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

    must(ctx != NULL, "client");
    return ctx;
}

void
ends_join(struct ends *ends, SSL_CTX *client, SSL_CTX *server)
{
    BIO *near = NULL, *far = NULL;

    ends->client = SSL_new(client);
    ends->server = SSL_new(server);
    must(ends->client != NULL && ends->server != NULL, "ends");
    must(BIO_new_bio_pair(&near, 65536, &far, 65536) == 1, "pair");
    SSL_set_bio(ends->client, near, near);
    SSL_set_bio(ends->server, far, far);
    SSL_set_connect_state(ends->client);
    SSL_set_accept_state(ends->server);
}

void
ends_free(struct ends *ends)
{
    SSL_free(ends->client);
    SSL_free(ends->server);
}

void
ends_turn(struct ends *ends)
{
    ERR_clear_error();
    SSL_do_handshake(ends->client);
    ERR_clear_error();
    SSL_do_handshake(ends->server);
    ERR_clear_error();
}

static bool
wants(SSL *ssl, int r)
{
    return r == 1 || SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ;
}

bool
ends_shake(struct ends *ends)
{
    int round;

    for (round = 0; round < 20; round++) {
        bool go_on;

        ERR_clear_error();
        go_on = wants(ends->client, SSL_do_handshake(ends->client));
        ERR_clear_error();
        go_on = wants(ends->server, SSL_do_handshake(ends->server)) && go_on;
        if (!go_on || (SSL_is_init_finished(ends->client) && SSL_is_init_finished(ends->server)))
            break;
    }
    ERR_clear_error();
    return SSL_is_init_finished(ends->client);
}

void
ends_read(struct ends *ends)
{
    char octet;

    must(SSL_read(ends->client, &octet, 1) <= 0, "nothing was sent");
    ERR_clear_error();
}

/* ---- GnuTLS ---- */

static ssize_t
push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    return BIO_write(ptr, data, (int)len);
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
    int n = BIO_read(ptr, data, (int)len);

    if (n > 0)
        return n;
    errno = EAGAIN;
    return -1;
}

static int
no_wait(gnutls_transport_ptr_t ptr, unsigned ms)
{
    (void)ms;
    return BIO_pending((BIO *)ptr) > 0;
}

gnutls_session_t
ends_gnutls(SSL_CTX *server, gnutls_certificate_credentials_t credentials, const char *priority,
            SSL **server_end)
{
    gnutls_session_t session;
    BIO *near = NULL, *far = NULL;
    SSL *ssl = SSL_new(server);
    int r = GNUTLS_E_AGAIN, round;

    must(ssl != NULL && BIO_new_bio_pair(&near, 65536, &far, 65536) == 1, "pair");
    SSL_set_bio(ssl, far, far);
    SSL_set_accept_state(ssl);
    must(gnutls_init(&session, GNUTLS_CLIENT) == 0, "GnuTLS");
    must(gnutls_priority_set_direct(session, priority, NULL) == 0, "priority");
    must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials) == 0, "credentials");
    gnutls_transport_set_ptr(session, near);
    gnutls_transport_set_push_function(session, push);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_transport_set_pull_timeout_function(session, no_wait);
    for (round = 0; round < 20 && r != 0; round++) {
        r = gnutls_handshake(session);
        if (r < 0 && gnutls_error_is_fatal(r))
            break;
        ERR_clear_error();
        SSL_do_handshake(ssl);
    }
    ERR_clear_error();
    must(r == 0, "GnuTLS handshake");
    BIO_free(near);
    *server_end = ssl;
    return session;
}
