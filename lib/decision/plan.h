/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The plan: facts of the destination and its hosts, and what follows from
 * them for a message. The facts stay in it, so that the variant for another
 * message (REQUIRETLS, TLS-Required: No) is derived without asking again.
 */
#ifndef SS_DECISION_PLAN_H
#define SS_DECISION_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/name.h"
#include "base/notes.h"
#include "decision/dsn.h"
#include "decision/requirement.h"
#include "decision/settings.h"
#include "decision/tlsrpt_facts.h"
#include "memory/rules.h"
#include "smtpsec.h"

/* A plan serves new connections this long at most. */
#define SS_PLAN_LIFE 3600
#define SS_PLAN_TEXT 2048
/* One line on a floor (explain.h). */
#define SS_FLOOR_LINE 1536

struct smtpsec_message {
    bool requiretls;
    bool tls_required_no;
    bool null_sender;
    bool tls_report; /* a report on TLS: its own failures are not reported (TRN-10) */
};

/* One host: facts first, then what follows for the message. */
struct smtpsec_host {
    struct ss_reference reference; /* no name for an address literal */
    char *text;                    /* name as shown, odd octets escaped */
    uint16_t preference;
    size_t address_count;
    char (*addresses)[SS_ADDRESS_TEXT];
    bool partial;
    bool secure_addresses;      /* an address answer, or denial, was signed */
    int32_t unreachable;        /* reason found by MX or address look-up; NONE */
    int32_t dane;               /* SMTPSEC_DANE_* */
    int32_t dane_reason;        /* of a failed TLSA look-up */
    struct ss_reference base;   /* TLSA base domain */
    size_t dane_name_count;
    struct ss_reference dane_names[SS_DANE_NAMES];
    struct ss_tlsa_set tlsa;
    int64_t tlsa_expires;
    int64_t tlsa_inception;
    int64_t tlsa_expiration;
    bool sts_fits;              /* a policy (enforce or testing) lists the name */
    bool remembered_fits;       /* the remembered policy lists it, or there is none */
    int32_t minimum;            /* what an mx rule of the operator's asks at least (PREC-08) */
    bool trusted;               /* a relay rule: it is the domain's by the operator's word */
    struct ss_floors floors;
    struct ss_reference floor_host; /* whose claim the enforced floor is; empty: the domain's */

    int32_t action;
    int32_t reason;
    bool would_refuse;          /* the memory would, were every claim enforced */
    int32_t would_reason;       /* for this reason; NONE */
    char floor_text[SS_FLOOR_LINE]; /* of such a refusal, or of a real one; "" when none */
    struct smtpsec_requirement *requirement; /* NULL when skipped */
};

/* A claim as it is shown. */
struct smtpsec_claim {
    struct ss_claim claim;
    struct ss_memory_key key;
    struct ss_reference domain;
    struct ss_reference host;
    int64_t binds_until;
    bool in_force;
    char evidence[160];
};

struct smtpsec_plan {
    /* Facts. */
    struct ss_memory_key key;
    char domain[SS_HOST_TEXT];
    char route[SS_HOST_TEXT + 8];
    struct ss_settings settings; /* as they stand for this domain; no tables */
    int32_t excepted;         /* kinds of claims in force that an exception lifts: 1 << kind */
    bool literal;
    int32_t minimum;          /* what the operator asks at least */
    int32_t dnssec;           /* SMTPSEC_DNSSEC_* */
    int32_t origin;
    int32_t mx_trust;
    int32_t dns_reason;       /* the destination cannot be reached; NONE */
    bool dns_permanent;
    bool mx_fresh;            /* the MX answer is signed, and no older one come back */
    bool cut;                 /* there are more hosts than are looked at */
    bool sts_unsure;          /* whether there is a policy could not be found out */
    bool ends_held;           /* an unsigned answer that ends all mail is not believed yet (6.6) */
    bool ends_reported;       /* it would not be, were every claim enforced */
    int32_t sts_mode;
    int32_t sts_source;
    char sts_id[33];
    int64_t sts_max_age;
    int64_t sts_expires;
    size_t sts_mx_count;
    char **sts_mx;
    int32_t sts_error;
    char sts_error_text[160];
    struct ss_tlsrpt_facts tlsrpt;
    int32_t memory_state;
    struct ss_floors floors;  /* of the domain */
    size_t claim_count;
    struct smtpsec_claim *claims;
    int64_t made;
    int64_t expires;
    struct ss_notes facts;    /* the trace of the facts */

    /* What follows for the message. */
    struct smtpsec_message message;
    int32_t verdict;
    int32_t reason;
    char enhanced[12];        /* "" when it is to be delivered */
    char text[SS_PLAN_TEXT];
    char dsn[SS_DSN_TEXT];    /* "" when it is to be delivered */
    int32_t level;
    bool would_refuse;        /* a host, or the answer that there is none */
    struct ss_notes notes;    /* the whole trace */
    char digest_hex[2 * SS_SHA256_LEN + 1];

    size_t count;
    struct smtpsec_host *hosts;
};

int ss_plan_new(struct smtpsec_plan **out);
void ss_plan_free(struct smtpsec_plan *plan);
/* Copy the facts; what follows is left empty. Returns 0 or NOMEM. */
int ss_plan_copy_facts(const struct smtpsec_plan *plan, struct smtpsec_plan **out);
/* Fill a claim for display. */
void ss_claim_show(struct smtpsec_claim *shown, const struct ss_claim *claim,
                   const struct ss_memory_key *key, const struct ss_memory_settings *settings,
                   int64_t now);

/* True where the MX name, or its absence, is authentic: a signed MX set, or a next hop that no MX named. */
bool ss_plan_mx_secure(const struct smtpsec_plan *plan);

#endif
