/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/outcome.h"

#include <stdlib.h>
#include <string.h>

#include "memory/codec.h"
#include "memory/varint.h"

int
ss_outcome_new(const struct smtpsec_requirement *requirement, int64_t now,
               struct smtpsec_outcome **out)
{
    struct smtpsec_outcome *outcome = calloc(1, sizeof(*outcome));
    int r;

    if (outcome == NULL)
        return SMTPSEC_E_NOMEM;
    r = ss_requirement_tlsa_digest(requirement, outcome->tlsa_digest);
    if (r != 0) {
        free(outcome);
        return r;
    }
    outcome->key = requirement->key;
    outcome->host = requirement->host.name;
    memcpy(outcome->digest, requirement->digest, sizeof(outcome->digest));
    outcome->at = now;
    outcome->required = requirement->level;
    outcome->sources = requirement->sources;
    outcome->soft = requirement->soft;
    outcome->lifted = requirement->lifted;
    outcome->mx_secure = requirement->mx_secure;
    outcome->expires = ss_time_kept(requirement->tlsa_expires);
    outcome->inception = ss_time_kept(requirement->tlsa_inception);
    outcome->signature_expiration = ss_time_kept(requirement->tlsa_expiration);
    *out = outcome;
    return 0;
}

static int
leaf_key_digest(const struct smtpsec_session *session, uint8_t digest[SS_SHA256_LEN])
{
    struct ss_chain *chain;
    struct ss_bytes spki;
    int r;

    memset(digest, 0, SS_SHA256_LEN);
    if (session->count == 0)
        return 0;
    r = ss_chain_new(session->certificates, session->count, &chain);
    if (r != 0)
        return r;
    if (ss_chain_spki(chain, 0, &spki))
        r = ss_sha256(spki.data, spki.len, digest);
    ss_chain_free(chain);
    return r;
}

int
ss_outcome_take(struct smtpsec_outcome *outcome, const struct smtpsec_session *session,
                const struct smtpsec_verdict *verdict)
{
    static const struct smtpsec_verdict none;

    outcome->starttls = session->starttls;
    outcome->observed = false;
    outcome->judged = verdict != NULL;
    /* A second call replaces the first: nothing of an earlier verdict stays. */
    if (verdict == NULL)
        verdict = &none;
    outcome->verified = verdict->accepted;
    outcome->reason = verdict->reason;
    outcome->memory_refused = verdict->memory_refused;
    outcome->would_refuse = verdict->would_refuse;
    outcome->achieved = verdict->achieved;
    outcome->identities = verdict->identities;
    return leaf_key_digest(session, outcome->spki_digest);
}

void
ss_outcome_observe(struct smtpsec_outcome *outcome, int32_t starttls)
{
    outcome->starttls = starttls;
    outcome->observed = true;
    outcome->judged = outcome->verified = false;
    outcome->reason = SMTPSEC_REASON_NONE;
    outcome->memory_refused = outcome->would_refuse = false;
    outcome->achieved = SMTPSEC_LEVEL_NONE;
    outcome->identities = 0;
    memset(outcome->spki_digest, 0, sizeof(outcome->spki_digest));
}

enum {
    FLAG_SOFT = 1,
    FLAG_MX_SECURE = 2,
    FLAG_JUDGED = 4,
    FLAG_VERIFIED = 8,
    FLAG_REQUIRETLS = 16,
    FLAG_ACCEPTED = 32,
    FLAG_NULL_SENDER = 64,
    FLAG_LIFTED = 128,
    FLAG_MEMORY_REFUSED = 256,
    FLAG_WOULD_REFUSE = 512,
    FLAG_OBSERVED = 1024,
    FLAGS_ALL = 2047
};

static uint16_t
flags_of(const struct smtpsec_outcome *outcome)
{
    int flags = (outcome->soft ? FLAG_SOFT : 0) | (outcome->mx_secure ? FLAG_MX_SECURE : 0) |
                (outcome->judged ? FLAG_JUDGED : 0) | (outcome->verified ? FLAG_VERIFIED : 0) |
                (outcome->requiretls_offered ? FLAG_REQUIRETLS : 0) |
                (outcome->accepted ? FLAG_ACCEPTED : 0) |
                (outcome->null_sender ? FLAG_NULL_SENDER : 0) |
                (outcome->lifted ? FLAG_LIFTED : 0) |
                (outcome->memory_refused ? FLAG_MEMORY_REFUSED : 0) |
                (outcome->would_refuse ? FLAG_WOULD_REFUSE : 0) |
                (outcome->observed ? FLAG_OBSERVED : 0);

    return (uint16_t)flags;
}

