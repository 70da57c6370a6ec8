/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Evidence with holes: all that is known of one destination. Each fact is
 * keyed by its question, so the order in which answers arrive cannot matter.
 * A question without a fact is unknown; whoever reads the evidence names it
 * in a list of wants, and so `missing` and `decide` cannot disagree.
 */
#ifndef SS_DECISION_EVIDENCE_H
#define SS_DECISION_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/name.h"
#include "dns/answer.h"
#include "memory/claim.h"
#include "memory/sts_entry.h"

#define SS_CANARY_NAMES 2

/* Where mail is to go. */
struct smtpsec_destination {
    struct ss_name domain;     /* policy domain; len 0 for an address literal */
    bool relay;                /* the domain is a configured next hop: no MX look-up */
    bool literal;
    struct ss_address address; /* of the literal */
    uint16_t port;
    int32_t minimum;           /* level that the operator asks here; NONE: as the settings say */
};

struct ss_dns_fact {
    struct ss_question question;
    struct ss_answer answer;
    int64_t expires; /* when the answer's TTL ends; of a failure: when it came */
    bool kept;       /* by an earlier evaluation; else it was asked for this one */
    int64_t age;     /* of what was kept: seconds since it was asked for */
};

/* The policy host's answer. */
struct ss_https_fact {
    bool known;
    bool begun;      /* the policy host was asked, whatever became of it */
    int32_t failure; /* SMTPSEC_FAILURE_* */
    int32_t status;
    int64_t at;
    uint8_t *body;
    size_t len;
};

struct ss_evidence {
    struct smtpsec_destination destination;
    int32_t memory_state; /* SMTPSEC_MEMORY_* */
    int64_t memory_at;    /* the clock has leapt: the memory's time stands here (6.2); 0: it is `now` */
    bool refresh;         /* no evaluation: the policy is to be fetched anew, nothing else is asked */
    int32_t dnssec;       /* SMTPSEC_DNSSEC_*: does the resolver validate, by the canary */
    size_t canary_count;  /* where nobody else asks: names known to be signed, asked if need be */
    struct ss_name canaries[SS_CANARY_NAMES];
    struct ss_record record;    /* claims; none: count 0 */
    struct ss_sts_entry entry;  /* cached policy; none: empty id */
    size_t dns_count;
    size_t dns_cap;
    struct ss_dns_fact **dns; /* pointers, so that a reader may keep one while facts are added */
    struct ss_https_fact https;
};

int ss_evidence_init(struct ss_evidence *evidence, const struct smtpsec_destination *destination);
void ss_evidence_free(struct ss_evidence *evidence);
/* Fill a hole; the answer is moved in. A second answer to one question is dropped: the first one stays. */
int ss_evidence_put_dns(struct ss_evidence *evidence, const struct ss_question *question,
                        struct ss_answer *answer, int64_t now);
/* The fact for a question, or NULL when it is unknown. */
const struct ss_dns_fact *ss_evidence_dns(const struct ss_evidence *evidence,
                                          const struct ss_name *name, uint16_t type);
/* The time at which the memory judges. */
int64_t ss_evidence_memory_time(const struct ss_evidence *evidence, int64_t now);
/* The key under which this destination is remembered. */
void ss_destination_key(const struct smtpsec_destination *destination, struct ss_memory_key *key);

struct ss_wants;
/*
 * Does the resolver validate? As the canary says, or the SOA records of the
 * canaries; those unknown are wanted. wants may be NULL.
 */
int32_t ss_evidence_dnssec(const struct ss_evidence *evidence, struct ss_wants *wants);

/* Questions that are listed without asking for memory. */
#define SS_WANTS_FEW 4

/* What to ask next. Not to be copied: it may point into itself. */
struct ss_wants {
    size_t count;
    size_t cap;
    struct ss_question *questions; /* `few`, or more of them than fit there */
    bool https;    /* the policy body, from the policy host */
    bool deferred; /* it would be wanted, but is fetched apart from this evaluation (STSF-16) */
    bool nomem;
    struct ss_question few[SS_WANTS_FEW];
};

void ss_wants_init(struct ss_wants *wants);
void ss_wants_free(struct ss_wants *wants);

/*
 * Read a fact; when it is unknown, want it and return NULL. wants may be NULL
 * for a reader that decides with what there is.
 */
const struct ss_dns_fact *ss_evidence_need_dns(const struct ss_evidence *evidence,
                                               const struct ss_name *name, uint16_t type, bool dnssec,
                                               struct ss_wants *wants);

#endif
