/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Records as octets, version 2. There are millions of them, so they are short.
 *
 * Record:  envelope (codec.h) around
 *          flags u8, what flags name (times, zone u8), count, claims
 * Claim:   head le16 (kind and what follows),
 *          LIKE: the number of an earlier claim on the same host that was seen
 *          at the same times, as the claims that one delivery raises are;
 *          else [host], last, first, [counted], days;
 *          [times], [zone u8], [digests of 8 octets], [id]
 *
 * Numbers and times are as varint.h says; a claim's times stand by their
 * distance from its last. What is zero is left out. There is one form for
 * each record: the reader refuses others, so that damage the checksum missed
 * cannot become a claim.
 */
#include <stdlib.h>
#include <string.h>

#include "memory/claim_octets.h"
#include "memory/codec.h"
#include "memory/varint.h"

#define RECORD_VERSION 2

enum {
    HAS_MX_INCEPTION = 1,
    HAS_MX_EXPIRATION = 2,
    HAS_MX_ZONE = 4,
    HAS_REFUSED = 8,
    HAS_HELD = 16,
    HAS_UNSIGNED = 32,
    HAS_KNOWN = 63
};

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
    HEAD_ZONE = 0x1000,
    HEAD_UNSIGNED = 0x2000,
    HEAD_LIKE = 0x4000,
    HEAD_KNOWN_BITS = 0x7fff
};

static bool
is_zero(const uint8_t digest[SS_CLAIM_DIGEST])
{
    static const uint8_t zero[SS_CLAIM_DIGEST];

    return memcmp(digest, zero, sizeof(zero)) == 0;
}

/* The record's own times, each kept by its distance from the one before. */
#define TIMES 6
static const unsigned time_bits[TIMES] = {HAS_MX_INCEPTION, HAS_MX_EXPIRATION, HAS_REFUSED,
                                          HAS_HELD,         HAS_UNSIGNED,      HAS_UNSIGNED};

static void
times_of(const struct ss_record *record, const int64_t *times[TIMES])
{
    times[0] = &record->mx_inception;
    times[1] = &record->mx_expiration;
    times[2] = &record->refused_since;
    times[3] = &record->held_until;
    times[4] = &record->unsigned_since;
    times[5] = &record->unsigned_seen;
}

static unsigned
flags_of(const struct ss_record *record)
{
    return ss_codec_time_flag(record->mx_inception, HAS_MX_INCEPTION) |
           ss_codec_time_flag(record->mx_expiration, HAS_MX_EXPIRATION) |
           (record->mx_zone != 0 ? (unsigned)HAS_MX_ZONE : 0) |
           ss_codec_time_flag(record->refused_since, HAS_REFUSED) |
           ss_codec_time_flag(record->held_until, HAS_HELD) |
           ss_codec_time_flag(record->unsigned_since, HAS_UNSIGNED);
}

/* The last time that stands before a claim. */
static int64_t
time_before(const struct ss_record *record, size_t at)
{
    const int64_t *times[TIMES];
    unsigned flags = flags_of(record);
    size_t i;

    if (at > 0)
        return record->claims[at - 1].last_seen;
    times_of(record, times);
    for (i = TIMES; i-- > 0;)
        if ((flags & time_bits[i]) != 0)
            return *times[i];
    return 0;
}

/* As they are kept: two that are both out of range come back as one. */
static bool
is_same_time(int64_t a, int64_t b)
{
    return ss_time_kept(a) == ss_time_kept(b);
}

/* The first claim on the same host, seen at the same times, before the one at `at`; `at`: none. */
static size_t
like(const struct ss_record *record, size_t at)
{
    const struct ss_claim *claim = &record->claims[at], *other;
    size_t i;

    for (i = 0; i < at && claim->host.len > 0; i++) {
        other = &record->claims[i];
        if (is_same_time(other->last_seen, claim->last_seen) &&
            is_same_time(other->first_seen, claim->first_seen) &&
            is_same_time(other->counted, claim->counted) && other->days == claim->days &&
            ss_name_equal(&other->host, &claim->host))
            return i;
    }
    return at;
}

