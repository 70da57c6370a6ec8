/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/session.h"

#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

static void
drop(struct ss_bytes *bytes)
{
    free((void *)(uintptr_t)bytes->data);
    bytes->data = NULL;
    bytes->len = 0;
}

static int
keep(struct ss_bytes *out, struct ss_bytes bytes)
{
    uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

    if (copy == NULL)
        return SMTPSEC_E_NOMEM;
    if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    out->data = copy;
    out->len = bytes.len;
    return 0;
}

void
ss_session_clear(struct smtpsec_session *session)
{
    size_t i;

    for (i = 0; i < session->count; i++)
        drop(&session->certificates[i]);
    drop(&session->raw_key);
    memset(session, 0, sizeof(*session));
}

bool
ss_session_has_room(const struct smtpsec_session *session, size_t len)
{
    return session->count < SS_CHAIN_CERTIFICATES && len <= SS_CHAIN_OCTETS - session->octets;
}

int
ss_session_add(struct smtpsec_session *session, struct ss_bytes certificate)
{
    int r;

    if (!ss_session_has_room(session, certificate.len)) {
        session->too_long = true;
        return SMTPSEC_E_LIMIT;
    }
    r = keep(&session->certificates[session->count], certificate);
    if (r != 0)
        return r;
    session->octets += certificate.len;
    session->count++;
    return 0;
}

int
ss_session_set_raw_key(struct smtpsec_session *session, struct ss_bytes spki)
{
    struct ss_bytes copy;
    int r;

    if (spki.len > SS_CHAIN_OCTETS)
        return SMTPSEC_E_LIMIT;
    r = keep(&copy, spki);
    if (r != 0)
        return r;
    drop(&session->raw_key);
    session->raw_key = copy;
    return 0;
}
