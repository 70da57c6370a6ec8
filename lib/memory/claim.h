/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is remembered of one destination: claims with provenance, never a bare
 * level. Floors are computed from them (rules.h), so that rules may change
 * without rewriting the data.
 */
#ifndef SS_MEMORY_CLAIM_H
#define SS_MEMORY_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "smtpsec.h"

#define SS_DAY 86400
#define SS_CLAIMS_MAX 256 /* of one destination */
/* So much is kept of a SHA-256: enough to tell one key or set from another; no rule rests on it. */
#define SS_CLAIM_DIGEST 8

/* The key: whose mail, by which way. */
struct ss_memory_key {
    struct ss_name domain; /* policy domain */
    struct ss_name relay;  /* len 0: by MX */
    uint16_t port;
};

struct ss_claim {
    int32_t kind;        /* SMTPSEC_CLAIM_* */
    struct ss_name host; /* len 0: the whole domain (MTA_STS) */
    int64_t first_seen;
    int64_t last_seen;
    int64_t counted;     /* the last day that was counted, as its time */
    uint32_t days;       /* distinct days */
    int64_t expires;     /* end of the source's own life: TTL, or max_age; 0: none */
    int64_t inception;   /* of the RRSIG over what proved it; 0: not known */
    int64_t signature_expiration;
    /*
     * DANE: the zone that signed the TLSA set, as so many last labels of the
     * host's name; 0: not known, not expressible so, or the set came by a
     * wildcard.
     */
    uint8_t zone;
    int64_t unsigned_since; /* DANE: unsigned answers for the host since then (6.5); 0: none */
    int64_t unsigned_seen;  /* and last */
    uint8_t tlsa_digest[SS_CLAIM_DIGEST]; /* of the TLSA set; zero: none */
    uint8_t spki_digest[SS_CLAIM_DIGEST]; /* of the leaf's key; zero: none */
    char sts_id[33];         /* MTA_STS */
};

struct ss_record {
    struct ss_memory_key key;
    int64_t mx_inception;  /* newest RRSIG inception over the MX set; 0: none */
    int64_t mx_expiration;
    uint8_t mx_zone;       /* that signed it, as last labels of the domain; 0 as above */
    int64_t unsigned_since; /* unsigned MX answers since then (6.5); 0: none */
    int64_t unsigned_seen;  /* and last */
    int64_t refused_since; /* first refusal by soft claims in the present hold; 0: none */
    int64_t held_until;    /* when insecure permanent answers may be believed (6.6); 0: none seen */
    size_t count;
    struct ss_claim *claims; /* sorted by kind, then host */
};

void ss_record_init(struct ss_record *record, const struct ss_memory_key *key);
void ss_record_free(struct ss_record *record);
int ss_record_copy(struct ss_record *out, const struct ss_record *record);
/* The claim of a kind on a host, or NULL. host NULL: the whole domain. */
struct ss_claim *ss_record_find(const struct ss_record *record, int32_t kind,
                                const struct ss_name *host);
/*
 * Find or add, zeroed but for kind and host, keeping the order; NULL without
 * memory or over the limit.
 */
struct ss_claim *ss_record_add(struct ss_record *record, int32_t kind,
                               const struct ss_name *host);
void ss_record_remove(struct ss_record *record, const struct ss_claim *claim);

/*
 * A zone is kept as the number of last labels that it shares with a name at or
 * below it. 0 for one that is not above the name, and for the root, which
 * nobody delegates.
 */
uint8_t ss_zone_depth(const struct ss_name *name, const struct ss_name *zone);
/* And back; false for 0 or more labels than there are. */
bool ss_zone_name(const struct ss_name *name, uint8_t depth, struct ss_name *zone);

/* Key and value as octets for a store: versioned, little-endian, with a CRC-32C. */
void ss_memory_key_write(struct ss_buf *out, const struct ss_memory_key *key);
bool ss_memory_key_read(struct ss_memory_key *key, struct ss_bytes bytes);
void ss_record_write(struct ss_buf *out, const struct ss_record *record);
/* Reads older versions too. Returns 0, NOMEM, FORMAT (damaged: the caller treats it as lost and says so), VERSION. */
int ss_record_read(struct ss_record *record, const struct ss_memory_key *key,
                   struct ss_bytes bytes);

#endif