static unsigned
head_of(const struct ss_record *record, size_t at)
{
    const struct ss_claim *claim = &record->claims[at];
    unsigned head = (unsigned)claim->kind & HEAD_KIND;
    size_t prefix;

    if (like(record, at) != at)
        head |= HEAD_LIKE;
    else if (claim->host.len > 0 && ss_host_below(&claim->host, &record->key.domain, &prefix))
        head |= HEAD_BELOW;
    if ((head & HEAD_LIKE) == 0 && !is_same_time(claim->counted, claim->last_seen))
        head |= HEAD_COUNTED;
    head |= ss_codec_time_flag(claim->expires, HEAD_EXPIRES);
    head |= ss_codec_time_flag(claim->inception, HEAD_INCEPTION);
    head |= ss_codec_time_flag(claim->signature_expiration, HEAD_EXPIRATION);
    head |= ss_codec_time_flag(claim->unsigned_since, HEAD_UNSIGNED);
    head |= is_zero(claim->tlsa_digest) ? 0 : HEAD_TLSA;
    head |= is_zero(claim->spki_digest) ? 0 : HEAD_SPKI;
    head |= claim->zone == 0 ? 0 : HEAD_ZONE;
    head |= claim->sts_id[0] == '\0' ? 0 : HEAD_ID;
    return head;
}

static void
write_seen(struct ss_buf *out, const struct ss_record *record, size_t at, unsigned head)
{
    const struct ss_claim *claim = &record->claims[at];

    if (head & HEAD_LIKE) {
        ss_varint_write(out, like(record, at));
        return;
    }
    ss_claim_host_write(out, claim, &record->key.domain);
    ss_time_near_write(out, claim->last_seen, time_before(record, at));
    ss_time_near_write(out, claim->first_seen, claim->last_seen);
    if (head & HEAD_COUNTED)
        ss_time_near_write(out, claim->counted, claim->last_seen);
    ss_varint_write(out, claim->days);
}

static void
write_claim(struct ss_buf *out, const struct ss_record *record, size_t at)
{
    const struct ss_claim *claim = &record->claims[at];
    unsigned head = head_of(record, at);

    ss_buf_le16(out, (uint16_t)head);
    write_seen(out, record, at, head);
    if (head & HEAD_EXPIRES)
        ss_time_near_write(out, claim->expires, claim->last_seen);
    if (head & HEAD_INCEPTION)
        ss_time_near_write(out, claim->inception, claim->last_seen);
    if (head & HEAD_EXPIRATION)
        ss_time_near_write(out, claim->signature_expiration, claim->last_seen);
    if (head & HEAD_UNSIGNED) {
        ss_time_near_write(out, claim->unsigned_since, claim->last_seen);
        ss_time_near_write(out, claim->unsigned_seen, claim->unsigned_since);
    }
    if (head & HEAD_ZONE)
        ss_buf_u8(out, claim->zone);
    if (head & HEAD_TLSA)
        ss_buf_put(out, claim->tlsa_digest, sizeof(claim->tlsa_digest));
    if (head & HEAD_SPKI)
        ss_buf_put(out, claim->spki_digest, sizeof(claim->spki_digest));
    if (head & HEAD_ID)
        ss_codec_id_write(out, claim->sts_id);
}

/* What a record is stored under, as octets; empty without memory, which *out then says. */
static struct ss_bytes
key_octets(struct ss_buf *out, const struct ss_memory_key *key)
{
    struct ss_bytes none = { NULL, 0 };

    ss_buf_init(out, 2 * SS_NAME_WIRE + 3);
    ss_memory_key_write(out, key);
    if (!ss_buf_ok(out))
        return none;
    return (struct ss_bytes){ out->data, out->len };
}

static void
write_times(struct ss_buf *out, const struct ss_record *record, unsigned flags)
{
    const int64_t *times[TIMES];
    int64_t from = 0;
    size_t i;

    times_of(record, times);
    for (i = 0; i < TIMES; i++) {
        if ((flags & time_bits[i]) == 0)
            continue;
        ss_time_near_write(out, *times[i], from);
        from = *times[i];
    }
}

