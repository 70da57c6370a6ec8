/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys and records as octets.
 *
 * Key:     domain (wire name, its root ends it), route u8, [port be16], [relay]
 * Record:  envelope (codec.h) around
 *          flags u8, the times that flags name, count le16, claims
 * Claim:   head le16 (kind and what follows), [host], first, last, [counted],
 *          days u8 or le32, [times], [digests], [id]
 *
 * What is zero is left out, and a host below the policy domain is kept
 * without it. There is one form for each record: the reader refuses others,
 * so that damage the checksum missed cannot become a claim.
 */
#include "memory/claim.h"

#include <stdlib.h>
#include <string.h>

#include "memory/codec.h"

#define RECORD_VERSION 1

enum { ROUTE_RELAY = 1, ROUTE_RELAY_IS_DOMAIN = 2, ROUTE_PORT = 4, ROUTE_KNOWN = 7 };

enum { HAS_MX_INCEPTION = 1, HAS_MX_EXPIRATION = 2, HAS_REFUSED = 4, HAS_HELD = 8, HAS_KNOWN = 15 };

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

/* The domain comes first, so that all routes to it stand together. */
void
ss_memory_key_write(struct ss_buf *out, const struct ss_memory_key *key)
{
    uint8_t route = 0;

    if (key->relay.len > 0)
        route = ss_name_equal(&key->relay, &key->domain) ? ROUTE_RELAY_IS_DOMAIN : ROUTE_RELAY;
    if (key->port != 25)
        route |= ROUTE_PORT;
    ss_buf_put(out, key->domain.wire, key->domain.len);
    ss_buf_u8(out, route);
    if (route & ROUTE_PORT)
        ss_buf_be16(out, key->port);
    if (route & ROUTE_RELAY)
        ss_buf_put(out, key->relay.wire, key->relay.len);
}

/* The length of the wire name that begins here, 0 when it does not end. */
static size_t
wire_length(struct ss_bytes bytes)
{
    size_t at = 0;

    while (at < bytes.len && at < SS_NAME_WIRE) {
        if (bytes.data[at] == 0)
            return at + 1;
        if (bytes.data[at] > 63)
            return 0;
        at += (size_t)bytes.data[at] + 1;
    }
    return 0;
}

/* Exactly this wire name, in the case that we write. */
static bool
read_name(struct ss_name *name, const uint8_t *wire, size_t len)
{
    return ss_name_from_wire(name, wire, len) && memcmp(name->wire, wire, len) == 0;
}

static bool
read_route(struct ss_memory_key *key, struct ss_rd *rd)
{
    uint8_t route = ss_rd_u8(rd);
    const uint8_t *relay;
    size_t len;

    if ((route & ~ROUTE_KNOWN) != 0 || (route & 3) == 3)
        return false;
    key->port = route & ROUTE_PORT ? ss_rd_be16(rd) : 25;
    if (route & ROUTE_PORT && key->port == 25)
        return false;
    if (route & ROUTE_RELAY_IS_DOMAIN)
        key->relay = key->domain;
    if (route & ROUTE_RELAY) {
        len = rd->left;
        relay = ss_rd_take(rd, len);
        if (relay == NULL || !read_name(&key->relay, relay, len))
            return false;
        if (ss_name_equal(&key->relay, &key->domain))
            return false;
    }
    return ss_rd_done(rd);
}

bool
ss_memory_key_read(struct ss_memory_key *key, struct ss_bytes bytes)
{
    size_t len = wire_length(bytes);
    struct ss_rd rd;

    memset(key, 0, sizeof(*key));
    if (len == 0 || !read_name(&key->domain, bytes.data, len))
        return false;
    ss_rd_init(&rd, bytes.data + len, bytes.len - len);
    return read_route(key, &rd);
}

