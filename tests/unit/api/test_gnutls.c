/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Real handshakes between two GnuTLS sessions in memory, judged by the ready callback. */
#include "table.h"

#include <errno.h>
#include <string.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "decision/requirement.h"
#include "decision/session.h"
#include "facts.h"
#include "smtpsec.h"

/* ---- Two ends and the octets between them ---- */

struct pipe {
    uint8_t octets[65536];
    size_t len;
};

struct end {
    struct pipe *in, *out;
    gnutls_session_t session;
};

static ssize_t
push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct end *end = ptr;

    assert_true(len <= sizeof(end->out->octets) - end->out->len);
    memcpy(end->out->octets + end->out->len, data, len);
    end->out->len += len;
    return (ssize_t)len;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *data, size_t len)
{
    struct end *end = ptr;

    if (end->in->len == 0) {
        gnutls_transport_set_errno(end->session, EAGAIN);
        return -1;
    }
    if (len > end->in->len)
        len = end->in->len;
    memcpy(data, end->in->octets, len);
    end->in->len -= len;
    memmove(end->in->octets, end->in->octets + len, end->in->len);
    return (ssize_t)len;
}

static int
no_wait(gnutls_transport_ptr_t ptr, unsigned ms)
{
    (void)ms;
    return ((struct end *)ptr)->in->len > 0;
}

static void
open_end(struct end *end, unsigned flags, struct pipe *in, struct pipe *out,
         gnutls_certificate_credentials_t credentials, const char *priority)
{
    end->in = in;
    end->out = out;
    assert_int_equal(gnutls_init(&end->session, flags), 0);
    assert_int_equal(gnutls_priority_set_direct(end->session, priority, NULL), 0);
    assert_int_equal(gnutls_credentials_set(end->session, GNUTLS_CRD_CERTIFICATE, credentials), 0);
    gnutls_transport_set_ptr(end->session, end);
    gnutls_transport_set_push_function(end->session, push);
    gnutls_transport_set_pull_function(end->session, pull);
    gnutls_transport_set_pull_timeout_function(end->session, no_wait);
}

/* The client's end of the handshake. */
static int
shake(struct end *client, struct end *server)
{
    int at_client = GNUTLS_E_AGAIN, at_server = GNUTLS_E_AGAIN, round;

    for (round = 0; round < 50 && at_client != 0; round++) {
        at_client = gnutls_handshake(client->session);
        if (at_client < 0 && gnutls_error_is_fatal(at_client))
            break;
        if (at_server != 0)
            at_server = gnutls_handshake(server->session);
    }
    return at_client;
}

/* ---- The server's key: made by GnuTLS, so that it can be handed to it ---- */

static gnutls_x509_privkey_t key;
static gnutls_x509_crt_t certificate;
static struct ss_bytes der;
static uint8_t spki_digest[SS_SHA256_LEN];
static gnutls_certificate_credentials_t server_credentials, client_credentials;

static void
make_server(void)
{
    static const uint8_t serial[] = {1};
    gnutls_datum_t out;
    size_t len = sizeof(spki_digest);

    assert_int_equal(gnutls_x509_privkey_init(&key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&certificate), 0);
    gnutls_x509_crt_set_version(certificate, 3);
    gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial));
    gnutls_x509_crt_set_activation_time(certificate, (time_t)(FACTS_NOW - 86400));
    gnutls_x509_crt_set_expiration_time(certificate, (time_t)(FACTS_NOW + 86400));
    gnutls_x509_crt_set_dn(certificate, "CN=mx.d.test", NULL);
    gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME, "mx.d.test", 9, 0);
    gnutls_x509_crt_set_key(certificate, key);
    assert_int_equal(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), 0);
    assert_int_equal(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_DER, &out), 0);
    der.data = out.data;
    der.len = out.size;
    assert_int_equal(gnutls_x509_crt_get_key_id(certificate, GNUTLS_KEYID_USE_SHA256, spki_digest,
                                                &len),
                     0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&server_credentials), 0);
    assert_int_equal(gnutls_certificate_set_x509_key(server_credentials, &certificate, 1, key), 0);
    assert_int_equal(gnutls_certificate_allocate_credentials(&client_credentials), 0);
}

static void
drop_server(void)
{
    gnutls_certificate_free_credentials(server_credentials);
    gnutls_certificate_free_credentials(client_credentials);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    gnutls_free((void *)(uintptr_t)der.data);
}

static struct smtpsec_requirement *
require(int32_t identities, bool matching, int64_t expires)
{
    struct smtpsec_requirement *requirement;
    struct ss_name host = facts_name("mx.d.test");
    struct ss_tlsa record = {.usage = 3, .selector = 1, .matching = 1, .len = SS_SHA256_LEN};
    uint8_t digest[SS_SHA256_LEN];

    assert_int_equal(ss_requirement_new(&requirement), 0);
    ss_reference_set(&requirement->host, &host);
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = identities;
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
    requirement->tls_version = 0x0303;
    requirement->mx_secure = true;
    requirement->expires = expires;
    memcpy(digest, spki_digest, sizeof(digest));
    digest[0] ^= matching ? 0 : 1;
    record.data = digest;
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    return requirement;
}

struct row {
    const char *name;
    int32_t identities;
    bool matching; /* the TLSA record is the server's */
    const char *priority;
    int64_t life; /* of the requirement */
    bool want;
    int32_t want_reason, want_achieved;
};

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"