void
ss_record_write(struct ss_buf *out, const struct ss_record *record)
{
    unsigned flags = flags_of(record);
    struct ss_bytes key;
    struct ss_buf octets;
    size_t start, i;

    key = key_octets(&octets, &record->key);
    if (!ss_buf_ok(&octets))
        out->nomem = true;
    start = ss_codec_begin(out, SS_CODEC_RECORD, RECORD_VERSION);
    ss_buf_u8(out, (uint8_t)flags);
    write_times(out, record, flags);
    if (flags & HAS_MX_ZONE)
        ss_buf_u8(out, record->mx_zone);
    ss_varint_write(out, record->count);
    for (i = 0; i < record->count; i++)
        write_claim(out, record, i);
    ss_codec_end(out, start, key);
    ss_buf_free(&octets);
}

/* ---- Reading ---- */

bool
ss_claim_possible(const struct ss_claim *claim)
{
    if (claim->counted < claim->first_seen || claim->counted > claim->last_seen ||
        claim->unsigned_seen < claim->unsigned_since || claim->zone > ss_name_labels(&claim->host))
        return false;
    /* A host known for a delivery without TLS: no days, one time. */
    if (claim->days == 0)
        return claim->kind == SMTPSEC_CLAIM_ENCRYPTED && claim->first_seen == claim->last_seen;
    return claim->days <= claim->last_seen / SS_DAY - claim->first_seen / SS_DAY + 1;
}

static void
read_digest(struct ss_rd *rd, uint8_t digest[SS_CLAIM_DIGEST], unsigned present)
{
    const uint8_t *octets;

    if (present == 0)
        return;
    octets = ss_rd_take(rd, SS_CLAIM_DIGEST);
    if (octets == NULL)
        return;
    memcpy(digest, octets, SS_CLAIM_DIGEST);
    if (is_zero(digest))
        rd->bad = true;
}

/* What is zero must be left out. */
static int64_t
read_time_if(struct ss_rd *rd, unsigned present, int64_t from)
{
    int64_t time = present != 0 ? ss_time_near_read(rd, from) : 0;

    if (present != 0 && time == 0)
        rd->bad = true;
    return time;
}

static uint8_t
read_zone_if(struct ss_rd *rd, unsigned present)
{
    uint8_t zone = present != 0 ? ss_rd_u8(rd) : 0;

    if (present != 0 && zone == 0)
        rd->bad = true;
    return zone;
}

/* Host and times, of its own or another's. */
static bool
read_seen(const struct ss_record *record, struct ss_claim *claim, struct ss_rd *rd, unsigned head)
{
    uint64_t other, days;

    if (head & HEAD_LIKE) {
        other = ss_varint_read(rd);
        /* MTA_STS is the domain's, and has no host to share. */
        if (rd->bad || other >= record->count || claim->kind == SMTPSEC_CLAIM_MTA_STS ||
            (head & (HEAD_BELOW | HEAD_COUNTED)) != 0)
            return false;
        claim->host = record->claims[other].host;
        claim->last_seen = record->claims[other].last_seen;
        claim->first_seen = record->claims[other].first_seen;
        claim->counted = record->claims[other].counted;
        claim->days = record->claims[other].days;
        return like(record, record->count) == other;
    }
    if (claim->kind == SMTPSEC_CLAIM_MTA_STS) {
        if (head & HEAD_BELOW)
            return false;
    } else if (!ss_claim_host_read(claim, rd, (head & HEAD_BELOW) != 0, &record->key.domain)) {
        return false;
    }
    claim->last_seen = ss_time_near_read(rd, time_before(record, record->count));
    claim->first_seen = ss_time_near_read(rd, claim->last_seen);
    claim->counted = claim->last_seen;
    if (head & HEAD_COUNTED)
        claim->counted = ss_time_near_read(rd, claim->last_seen);
    days = ss_varint_read(rd);
    claim->days = (uint32_t)days;
    return !rd->bad && days <= UINT32_MAX &&
           ((head & HEAD_COUNTED) == 0 || claim->counted != claim->last_seen) &&
           like(record, record->count) == record->count;
}

