/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TLSA records: what is usable for SMTP (RFC 7672 3.1, RFC 7671 9), and the
 * match (RFC 6698 2.1).
 */
#ifndef SS_DANE_TLSA_H
#define SS_DANE_TLSA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "base/notes.h"
#include "pkix/chain.h"

enum { SS_TLSA_TA = 2, SS_TLSA_EE = 3 };               /* usages that SMTP uses */
enum { SS_TLSA_CERT = 0, SS_TLSA_SPKI = 1 };           /* selectors */
enum { SS_TLSA_FULL = 0, SS_TLSA_SHA256 = 1, SS_TLSA_SHA512 = 2 }; /* matching types */

struct ss_tlsa {
    uint8_t usage;
    uint8_t selector;
    uint8_t matching;
    int32_t reason;   /* SMTPSEC_REASON_NONE: used; else why it is not */
    uint8_t *data;    /* owned by the set; may be NULL when len is 0 */
    size_t len;
};

struct ss_tlsa_set {
    size_t count;
    struct ss_tlsa *records;
};

/*
 * Read and judge all records of one RRset, in a canonical order: usability
 * first, then digest agility per usage and selector. Returns 0 or NOMEM.
 * disable_sha256, disable_sha512: the operator switched a digest off (TLSA-22).
 */
int ss_tlsa_set_read(struct ss_tlsa_set *set, const struct ss_bytes *rdata, size_t count,
                     bool disable_sha256, bool disable_sha512, struct ss_notes *notes);
/* Add one record that was judged before (a requirement read back). Returns 0 or NOMEM. */
int ss_tlsa_set_add(struct ss_tlsa_set *set, const struct ss_tlsa *record);
int ss_tlsa_set_copy(struct ss_tlsa_set *out, const struct ss_tlsa_set *set);
void ss_tlsa_set_free(struct ss_tlsa_set *set);
/* True when one record at least is used. */
bool ss_tlsa_set_usable(const struct ss_tlsa_set *set);
/* True when one of them asserts a trust anchor. */
bool ss_tlsa_set_anchors(const struct ss_tlsa_set *set);

/*
 * Judge a chain by the used records: any one match suffices (RFC 7672 3.2).
 * names: the reference identifiers for DANE-TA (RFC 7672 3.2.2).
 * index: receives the record that matched, or -1.
 * reason: NONE, or the most telling reason of the failure.
 */
int ss_dane_verify(const struct ss_tlsa_set *set, struct ss_chain *chain,
                   const struct ss_name *names, size_t name_count, int64_t now, int32_t *index,
                   int32_t *reason);
/* The same for a raw public key: only 3 1 x records can match (RFC 7671 5.1). */
int ss_dane_verify_raw_key(const struct ss_tlsa_set *set, struct ss_bytes spki, int32_t *index,
                           int32_t *reason);

#endif
