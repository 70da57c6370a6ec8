/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rdata of one framed record. */
#ifndef SS_DNS_RECORD_H
#define SS_DNS_RECORD_H

#include <stdint.h>

#include "dns/answer.h"
#include "dns/frame.h"

/*
 * Each returns 0, SMTPSEC_E_FORMAT when the rdata is not exactly what its type
 * asks for, or SMTPSEC_E_NOMEM.
 */

/* A, AAAA, MX, CNAME, TXT, TLSA; any other type gives its rdata as it is. */
int ss_dns_record_read(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                       struct ss_rr *rr);

struct ss_rrsig {
    uint16_t covered;
    uint8_t labels; /* of the owner, or of the wildcard that it came by */
    int64_t inception;
    int64_t expiration;
    struct ss_name signer;
};

int ss_dns_rrsig_read(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                      struct ss_rrsig *rrsig);
int ss_dns_soa_minimum(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                       uint32_t *minimum);

#endif
