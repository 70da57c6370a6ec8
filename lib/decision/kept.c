/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/kept.h"

#include <endian.h>
#include <string.h>

#include "memory/codec.h"
#include "memory/store.h"

#define CHECKSUM 4
#define HEX (2 * SS_SHA256_LEN)
/* Where what stands (kept.h). */
#define AT_WHAT 2
#define AT_FLAGS 3
#define AT_FINGERPRINT 4
#define AT_CLAIMS 12
#define AT_POLICY 20
#define AT_MADE 28
#define AT_EXPIRES 36
#define HEAD 44
#define AT_VERDICT 44
#define AT_LEVEL 45
#define AT_REASON 46
#define AT_HOSTS 48
#define AT_DIGEST 50
#define AT_TABLE 116
#define HOST 36
#define HOSTS_MAX 64

enum { OF_CLAIMS = 1, OF_POLICY = 2 };

/*
 * No write of the memory takes so long: an older mark is one that a killed
 * writer left, or that was not cleared. A younger one may speak of a write that
 * is still to come, so it may not go, even where all others are marks.
 */
#define MARK_LIFE 3600

/* Without the checksum at its end: over both, the sum is the same for all values of a length. */
struct ss_stamp
ss_stamp_of(struct ss_bytes value)
{
    struct ss_stamp stamp = {0, (uint32_t)value.len};

    if (value.len > CHECKSUM)
        stamp.crc = ss_crc32c(value.data, value.len - CHECKSUM);
    return stamp;
}

bool
ss_stamp_equal(struct ss_stamp a, struct ss_stamp b)
{
    return a.crc == b.crc && a.len == b.len;
}

/* ---- Reading at a place that is known to be there ---- */

static uint16_t
u16(const uint8_t *at)
{
    uint16_t v;

    memcpy(&v, at, sizeof(v));
    return le16toh(v);
}

static uint32_t
u32(const uint8_t *at)
{
    uint32_t v;

    memcpy(&v, at, sizeof(v));
    return le32toh(v);
}

static uint64_t
u64(const uint8_t *at)
{
    uint64_t v;

    memcpy(&v, at, sizeof(v));
    return le64toh(v);
}

static struct ss_stamp
stamp_at(const uint8_t *at)
{
    return (struct ss_stamp){u32(at), u32(at + 4)};
}

/* ---- Writing ---- */

static void
put_stamp(struct ss_buf *out, struct ss_stamp stamp)
{
    ss_buf_le32(out, stamp.crc);
    ss_buf_le32(out, stamp.len);
}

static size_t
put_head(struct ss_buf *out, const struct ss_kept_head *head, enum ss_kept_what what)
{
    size_t start = ss_codec_begin(out, SS_CODEC_KEPT, SS_KEPT_VERSION);

    ss_buf_u8(out, (uint8_t)what);
    ss_buf_u8(out, (uint8_t)((head->of_claims ? OF_CLAIMS : 0) |
                             (head->of_policy ? OF_POLICY : 0)));
    ss_buf_le64(out, head->fingerprint);
    put_stamp(out, head->stamps.claims);
    put_stamp(out, head->stamps.policy);
    ss_buf_le64(out, (uint64_t)head->made);
    ss_buf_le64(out, (uint64_t)head->expires);
    return start;
}

void
ss_kept_mark_write(struct ss_buf *out, struct ss_bytes key, const struct ss_kept_head *head)
{
    ss_codec_end(out, put_head(out, head, SS_KEPT_MARK), key);
}

/* What of a host is not of fixed length, with where it will stand. */
struct loose {
    size_t name, digest, addresses, address_len, requirement, requirement_len;
    struct ss_buf octets;
};

/* The texts and octets of a host, the first of which comes to stand at `at`. */
static void
lay_out(struct loose *loose, const struct smtpsec_host *host, size_t at)
{
    struct ss_buf *out = &loose->octets;
    size_t i;

    loose->name = at + out->len;
    ss_buf_put(out, host->text, strlen(host->text) + 1);
    loose->digest = at + out->len;
    if (host->requirement != NULL)
        ss_buf_put(out, host->requirement->digest_hex, HEX);
    ss_buf_u8(out, 0);
    loose->addresses = at + out->len;
    for (i = 0; i < host->address_count; i++)
        ss_buf_put(out, host->addresses[i], strlen(host->addresses[i]) + 1);
    loose->address_len = at + out->len - loose->addresses;
    loose->requirement = at + out->len;
    if (host->requirement != NULL)
        ss_requirement_encode(host->requirement, out);
    loose->requirement_len = at + out->len - loose->requirement;
}

