/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a GnuTLS session tells after its handshake. */
#ifndef SS_PKIX_SESSION_H
#define SS_PKIX_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "pkix/chain.h"

struct ss_tls_facts {
    uint16_t version; /* as on the wire; 0 unknown */
    bool resumed;
    size_t count;     /* certificates; views into the session, leaf first */
    struct ss_bytes certificates[SS_CHAIN_CERTIFICATES + 1];
    struct ss_bytes raw_key; /* SPKI of a raw public key, or empty */
};

/* gnutls_session: a gnutls_session_t. More certificates than the limit are counted as limit + 1. */
void ss_tls_facts_read(struct ss_tls_facts *facts, void *gnutls_session);
/* What the application attached with gnutls_session_set_ptr(). */
void *ss_tls_session_pointer(void *gnutls_session);

#endif
