/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other lives of a session: resumed, broken off, shaken again, without a binding. */
#include "table.h"

#include <string.h>

#include <openssl/err.h>

#include "certs.h"
#include "decision/requirement.h"
#include "decision/session.h"
#include "ends.h"
#include "facts.h"
#include "smtpsec_openssl.h"

enum { KEY = 1, KEY_OTHER = 2 };

static SSL_CTX *server, *other_server;
static struct ss_bytes leaf;
static const struct ss_test_cert *first, *other;

static void
make_servers(void)
{
    ends_key(KEY);
    ends_key(KEY_OTHER);
    first = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "mx", .key = KEY, .dns = {"mx.d.test"}});
    other = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "mx", .key = KEY_OTHER, .dns = {"mx.d.test"}});
    leaf = ss_test_cert_der(first);
    server = ends_server(KEY, &first, 1);
    other_server = ends_server(KEY_OTHER, &other, 1);
}

static void
drop_servers(void)
{
    SSL_CTX_free(server);
    SSL_CTX_free(other_server);
    ends_keys_free();
    ss_test_certs_free();
}

static struct smtpsec_requirement *
require(int32_t tls, int32_t identities, bool matching)
{
    struct smtpsec_requirement *requirement;
    struct ss_name host = facts_name("mx.d.test");
    struct ss_tlsa record = {.usage = 3, .selector = 0, .matching = 1, .len = SS_SHA256_LEN};
    uint8_t digest[SS_SHA256_LEN];

    assert_int_equal(ss_requirement_new(&requirement), 0);
    ss_reference_set(&requirement->host, &host);
    requirement->tls = tls;
    requirement->identities = identities;
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
    requirement->tls_version = 0x0303;
    requirement->mx_secure = true;
    requirement->expires = FACTS_NOW + 60;
    assert_int_equal(ss_sha256(leaf.data, leaf.len, digest), 0);
    digest[0] ^= matching ? 0 : 1;
    record.data = digest;
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    return requirement;
}

static SSL_CTX *
client_ctx(int version)
{
    SSL_CTX *ctx = ends_client();

    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
    assert_int_equal(smtpsec_openssl_install(ctx), 0);
    return ctx;
}

/* One connection and its binding, attached. */
struct life {
    struct smtpsec_requirement *requirement;
    struct smtpsec_openssl *binding;
    struct ends ends;
};

static void
life_start(struct life *life, SSL_CTX *ctx, SSL_CTX *far, int32_t identities, bool matching)
{
    life->requirement = require(SMTPSEC_TLS_REQUIRED, identities, matching);
    ends_join(&life->ends, ctx, far);
    assert_int_equal(smtpsec_openssl_new(NULL, life->requirement, FACTS_NOW, &life->binding), 0);
    assert_int_equal(smtpsec_openssl_attach(life->binding, life->ends.client), 0);
}

static void
life_end(struct life *life)
{
    ends_free(&life->ends);
    smtpsec_openssl_free(life->binding);
    smtpsec_requirement_free(life->requirement);
}

static void
expect(const struct life *life, bool want, int32_t reason)
{
    const struct smtpsec_verdict *verdict = smtpsec_openssl_verdict(life->binding);

    assert_non_null(verdict);
    assert_int_equal(smtpsec_verdict_accepted(verdict), want);
    assert_int_equal(smtpsec_verdict_reason(verdict), reason);
}

/* ---- Resumed ---- */

enum digest { SAME, OTHER, NONE };

struct resumed {
    const char *name;
    bool written; /* the SSL_SESSION was written out and read back: its chain is lost */
    enum digest digest;
    int32_t identities;
    bool matching; /* of the second requirement */
    bool want;
    int32_t want_reason;
};

#define D SMTPSEC_IDENTITY_DANE

static const struct resumed resumed_rows[] = {
    {"PREC-12 resumed, its chain is kept and judged anew", false, NONE, D, true, true,
     SMTPSEC_REASON_NONE},
    {"PREC-12 resumed, its chain is kept and no longer fits", false, SAME, D, false, false,
     SMTPSEC_REASON_DANE_NO_MATCH},
    {"PREC-12 resumed under the same digest", true, SAME, D, true, true, SMTPSEC_REASON_NONE},
    {"PREC-12 resumed under another digest", true, OTHER, D, true, false, SMTPSEC_REASON_RESUMED},
    {"PREC-12 resumed, nobody knows under what", true, NONE, D, true, false,
     SMTPSEC_REASON_NO_CERTIFICATE},
    {"PREC-12 resumed, nobody knows under what, no certificate needed", true, NONE, 0, true, true,
     SMTPSEC_REASON_NONE},
};