static void
put_host(struct ss_buf *out, const struct smtpsec_host *host, const struct loose *loose)
{
    const struct smtpsec_requirement *requirement = host->requirement;

    ss_buf_le32(out, (uint32_t)loose->name);
    ss_buf_le32(out, (uint32_t)loose->digest);
    ss_buf_le32(out, (uint32_t)loose->addresses);
    ss_buf_le16(out, (uint16_t)loose->address_len);
    ss_buf_u8(out, (uint8_t)host->address_count);
    ss_buf_u8(out, (uint8_t)host->action);
    ss_buf_le32(out, (uint32_t)loose->requirement);
    ss_buf_le32(out, (uint32_t)loose->requirement_len);
    ss_buf_le16(out, host->preference);
    ss_buf_le16(out, (uint16_t)host->reason);
    ss_buf_u8(out, (uint8_t)(requirement != NULL ? requirement->level : 0));
    ss_buf_u8(out, (uint8_t)(requirement != NULL ? requirement->tls : 0));
    ss_buf_u8(out, (uint8_t)(requirement != NULL ? requirement->identities : 0));
    ss_buf_u8(out, (uint8_t)(requirement != NULL ? requirement->sources : 0));
    ss_buf_le16(out, (uint16_t)strlen(host->text));
    ss_buf_le16(out, 0);
}

void
ss_kept_write(struct ss_buf *out, struct ss_bytes key, const struct ss_kept_head *head,
              const struct smtpsec_plan *plan)
{
    size_t start, i, at = AT_TABLE + plan->count * HOST;
    struct loose loose;

    if (plan->count > HOSTS_MAX) {
        out->full = true;
        return;
    }
    ss_buf_init(&loose.octets, SS_KEPT_OCTETS);
    start = put_head(out, head, SS_KEPT_PLAN);
    ss_buf_u8(out, (uint8_t)plan->verdict);
    ss_buf_u8(out, (uint8_t)plan->level);
    ss_buf_le16(out, (uint16_t)plan->reason);
    ss_buf_le16(out, (uint16_t)plan->count);
    ss_buf_put(out, plan->digest_hex, HEX + 1);
    ss_buf_u8(out, 0);
    for (i = 0; i < plan->count; i++) {
        lay_out(&loose, &plan->hosts[i], at);
        put_host(out, &plan->hosts[i], &loose);
    }
    out->nomem = out->nomem || loose.octets.nomem;
    out->full = out->full || loose.octets.full;
    if (loose.octets.len > 0)
        ss_buf_put(out, loose.octets.data, loose.octets.len);
    if (out->len - start + CHECKSUM > SS_KEPT_OCTETS)
        out->full = true;
    ss_codec_end(out, start, key);
    ss_buf_free(&loose.octets);
}

/* ---- Reading ---- */

/* The envelope, and a head that means something; the checksum comes last, it costs most. */
static bool
has_head(struct ss_bytes value, uint8_t what)
{
    return value.len >= HEAD + CHECKSUM && value.data[0] == SS_CODEC_KEPT &&
           value.data[1] == SS_KEPT_VERSION && value.data[AT_WHAT] == what;
}

enum ss_kept_what
ss_kept_head_read(struct ss_kept_head *head, struct ss_bytes value, struct ss_bytes key)
{
    enum ss_kept_what what = SS_KEPT_NOTHING;

    memset(head, 0, sizeof(*head));
    if (has_head(value, SS_KEPT_PLAN))
        what = SS_KEPT_PLAN;
    else if (has_head(value, SS_KEPT_MARK))
        what = SS_KEPT_MARK;
    if (what == SS_KEPT_NOTHING || !ss_codec_sound(value, key))
        return SS_KEPT_NOTHING;
    head->fingerprint = u64(value.data + AT_FINGERPRINT);
    head->stamps.known = true;
    head->stamps.claims = stamp_at(value.data + AT_CLAIMS);
    head->stamps.policy = stamp_at(value.data + AT_POLICY);
    head->of_claims = (value.data[AT_FLAGS] & OF_CLAIMS) != 0;
    head->of_policy = (value.data[AT_FLAGS] & OF_POLICY) != 0;
    head->made = (int64_t)u64(value.data + AT_MADE);
    head->expires = (int64_t)u64(value.data + AT_EXPIRES);
    return what;
}

/* A text at `at` that ends within the octets: its last octet is looked at, not all. */
static bool
is_text(const struct ss_kept *kept, size_t at, size_t len)
{
    return at >= AT_TABLE && at < kept->len && len < kept->len - at && kept->octets[at + len] == 0;
}

static bool
is_within(const struct ss_kept *kept, size_t at, size_t len)
{
    return at >= AT_TABLE && at <= kept->len && len <= kept->len - at;
}

