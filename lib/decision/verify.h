/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session against a requirement: pure, and the same for every TLS library. */
#ifndef SS_DECISION_VERIFY_H
#define SS_DECISION_VERIFY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "decision/dsn.h"
#include "decision/requirement.h"
#include "decision/session.h"
#include "decision/trace.h"

#define SS_VERDICT_TEXT 2048
/* Octets of a TLSA record that are shown: a whole digest. */
#define SS_VERDICT_RECORD 64

/* What a verdict says to people. */
struct ss_words {
    char text[SS_VERDICT_TEXT];
    char dsn[SS_DSN_TEXT]; /* "" when accepted */
    struct ss_trace trace;
};

/*
 * What its words are made of, beside its own fields: taken at once, as the
 * requirement and the session may be gone when somebody asks.
 */
struct ss_word_facts {
    bool named;             /* the subject is the host; else it has no name, and it is the domain */
    bool by_policy;
    bool raw_key;
    bool without_chain;     /* a resumed session */
    bool none_usable;       /* of the TLSA records */
    bool sts_misfit;
    uint16_t version;
    uint16_t least_version;
    int32_t starttls;
    int32_t level;          /* of the requirement */
    int32_t required;       /* identities */
    int32_t claim;          /* of the memory's part */
    int32_t reported_claim;
    /* The record that matched. */
    uint8_t usage, selector, matching;
    uint8_t record_len;     /* octets kept; the rest is not shown */
    uint8_t record[SS_VERDICT_RECORD];
    char subject[SS_HOST_TEXT];
    char dane_name[SS_HOST_TEXT]; /* where names did not fit; else "" */
};

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
    /*
     * Owned. Those of a refusal, real or reported, are made with the verdict;
     * of any other when they are first asked for, by any number of threads.
     */
    _Atomic(struct ss_words *) words;
    struct ss_word_facts facts; /* the last: strings in it need no zeroing */
};

/*
 * Returns 0 or NOMEM. What the verdict held is not looked at: it is cleared
 * first if it was used. After an error there is nothing to clear.
 */
int ss_verify(const struct smtpsec_anchors *anchors, const struct smtpsec_requirement *requirement,
              const struct smtpsec_session *session, int64_t now, struct smtpsec_verdict *verdict);
/* Free what it holds; it stays as it is otherwise. */
void ss_verdict_clear(struct smtpsec_verdict *verdict);

/* ---- Its words ---- */

/* Take the facts, once all other fields stand. */
void ss_word_facts_take(const struct smtpsec_requirement *requirement,
                        const struct smtpsec_session *session, struct smtpsec_verdict *verdict);
/*
 * Text, DSN and trace. Never NULL: where there is no memory for those of a
 * session that was accepted, they say no more than that.
 */
const struct ss_words *ss_verdict_words(const struct smtpsec_verdict *verdict);
/* Make them now, to be added to. Returns 0 or NOMEM. */
int ss_verdict_write(struct smtpsec_verdict *verdict, struct ss_words **words);
/* Write the trace from the verdict's fields and facts. */
void ss_verdict_trace(const struct smtpsec_verdict *verdict, struct ss_trace *trace);

#endif
