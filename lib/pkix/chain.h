/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A certificate chain as a server sent it, and the judgements on it. Each
 * judgement gives SMTPSEC_REASON_NONE or the reason against it. No judgement
 * reads a clock: time is `now`.
 */
#ifndef SS_PKIX_CHAIN_H
#define SS_PKIX_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "smtpsec.h"

/* Longest chain judged; longer ones are refused (SMTPSEC_REASON_CHAIN_TOO_LONG). */
#define SS_CHAIN_CERTIFICATES 16
#define SS_CHAIN_OCTETS (100 * 1024)

struct ss_certificate;

/* A view: the octets, and the list of them, must outlive it. Zeroed, it is empty. */
struct ss_chain {
    size_t count;
    const struct ss_bytes *octets;
    struct ss_certificate *list; /* of parsed ones; NULL until a judgement needs one */
};

/*
 * Take a chain, leaf first. Certificates are parsed when a judgement first
 * needs them, each at most once; a match of octets needs none, and then there
 * is nothing on the heap. Returns 0, LIMIT (then it is empty).
 */
int ss_chain_init(struct ss_chain *chain, const struct ss_bytes *certificates, size_t count);
void ss_chain_clear(struct ss_chain *chain);
/* The same on the heap, with the list, but not the octets, copied. Returns 0, NOMEM, LIMIT. */
int ss_chain_new(const struct ss_bytes *certificates, size_t count, struct ss_chain **out);
void ss_chain_free(struct ss_chain *chain);
size_t ss_chain_count(const struct ss_chain *chain);
struct ss_bytes ss_chain_certificate(const struct ss_chain *chain, size_t n);
/* SubjectPublicKeyInfo of the n-th; false when it cannot be cut out. */
bool ss_chain_spki(const struct ss_chain *chain, size_t n, struct ss_bytes *spki);

/* Can the crypto library read it? (TLSA-18 for usage 2.) Returns 0 or NOMEM. */
int ss_certificate_parses(struct ss_bytes der, bool *parses);

/*
 * Does the leaf's name fit one of the reference identifiers (RFC 9525 6.3)?
 * common_name: the CN may stand in when the SAN holds no DNS-ID; for DANE-TA
 * alone (RFC 7672 3.2.3). Reason: NONE, NAME_MISMATCH, BAD_CERTIFICATE,
 * NO_CERTIFICATE. Returns 0 or NOMEM, here and below.
 */
int ss_chain_match_names(struct ss_chain *chain, const struct ss_name *names, size_t count,
                         bool common_name, int32_t *reason);

/* Path to the trust anchors, validity at now, CA flags, EKU (RFC 5280 6.1); names apart. */
int ss_chain_verify(struct ss_chain *chain, const struct smtpsec_anchors *anchors, int64_t now,
                    int32_t *reason);

/*
 * Path to one trust anchor asserted by DANE-TA (RFC 7672 3.1.2): the n-th
 * certificate of the chain (n >= 1), a certificate from a TLSA record, or a
 * bare key from one. A leaf is never its own anchor.
 */
int ss_chain_verify_under_sent(struct ss_chain *chain, size_t n, int64_t now, int32_t *reason);
int ss_chain_verify_under_certificate(struct ss_chain *chain, struct ss_bytes anchor, int64_t now,
                                      int32_t *reason);
int ss_chain_verify_under_key(struct ss_chain *chain, struct ss_bytes spki, int64_t now,
                              int32_t *reason);

#endif
