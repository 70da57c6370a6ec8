/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened on one connection, as it travels to whoever owns the memory. */
#ifndef SS_DECISION_OUTCOME_H
#define SS_DECISION_OUTCOME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "decision/requirement.h"
#include "decision/session.h"
#include "decision/verify.h"
#include "memory/rules.h"

/* Outcomes older than this are refused, and so are those from the future by more than the skew. */
#define SS_OUTCOME_AGE 86400
#define SS_OUTCOME_SKEW 300

/* Version of its octets, as ss_outcome_encode() writes them. */
#define SS_OUTCOME_VERSION 2

struct smtpsec_outcome {
    struct ss_memory_key key;
    struct ss_name host;
    uint8_t digest[SS_SHA256_LEN]; /* of the requirement */
    int64_t at;
    int32_t required;   /* level */
    int32_t sources;
    bool soft;          /* what the memory demands rests on soft claims */
    bool lifted;        /* under TLS-Required: No */
    bool mx_secure;
    int32_t starttls;
    bool observed;      /* told by a log: TLS or none; no certificate was seen, no verdict given */
    bool judged;        /* a verdict was given */
    bool verified;      /* and it accepted */
    int32_t reason;
    bool memory_refused; /* by what the memory alone demands */
    bool would_refuse;  /* accepted, and the memory would not have, were every claim enforced */
    int32_t achieved;
    int32_t identities;
    bool requiretls_offered;
    bool accepted;      /* the message */
    bool null_sender;
    int64_t expires;    /* end of the TLSA set's TTL */
    int64_t inception;
    int64_t signature_expiration;
    uint8_t tlsa_digest[SS_SHA256_LEN];
    uint8_t spki_digest[SS_SHA256_LEN];
};

int ss_outcome_new(const struct smtpsec_requirement *requirement, int64_t now,
                   struct smtpsec_outcome **out);
int ss_outcome_take(struct smtpsec_outcome *outcome, const struct smtpsec_session *session,
                    const struct smtpsec_verdict *verdict);
/* The same of what a log tells: starttls DONE or ABSENT. */
void ss_outcome_observe(struct smtpsec_outcome *outcome, int32_t starttls);
void ss_outcome_encode(const struct smtpsec_outcome *outcome, struct ss_buf *out);
/* Returns 0, NOMEM, FORMAT. */
int ss_outcome_decode(struct ss_bytes bytes, struct smtpsec_outcome **out);
/* Older than a day, or from the future: nobody may tell of it any more. */
bool ss_outcome_stale(const struct smtpsec_outcome *outcome, int64_t now);
/* True when it says something to the memory; then the observation is filled. */
bool ss_outcome_observation(const struct smtpsec_outcome *outcome, struct ss_observation *observation);

#endif