void
ss_outcome_encode(const struct smtpsec_outcome *outcome, struct ss_buf *out)
{
    struct ss_buf key;

    ss_buf_init(&key, 1024);
    ss_memory_key_write(&key, &outcome->key);
    if (!ss_buf_ok(&key))
        out->nomem = true;
    ss_buf_le16(out, (uint16_t)key.len);
    ss_buf_put(out, key.data, key.len);
    ss_buf_free(&key);
    ss_buf_u8(out, outcome->host.len);
    ss_buf_put(out, outcome->host.wire, outcome->host.len);
    ss_buf_put(out, outcome->digest, sizeof(outcome->digest));
    ss_buf_le64(out, (uint64_t)outcome->at);
    ss_buf_u8(out, (uint8_t)outcome->required);
    ss_buf_u8(out, (uint8_t)outcome->sources);
    ss_buf_le16(out, flags_of(outcome));
    ss_buf_u8(out, (uint8_t)outcome->starttls);
    ss_buf_le16(out, (uint16_t)outcome->reason);
    ss_buf_u8(out, (uint8_t)outcome->achieved);
    ss_buf_u8(out, (uint8_t)outcome->identities);
    ss_buf_le64(out, (uint64_t)outcome->expires);
    ss_buf_le64(out, (uint64_t)outcome->inception);
    ss_buf_le64(out, (uint64_t)outcome->signature_expiration);
    ss_buf_put(out, outcome->tlsa_digest, sizeof(outcome->tlsa_digest));
    ss_buf_put(out, outcome->spki_digest, sizeof(outcome->spki_digest));
}

static void
read_flags(struct ss_rd *rd, struct smtpsec_outcome *outcome)
{
    uint16_t flags = ss_rd_le16(rd);

    if ((flags & ~FLAGS_ALL) != 0)
        rd->bad = true;
    outcome->soft = (flags & FLAG_SOFT) != 0;
    outcome->mx_secure = (flags & FLAG_MX_SECURE) != 0;
    outcome->judged = (flags & FLAG_JUDGED) != 0;
    outcome->verified = (flags & FLAG_VERIFIED) != 0;
    outcome->requiretls_offered = (flags & FLAG_REQUIRETLS) != 0;
    outcome->accepted = (flags & FLAG_ACCEPTED) != 0;
    outcome->null_sender = (flags & FLAG_NULL_SENDER) != 0;
    outcome->lifted = (flags & FLAG_LIFTED) != 0;
    outcome->memory_refused = (flags & FLAG_MEMORY_REFUSED) != 0;
    outcome->would_refuse = (flags & FLAG_WOULD_REFUSE) != 0;
    outcome->observed = (flags & FLAG_OBSERVED) != 0;
}

static void
read_digest(struct ss_rd *rd, uint8_t digest[SS_SHA256_LEN])
{
    const uint8_t *at = ss_rd_take(rd, SS_SHA256_LEN);

    if (at != NULL)
        memcpy(digest, at, SS_SHA256_LEN);
}

static void
read_names(struct ss_rd *rd, struct smtpsec_outcome *outcome)
{
    struct ss_bytes key;
    const uint8_t *wire;
    uint8_t len;

    key.len = ss_rd_le16(rd);
    key.data = ss_rd_take(rd, key.len);
    if (key.data == NULL || !ss_memory_key_read(&outcome->key, key))
        rd->bad = true;
    len = ss_rd_u8(rd);
    wire = ss_rd_take(rd, len);
    if (wire != NULL && len > 0 && (!ss_name_from_wire(&outcome->host, wire, len) ||
                                    memcmp(outcome->host.wire, wire, len) != 0))
        rd->bad = true;
}

/* No time that a signature or a TTL can have: reckoning with it would go out of range. */
static bool
possible(int64_t time)
{
    return time >= 0 && time <= SS_CODEC_TIME_MAX;
}

