/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A requirement bound to one SSL. OpenSSL asks the callback about certificates
 * in full handshakes only, so the verdict is given out when the handshake has
 * been concluded, never before.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "openssl/alert.h"
#include "openssl/facts.h"
#include "smtpsec_openssl.h"

struct smtpsec_openssl {
    struct smtpsec_anchors *anchors;
    struct smtpsec_requirement *requirement;
    struct smtpsec_session *session;
    struct smtpsec_verdict *verdict;
    SSL *ssl; /* the one it is attached to, and a hold on it: whichever is freed first */
    bool concluded;
    int64_t now;
};

/*
 * Where a SSL keeps its binding. OpenSSL hands such places out once a process
 * and takes none back; this is the one thing that lives as long as the library.
 */
static pthread_once_t place_once = PTHREAD_ONCE_INIT;
static int place = -1;

static void
take_place(void)
{
    place = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
}

static bool
have_place(void)
{
    return pthread_once(&place_once, take_place) == 0 && place >= 0;
}

static struct smtpsec_openssl *
binding_of(const SSL *ssl)
{
    return ssl != NULL && have_place() ? SSL_get_ex_data(ssl, place) : NULL;
}

/* A SSL that goes on without its binding finds none, and not what has been freed. */
static void
detach(struct smtpsec_openssl *binding)
{
    if (binding_of(binding->ssl) == binding)
        SSL_set_ex_data(binding->ssl, place, NULL);
    SSL_free(binding->ssl);
    binding->ssl = NULL;
}

static void
forget(struct smtpsec_openssl *binding)
{
    smtpsec_verdict_free(binding->verdict);
    binding->verdict = NULL;
    binding->concluded = false;
    smtpsec_session_clear(binding->session);
}

static int
judge(struct smtpsec_openssl *binding)
{
    smtpsec_verdict_free(binding->verdict);
    binding->verdict = NULL;
    return smtpsec_verify(binding->anchors, binding->requirement, binding->session, binding->now,
                          &binding->verdict);
}

/* Called by OpenSSL in place of its own verification. 1: accept; 0: end the handshake. */
static int
verify(X509_STORE_CTX *store, void *arg)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct smtpsec_openssl *binding = binding_of(ssl);
    int r;

    (void)arg;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    if (binding == NULL || SSL_is_server(ssl))
        return 0; /* nothing to judge by: no session passes unjudged */
    forget(binding);
    r = ss_openssl_presented(binding->session, ssl, store);
    if (r == 0)
        r = judge(binding);
    if (r != 0)
        return 0;
    if (!smtpsec_verdict_accepted(binding->verdict)) {
        X509_STORE_CTX_set_error(store, ss_openssl_error(smtpsec_verdict_reason(binding->verdict)));
        return 0;
    }
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
}

int
smtpsec_openssl_install(struct ssl_ctx_st *ctx)
{
    if (ctx == NULL)
        return SMTPSEC_E_INVALID;
    /* A client that verifies nobody would go on after the callback has refused. */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
    return have_place() ? 0 : SMTPSEC_E_NOMEM;
}

int
smtpsec_openssl_new(struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
                    int64_t now, struct smtpsec_openssl **out)
{
    struct smtpsec_openssl *binding;
    int r;

    if (requirement == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    binding = calloc(1, sizeof(*binding));
    if (binding == NULL)
        return SMTPSEC_E_NOMEM;
    r = smtpsec_requirement_copy(requirement, &binding->requirement);
    if (r == 0)
        r = smtpsec_session_new(&binding->session);
    if (r != 0) {
        smtpsec_openssl_free(binding);
        return r;
    }
    binding->anchors = smtpsec_anchors_hold(anchors);
    binding->now = now;
    *out = binding;
    return 0;
}

void
smtpsec_openssl_free(struct smtpsec_openssl *binding)
{
    if (binding == NULL)
        return;
    detach(binding);
    smtpsec_verdict_free(binding->verdict);
    smtpsec_session_free(binding->session);
    smtpsec_requirement_free(binding->requirement);
    smtpsec_anchors_free(binding->anchors);
    free(binding);
}

int
smtpsec_openssl_attach(struct smtpsec_openssl *binding, struct ssl_st *ssl)
{
    int r;

    if (binding == NULL || ssl == NULL)
        return SMTPSEC_E_INVALID;
    forget(binding);
    if (!have_place() || SSL_up_ref(ssl) != 1)
        return SMTPSEC_E_NOMEM;
    detach(binding);
    binding->ssl = ssl;
    if (SSL_set_ex_data(ssl, place, binding) != 1)
        return SMTPSEC_E_NOMEM;
    r = smtpsec_openssl_set_sni(ssl, binding->requirement);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    return r;
}

/* The callback refused this handshake, and that ended it: the facts are gone, the verdict stays. */
static bool
refused_inside(const struct smtpsec_openssl *binding, const SSL *ssl)
{
    return !SSL_is_init_finished(ssl) && binding->verdict != NULL &&
           !smtpsec_verdict_accepted(binding->verdict);
}

/*
 * What the callback accepted is judged again, by what OpenSSL holds now: since
 * then a handshake may have come that asked no callback, or another one (a
 * cipher without certificates after SSL_clear(), another SSL_CTX).
 */
int
smtpsec_openssl_finish(struct smtpsec_openssl *binding, struct ssl_st *ssl, const char *digest)
{
    int r = 0;

    if (binding == NULL || ssl == NULL || binding_of(ssl) != binding)
        return SMTPSEC_E_INVALID;
    if (!refused_inside(binding, ssl)) {
        forget(binding);
        r = SSL_is_init_finished(ssl)
                ? smtpsec_session_from_openssl(binding->session, ssl, digest)
                : smtpsec_session_set_starttls(binding->session, SMTPSEC_STARTTLS_FAILED);
        if (r == 0)
            r = judge(binding);
    }
    binding->concluded = r == 0;
    return r;
}

const struct smtpsec_verdict *
smtpsec_openssl_verdict(const struct smtpsec_openssl *binding)
{
    return binding == NULL || !binding->concluded ? NULL : binding->verdict;
}

const struct smtpsec_session *
smtpsec_openssl_session(const struct smtpsec_openssl *binding)
{
    return binding == NULL || !binding->concluded ? NULL : binding->session;
}
