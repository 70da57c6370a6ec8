/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session against a requirement: pure, and the same for every TLS library. */
#ifndef SS_DECISION_VERIFY_H
#define SS_DECISION_VERIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "decision/dsn.h"
#include "decision/requirement.h"
#include "decision/session.h"
#include "decision/trace.h"

#define SS_VERDICT_TEXT 2048

struct smtpsec_verdict {
    bool accepted;
    int32_t reason;     /* of a reject; or of what testing mode, or the memory, would refuse */
    int32_t detail;     /* where that is the memory's: what fell short; NONE */
    bool memory_refused; /* rejected by what the memory alone demands */
    bool would_refuse;  /* accepted, and the memory would not have, were every claim enforced */
    int32_t would_reason;
    int32_t achieved;   /* level reached */
    int32_t identities; /* that verified */
    int32_t result;     /* RFC 8460 */
    int32_t tlsa;       /* record that matched, or -1 */
    /* For reports: what was looked at, and reasons, whoever asked for it. */
    bool looked;        /* the session was judged at all */
    int32_t judged;     /* identities that were */
    int32_t plain;      /* why there is no TLS; NONE: there is */
    int32_t dane;
    int32_t pkix;
    int32_t pkix_too;   /* the name fits no more than the path holds, say (RPT-19) */
    char text[SS_VERDICT_TEXT];
    char dsn[SS_DSN_TEXT];  /* "" when accepted */
    struct ss_trace trace;  /* the last: only its counts need to be zero at first */
};

/* Returns 0 or NOMEM. */
int ss_verify(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
              const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict);
/* Write the trace of a judgement that is done otherwise. */
void ss_verdict_trace(const struct smtpsec_requirement *requirement,
                      const struct smtpsec_session *session, struct smtpsec_verdict *verdict);

#endif
