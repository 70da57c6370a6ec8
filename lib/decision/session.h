/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The facts of one TLS session, as the MTA saw them. */
#ifndef SS_DECISION_SESSION_H
#define SS_DECISION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "decision/requirement.h"
#include "pkix/chain.h"
#include "pkix/digest.h"

/* What is kept of the requirement that the session was opened under (PREC-12). */
struct ss_opened {
    bool known;
    bool lifted;      /* by TLS-Required: No */
    uint16_t port;
    struct ss_name host;
    struct ss_name sni;
    char domain[SS_HOST_TEXT];
    uint8_t digest[SS_SHA256_LEN];
};

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
    bool requiretls_offered; /* in the EHLO inside TLS */
    struct ss_opened opened;
};

/* Is a certificate of that many octets still judged? */
bool ss_session_has_room(const struct smtpsec_session *session, size_t len);
void ss_session_clear(struct smtpsec_session *session);
/* Copy a certificate in. Returns 0, NOMEM, or LIMIT (then the session is marked too long). */
int ss_session_add(struct smtpsec_session *session, struct ss_bytes certificate);
int ss_session_set_raw_key(struct smtpsec_session *session, struct ss_bytes spki);

#endif
