/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must hold for one (policy domain, MX host). A set, not a level: TLS,
 * the identities that must verify and for which names, REQUIRETLS. Immutable
 * once made; it carries all that verification needs.
 */
#ifndef SS_DECISION_REQUIREMENT_H
#define SS_DECISION_REQUIREMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "dane/tlsa.h"
#include "memory/claim.h"
#include "pkix/digest.h"
#include "smtpsec.h"

/* A host's or domain's name as text, and the end. */
#define SS_HOST_TEXT 256
#define SS_DANE_NAMES 3 /* RFC 7672 3.2.2 knows no more */
/* Most TLSA records in one requirement; the DNS room keeps no more of one answer. */
#define SS_REQUIREMENT_TLSA 256
/* How long after a plan's end a connection begun before may be verified. */
#define SS_REQUIREMENT_GRACE 300

/* Version of its octets, as ss_requirement_encode() writes them. */
#define SS_REQUIREMENT_VERSION 2

struct ss_reference {
    struct ss_name name;
    char text[SS_HOST_TEXT];
};

/* Whose claim it is. */
enum ss_place { SS_PLACE_DOMAIN, SS_PLACE_HOST, SS_PLACE_KNOWN_HOSTS };

/*
 * The claim behind what the memory asks, for whoever is told of a refusal
 * (design 6.11). It decides nothing.
 */
struct ss_basis {
    int32_t kind;         /* SMTPSEC_CLAIM_*; 0: the memory asks for nothing */
    int32_t place;        /* SS_PLACE_* */
    int64_t until;        /* when it ends by itself */
    int64_t policy_until; /* a remembered policy asks for PKIX beside it until then; 0: none does */
    int64_t hold;         /* its refusals end so long after the first one; 0: with the claim */
};

/* What a session has to meet. */
struct ss_wanted {
    int32_t tls;
    int32_t identities;
    int32_t sources;
    int32_t alone;        /* of the identities, what the memory alone demands */
    int32_t refused;      /* the memory refuses every session of the host, for this reason; NONE */
    struct ss_basis basis;
};

struct smtpsec_requirement {
    /* What is required: all of this is in the digest. */
    struct ss_memory_key key;  /* policy domain and route */
    struct ss_reference host;  /* MX host; no name for an address literal */
    int32_t level;
    int32_t tls;
    int32_t identities;
    bool requiretls;
    uint16_t tls_version;      /* least, where an identity is required */
    struct ss_reference sni;
    size_t dane_name_count;
    struct ss_reference dane_names[SS_DANE_NAMES];
    struct ss_tlsa_set tlsa;   /* as judged, unusable records included */

    /* Why, and from what: not in the digest. */
    char domain[SS_HOST_TEXT];
    int32_t sources;
    int32_t alone;             /* of the identities, what the memory alone demands */
    struct ss_basis basis;     /* of the memory's part */
    bool soft;                 /* that part rests on soft claims: its refusals end */
    struct ss_wanted reported; /* all of these, were every claim enforced (design 6.8) */
    bool mx_secure;            /* the MX set was signed, or no MX was looked up */
    bool lifted;               /* TLS-Required: No: nothing is learnt of it (TRN-09); in the digest */
    bool either;               /* DANE that verifies stands for PKIX (TRN-08); in the digest */
    bool sts_misfit;           /* a testing policy does not list the host (STSA-10, RPT-17) */
    int32_t audited;           /* identities judged and reported, never refused (STSA-10, TLSA-22) */
    int64_t expires;           /* of verification */
    int64_t tlsa_expires;      /* end of the TLSA RRset's TTL */
    int64_t tlsa_inception;
    int64_t tlsa_expiration;   /* of its RRSIG */
    uint8_t digest[SS_SHA256_LEN];
    char digest_hex[2 * SS_SHA256_LEN + 1];
};

void ss_reference_set(struct ss_reference *reference, const struct ss_name *name);
int ss_requirement_new(struct smtpsec_requirement **out);
int ss_requirement_copy(const struct smtpsec_requirement *requirement,
                        struct smtpsec_requirement **out);
void ss_requirement_free(struct smtpsec_requirement *requirement);
/* Compute the digest; the last step of making one. Returns 0 or NOMEM. */
int ss_requirement_seal_digest(struct smtpsec_requirement *requirement);
/* Digest of the TLSA set, as the memory keeps it. Zero for an empty set. */
int ss_requirement_tlsa_digest(const struct smtpsec_requirement *requirement,
                               uint8_t digest[SS_SHA256_LEN]);

/* As bytes: versioned, little-endian, canonical. */
void ss_requirement_encode(const struct smtpsec_requirement *requirement, struct ss_buf *out);
/* Returns 0, NOMEM, FORMAT. The digest is computed anew and must agree. */
int ss_requirement_decode(struct ss_bytes bytes, struct smtpsec_requirement **out);

/* What is enforced, in the form of what is reported. */
struct ss_wanted ss_requirement_enforced(const struct smtpsec_requirement *requirement);

#endif
