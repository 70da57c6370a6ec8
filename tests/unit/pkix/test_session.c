/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A real handshake, in memory, and what is read from it. */
#include "table.h"

#include <errno.h>
#include <string.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "certs.h"
#include "pkix/session.h"

/* What one end has written and the other has not read. */
struct pipe {
    uint8_t data[65536];
    size_t len;
};

struct end {
    struct pipe *in;
    struct pipe *out;
    gnutls_session_t session;
};

static ssize_t
push(gnutls_transport_ptr_t ptr, const void *data, size_t len)
{
    struct pipe *out = ((struct end *)ptr)->out;

    assert_true(len <= sizeof(out->data) - out->len);
    memcpy(out->data + out->len, data, len);
    out->len += len;
    return (ssize_t)len;
}

static ssize_t
pull(gnutls_transport_ptr_t ptr, void *data, size_t room)
{
    struct end *end = ptr;
    size_t len = end->in->len < room ? end->in->len : room;

    if (len == 0) {
        gnutls_transport_set_errno(end->session, EAGAIN);
        return -1;
    }
    memcpy(data, end->in->data, len);
    memmove(end->in->data, end->in->data + len, end->in->len - len);
    end->in->len -= len;
    return (ssize_t)len;
}

static int
ready(gnutls_transport_ptr_t ptr, unsigned ms)
{
    (void)ms;
    return ((struct end *)ptr)->in->len > 0;
}

static void
open_end(struct end *end, unsigned flags, const char *priority, void *credentials,
         gnutls_credentials_type_t type)
{
    assert_int_equal(gnutls_init(&end->session, flags), 0);
    assert_int_equal(gnutls_priority_set_direct(end->session, priority, NULL), 0);
    assert_int_equal(gnutls_credentials_set(end->session, type, credentials), 0);
    gnutls_transport_set_ptr(end->session, end);
    gnutls_transport_set_push_function(end->session, push);
    gnutls_transport_set_pull_function(end->session, pull);
    gnutls_transport_set_pull_timeout_function(end->session, ready);
}

static void
shake(struct end *client, struct end *server)
{
    int c = GNUTLS_E_AGAIN, s = GNUTLS_E_AGAIN;
    int turns;

    for (turns = 0; turns < 50 && (c != 0 || s != 0); turns++) {
        if (c != 0)
            c = gnutls_handshake(client->session);
        if (s != 0)
            s = gnutls_handshake(server->session);
    }
    assert_int_equal(c, 0);
    assert_int_equal(s, 0);
}

static gnutls_x509_privkey_t key;
static gnutls_x509_crt_t leaf;
static struct ss_bytes root;

