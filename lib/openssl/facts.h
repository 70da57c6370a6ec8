/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What OpenSSL's objects tell of a session; nothing here judges. */
#ifndef SS_OPENSSL_FACTS_H
#define SS_OPENSSL_FACTS_H

#include <openssl/ssl.h>

#include "smtpsec.h"

/*
 * What the peer shows while its certificates are to be verified, inside the
 * handshake. Returns 0 or NOMEM; the session is cleared first.
 */
int ss_openssl_presented(struct smtpsec_session *session, SSL *ssl, X509_STORE_CTX *store);

#endif