/* The SSL_SESSION of a full handshake that was accepted. */
static SSL_SESSION *
first_handshake(SSL_CTX *ctx, bool written)
{
    unsigned char *octets = NULL, *at;
    const unsigned char *from;
    SSL_SESSION *session;
    struct life life;
    int len;

    life_start(&life, ctx, server, D, true);
    assert_true(ends_shake(&life.ends));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, true, SMTPSEC_REASON_NONE);
    ends_read(&life.ends);
    session = SSL_get1_session(life.ends.client);
    assert_non_null(session);
    /* A connection that is dropped without it takes its session along. */
    SSL_shutdown(life.ends.client);
    life_end(&life);
    if (!written)
        return session;
    len = i2d_SSL_SESSION(session, NULL);
    assert_true(len > 0);
    octets = at = OPENSSL_malloc((size_t)len);
    assert_non_null(octets);
    assert_int_equal(i2d_SSL_SESSION(session, &at), len);
    SSL_SESSION_free(session);
    from = octets;
    session = d2i_SSL_SESSION(NULL, &from, len);
    assert_non_null(session);
    OPENSSL_free(octets);
    return session;
}

static const char *
digest_of(const struct life *life, enum digest digest)
{
    switch (digest) {
    case SAME:
        return smtpsec_requirement_digest(life->requirement);
    case OTHER:
        return "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    default:
        return NULL;
    }
}

static void
resume_with(const struct resumed *row, int version)
{
    SSL_CTX *ctx = client_ctx(version);
    SSL_SESSION *session = first_handshake(ctx, row->written);
    struct smtpsec_session *facts;
    struct life life;

    life_start(&life, ctx, server, row->identities, row->matching);
    assert_int_equal(SSL_set_session(life.ends.client, session), 1);
    assert_true(ends_shake(&life.ends)); /* OpenSSL asks nobody about a resumed session */
    assert_true(SSL_session_reused(life.ends.client));
    assert_null(smtpsec_openssl_verdict(life.binding));
    if (row->digest == OTHER) { /* no digest at all is an error, and no verdict */
        assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, "0011"),
                         SMTPSEC_E_INVALID);
        assert_null(smtpsec_openssl_verdict(life.binding));
        assert_null(smtpsec_openssl_session(life.binding));
    }
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client,
                                            digest_of(&life, row->digest)),
                     0);
    expect(&life, row->want, row->want_reason);
    /* The other way says the same. */
    assert_int_equal(smtpsec_session_new(&facts), 0);
    assert_int_equal(smtpsec_session_from_openssl(facts, life.ends.client,
                                                  digest_of(&life, row->digest)),
                     0);
    assert_int_equal(facts->count, row->written ? 0 : 1);
    assert_int_equal(facts->resumed, row->written && row->digest != NONE);
    smtpsec_session_free(facts);
    life_end(&life);
    SSL_SESSION_free(session);
    SSL_CTX_free(ctx);
}

static void
resumed(void **state)
{
    resume_with(*state, TLS1_2_VERSION);
    resume_with(*state, TLS1_3_VERSION);
}

/* ---- Broken off ---- */

/* No version in common: the callback never runs. */
static void
no_common_version(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct life life;

    (void)state;
    life_start(&life, ctx, server, 0, true);
    assert_int_equal(SSL_set_max_proto_version(life.ends.server, TLS1_2_VERSION), 1);
    assert_false(ends_shake(&life.ends));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, false, SMTPSEC_REASON_TLS_HANDSHAKE);
    assert_int_equal(smtpsec_openssl_session(life.binding)->starttls, SMTPSEC_STARTTLS_FAILED);
    life_end(&life);
    SSL_CTX_free(ctx);
}

/* The certificate was good, and the key was never proved: whoever copied it gets this far. */
static void
broken_after_certificate(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_2_VERSION);
    struct smtpsec_session *facts;
    struct life life;

    (void)state;
    life_start(&life, ctx, server, D, true);
    ends_turn(&life.ends);
    SSL_do_handshake(life.ends.client);
    assert_false(SSL_is_init_finished(life.ends.client));
    assert_int_equal(SSL_get_verify_result(life.ends.client), X509_V_OK);
    assert_null(smtpsec_openssl_verdict(life.binding));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, false, SMTPSEC_REASON_TLS_HANDSHAKE);
    assert_int_equal(smtpsec_session_new(&facts), 0);
    assert_int_equal(smtpsec_session_from_openssl(facts, life.ends.client, NULL),
                     SMTPSEC_E_INVALID);
    assert_int_equal(facts->starttls, SMTPSEC_STARTTLS_NOT_REACHED);
    smtpsec_session_free(facts);
    life_end(&life);
    SSL_CTX_free(ctx);
}