static void
make_key(void)
{
    gnutls_x509_privkey_init(&key);
    assert_int_equal(gnutls_x509_privkey_generate(
                         key, GNUTLS_PK_ECDSA,
                         GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
    gnutls_x509_crt_init(&leaf);
    gnutls_x509_crt_set_version(leaf, 3);
    gnutls_x509_crt_set_serial(leaf, "\x01", 1);
    gnutls_x509_crt_set_activation_time(leaf, SS_TEST_NOW - SS_TEST_DAY);
    gnutls_x509_crt_set_expiration_time(leaf, SS_TEST_NOW + SS_TEST_DAY);
    gnutls_x509_crt_set_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, "leaf", 4);
    gnutls_x509_crt_set_key(leaf, key);
    assert_int_equal(gnutls_x509_crt_sign2(leaf, leaf, key, GNUTLS_DIG_SHA256, 0), 0);
}

/* Credentials with the leaf and `more` strangers behind it; set by pcert, lest GnuTLS sort them. */
static gnutls_certificate_credentials_t
server_chain(size_t more)
{
    gnutls_datum_t der = {(unsigned char *)(uintptr_t)root.data, (unsigned)root.len};
    gnutls_certificate_credentials_t credentials;
    gnutls_pcert_st list[20];
    gnutls_privkey_t own;
    size_t i;

    memset(list, 0, sizeof(list));
    assert_int_equal(gnutls_pcert_import_x509(&list[0], leaf, 0), 0);
    for (i = 1; i <= more; i++)
        assert_int_equal(gnutls_pcert_import_x509_raw(&list[i], &der, GNUTLS_X509_FMT_DER, 0), 0);
    gnutls_privkey_init(&own);
    assert_int_equal(gnutls_privkey_import_x509(own, key, GNUTLS_PRIVKEY_IMPORT_COPY), 0);
    gnutls_certificate_allocate_credentials(&credentials);
    /* It takes the certificates and the key over. */
    assert_true(gnutls_certificate_set_key(credentials, NULL, 0, list, (int)more + 1, own) >= 0);
    return credentials;
}

struct row {
    const char *name;
    const char *priority;
    size_t more;
    uint16_t version;
    size_t count;
};

#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"

static const struct row rows[] = {
    {"TLS 1.2, leaf alone", TLS12, 0, 0x0303, 1},
    {"TLS 1.3, leaf and another", TLS13, 1, 0x0304, 2},
    {"TLS 1.3, as many as are judged", TLS13, 15, 0x0304, 16},
    {"TLS 1.3, one more", TLS13, 16, 0x0304, 17},
    {"TLS 1.3, three more", TLS13, 18, 0x0304, 17},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct end client = {&pipes[0], &pipes[1], NULL};
    struct end server = {&pipes[1], &pipes[0], NULL};
    gnutls_certificate_credentials_t theirs = server_chain(row->more);
    gnutls_certificate_credentials_t ours;
    gnutls_datum_t der;
    struct ss_tls_facts facts;

    assert_non_null(pipes);
    gnutls_certificate_allocate_credentials(&ours);
    open_end(&client, GNUTLS_CLIENT, row->priority, ours, GNUTLS_CRD_CERTIFICATE);
    open_end(&server, GNUTLS_SERVER, row->priority, theirs, GNUTLS_CRD_CERTIFICATE);
    shake(&client, &server);
    ss_tls_facts_read(&facts, client.session);
    assert_int_equal(facts.version, row->version);
    assert_false(facts.resumed);
    assert_int_equal(facts.count, row->count);
    assert_int_equal(facts.raw_key.len, 0);
    assert_int_equal(gnutls_x509_crt_export2(leaf, GNUTLS_X509_FMT_DER, &der), 0);
    assert_int_equal(facts.certificates[0].len, der.size);
    assert_memory_equal(facts.certificates[0].data, der.data, der.size);
    if (row->count > 1)
        assert_int_equal(facts.certificates[row->count - 1].len, root.len);
    gnutls_free(der.data);
    gnutls_deinit(client.session);
    gnutls_deinit(server.session);
    gnutls_certificate_free_credentials(ours);
    gnutls_certificate_free_credentials(theirs);
    free(pipes);
}

static void
check_anonymous(void **state)
{
    const char *priority = TLS12 ":-KX-ALL:+ANON-ECDH";
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct end client = {&pipes[0], &pipes[1], NULL};
    struct end server = {&pipes[1], &pipes[0], NULL};
    gnutls_anon_client_credentials_t ours;
    gnutls_anon_server_credentials_t theirs;
    struct ss_tls_facts facts;

    (void)state;
    assert_non_null(pipes);
    gnutls_anon_allocate_client_credentials(&ours);
    gnutls_anon_allocate_server_credentials(&theirs);
    open_end(&client, GNUTLS_CLIENT, priority, ours, GNUTLS_CRD_ANON);
    open_end(&server, GNUTLS_SERVER, priority, theirs, GNUTLS_CRD_ANON);
    shake(&client, &server);
    ss_tls_facts_read(&facts, client.session);
    assert_int_equal(facts.version, 0x0303);
    assert_int_equal(facts.count, 0);
    assert_int_equal(facts.raw_key.len, 0);
    gnutls_deinit(client.session);
    gnutls_deinit(server.session);
    gnutls_anon_free_client_credentials(ours);
    gnutls_anon_free_server_credentials(theirs);
    free(pipes);
}

static void
set_raw_key(gnutls_certificate_credentials_t credentials, gnutls_datum_t *spki)
{
    gnutls_datum_t pkcs8;
    gnutls_pubkey_t pubkey;

    gnutls_pubkey_init(&pubkey);
    assert_int_equal(gnutls_pubkey_import_x509(pubkey, leaf, 0), 0);
    assert_int_equal(gnutls_pubkey_export2(pubkey, GNUTLS_X509_FMT_DER, spki), 0);
    assert_int_equal(gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_DER, NULL,
                                                       GNUTLS_PKCS_PLAIN, &pkcs8), 0);
    assert_true(gnutls_certificate_set_rawpk_key_mem(credentials, spki, &pkcs8,
                                                     GNUTLS_X509_FMT_DER, NULL, 0, NULL, 0,
                                                     0) >= 0);
    gnutls_free(pkcs8.data);
    gnutls_pubkey_deinit(pubkey);
}