static bool
read_claim(const struct ss_record *record, struct ss_claim *claim, struct ss_rd *rd)
{
    unsigned head = ss_rd_le16(rd);

    claim->kind = (int32_t)(head & HEAD_KIND);
    if ((head & ~(unsigned)HEAD_KNOWN_BITS) != 0 || claim->kind < SMTPSEC_CLAIM_DANE ||
        claim->kind > SMTPSEC_CLAIM_DNSSEC || !read_seen(record, claim, rd, head))
        return false;
    claim->expires = read_time_if(rd, head & HEAD_EXPIRES, claim->last_seen);
    claim->inception = read_time_if(rd, head & HEAD_INCEPTION, claim->last_seen);
    claim->signature_expiration = read_time_if(rd, head & HEAD_EXPIRATION, claim->last_seen);
    claim->unsigned_since = read_time_if(rd, head & HEAD_UNSIGNED, claim->last_seen);
    claim->unsigned_seen = read_time_if(rd, head & HEAD_UNSIGNED, claim->unsigned_since);
    claim->zone = read_zone_if(rd, head & HEAD_ZONE);
    read_digest(rd, claim->tlsa_digest, head & HEAD_TLSA);
    read_digest(rd, claim->spki_digest, head & HEAD_SPKI);
    if (head & HEAD_ID)
        ss_codec_id_read(rd, claim->sts_id);
    return !rd->bad && ss_claim_possible(claim);
}

int
ss_claims_read(struct ss_record *record, struct ss_rd *rd, uint64_t count, ss_claim_reader reader)
{
    struct ss_claim *claim;

    if (rd->bad || count > SS_CLAIMS_MAX)
        return SMTPSEC_E_FORMAT;
    if (count > 0) {
        record->claims = calloc((size_t)count, sizeof(*record->claims));
        if (record->claims == NULL)
            return SMTPSEC_E_NOMEM;
    }
    while (record->count < count) {
        claim = &record->claims[record->count];
        if (!reader(record, claim, rd))
            return SMTPSEC_E_FORMAT;
        /* Sorted and each once, or look-ups by halves would miss claims. */
        if (record->count > 0 && (claim[-1].kind > claim->kind ||
                                  (claim[-1].kind == claim->kind &&
                                   ss_name_compare(&claim[-1].host, &claim->host) >= 0)))
            return SMTPSEC_E_FORMAT;
        record->count++;
    }
    return ss_rd_done(rd) ? 0 : SMTPSEC_E_FORMAT;
}

static int
read_body(struct ss_record *record, struct ss_rd *rd)
{
    unsigned flags = ss_rd_u8(rd);

    if ((flags & ~(unsigned)HAS_KNOWN) != 0)
        return SMTPSEC_E_FORMAT;
    record->mx_inception = read_time_if(rd, flags & HAS_MX_INCEPTION, 0);
    record->mx_expiration = read_time_if(rd, flags & HAS_MX_EXPIRATION, time_before(record, 0));
    record->refused_since = read_time_if(rd, flags & HAS_REFUSED, time_before(record, 0));
    record->held_until = read_time_if(rd, flags & HAS_HELD, time_before(record, 0));
    record->unsigned_since = read_time_if(rd, flags & HAS_UNSIGNED, time_before(record, 0));
    record->unsigned_seen = read_time_if(rd, flags & HAS_UNSIGNED, record->unsigned_since);
    record->mx_zone = read_zone_if(rd, flags & HAS_MX_ZONE);
    if (record->unsigned_seen < record->unsigned_since ||
        record->mx_zone > ss_name_labels(&record->key.domain))
        return SMTPSEC_E_FORMAT;
    return ss_claims_read(record, rd, ss_varint_read(rd), read_claim);
}

int
ss_record_read(struct ss_record *record, const struct ss_memory_key *key, struct ss_bytes bytes)
{
    struct ss_buf octets;
    struct ss_bytes stored_under = key_octets(&octets, key);
    struct ss_rd rd;
    int rc = SMTPSEC_E_NOMEM;

    ss_record_init(record, key);
    if (ss_buf_ok(&octets))
        rc = ss_codec_open(&rd, bytes, SS_CODEC_RECORD, RECORD_VERSION, stored_under);
    if (rc == 0)
        rc = bytes.data[1] == 1 ? ss_record_read_v1(record, &rd) : read_body(record, &rd);
    if (rc != 0) {
        ss_record_free(record);
        ss_record_init(record, key);
    }
    ss_buf_free(&octets);
    return rc;
}
