/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of the memory, pure: which floor do claims ask for at `now`, and
 * what does an observation change. The order of the sections is that of the
 * design: raising, earned life, holds, the domain floor, lowering by proof.
 */
#ifndef SS_MEMORY_RULES_H
#define SS_MEMORY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/claim.h"

struct ss_memory_settings {
    int32_t mode[5];        /* by claim kind: SMTPSEC_MODE_* */
    int32_t soft_pkix_mode; /* certificate part of soft claims; default REPORT */
    int64_t cap;            /* longest life of a claim of ours; default 90 days */
    int64_t hold;           /* how long soft claims refuse, or SMTPSEC_HOLD_*; default 72 h */
};

void ss_memory_settings_init(struct ss_memory_settings *settings);

/*
 * The end of a claim's own force: min(cap, last - first, 7 d * days) after
 * last_seen, never before `expires`.
 */
int64_t ss_claim_binds_until(const struct ss_claim *claim,
                             const struct ss_memory_settings *settings);
/* A hard claim enforces for its life: DANE, and MTA_STS while its policy lives. */
bool ss_claim_is_hard(const struct ss_claim *claim, int64_t now);
/*
 * Binds now: hard and alive, or soft, earned on 7 days over 14, and alive.
 * Modes are not looked at.
 */
bool ss_claim_in_force(const struct ss_claim *claim, const struct ss_memory_settings *settings,
                       int64_t now);

/* What claims ask of one host: a requirement set, never only a level. */
struct ss_floor {
    int32_t level;       /* NONE: asks for nothing */
    int32_t tls;         /* SMTPSEC_TLS_* */
    int32_t identities;  /* SMTPSEC_IDENTITY_* */
    bool sts_patterns;   /* the MX name must fit the remembered policy */
    bool soft;           /* by soft claims alone: ends after the hold */
    int64_t until;       /* when it ends by itself */
    int32_t kind;        /* the claim behind it */
    struct ss_name host; /* and its host; len 0: the domain's */
};

struct ss_floors {
    struct ss_floor enforced; /* what is demanded */
    struct ss_floor reported; /* what would be, were every claim enforced */
    bool hold;                /* a hold by soft claims is running */
    int64_t hold_until;
    bool hold_ended;          /* the hold is over: mail goes on, alarm stands */
};

/*
 * Compute the floors for one host. A host with claims of its own has them
 * exactly; one new to the set gets the minimum over the known hosts, or none
 * when the MX set is signed (a new host there is the owner's choice).
 */
void ss_floors_for_host(const struct ss_record *record, const struct ss_memory_settings *settings,
                        const struct ss_name *host, bool mx_secure, int64_t now,
                        struct ss_floors *floors);
/*
 * The floor of the domain as a whole: the minimum over its known hosts. For
 * display and permanent answers.
 */
void ss_floors_for_domain(const struct ss_record *record, const struct ss_memory_settings *settings,
                          int64_t now, struct ss_floors *floors);

/*
 * Is a signed MX set with this RRSIG inception older than one that was seen,
 * and so perhaps a replay (PREC-11)?
 */
bool ss_record_mx_replayed(const struct ss_record *record, int64_t inception, int64_t now);

/* One thing that was seen. */
enum ss_observed {
    SS_OBSERVED_DELIVERY,   /* a message was accepted on a session that met its requirement */
    SS_OBSERVED_REFUSAL,    /* a session was refused by the memory's floor */
    SS_OBSERVED_POLICY,     /* an MTA-STS policy was fetched */
    SS_OBSERVED_NO_TLSA,    /* signed denial of TLSA, host's addresses secure */
    SS_OBSERVED_MX_SET,     /* a signed MX set: hosts not in it lose their vote */
    SS_OBSERVED_TLSA,       /* signed usable TLSA of the host behind a signed MX set (6.1) */
    SS_OBSERVED_NO_DS,      /* signed denial of DS of the zone of the host, or of the MX set (6.5) */
    SS_OBSERVED_UNSIGNED,   /* unsigned answers where a signed zone is remembered, nothing said
                               of its DS, and the resolver validates */
    SS_OBSERVED_SIGNED      /* signed answers again */
};

struct ss_observation {
    enum ss_observed what;
    int64_t at;             /* when */
    struct ss_name host;    /* all but POLICY, MX_SET; of the last three len 0: the MX set's zone */
    bool tls;               /* DELIVERY: over TLS */
    int32_t identities;     /* DELIVERY: what verified */
    bool unseen;            /* DELIVERY: told by a log, nobody looked at the certificate */
    bool mx_secure;         /* DELIVERY: by a signed MX set, or no MX look-up */
    bool soft;              /* REFUSAL: by a soft floor */
    int64_t expires;        /* end of the source's own life, 0: none */
    int64_t inception;      /* RRSIG, 0: none */
    int64_t name_inception; /* NO_TLSA: without what denies a wildcard alone */
    int64_t signature_expiration;
    uint8_t zone;           /* MX_SET, TLSA: the signer, as ss_claim has it */
    uint8_t tlsa_digest[32];
    uint8_t spki_digest[32];
    int32_t sts_mode;       /* POLICY */
    char sts_id[33];
    const struct ss_name *hosts; /* MX_SET */
    size_t host_count;
};

/*
 * Apply an observation. *changed tells whether the record must be written: an
 * unchanged domain costs no write. At most one day is counted a claim a day.
 * Returns 0, NOMEM.
 */
int ss_record_observe(struct ss_record *record, const struct ss_memory_settings *settings,
                      const struct ss_observation *observation, bool *changed);

#endif
