/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The facts of one TLS session, as the MTA saw them. */
#ifndef SS_DECISION_SESSION_H
#define SS_DECISION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "pkix/chain.h"
#include "pkix/digest.h"

struct smtpsec_session {
    int32_t starttls; /* SMTPSEC_STARTTLS_* */
    uint16_t version;
    bool resumed;
    uint8_t resumed_digest[SS_SHA256_LEN];
    size_t count;
    bool too_long;    /* more certificates or octets came than are judged */
    size_t octets;
    struct ss_bytes certificates[SS_CHAIN_CERTIFICATES]; /* owned */
    struct ss_bytes raw_key;                             /* owned */
};

void ss_session_clear(struct smtpsec_session *session);
/* Copy a certificate in. Returns 0, NOMEM, or LIMIT (then the session is marked too long). */
int ss_session_add(struct smtpsec_session *session, struct ss_bytes certificate);
int ss_session_set_raw_key(struct smtpsec_session *session, struct ss_bytes spki);

#endif