/* How many octets of host stand before the domain; false when it is not below it. */
static bool
below(const struct ss_name *host, const struct ss_name *domain, size_t *prefix)
{
    size_t at = 0, want;

    if (domain->len == 0 || host->len < domain->len)
        return false;
    want = (size_t)host->len - domain->len;
    while (at < want)
        at += (size_t)host->wire[at] + 1;
    if (at != want || memcmp(host->wire + want, domain->wire, domain->len) != 0)
        return false;
    *prefix = want;
    return true;
}

static bool
is_zero(const uint8_t digest[32])
{
    static const uint8_t zero[32];

    return memcmp(digest, zero, sizeof(zero)) == 0;
}

static unsigned
head_of(const struct ss_claim *claim, const struct ss_name *domain)
{
    unsigned head = (unsigned)claim->kind & HEAD_KIND;
    size_t prefix;

    if (claim->host.len > 0 && below(&claim->host, domain, &prefix))
        head |= HEAD_BELOW;
    if (claim->counted != claim->last_seen)
        head |= HEAD_COUNTED;
    head |= ss_codec_time_flag(claim->expires, HEAD_EXPIRES);
    head |= ss_codec_time_flag(claim->inception, HEAD_INCEPTION);
    head |= ss_codec_time_flag(claim->signature_expiration, HEAD_EXPIRATION);
    head |= is_zero(claim->tlsa_digest) ? 0 : HEAD_TLSA;
    head |= is_zero(claim->spki_digest) ? 0 : HEAD_SPKI;
    head |= claim->sts_id[0] == '\0' ? 0 : HEAD_ID;
    head |= claim->days > UINT8_MAX ? HEAD_DAYS_WIDE : 0;
    return head;
}

static void
write_host(struct ss_buf *out, const struct ss_claim *claim, const struct ss_name *domain)
{
    size_t len = claim->host.len;

    if (len == 0)
        return;
    (void)below(&claim->host, domain, &len);
    ss_buf_u8(out, (uint8_t)len);
    ss_buf_put(out, claim->host.wire, len);
}

static void
write_claim(struct ss_buf *out, const struct ss_claim *claim, const struct ss_name *domain)
{
    unsigned head = head_of(claim, domain);

    ss_buf_le16(out, (uint16_t)head);
    write_host(out, claim, domain);
    ss_codec_time_write(out, claim->first_seen);
    ss_codec_time_write(out, claim->last_seen);
    if (head & HEAD_COUNTED)
        ss_codec_time_write(out, claim->counted);
    if (head & HEAD_DAYS_WIDE)
        ss_buf_le32(out, claim->days);
    else
        ss_buf_u8(out, (uint8_t)claim->days);
    if (head & HEAD_EXPIRES)
        ss_codec_time_write(out, claim->expires);
    if (head & HEAD_INCEPTION)
        ss_codec_time_write(out, claim->inception);
    if (head & HEAD_EXPIRATION)
        ss_codec_time_write(out, claim->signature_expiration);
    if (head & HEAD_TLSA)
        ss_buf_put(out, claim->tlsa_digest, sizeof(claim->tlsa_digest));
    if (head & HEAD_SPKI)
        ss_buf_put(out, claim->spki_digest, sizeof(claim->spki_digest));
    if (head & HEAD_ID)
        ss_codec_id_write(out, claim->sts_id);
}

static unsigned
flags_of(const struct ss_record *record)
{
    return ss_codec_time_flag(record->mx_inception, HAS_MX_INCEPTION) |
           ss_codec_time_flag(record->mx_expiration, HAS_MX_EXPIRATION) |
           ss_codec_time_flag(record->refused_since, HAS_REFUSED) |
           ss_codec_time_flag(record->held_until, HAS_HELD);
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
    if (flags & HAS_MX_INCEPTION)
        ss_codec_time_write(out, record->mx_inception);
    if (flags & HAS_MX_EXPIRATION)
        ss_codec_time_write(out, record->mx_expiration);
    if (flags & HAS_REFUSED)
        ss_codec_time_write(out, record->refused_since);
    if (flags & HAS_HELD)
        ss_codec_time_write(out, record->held_until);
    ss_buf_le16(out, (uint16_t)record->count);
    for (i = 0; i < record->count; i++)
        write_claim(out, &record->claims[i], &record->key.domain);
    ss_codec_end(out, start, key);
    ss_buf_free(&octets);
}