/* Who turned verification off after attaching goes through the handshake, and is told. */
static void
verification_off(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct life life;

    (void)state;
    life_start(&life, ctx, server, D, false);
    SSL_set_verify(life.ends.client, SSL_VERIFY_NONE, NULL);
    assert_true(ends_shake(&life.ends));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, false, SMTPSEC_REASON_DANE_NO_MATCH);
    life_end(&life);
    SSL_CTX_free(ctx);
}

/* ---- The binding goes first ---- */

/* No handshake is judged by what was freed: it finds nothing to judge by, and fails. */
static void
binding_freed(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct life life;

    (void)state;
    life_start(&life, ctx, server, D, true);
    smtpsec_openssl_free(life.binding);
    life.binding = NULL;
    assert_false(ends_shake(&life.ends));
    assert_int_equal(SSL_get_verify_result(life.ends.client), X509_V_ERR_APPLICATION_VERIFICATION);
    life_end(&life);
    SSL_CTX_free(ctx);
}

/* Only one SSL is its own at a time, and one binding that of a SSL. */
static void
bound_elsewhere(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct smtpsec_openssl *later;
    struct life life;
    struct ends other_ends;

    (void)state;
    life_start(&life, ctx, server, D, true);
    ends_join(&other_ends, ctx, server);
    assert_int_equal(smtpsec_openssl_attach(life.binding, other_ends.client), 0);
    assert_false(ends_shake(&life.ends));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL),
                     SMTPSEC_E_INVALID);
    /* Another one takes its place; who lost it takes nothing along. */
    assert_int_equal(smtpsec_openssl_new(NULL, life.requirement, FACTS_NOW, &later), 0);
    assert_int_equal(smtpsec_openssl_attach(later, other_ends.client), 0);
    smtpsec_openssl_free(life.binding);
    assert_true(ends_shake(&other_ends));
    assert_int_equal(smtpsec_openssl_finish(later, other_ends.client, NULL), 0);
    life.binding = later;
    expect(&life, true, SMTPSEC_REASON_NONE);
    life_end(&life);
    ends_free(&other_ends);
    SSL_CTX_free(ctx);
}

/* ---- Without one half ---- */

static void
no_binding(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct smtpsec_requirement *requirement = require(SMTPSEC_TLS_OPTIONAL, 0, true);
    struct smtpsec_openssl *binding;
    struct ends ends;

    (void)state;
    ends_join(&ends, ctx, server);
    assert_false(ends_shake(&ends));
    assert_int_equal(SSL_get_verify_result(ends.client), X509_V_ERR_APPLICATION_VERIFICATION);
    assert_int_equal(smtpsec_openssl_new(NULL, requirement, FACTS_NOW, &binding), 0);
    assert_int_equal(smtpsec_openssl_finish(binding, ends.client, NULL), SMTPSEC_E_INVALID);
    assert_null(smtpsec_openssl_verdict(binding));
    smtpsec_openssl_free(binding);
    smtpsec_requirement_free(requirement);
    ends_free(&ends);
    SSL_CTX_free(ctx);
}

/* The callback was not installed, and OpenSSL itself trusts the certificate. */
static void
not_installed(void **state)
{
    SSL_CTX *ctx = ends_client();
    const unsigned char *at = leaf.data;
    X509 *root = d2i_X509(NULL, &at, (long)leaf.len);
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
    struct life life;

    (void)state;
    assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(ctx), root), 1);
    X509_VERIFY_PARAM_set_time(param, FACTS_NOW);
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    life_start(&life, ctx, server, D, false);
    assert_true(ends_shake(&life.ends));
    assert_int_equal(SSL_get_verify_result(life.ends.client), X509_V_OK);
    assert_null(smtpsec_openssl_verdict(life.binding));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, false, SMTPSEC_REASON_DANE_NO_MATCH);
    life_end(&life);
    X509_free(root);
    SSL_CTX_free(ctx);
}

