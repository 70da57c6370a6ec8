/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "openssl/facts.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "smtpsec_openssl.h"

/* RFC 7250; LibreSSL has none of it. */
#if !defined(LIBRESSL_VERSION_NUMBER) && OPENSSL_VERSION_NUMBER >= 0x30200000L
#define HAVE_RAW_KEYS 1
#else
#define HAVE_RAW_KEYS 0
#endif

static int
add_certificate(struct smtpsec_session *session, X509 *certificate)
{
    unsigned char *der = NULL;
    int len = i2d_X509(certificate, &der);
    int r = SMTPSEC_E_NOMEM;

    if (len > 0)
        r = smtpsec_session_add_certificate(session, der, (size_t)len);
    OPENSSL_free(der);
    return r;
}

/* A chain too long to judge is a fact that the verifier refuses, not an error. */
static int
add_chain(struct smtpsec_session *session, const STACK_OF(X509) *chain)
{
    int count = chain == NULL ? 0 : sk_X509_num(chain);
    int i, r = 0;

    for (i = 0; r == 0 && i < count; i++)
        r = add_certificate(session, sk_X509_value(chain, i));
    return r == SMTPSEC_E_LIMIT ? 0 : r;
}

#if HAVE_RAW_KEYS
static int
set_raw_key(struct smtpsec_session *session, EVP_PKEY *key)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(key, &spki);
    int r = SMTPSEC_E_NOMEM;

    if (len > 0)
        r = smtpsec_session_set_raw_key(session, spki, (size_t)len);
    OPENSSL_free(spki);
    return r;
}
#endif

static int
begin(struct smtpsec_session *session, SSL *ssl)
{
    int r;

    smtpsec_session_clear(session);
    r = smtpsec_session_set_starttls(session, SMTPSEC_STARTTLS_DONE);
    if (r == 0) /* OpenSSL counts versions as the wire does */
        r = smtpsec_session_set_tls_version(session, (uint16_t)SSL_version(ssl));
    return r;
}

int
ss_openssl_presented(struct smtpsec_session *session, SSL *ssl, X509_STORE_CTX *store)
{
    int r = begin(session, ssl);

#if HAVE_RAW_KEYS
    EVP_PKEY *key = X509_STORE_CTX_get0_rpk(store);

    if (r == 0 && key != NULL)
        return set_raw_key(session, key);
#endif
    /* As received, the server's own first; SSL_get_peer_cert_chain() is not there yet. */
    return r == 0 ? add_chain(session, X509_STORE_CTX_get0_untrusted(store)) : r;
}

/* After the handshake: the chain or key is kept with the SSL_SESSION. */
static int
kept(struct smtpsec_session *session, SSL *ssl, const char *digest)
{
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    int r = begin(session, ssl);

#if HAVE_RAW_KEYS
    EVP_PKEY *key = SSL_get0_peer_rpk(ssl);

    if (r == 0 && key != NULL)
        return set_raw_key(session, key);
#endif
    /* A SSL_SESSION that was written out and read back has lost its chain, and keeps the leaf alone. */
    if (r == 0 && SSL_session_reused(ssl) && chain == NULL)
        return digest == NULL ? 0 : smtpsec_session_set_resumed(session, digest);
    return r == 0 ? add_chain(session, chain) : r;
}

int
smtpsec_session_from_openssl(struct smtpsec_session *session, struct ssl_st *ssl,
                             const char *digest)
{
    int r = SMTPSEC_E_INVALID;

    if (session == NULL)
        return SMTPSEC_E_INVALID;
    /* A server's chain lacks the leaf: it would be judged one certificate off. */
    if (ssl != NULL && !SSL_is_server(ssl) && SSL_is_init_finished(ssl))
        r = kept(session, ssl, digest);
    if (r != 0)
        smtpsec_session_clear(session);
    return r;
}

int
smtpsec_openssl_set_sni(struct ssl_st *ssl, const struct smtpsec_requirement *requirement)
{
    const char *name = smtpsec_requirement_sni(requirement);

    if (ssl == NULL || name == NULL)
        return SMTPSEC_E_INVALID;
    /* NULL takes a name away that was there before. */
    return SSL_set_tlsext_host_name(ssl, (void *)(uintptr_t)(name[0] != '\0' ? name : NULL)) == 1
               ? 0
               : SMTPSEC_E_NOMEM;
}
