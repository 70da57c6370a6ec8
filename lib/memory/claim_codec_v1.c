/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records as version 1 kept them; they are read, and written anew as they
 * change.
 *
 * Record:  flags u8, the times that flags name, count le16, claims
 * Claim:   head le16 (kind and what follows), [host], first, last, [counted],
 *          days u8 or le32, [times], [digests of 32 octets], [id]
 */
#include <string.h>

#include "memory/claim_octets.h"
#include "memory/codec.h"

enum { HAS_MX_INCEPTION = 1, HAS_MX_EXPIRATION = 2, HAS_REFUSED = 4, HAS_HELD = 8, HAS_KNOWN = 15 };

#define DIGEST 32

enum {
    HEAD_KIND = 0x000f,
    HEAD_BELOW = 0x0010, /* the host is below the policy domain, or is it */
    HEAD_COUNTED = 0x0020,
    HEAD_EXPIRES = 0x0040,
    HEAD_INCEPTION = 0x0080,
    HEAD_EXPIRATION = 0x0100,
    HEAD_TLSA = 0x0200,
    HEAD_SPKI = 0x0400,
    HEAD_ID = 0x0800,
    HEAD_DAYS_WIDE = 0x1000,
    HEAD_KNOWN_BITS = 0x1fff
};

static void
read_digest(struct ss_rd *rd, uint8_t digest[SS_CLAIM_DIGEST], unsigned present)
{
    static const uint8_t zero[DIGEST];
    const uint8_t *octets;

    if (present == 0)
        return;
    octets = ss_rd_take(rd, DIGEST);
    if (octets == NULL)
        return;
    if (memcmp(octets, zero, DIGEST) == 0)
        rd->bad = true;
    memcpy(digest, octets, SS_CLAIM_DIGEST);
}

static uint32_t
read_days(struct ss_rd *rd, unsigned head)
{
    uint32_t days;

    if ((head & HEAD_DAYS_WIDE) == 0)
        return ss_rd_u8(rd);
    days = ss_rd_le32(rd);
    if (days <= UINT8_MAX)
        rd->bad = true;
    return days;
}

static bool
read_claim(const struct ss_record *record, struct ss_claim *claim, struct ss_rd *rd)
{
    unsigned head = ss_rd_le16(rd);

    claim->kind = (int32_t)(head & HEAD_KIND);
    if ((head & ~(unsigned)HEAD_KNOWN_BITS) != 0 || claim->kind < SMTPSEC_CLAIM_DANE ||
        claim->kind > SMTPSEC_CLAIM_DNSSEC)
        return false;
    if (claim->kind == SMTPSEC_CLAIM_MTA_STS) {
        if (head & HEAD_BELOW)
            return false;
    } else if (!ss_claim_host_read(claim, rd, (head & HEAD_BELOW) != 0, &record->key.domain)) {
        return false;
    }
    claim->first_seen = ss_codec_time_read(rd);
    claim->last_seen = ss_codec_time_read(rd);
    claim->counted = head & HEAD_COUNTED ? ss_codec_time_read(rd) : claim->last_seen;
    if (head & HEAD_COUNTED && claim->counted == claim->last_seen)
        return false;
    claim->days = read_days(rd, head);
    claim->expires = ss_codec_time_read_if(rd, head, HEAD_EXPIRES);
    claim->inception = ss_codec_time_read_if(rd, head, HEAD_INCEPTION);
    claim->signature_expiration = ss_codec_time_read_if(rd, head, HEAD_EXPIRATION);
    read_digest(rd, claim->tlsa_digest, head & HEAD_TLSA);
    read_digest(rd, claim->spki_digest, head & HEAD_SPKI);
    if (head & HEAD_ID)
        ss_codec_id_read(rd, claim->sts_id);
    return !rd->bad && ss_claim_possible(claim);
}

int
ss_record_read_v1(struct ss_record *record, struct ss_rd *rd)
{
    unsigned flags = ss_rd_u8(rd);

    if ((flags & ~(unsigned)HAS_KNOWN) != 0)
        return SMTPSEC_E_FORMAT;
    record->mx_inception = ss_codec_time_read_if(rd, flags, HAS_MX_INCEPTION);
    record->mx_expiration = ss_codec_time_read_if(rd, flags, HAS_MX_EXPIRATION);
    record->refused_since = ss_codec_time_read_if(rd, flags, HAS_REFUSED);
    record->held_until = ss_codec_time_read_if(rd, flags, HAS_HELD);
    return ss_claims_read(record, rd, ss_rd_le16(rd), read_claim);
}