/* DANE-EE-11: a cipher without certificates; the callback never runs. */
static void
anonymous(void **state)
{
    SSL_CTX *far = ends_server(0, NULL, 0);
    static const int32_t identities[] = {0, D};
    size_t i;

    (void)state;
    assert_int_equal(SSL_CTX_set_cipher_list(far, "AECDH-AES128-SHA:@SECLEVEL=0"), 1);
    for (i = 0; i < 2; i++) {
        SSL_CTX *ctx = client_ctx(TLS1_2_VERSION);
        struct life life;

        assert_int_equal(SSL_CTX_set_cipher_list(ctx, "AECDH-AES128-SHA:@SECLEVEL=0"), 1);
        life_start(&life, ctx, far, identities[i], true);
        assert_true(ends_shake(&life.ends));
        assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
        expect(&life, identities[i] == 0,
               identities[i] == 0 ? SMTPSEC_REASON_NONE : SMTPSEC_REASON_NO_CERTIFICATE);
        life_end(&life);
        SSL_CTX_free(ctx);
    }
    SSL_CTX_free(far);
}

/*
 * The SSL is used again: first the right certificate, then, to whoever is there
 * now, a cipher without one. Nobody asks the callback; the first verdict is no answer.
 */
static void
anonymous_afterwards(void **state)
{
    SSL_CTX *far = ends_server(0, NULL, 0);
    SSL_CTX *ctx = client_ctx(TLS1_2_VERSION);
    struct life life;
    struct ends second;

    (void)state;
    assert_int_equal(SSL_CTX_set_cipher_list(far, "AECDH-AES128-SHA:@SECLEVEL=0"), 1);
    assert_int_equal(
        SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:AECDH-AES128-SHA:@SECLEVEL=0"),
        1);
    life_start(&life, ctx, server, D, true);
    assert_true(ends_shake(&life.ends));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, true, SMTPSEC_REASON_NONE);
    SSL_shutdown(life.ends.client);
    assert_int_equal(SSL_set_session(life.ends.client, NULL), 1);
    assert_int_equal(SSL_clear(life.ends.client), 1);
    ends_join(&second, ctx, far);
    /* The old end takes the place of the new client's, on the new wire. */
    SSL_set_bio(life.ends.client, SSL_get_rbio(second.client), SSL_get_rbio(second.client));
    BIO_up_ref(SSL_get_rbio(second.client));
    SSL_set_connect_state(life.ends.client);
    SSL_free(second.client);
    second.client = life.ends.client;
    assert_true(ends_shake(&second));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, false, SMTPSEC_REASON_NO_CERTIFICATE);
    SSL_free(second.server);
    life_end(&life);
    SSL_CTX_free(ctx);
    SSL_CTX_free(far);
}

/* TLS 1.2 may shake hands again, and another certificate may come then: it is judged, too. */
static void
shaken_again(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_2_VERSION);
    SSL_CTX *far = ends_server(KEY, &first, 1);
    struct life life;
    char octet;
    int i;

    (void)state;
    /* Else the second one would resume the session of the first. */
    SSL_CTX_set_options(far, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(far, SSL_SESS_CACHE_OFF);
    life_start(&life, ctx, far, D, true);
    assert_true(ends_shake(&life.ends));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, true, SMTPSEC_REASON_NONE);
    assert_non_null(SSL_set_SSL_CTX(life.ends.server, other_server));
    assert_int_equal(SSL_renegotiate(life.ends.server), 1);
    for (i = 0; i < 4; i++) {
        SSL_do_handshake(life.ends.server);
        SSL_read(life.ends.server, &octet, 1);
        ERR_clear_error();
        ends_read(&life.ends);
    }
    assert_null(smtpsec_openssl_verdict(life.binding));
    assert_int_equal(smtpsec_openssl_finish(life.binding, life.ends.client, NULL), 0);
    expect(&life, false, SMTPSEC_REASON_DANE_NO_MATCH);
    life_end(&life);
    SSL_CTX_free(far);
    SSL_CTX_free(ctx);
}

/* A server's view has no leaf in its chain; its sessions are not for us. */
static void
server_side(void **state)
{
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct smtpsec_session *facts;
    struct life life;

    (void)state;
    life_start(&life, ctx, server, D, true);
    assert_true(ends_shake(&life.ends));
    assert_int_equal(smtpsec_session_new(&facts), 0);
    assert_int_equal(smtpsec_session_from_openssl(facts, life.ends.server, NULL),
                     SMTPSEC_E_INVALID);
    smtpsec_session_free(facts);
    life_end(&life);
    SSL_CTX_free(ctx);
}