static bool
read_host(struct ss_claim *claim, struct ss_rd *rd, unsigned head, const struct ss_name *domain)
{
    uint8_t wire[2 * SS_NAME_WIRE];
    size_t len = ss_rd_u8(rd), all = len, prefix;
    const uint8_t *octets = ss_rd_take(rd, len);

    if (octets == NULL)
        return false;
    memcpy(wire, octets, len);
    if (head & HEAD_BELOW) {
        memcpy(wire + len, domain->wire, domain->len);
        all += domain->len;
    }
    if (all > SS_NAME_WIRE || !read_name(&claim->host, wire, all))
        return false;
    return below(&claim->host, domain, &prefix) == ((head & HEAD_BELOW) != 0);
}

static void
read_digest(struct ss_rd *rd, uint8_t digest[32], unsigned present)
{
    const uint8_t *octets;

    if (present == 0)
        return;
    octets = ss_rd_take(rd, 32);
    if (octets == NULL)
        return;
    memcpy(digest, octets, 32);
    if (is_zero(digest))
        rd->bad = true;
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

/* What no sequence of observations can lead to is damage, whatever the checksum says. */
static bool
possible(const struct ss_claim *claim)
{
    if (claim->counted < claim->first_seen || claim->counted > claim->last_seen)
        return false;
    /* A host known for a delivery without TLS: no days, one time. */
    if (claim->days == 0)
        return claim->kind == SMTPSEC_CLAIM_ENCRYPTED && claim->first_seen == claim->last_seen;
    return claim->days <= claim->last_seen / SS_DAY - claim->first_seen / SS_DAY + 1;
}

static bool
read_claim(struct ss_claim *claim, struct ss_rd *rd, const struct ss_name *domain)
{
    unsigned head = ss_rd_le16(rd);

    claim->kind = (int32_t)(head & HEAD_KIND);
    if ((head & ~(unsigned)HEAD_KNOWN_BITS) != 0 || claim->kind < SMTPSEC_CLAIM_DANE ||
        claim->kind > SMTPSEC_CLAIM_DNSSEC)
        return false;
    if (claim->kind == SMTPSEC_CLAIM_MTA_STS) {
        if (head & HEAD_BELOW)
            return false;
    } else if (!read_host(claim, rd, head, domain)) {
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
    return !rd->bad && possible(claim);
}

static int
read_claims(struct ss_record *record, struct ss_rd *rd, size_t count)
{
    struct ss_claim *claim;
    size_t i;

    if (rd->bad || count > SS_CLAIMS_MAX)
        return SMTPSEC_E_FORMAT;
    if (count > 0) {
        record->claims = calloc(count, sizeof(*record->claims));
        if (record->claims == NULL)
            return SMTPSEC_E_NOMEM;
    }
    for (i = 0; i < count; i++) {
        claim = &record->claims[i];
        if (!read_claim(claim, rd, &record->key.domain))
            return SMTPSEC_E_FORMAT;
        /* Sorted and each once, or look-ups by halves would miss claims. */
        if (i > 0 && (claim[-1].kind > claim->kind ||
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
    record->mx_inception = ss_codec_time_read_if(rd, flags, HAS_MX_INCEPTION);
    record->mx_expiration = ss_codec_time_read_if(rd, flags, HAS_MX_EXPIRATION);
    record->refused_since = ss_codec_time_read_if(rd, flags, HAS_REFUSED);
    record->held_until = ss_codec_time_read_if(rd, flags, HAS_HELD);
    return read_claims(record, rd, ss_rd_le16(rd));
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
        rc = read_body(record, &rd);
    if (rc != 0) {
        ss_record_free(record);
        ss_record_init(record, key);
    }
    ss_buf_free(&octets);
    return rc;
}