/* A verdict that says more than its session can is no outcome of ours. */
static bool
coherent(const struct smtpsec_outcome *outcome)
{
    bool tls = outcome->starttls == SMTPSEC_STARTTLS_DONE;

    return possible(outcome->expires) && possible(outcome->inception) &&
           possible(outcome->signature_expiration) &&
           outcome->starttls <= SMTPSEC_STARTTLS_INJECTED &&
           outcome->required <= SMTPSEC_LEVEL_DANE && outcome->achieved <= SMTPSEC_LEVEL_DANE &&
           (outcome->identities & ~(SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX)) == 0 &&
           (tls || (outcome->identities == 0 && outcome->achieved == SMTPSEC_LEVEL_NONE)) &&
           (outcome->judged || !outcome->verified) &&
           /* A log shows no certificate. */
           (!outcome->observed ||
            (!outcome->judged && outcome->identities == 0 &&
             outcome->achieved == SMTPSEC_LEVEL_NONE &&
             (tls || outcome->starttls == SMTPSEC_STARTTLS_ABSENT))) &&
           /* Who refuses is the memory in force; who would, had to let it pass. */
           (!outcome->memory_refused ||
            (outcome->judged && !outcome->verified &&
             outcome->starttls != SMTPSEC_STARTTLS_NOT_REACHED &&
             (outcome->sources & SMTPSEC_SOURCE_MEMORY) != 0)) &&
           (!outcome->would_refuse || outcome->verified);
}

int
ss_outcome_decode(struct ss_bytes bytes, struct smtpsec_outcome **out)
{
    struct smtpsec_outcome *outcome = calloc(1, sizeof(*outcome));
    struct ss_rd rd;

    if (outcome == NULL)
        return SMTPSEC_E_NOMEM;
    ss_rd_init(&rd, bytes.data, bytes.len);
    read_names(&rd, outcome);
    read_digest(&rd, outcome->digest);
    outcome->at = (int64_t)ss_rd_le64(&rd);
    outcome->required = ss_rd_u8(&rd);
    outcome->sources = ss_rd_u8(&rd);
    read_flags(&rd, outcome);
    outcome->starttls = ss_rd_u8(&rd);
    outcome->reason = ss_rd_le16(&rd);
    outcome->achieved = ss_rd_u8(&rd);
    outcome->identities = ss_rd_u8(&rd);
    outcome->expires = (int64_t)ss_rd_le64(&rd);
    outcome->inception = (int64_t)ss_rd_le64(&rd);
    outcome->signature_expiration = (int64_t)ss_rd_le64(&rd);
    read_digest(&rd, outcome->tlsa_digest);
    read_digest(&rd, outcome->spki_digest);
    if (!ss_rd_done(&rd) || !coherent(outcome)) {
        free(outcome);
        return SMTPSEC_E_FORMAT;
    }
    *out = outcome;
    return 0;
}

bool
ss_outcome_stale(const struct smtpsec_outcome *outcome, int64_t now)
{
    return outcome->at > now + SS_OUTCOME_SKEW || outcome->at < now - SS_OUTCOME_AGE;
}

bool
ss_outcome_observation(const struct smtpsec_outcome *outcome, struct ss_observation *observation)
{
    memset(observation, 0, sizeof(*observation));
    observation->at = outcome->at;
    observation->host = outcome->host;
    if (outcome->host.len == 0 || (!outcome->judged && !outcome->observed) ||
        outcome->lifted) /* TRN-09 */
        return false;
    if (!outcome->verified && !outcome->observed) {
        /* Only what the memory alone refused counts towards its hold; others would refuse for ever. */
        observation->what = SS_OBSERVED_REFUSAL;
        observation->soft = outcome->soft;
        return outcome->memory_refused;
    }
    /* Design 6.1: raised by accepted deliveries alone, and by none with an empty sender. */
    if (!outcome->accepted || outcome->null_sender)
        return false;
    observation->what = SS_OBSERVED_DELIVERY;
    observation->tls = outcome->starttls == SMTPSEC_STARTTLS_DONE;
    observation->unseen = outcome->observed;
    observation->identities = outcome->observed ? 0 : outcome->identities;
    observation->mx_secure = outcome->mx_secure;
    observation->expires = outcome->expires;
    observation->inception = outcome->inception;
    observation->signature_expiration = outcome->signature_expiration;
    memcpy(observation->tlsa_digest, outcome->tlsa_digest, sizeof(observation->tlsa_digest));
    memcpy(observation->spki_digest, outcome->spki_digest, sizeof(observation->spki_digest));
    return true;
}
