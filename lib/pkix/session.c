/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/session.h"

#include <string.h>

#include <gnutls/gnutls.h>

static uint16_t
wire_version(gnutls_protocol_t version)
{
    switch (version) {
    case GNUTLS_SSL3:
        return 0x0300;
    case GNUTLS_TLS1_0:
        return 0x0301;
    case GNUTLS_TLS1_1:
        return 0x0302;
    case GNUTLS_TLS1_2:
        return 0x0303;
    case GNUTLS_TLS1_3:
        return 0x0304;
    default:
        return 0;
    }
}

void
ss_tls_facts_read(struct ss_tls_facts *facts, void *gnutls_session)
{
    gnutls_session_t session = gnutls_session;
    gnutls_certificate_type_t type;
    const gnutls_datum_t *list;
    unsigned count = 0;
    size_t i;

    memset(facts, 0, sizeof(*facts));
    if (session == NULL)
        return;
    facts->version = wire_version(gnutls_protocol_get_version(session));
    facts->resumed = gnutls_session_is_resumed(session) != 0;
    /* Anonymous and PSK sessions have no certificates to ask for (DANE-EE-11). */
    if (gnutls_auth_get_type(session) != GNUTLS_CRD_CERTIFICATE)
        return;
    list = gnutls_certificate_get_peers(session, &count);
    if (list == NULL || count == 0)
        return;
    type = gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS);
    if (type == GNUTLS_CRT_RAWPK) {
        facts->raw_key.data = list[0].data;
        facts->raw_key.len = list[0].size;
        return;
    }
    if (type != GNUTLS_CRT_X509)
        return;
    facts->count = count > SS_CHAIN_CERTIFICATES ? SS_CHAIN_CERTIFICATES + 1 : count;
    for (i = 0; i < facts->count; i++) {
        facts->certificates[i].data = list[i].data;
        facts->certificates[i].len = list[i].size;
    }
}

void *
ss_tls_session_pointer(void *gnutls_session)
{
    return gnutls_session_get_ptr(gnutls_session);
}
