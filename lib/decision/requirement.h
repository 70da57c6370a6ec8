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

struct ss_reference {
    struct ss_name name;
    char text[SS_HOST_TEXT];
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
    int32_t memory_kind;       /* the claim kind behind a memory floor; 0 none */
    bool soft;                 /* demanded by soft claims alone */
    bool mx_secure;            /* the MX set was signed, or no MX was looked up */
    bool lifted;               /* TLS-Required: No: the memory learns nothing of it (TRN-09) */
    bool sts_misfit;           /* a testing policy does not list the host (STSA-10, RPT-17) */
    int32_t audited;           /* identities judged and reported, never refused (STSA-10, TLSA-22) */
    bool remembered_pkix;      /* the memory alone would ask for PKIX, and only reports (design 6.3) */
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

#endif
