/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real handshakes in memory, judged inside them, after them, and by the facts
 * that a client of GnuTLS got from the same server: all three must agree.
 */
#include "table.h"

#include <string.h>

#include <openssl/err.h>

#include "certs.h"
#include "decision/requirement.h"
#include "decision/session.h"
#include "ends.h"
#include "facts.h"
#include "smtpsec_openssl.h"

enum { KEY_ROOT = 1, KEY_CA = 2, KEY_LEAF = 3, KEY_OTHER = 4 };
enum chain { SIGNED, SELF, WRONG_NAME, EXPIRED, FORGED, NO_CA, MANY, CHAINS };
#define MOST (SS_CHAIN_CERTIFICATES + 4)

static SSL_CTX *servers[CHAINS];
static struct ss_bytes first[CHAINS];
static struct smtpsec_anchors *anchors;
static gnutls_certificate_credentials_t credentials;

static void
make_servers(void)
{
    const struct ss_test_cert *root, *ca, *other_ca, *leaf[CHAINS], *many[MOST];
    size_t i;

    for (i = KEY_ROOT; i <= KEY_OTHER; i++)
        ends_key((unsigned)i);
    root = ss_test_cert(&(struct ss_test_cert_spec){.cn = "Root", .key = KEY_ROOT, .ca = true});
    ca = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "CA", .key = KEY_CA, .ca = true, .issuer = root});
    other_ca = ss_test_cert(&(struct ss_test_cert_spec){.cn = "CA", .key = KEY_OTHER, .ca = true});
    leaf[SIGNED] = leaf[NO_CA] = leaf[MANY] = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "mx", .key = KEY_LEAF, .issuer = ca, .dns = {"mx.d.test"}});
    leaf[SELF] = ss_test_cert(
        &(struct ss_test_cert_spec){.cn = "mx", .key = KEY_LEAF, .dns = {"mx.d.test"}});
    leaf[WRONG_NAME] = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "mx", .key = KEY_LEAF, .issuer = ca, .dns = {"mx.evil.test"}});
    leaf[EXPIRED] = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "mx", .key = KEY_LEAF, .issuer = ca, .dns = {"mx.d.test"},
        .not_before = FACTS_NOW - 9 * SS_TEST_DAY, .not_after = FACTS_NOW - SS_TEST_DAY});
    leaf[FORGED] = ss_test_cert(&(struct ss_test_cert_spec){
        .cn = "mx", .key = KEY_LEAF, .issuer = other_ca, .dns = {"mx.d.test"}});
    for (i = 0; i < CHAINS; i++) {
        const struct ss_test_cert *chain[] = {leaf[i], i == FORGED ? other_ca : ca};

        first[i] = ss_test_cert_der(leaf[i]);
        servers[i] = ends_server(KEY_LEAF, chain, i == SELF || i == NO_CA ? 1 : 2);
    }
    SSL_CTX_free(servers[MANY]);
    for (i = 0; i < MOST; i++)
        many[i] = i == 0 ? leaf[MANY] : ca;
    servers[MANY] = ends_server(KEY_LEAF, many, MOST);
    assert_int_equal(smtpsec_anchors_new(&anchors), 0);
    assert_int_equal(smtpsec_anchors_add_der(anchors, ss_test_cert_der(root).data,
                                             ss_test_cert_der(root).len),
                     0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&credentials), 0);
}

static void
drop_servers(void)
{
    size_t i;

    for (i = 0; i < CHAINS; i++)
        SSL_CTX_free(servers[i]);
    smtpsec_anchors_free(anchors);
    gnutls_certificate_free_credentials(credentials);
    ends_keys_free();
    ss_test_certs_free();
}

/* With the digest of the self-signed certificate of mx.d.test, or one beside it. */
static struct smtpsec_requirement *
require(int32_t tls, int32_t identities, bool matching)
{
    struct smtpsec_requirement *requirement;
    struct ss_name host = facts_name("mx.d.test");
    struct ss_tlsa record = {.usage = 3, .selector = 0, .matching = 1, .len = SS_SHA256_LEN};
    uint8_t digest[SS_SHA256_LEN];

    assert_int_equal(ss_requirement_new(&requirement), 0);
    ss_reference_set(&requirement->host, &host);
    ss_reference_set(&requirement->sni, &host);
    requirement->tls = tls;
    requirement->identities = identities;
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
    requirement->tls_version = 0x0303;
    requirement->mx_secure = true;
    requirement->expires = FACTS_NOW + 60;
    assert_int_equal(ss_sha256(first[SELF].data, first[SELF].len, digest), 0);
    digest[0] ^= matching ? 0 : 1;
    record.data = digest;
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    return requirement;
}

