/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files that make records of octets, and octets of records, share. */
#ifndef SS_MEMORY_CLAIM_OCTETS_H
#define SS_MEMORY_CLAIM_OCTETS_H

#include "memory/claim.h"

/* How many octets of host stand before the domain; false when it is not below it. */
bool ss_host_below(const struct ss_name *host, const struct ss_name *domain, size_t *prefix);
/* A host: its length, its octets, without the domain when it is below it. */
void ss_claim_host_write(struct ss_buf *out, const struct ss_claim *claim,
                         const struct ss_name *domain);
bool ss_claim_host_read(struct ss_claim *claim, struct ss_rd *rd, bool is_below,
                        const struct ss_name *domain);
/* What no sequence of observations can lead to is damage, whatever the checksum says. */
bool ss_claim_possible(const struct ss_claim *claim);

/* The body of a record, by version; the envelope is open. Return 0, NOMEM, FORMAT. */
typedef bool (*ss_claim_reader)(const struct ss_record *record, struct ss_claim *claim,
                                struct ss_rd *rd);
int ss_record_read_v1(struct ss_record *record, struct ss_rd *rd);
/* The claims, each by a reader, sorted and to the end of the octets. */
int ss_claims_read(struct ss_record *record, struct ss_rd *rd, uint64_t count,
                   ss_claim_reader reader);

#endif