/* Numbers of another meaning must never read as less than what was written. */
static bool
is_host(const struct ss_kept *kept, const uint8_t *at)
{
    size_t addresses = u32(at + 8), address_len = u16(at + 12);
    size_t requirement_len = u32(at + 20);
    bool skipped = at[15] == SMTPSEC_ACTION_SKIP;

    if (at[15] != SMTPSEC_ACTION_USE && !skipped)
        return false;
    if (at[28] > SMTPSEC_LEVEL_DANE || at[29] > SMTPSEC_TLS_REQUIRED ||
        (at[30] & ~(SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX)) != 0)
        return false;
    if (!is_text(kept, u32(at), u16(at + 32)) || !is_text(kept, u32(at + 4), skipped ? 0 : HEX) ||
        !is_within(kept, u32(at + 16), requirement_len) || skipped != (requirement_len == 0))
        return false;
    if (address_len == 0)
        return at[14] == 0;
    return at[14] > 0 && is_text(kept, addresses, address_len - 1);
}

static bool
is_plan(const struct ss_kept *kept)
{
    size_t i;

    if (kept->hosts > HOSTS_MAX || kept->len < AT_TABLE + kept->hosts * HOST ||
        kept->octets[AT_VERDICT] > SMTPSEC_VERDICT_FAIL ||
        kept->octets[AT_LEVEL] > SMTPSEC_LEVEL_DANE || kept->octets[AT_DIGEST + HEX] != 0)
        return false;
    for (i = 0; i < kept->hosts; i++)
        if (!is_host(kept, kept->octets + AT_TABLE + i * HOST))
            return false;
    return true;
}

bool
ss_kept_read(struct ss_kept *kept, struct ss_bytes value, struct ss_bytes key,
             uint64_t fingerprint, int64_t now)
{
    if (!has_head(value, SS_KEPT_PLAN) || value.len < AT_TABLE + CHECKSUM)
        return false;
    if (u64(value.data + AT_FINGERPRINT) != fingerprint ||
        now < (int64_t)u64(value.data + AT_MADE) || now >= (int64_t)u64(value.data + AT_EXPIRES))
        return false;
    kept->octets = value.data;
    kept->len = value.len - CHECKSUM;
    kept->hosts = u16(value.data + AT_HOSTS);
    return ss_codec_sound(value, key) && is_plan(kept);
}

int32_t
ss_kept_verdict(const struct ss_kept *kept)
{
    return kept->octets[AT_VERDICT];
}

int32_t
ss_kept_reason(const struct ss_kept *kept)
{
    return u16(kept->octets + AT_REASON);
}

int32_t
ss_kept_level(const struct ss_kept *kept)
{
    return kept->octets[AT_LEVEL];
}

int64_t
ss_kept_expires(const struct ss_kept *kept)
{
    return (int64_t)u64(kept->octets + AT_EXPIRES);
}

const char *
ss_kept_digest(const struct ss_kept *kept)
{
    return (const char *)kept->octets + AT_DIGEST;
}

void
ss_kept_host(const struct ss_kept *kept, size_t n, struct ss_kept_host *host)
{
    const uint8_t *at = kept->octets + AT_TABLE + n * HOST;

    host->name = (const char *)kept->octets + u32(at);
    host->digest = (const char *)kept->octets + u32(at + 4);
    host->addresses = (struct ss_bytes){kept->octets + u32(at + 8), u16(at + 12)};
    host->address_count = at[14];
    host->action = at[15];
    host->requirement = (struct ss_bytes){kept->octets + u32(at + 16), u32(at + 20)};
    host->preference = u16(at + 24);
    host->reason = u16(at + 26);
    host->level = at[28];
    host->tls = at[29];
    host->identities = at[30];
    host->sources = at[31];
}

const char *
ss_kept_address(const struct ss_kept_host *host, size_t n)
{
    const uint8_t *at = host->addresses.data;
    size_t left = host->addresses.len;
    size_t len;

    if (n >= host->address_count)
        return NULL;
    for (; left > 0; n--) {
        if (n == 0)
            return (const char *)at;
        len = strlen((const char *)at) + 1; /* the last octet is a NUL */
        at += len;
        left -= len;
    }
    return NULL;
}

uint64_t
ss_kept_rank(struct ss_bytes value, int64_t now)
{
    int64_t made;

    if (has_head(value, SS_KEPT_PLAN))
        return u64(value.data + AT_EXPIRES) & (uint64_t)INT64_MAX;
    if (!has_head(value, SS_KEPT_MARK))
        return 0;
    made = (int64_t)u64(value.data + AT_MADE);
    if (made < now - MARK_LIFE || made > now + MARK_LIFE)
        return 0;
    return SS_STORE_FIXED;
}
