/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A DNS question, and what came of it. An answer holds parsed records, the
 * end of the alias chain, and what the whole is worth; never message bytes.
 */
#ifndef SS_DNS_ANSWER_H
#define SS_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/name.h"
#include "smtpsec.h"

enum {
    SS_RR_A = 1,
    SS_RR_NS = 2,
    SS_RR_CNAME = 5,
    SS_RR_SOA = 6,
    SS_RR_MX = 15,
    SS_RR_TXT = 16,
    SS_RR_AAAA = 28,
    SS_RR_DNAME = 39,
    SS_RR_DS = 43,
    SS_RR_RRSIG = 46,
    SS_RR_TLSA = 52
};

/* Longest alias chain followed in one answer (matrix RES-15). */
#define SS_DNS_ALIAS_LIMIT 16
/* Most records of the asked type kept from one answer; more is a malformed answer. */
#define SS_DNS_RECORD_LIMIT 256

struct ss_question {
    struct ss_name name;
    uint16_t type;
    bool dnssec; /* DO: signatures wanted; else AD alone (RFC 6840 5.7) */
};

struct ss_rr {
    uint16_t type;
    uint16_t preference;       /* MX */
    struct ss_name name;       /* MX exchange, CNAME target */
    struct ss_address address; /* A, AAAA */
    uint8_t *data;             /* TLSA: rdata; TXT: strings joined (RFC 8461 3.1); owned */
    size_t len;
};

struct ss_answer {
    int32_t outcome;        /* SMTPSEC_ANSWER_* */
    int32_t trust;          /* SMTPSEC_TRUST_*; of the whole reply, aliases included */
    int32_t failure;        /* SMTPSEC_FAILURE_*, when the outcome is FAILED */
    uint32_t ttl;           /* least TTL of what was used, SOA minimum for denials; 0 when failed */
    uint16_t aliases;       /* links followed */
    struct ss_name end;     /* name at the end of the alias chain; the question's when none */
    /*
     * Of the RRSIGs over the records at `end`, if seen: the earliest. Of a
     * denial: the earliest over the NSEC and NSEC3 records that matter to it
     * (denial.h). 0: none.
     */
    int64_t inception;
    int64_t expiration;     /* of the same signature */
    int64_t name_inception; /* of a denial: over those alone that deny `end` itself, not a wildcard for it */
    int64_t alias_inception; /* the earliest RRSIG over the aliases on the way to `end`; 0: none seen */
    bool delegation;        /* of a denial: signed as a delegation without DS (RFC 6840 4.4) */
    bool wildcard;          /* the records came by a wildcard (RFC 4035 5.3.4) */
    struct ss_name zone;    /* who signed; len 0: not known, or signers that disagree */
    size_t count;
    struct ss_rr *records;  /* of the asked type, at `end` */
};

void ss_answer_init(struct ss_answer *answer);
/* Free what it holds and make it empty. */
void ss_answer_free(struct ss_answer *answer);
/* Make it a failure; `bogus` sets the trust too. Frees what it held. */
void ss_answer_fail(struct ss_answer *answer, int32_t failure);
/* Sort records into an order of their own: equal sets are equal whatever order they came in. */
void ss_answer_sort(struct ss_answer *answer);
/* The order of ss_answer_sort(): <0, 0, >0; 0 for equal records alone. */
int ss_rr_compare(const struct ss_rr *a, const struct ss_rr *b);

#endif
