/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A server of OpenSSL in memory, and clients of OpenSSL and of GnuTLS that
 * shake hands with it. What cannot be set up aborts.
 */
#ifndef SS_TEST_ENDS_H
#define SS_TEST_ENDS_H

#include <stdbool.h>
#include <stddef.h>

#include <gnutls/gnutls.h>
#include <openssl/ssl.h>

#include "certs.h"

/* Make the private key that certs.h uses as number n, known to both sides. */
void ends_key(unsigned n);
void ends_keys_free(void);

/* A server that sends these certificates; key: number of the first one's. */
SSL_CTX *ends_server(unsigned key, const struct ss_test_cert *const *chain, size_t count);
SSL_CTX *ends_client(void);

/* A client and a server, joined. */
struct ends {
    SSL *client, *server;
};
void ends_join(struct ends *ends, SSL_CTX *client, SSL_CTX *server);
void ends_free(struct ends *ends);
/* Shake hands until both are done or one gives up; true when the client is done. */
bool ends_shake(struct ends *ends);
/* One turn: the client, then the server. */
void ends_turn(struct ends *ends);
/* Take in what the server sends behind its handshake: tickets. */
void ends_read(struct ends *ends);

/* The same server, and a client of GnuTLS: its session after the handshake, good for facts only. */
gnutls_session_t ends_gnutls(SSL_CTX *server, gnutls_certificate_credentials_t credentials,
                             const char *priority, SSL **server_end);

#endif