/* SNI follows the requirement, and a name of an earlier one is taken away. */
static void
names(void **state)
{
    struct smtpsec_requirement *without = require(SMTPSEC_TLS_REQUIRED, D, true);
    struct smtpsec_requirement *with = require(SMTPSEC_TLS_REQUIRED, D, true);
    struct ss_name host = facts_name("mx.d.test");
    SSL_CTX *ctx = ends_client();
    SSL *ssl = SSL_new(ctx);

    (void)state;
    ss_reference_set(&with->sni, &host);
    assert_int_equal(smtpsec_openssl_set_sni(ssl, with), 0);
    assert_string_equal(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name), "mx.d.test");
    assert_int_equal(smtpsec_openssl_set_sni(ssl, without), 0);
    assert_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    smtpsec_requirement_free(with);
    smtpsec_requirement_free(without);
}

static void
nothing(void **state)
{
    struct smtpsec_requirement *requirement = require(SMTPSEC_TLS_REQUIRED, D, true);
    SSL_CTX *ctx = ends_client();
    SSL *ssl = SSL_new(ctx);
    struct smtpsec_openssl *binding;

    (void)state;
    assert_int_equal(smtpsec_session_from_openssl(NULL, ssl, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_set_sni(NULL, requirement), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_set_sni(ssl, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_install(NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_new(NULL, NULL, FACTS_NOW, &binding), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_new(NULL, requirement, FACTS_NOW, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_attach(NULL, ssl), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_finish(NULL, ssl, NULL), SMTPSEC_E_INVALID);
    assert_null(smtpsec_openssl_verdict(NULL));
    assert_null(smtpsec_openssl_session(NULL));
    smtpsec_openssl_free(NULL);
    assert_int_equal(smtpsec_openssl_new(NULL, requirement, FACTS_NOW, &binding), 0);
    assert_int_equal(smtpsec_openssl_attach(binding, NULL), SMTPSEC_E_INVALID);
    assert_int_equal(smtpsec_openssl_finish(binding, NULL, NULL), SMTPSEC_E_INVALID);
    smtpsec_openssl_free(binding);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    smtpsec_requirement_free(requirement);
}

/* The binding holds the anchors, whoever else lets go of them. */
static void
anchors_stay(void **state)
{
    struct smtpsec_requirement *requirement =
        require(SMTPSEC_TLS_REQUIRED, SMTPSEC_IDENTITY_PKIX, true);
    SSL_CTX *ctx = client_ctx(TLS1_3_VERSION);
    struct smtpsec_anchors *anchors;
    struct smtpsec_openssl *binding;
    struct ends ends;

    (void)state;
    assert_int_equal(smtpsec_anchors_new(&anchors), 0);
    assert_int_equal(smtpsec_anchors_add_der(anchors, leaf.data, leaf.len), 0);
    assert_int_equal(smtpsec_openssl_new(anchors, requirement, FACTS_NOW, &binding), 0);
    smtpsec_anchors_free(anchors);
    smtpsec_requirement_free(requirement);
    ends_join(&ends, ctx, other_server);
    assert_int_equal(smtpsec_openssl_attach(binding, ends.client), 0);
    assert_false(ends_shake(&ends));
    assert_int_equal(smtpsec_openssl_finish(binding, ends.client, NULL), 0);
    assert_int_equal(smtpsec_verdict_accepted(smtpsec_openssl_verdict(binding)), 0);
    ends_free(&ends);
    smtpsec_openssl_free(binding);
    SSL_CTX_free(ctx);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("openssl");
    int failed;

    make_servers();
    SS_TABLE_ROWS(&t, resumed, resumed_rows);
    ss_table_case(&t, "no version in common", no_common_version);
    ss_table_case(&t, "broken off behind a good certificate", broken_after_certificate);
    ss_table_case(&t, "verification turned off", verification_off);
    ss_table_case(&t, "binding freed before its SSL", binding_freed);
    ss_table_case(&t, "binding attached elsewhere", bound_elsewhere);
    ss_table_case(&t, "no binding, no handshake", no_binding);
    ss_table_case(&t, "callback not installed", not_installed);
    ss_table_case(&t, "DANE-EE-11 anonymous cipher", anonymous);
    ss_table_case(&t, "DANE-EE-11 anonymous cipher after a certificate", anonymous_afterwards);
    ss_table_case(&t, "another certificate in a second handshake", shaken_again);
    ss_table_case(&t, "a server's session", server_side);
    ss_table_case(&t, "SNI", names);
    ss_table_case(&t, "nothing given", nothing);
    ss_table_case(&t, "anchors stay", anchors_stay);
    failed = ss_table_run(&t);
    drop_servers();
    return failed;
}