static void
check_raw_key(void **state)
{
    const char *priority = TLS13 ":+CTYPE-SRV-RAWPK:-CTYPE-SRV-X509";
    struct pipe *pipes = calloc(2, sizeof(*pipes));
    struct end client = {&pipes[0], &pipes[1], NULL};
    struct end server = {&pipes[1], &pipes[0], NULL};
    gnutls_certificate_credentials_t ours, theirs;
    gnutls_datum_t spki;
    struct ss_tls_facts facts;

    (void)state;
    assert_non_null(pipes);
    gnutls_certificate_allocate_credentials(&ours);
    gnutls_certificate_allocate_credentials(&theirs);
    set_raw_key(theirs, &spki);
    open_end(&client, GNUTLS_CLIENT | GNUTLS_ENABLE_RAWPK, priority, ours, GNUTLS_CRD_CERTIFICATE);
    open_end(&server, GNUTLS_SERVER | GNUTLS_ENABLE_RAWPK, priority, theirs,
             GNUTLS_CRD_CERTIFICATE);
    shake(&client, &server);
    ss_tls_facts_read(&facts, client.session);
    assert_int_equal(facts.count, 0);
    assert_int_equal(facts.raw_key.len, spki.size);
    assert_memory_equal(facts.raw_key.data, spki.data, spki.size);
    gnutls_free(spki.data);
    gnutls_deinit(client.session);
    gnutls_deinit(server.session);
    gnutls_certificate_free_credentials(ours);
    gnutls_certificate_free_credentials(theirs);
    free(pipes);
}

static void
check_before(void **state)
{
    struct ss_tls_facts facts;
    gnutls_session_t session;

    (void)state;
    memset(&facts, 0xff, sizeof(facts));
    ss_tls_facts_read(&facts, NULL);
    assert_int_equal(facts.version, 0);
    assert_int_equal(facts.count, 0);
    assert_int_equal(gnutls_init(&session, GNUTLS_CLIENT), 0);
    memset(&facts, 0xff, sizeof(facts));
    ss_tls_facts_read(&facts, session);
    assert_int_equal(facts.count, 0);
    assert_int_equal(facts.raw_key.len, 0);
    gnutls_deinit(session);
}

int
main(void)
{
    struct ss_test_cert_spec spec = {.cn = "Root", .ca = true};
    struct ss_table t = SS_TABLE("session");
    int failed;

    make_key();
    root = ss_test_cert_der(ss_test_cert(&spec));
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "DANE-EE-11 anonymous suite", check_anonymous);
    ss_table_case(&t, "DANE-EE-10 raw public key", check_raw_key);
    ss_table_case(&t, "before the handshake", check_before);
    failed = ss_table_run(&t);
    gnutls_x509_crt_deinit(leaf);
    gnutls_x509_privkey_deinit(key);
    ss_test_certs_free();
    return failed;
}