static SSL_CTX *
client_ctx(int version, bool installed)
{
    SSL_CTX *ctx = ends_client();

    assert_int_equal(SSL_CTX_set_min_proto_version(ctx, version), 1);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
    if (installed)
        assert_int_equal(smtpsec_openssl_install(ctx), 0);
    return ctx;
}

struct row {
    const char *name;
    enum chain chain;
    int32_t identities;
    bool matching;
    bool without_anchors;
    bool want;
    int32_t want_reason, want_achieved;
    int want_error; /* X509_V_* */
};

#define D SMTPSEC_IDENTITY_DANE
#define P SMTPSEC_IDENTITY_PKIX
#define OTHER X509_V_ERR_APPLICATION_VERIFICATION

static const struct row rows[] = {
    {"DANE-EE self-signed matches", SELF, D, true, false, true, SMTPSEC_REASON_NONE,
     SMTPSEC_LEVEL_DANE, X509_V_OK},
    {"DANE-EE self-signed does not match", SELF, D, false, false, false,
     SMTPSEC_REASON_DANE_NO_MATCH, SMTPSEC_LEVEL_NONE, X509_V_ERR_DANE_NO_MATCH},
    {"DANE is final, though PKIX is good", SIGNED, D, true, false, false,
     SMTPSEC_REASON_DANE_NO_MATCH, SMTPSEC_LEVEL_NONE, X509_V_ERR_DANE_NO_MATCH},
    {"PKIX is good", SIGNED, P, true, false, true, SMTPSEC_REASON_NONE, SMTPSEC_LEVEL_DNSSEC,
     X509_V_OK},
    {"PKIX, another name", WRONG_NAME, P, true, false, false, SMTPSEC_REASON_NAME_MISMATCH,
     SMTPSEC_LEVEL_NONE, X509_V_ERR_HOSTNAME_MISMATCH},
    {"PKIX, expired", EXPIRED, P, true, false, false, SMTPSEC_REASON_EXPIRED, SMTPSEC_LEVEL_NONE,
     X509_V_ERR_CERT_HAS_EXPIRED},
    {"PKIX, another CA of the same name", FORGED, P, true, false, false,
     SMTPSEC_REASON_NOT_TRUSTED, SMTPSEC_LEVEL_NONE, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    {"PKIX, self-signed", SELF, P, true, false, false, SMTPSEC_REASON_SELF_SIGNED,
     SMTPSEC_LEVEL_NONE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
    {"PKIX, the CA was not sent", NO_CA, P, true, false, false, SMTPSEC_REASON_NOT_TRUSTED,
     SMTPSEC_LEVEL_NONE, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    {"PKIX without anchors", SIGNED, P, true, true, false, SMTPSEC_REASON_NO_TRUST_ANCHORS,
     SMTPSEC_LEVEL_NONE, OTHER},
    {"more certificates than are judged", MANY, P, true, false, false,
     SMTPSEC_REASON_CHAIN_TOO_LONG, SMTPSEC_LEVEL_NONE, X509_V_ERR_CERT_CHAIN_TOO_LONG},
    {"both, and both needed", SELF, D | P, true, false, false, SMTPSEC_REASON_SELF_SIGNED,
     SMTPSEC_LEVEL_NONE, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
    {"no certificate needed, any will do", EXPIRED, 0, false, false, true, SMTPSEC_REASON_NONE,
     SMTPSEC_LEVEL_ENCRYPTED, X509_V_OK},
};

/* The verdict on facts must be the one wanted. */
static void
check_facts(const struct row *row, const struct smtpsec_requirement *requirement,
            const struct smtpsec_session *facts, int version)
{
    struct smtpsec_verdict *verdict;

    assert_int_equal(facts->version, version);
    assert_int_equal(facts->starttls, SMTPSEC_STARTTLS_DONE);
    assert_int_equal(facts->certificates[0].len, first[row->chain].len);
    assert_memory_equal(facts->certificates[0].data, first[row->chain].data,
                        first[row->chain].len);
    assert_int_equal(facts->too_long, row->chain == MANY);
    assert_int_equal(facts->count, row->chain == MANY ? SS_CHAIN_CERTIFICATES
                                   : row->chain == SELF || row->chain == NO_CA ? 1
                                                                               : 2);
    assert_int_equal(smtpsec_verify(row->without_anchors ? NULL : anchors, requirement, facts,
                                    FACTS_NOW, &verdict),
                     0);
    assert_int_equal(smtpsec_verdict_accepted(verdict), row->want);
    assert_int_equal(smtpsec_verdict_reason(verdict), row->want_reason);
    assert_int_equal(smtpsec_verdict_achieved(verdict), row->want_achieved);
    smtpsec_verdict_free(verdict);
}

/* Judged inside the handshake. */
static void
inside(const struct row *row, const struct smtpsec_requirement *requirement, int version)
{
    SSL_CTX *ctx = client_ctx(version, true);
    struct smtpsec_openssl *binding;
    struct ends ends;

    ends_join(&ends, ctx, servers[row->chain]);
    assert_int_equal(smtpsec_openssl_new(row->without_anchors ? NULL : anchors, requirement,
                                         FACTS_NOW, &binding),
                     0);
    assert_int_equal(smtpsec_openssl_attach(binding, ends.client), 0);
    assert_int_equal(ends_shake(&ends), row->want);
    assert_null(smtpsec_openssl_verdict(binding));
    assert_int_equal(smtpsec_openssl_finish(binding, ends.client, NULL), 0);
    assert_int_equal(smtpsec_verdict_accepted(smtpsec_openssl_verdict(binding)), row->want);
    assert_int_equal(smtpsec_verdict_reason(smtpsec_openssl_verdict(binding)), row->want_reason);
    assert_int_equal(smtpsec_verdict_achieved(smtpsec_openssl_verdict(binding)),
                     row->want_achieved);
    assert_int_equal(SSL_get_verify_result(ends.client), row->want_error);
    assert_string_equal(SSL_get_servername(ends.server, TLSEXT_NAMETYPE_host_name), "mx.d.test");
    check_facts(row, requirement, smtpsec_openssl_session(binding), version);
    ends_free(&ends);
    smtpsec_openssl_free(binding);
    SSL_CTX_free(ctx);
}

/* Let through, and judged afterwards. */
static void
after(const struct row *row, const struct smtpsec_requirement *requirement, int version)
{
    SSL_CTX *ctx = client_ctx(version, false);
    struct smtpsec_session *facts;
    struct ends ends;

    ends_join(&ends, ctx, servers[row->chain]);
    assert_int_equal(smtpsec_session_new(&facts), 0);
    /* What stood there before is gone. */
    assert_int_equal(smtpsec_session_add_certificate(facts, first[SELF].data, 3), 0);
    assert_true(ends_shake(&ends));
    assert_int_equal(smtpsec_session_from_openssl(facts, ends.client, "not read"), 0);
    check_facts(row, requirement, facts, version);
    smtpsec_session_free(facts);
    ends_free(&ends);
    SSL_CTX_free(ctx);
}

static void
by_gnutls(const struct row *row, const struct smtpsec_requirement *requirement, int version)
{
    struct smtpsec_session *facts;
    gnutls_session_t session;
    SSL *server;

    session = ends_gnutls(servers[row->chain], credentials,
                          version == TLS1_3_VERSION ? "NORMAL:-VERS-ALL:+VERS-TLS1.3"
                                                    : "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                          &server);
    assert_int_equal(smtpsec_session_new(&facts), 0);
    assert_int_equal(smtpsec_session_from_gnutls(facts, session), 0);
    check_facts(row, requirement, facts, version);
    smtpsec_session_free(facts);
    gnutls_deinit(session);
    SSL_free(server);
}

static void
check(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    const struct row *row = *state;
    size_t i;

    for (i = 0; i < 2; i++) {
        struct smtpsec_requirement *requirement =
            require(SMTPSEC_TLS_REQUIRED, row->identities, row->matching);

        inside(row, requirement, versions[i]);
        after(row, requirement, versions[i]);
        by_gnutls(row, requirement, versions[i]);
        smtpsec_requirement_free(requirement);
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("openssl");
    int failed;

    make_servers();
    SS_TABLE_ROWS(&t, check, rows);
    failed = ss_table_run(&t);
    drop_servers();
    return failed;
}