static const struct row rows[] = {
    {"DANE matches, TLS 1.3", SMTPSEC_IDENTITY_DANE, true, TLS13, 60, true,
     SMTPSEC_REASON_NONE, SMTPSEC_LEVEL_DANE},
    {"DANE matches, TLS 1.2", SMTPSEC_IDENTITY_DANE, true, TLS12, 60, true,
     SMTPSEC_REASON_NONE, SMTPSEC_LEVEL_DANE},
    {"DANE does not match, TLS 1.3", SMTPSEC_IDENTITY_DANE, false, TLS13, 60, false,
     SMTPSEC_REASON_DANE_NO_MATCH, SMTPSEC_LEVEL_NONE},
    {"DANE does not match, TLS 1.2", SMTPSEC_IDENTITY_DANE, false, TLS12, 60, false,
     SMTPSEC_REASON_DANE_NO_MATCH, SMTPSEC_LEVEL_NONE},
    {"PKIX, nobody vouches", SMTPSEC_IDENTITY_PKIX, true, TLS13, 60, false,
     SMTPSEC_REASON_NO_TRUST_ANCHORS, SMTPSEC_LEVEL_NONE},
    {"TLS alone", 0, false, TLS13, 60, true, SMTPSEC_REASON_NONE, SMTPSEC_LEVEL_ENCRYPTED},
    {"TLSA-24 too late", SMTPSEC_IDENTITY_DANE, true, TLS13, -1, false,
     SMTPSEC_REASON_REQUIREMENT_EXPIRED, SMTPSEC_LEVEL_NONE},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_requirement *requirement =
        require(row->identities, row->matching, FACTS_NOW + row->life);
    struct smtpsec_gnutls *binding;
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct end client, server;
    int r;

    assert_non_null(pipes);
    open_end(&client, GNUTLS_CLIENT, &pipes[0], &pipes[1], client_credentials, row->priority);
    open_end(&server, GNUTLS_SERVER, &pipes[1], &pipes[0], server_credentials, row->priority);
    assert_int_equal(smtpsec_gnutls_new(NULL, requirement, FACTS_NOW, &binding), 0);
    smtpsec_requirement_free(requirement); /* it keeps a copy */
    assert_null(smtpsec_gnutls_verdict(binding));
    gnutls_session_set_ptr(client.session, binding);
    gnutls_session_set_verify_function(client.session,
                                       (gnutls_certificate_verify_function *)smtpsec_gnutls_verify);
    r = shake(&client, &server);
    assert_int_equal(r, row->want ? 0 : GNUTLS_E_CERTIFICATE_ERROR);
    assert_non_null(smtpsec_gnutls_verdict(binding));
    assert_int_equal(smtpsec_verdict_accepted(smtpsec_gnutls_verdict(binding)), row->want);
    assert_int_equal(smtpsec_verdict_reason(smtpsec_gnutls_verdict(binding)), row->want_reason);
    assert_int_equal(smtpsec_verdict_achieved(smtpsec_gnutls_verdict(binding)), row->want_achieved);
    gnutls_deinit(client.session);
    gnutls_deinit(server.session);
    smtpsec_gnutls_free(binding);
    free(pipes);
}

/* Nobody attached a binding: no session passes unjudged. */
static void
unbound(void **state)
{
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct end client, server;

    (void)state;
    assert_non_null(pipes);
    open_end(&client, GNUTLS_CLIENT, &pipes[0], &pipes[1], client_credentials, TLS13);
    open_end(&server, GNUTLS_SERVER, &pipes[1], &pipes[0], server_credentials, TLS13);
    gnutls_session_set_verify_function(client.session,
                                       (gnutls_certificate_verify_function *)smtpsec_gnutls_verify);
    assert_int_equal(shake(&client, &server), GNUTLS_E_CERTIFICATE_ERROR);
    gnutls_deinit(client.session);
    gnutls_deinit(server.session);
    free(pipes);
}

/* The facts of a session, taken after its handshake. */
static void
session(void **state)
{
    struct smtpsec_requirement *requirement =
        require(SMTPSEC_IDENTITY_DANE, true, FACTS_NOW + 60);
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct smtpsec_session *facts;
    struct smtpsec_verdict *verdict;
    struct end client, server;

    (void)state;
    assert_non_null(pipes);
    open_end(&client, GNUTLS_CLIENT, &pipes[0], &pipes[1], client_credentials, TLS12);
    open_end(&server, GNUTLS_SERVER, &pipes[1], &pipes[0], server_credentials, TLS12);
    assert_int_equal(smtpsec_session_new(&facts), 0);
    /* What stood there before is gone. */
    assert_int_equal(smtpsec_session_add_certificate(facts, der.data, 3), 0);
    assert_int_equal(shake(&client, &server), 0);
    assert_int_equal(smtpsec_session_from_gnutls(facts, client.session), 0);
    assert_int_equal(facts->version, 0x0303);
    assert_int_equal(facts->starttls, SMTPSEC_STARTTLS_DONE);
    assert_int_equal(facts->count, 1);
    assert_int_equal(facts->certificates[0].len, der.len);
    assert_memory_equal(facts->certificates[0].data, der.data, der.len);
    assert_int_equal(smtpsec_verify(NULL, requirement, facts, FACTS_NOW, &verdict), 0);
    assert_int_equal(smtpsec_verdict_accepted(verdict), 1);
    assert_int_equal(smtpsec_verdict_tlsa(verdict), 0);
    smtpsec_verdict_free(verdict);
    smtpsec_session_free(facts);
    smtpsec_requirement_free(requirement);
    gnutls_deinit(client.session);
    gnutls_deinit(server.session);
    free(pipes);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("gnutls");
    int failed;

    make_server();
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "without a binding the handshake fails", unbound);
    ss_table_case(&t, "the facts of a session", session);
    failed = ss_table_run(&t);
    drop_server();
    return failed;
}
