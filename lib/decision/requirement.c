/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/requirement.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

void
ss_reference_set(struct ss_reference *reference, const struct ss_name *name)
{
    char text[SS_NAME_TEXT];
    size_t len;

    ss_name_to_text(name, text);
    len = strlen(text);
    if (len >= sizeof(reference->text))
        len = sizeof(reference->text) - 1; /* cannot be for a host name: those have no escapes */
    reference->name = *name;
    memcpy(reference->text, text, len);
    reference->text[len] = '\0';
}

int
ss_requirement_new(struct smtpsec_requirement **out)
{
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? SMTPSEC_E_NOMEM : 0;
}

void
ss_requirement_free(struct smtpsec_requirement *requirement)
{
    if (requirement == NULL)
        return;
    ss_tlsa_set_free(&requirement->tlsa);
    free(requirement);
}

int
ss_requirement_copy(const struct smtpsec_requirement *requirement, struct smtpsec_requirement **out)
{
    struct smtpsec_requirement *copy;
    int r;

    r = ss_requirement_new(&copy);
    if (r != 0)
        return r;
    *copy = *requirement;
    memset(&copy->tlsa, 0, sizeof(copy->tlsa));
    r = ss_tlsa_set_copy(&copy->tlsa, &requirement->tlsa);
    if (r != 0) {
        ss_requirement_free(copy);
        return r;
    }
    *out = copy;
    return 0;
}

static void
put_name(struct ss_buf *out, const struct ss_name *name)
{
    ss_buf_u8(out, name->len);
    ss_buf_put(out, name->wire, name->len);
}

static void
put_tlsa(struct ss_buf *out, const struct ss_tlsa_set *set)
{
    size_t i;

    ss_buf_le16(out, (uint16_t)set->count);
    for (i = 0; i < set->count; i++) {
        const struct ss_tlsa *record = &set->records[i];

        ss_buf_u8(out, record->usage);
        ss_buf_u8(out, record->selector);
        ss_buf_u8(out, record->matching);
        ss_buf_le16(out, (uint16_t)record->reason);
        ss_buf_le16(out, (uint16_t)record->len);
        ss_buf_put(out, record->data, record->len);
    }
}

/* The part that is required; the digest is taken over these octets. */
static void
put_required(struct ss_buf *out, const struct smtpsec_requirement *requirement)
{
    size_t i;

    put_name(out, &requirement->key.domain);
    put_name(out, &requirement->key.relay);
    ss_buf_le16(out, requirement->key.port);
    put_name(out, &requirement->host.name);
    ss_buf_u8(out, (uint8_t)requirement->level);
    ss_buf_u8(out, (uint8_t)requirement->tls);
    ss_buf_u8(out, (uint8_t)requirement->identities);
    ss_buf_u8(out, requirement->requiretls ? 1 : 0);
    ss_buf_le16(out, requirement->tls_version);
    put_name(out, &requirement->sni.name);
    ss_buf_u8(out, (uint8_t)requirement->dane_name_count);
    for (i = 0; i < requirement->dane_name_count; i++)
        put_name(out, &requirement->dane_names[i].name);
    put_tlsa(out, &requirement->tlsa);
}

int
ss_requirement_seal_digest(struct smtpsec_requirement *requirement)
{
    struct ss_buf buf;
    int r;

    ss_buf_init(&buf, 1 << 25);
    put_required(&buf, requirement);
    /* TRN-09: in caches that are salted with it, what a lifted one let in serves no other. */
    if (requirement->lifted)
        ss_buf_u8(&buf, requirement->either ? 2 : 1);
    r = ss_buf_ok(&buf) ? ss_sha256(buf.data, buf.len, requirement->digest) : SMTPSEC_E_NOMEM;
    ss_buf_free(&buf);
    if (r == 0)
        ss_hex_write(requirement->digest_hex, requirement->digest, SS_SHA256_LEN);
    return r;
}

int
ss_requirement_tlsa_digest(const struct smtpsec_requirement *requirement,
                           uint8_t digest[SS_SHA256_LEN])
{
    struct ss_buf buf;
    int r;

    memset(digest, 0, SS_SHA256_LEN);
    if (requirement->tlsa.count == 0)
        return 0;
    ss_buf_init(&buf, 1 << 25);
    put_tlsa(&buf, &requirement->tlsa);
    r = ss_buf_ok(&buf) ? ss_sha256(buf.data, buf.len, digest) : SMTPSEC_E_NOMEM;
    ss_buf_free(&buf);
    return r;
}

enum {
    FLAG_SOFT = 1,
    FLAG_MX_SECURE = 2,
    FLAG_LIFTED = 4,
    FLAG_STS_MISFIT = 8,
    FLAG_EITHER = 16,
    FLAGS_ALL = 31
};

static void
put_basis(struct ss_buf *out, const struct ss_basis *basis)
{
    ss_buf_u8(out, (uint8_t)basis->kind);
    ss_buf_u8(out, (uint8_t)basis->place);
    ss_buf_le64(out, (uint64_t)basis->until);
    ss_buf_le64(out, (uint64_t)basis->policy_until);
    ss_buf_le64(out, (uint64_t)basis->hold);
}

void
ss_requirement_encode(const struct smtpsec_requirement *requirement, struct ss_buf *out)
{
    uint8_t flags = (uint8_t)((requirement->soft ? FLAG_SOFT : 0) |
                              (requirement->mx_secure ? FLAG_MX_SECURE : 0) |
                              (requirement->lifted ? FLAG_LIFTED : 0) |
                              (requirement->sts_misfit ? FLAG_STS_MISFIT : 0) |
                              (requirement->either ? FLAG_EITHER : 0));
    const struct ss_wanted *reported = &requirement->reported;

    put_required(out, requirement);
    ss_buf_put(out, requirement->digest, SS_SHA256_LEN);
    ss_buf_u8(out, (uint8_t)requirement->sources);
    ss_buf_u8(out, (uint8_t)requirement->alone);
    ss_buf_u8(out, flags);
    ss_buf_u8(out, (uint8_t)requirement->audited);
    ss_buf_le64(out, (uint64_t)requirement->expires);
    ss_buf_le64(out, (uint64_t)requirement->tlsa_expires);
    ss_buf_le64(out, (uint64_t)requirement->tlsa_inception);
    ss_buf_le64(out, (uint64_t)requirement->tlsa_expiration);
    put_basis(out, &requirement->basis);
    ss_buf_u8(out, (uint8_t)reported->tls);
    ss_buf_u8(out, (uint8_t)reported->identities);
    ss_buf_u8(out, (uint8_t)reported->sources);
    ss_buf_u8(out, (uint8_t)reported->alone);
    ss_buf_le16(out, (uint16_t)reported->refused);
    put_basis(out, &reported->basis);
}

/* A name as it was put; one octet of length 0 is no name. */
static void
read_name(struct ss_rd *rd, struct ss_name *name, bool host)
{
    uint8_t len = ss_rd_u8(rd);
    const uint8_t *wire = ss_rd_take(rd, len);

    memset(name, 0, sizeof(*name));
    if (wire == NULL || len == 0)
        return;
    if (!ss_name_from_wire(name, wire, len) || memcmp(name->wire, wire, len) != 0 ||
        (host && ss_name_labels(name) == 0))
        rd->bad = true;
}

static void
read_reference(struct ss_rd *rd, struct ss_reference *reference)
{
    struct ss_name name;

    read_name(rd, &name, true);
    if (!rd->bad)
        ss_reference_set(reference, &name);
}

static int
read_tlsa(struct ss_rd *rd, struct ss_tlsa_set *set)
{
    size_t count = ss_rd_le16(rd);
    size_t i;
    int r;

    if (count > SS_REQUIREMENT_TLSA)
        rd->bad = true;
    for (i = 0; i < count && !rd->bad; i++) {
        struct ss_tlsa record;
        const uint8_t *data;

        memset(&record, 0, sizeof(record));
        record.usage = ss_rd_u8(rd);
        record.selector = ss_rd_u8(rd);
        record.matching = ss_rd_u8(rd);
        record.reason = ss_rd_le16(rd);
        record.len = ss_rd_le16(rd);
        data = ss_rd_take(rd, record.len);
        if (data == NULL)
            break;
        record.data = (uint8_t *)(uintptr_t)data;
        r = ss_tlsa_set_add(set, &record);
        if (r != 0)
            return r;
    }
    return 0;
}

static bool
boolean(struct ss_rd *rd)
{
    uint8_t v = ss_rd_u8(rd);

    if (v > 1)
        rd->bad = true;
    return v == 1;
}

static int
read_required(struct ss_rd *rd, struct smtpsec_requirement *requirement)
{
    size_t i;

    read_name(rd, &requirement->key.domain, false);
    read_name(rd, &requirement->key.relay, false);
    requirement->key.port = ss_rd_le16(rd);
    read_reference(rd, &requirement->host);
    requirement->level = ss_rd_u8(rd);
    requirement->tls = ss_rd_u8(rd);
    requirement->identities = ss_rd_u8(rd);
    requirement->requiretls = boolean(rd);
    requirement->tls_version = ss_rd_le16(rd);
    read_reference(rd, &requirement->sni);
    requirement->dane_name_count = ss_rd_u8(rd);
    if (requirement->dane_name_count > SS_DANE_NAMES) {
        rd->bad = true;
        return 0;
    }
    for (i = 0; i < requirement->dane_name_count; i++)
        read_reference(rd, &requirement->dane_names[i]);
    return read_tlsa(rd, &requirement->tlsa);
}

struct ss_wanted
ss_requirement_enforced(const struct smtpsec_requirement *requirement)
{
    struct ss_wanted wanted;

    wanted.tls = requirement->tls;
    wanted.identities = requirement->identities;
    wanted.sources = requirement->sources;
    wanted.alone = requirement->alone;
    wanted.refused = SMTPSEC_REASON_NONE;
    wanted.basis = requirement->basis;
    return wanted;
}

/* A demanded identity needs TLS, and DANE needs records; the memory alone demands nothing more. */
static bool
coherent_set(const struct smtpsec_requirement *requirement, const struct ss_wanted *wanted)
{
    const struct ss_basis *basis = &wanted->basis;

    if (wanted->tls > SMTPSEC_TLS_REQUIRED ||
        (wanted->identities & ~(SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX)) != 0 ||
        (wanted->alone & ~wanted->identities) != 0)
        return false;
    if (wanted->identities != 0 && wanted->tls != SMTPSEC_TLS_REQUIRED)
        return false;
    if ((wanted->identities & SMTPSEC_IDENTITY_DANE) != 0 &&
        !ss_tlsa_set_usable(&requirement->tlsa))
        return false;
    if (wanted->refused != SMTPSEC_REASON_NONE && wanted->refused != SMTPSEC_REASON_DOWNGRADE &&
        wanted->refused != SMTPSEC_REASON_DNSSEC_LOST)
        return false;
    return basis->kind <= SMTPSEC_CLAIM_DNSSEC && basis->place <= SS_PLACE_KNOWN_HOSTS &&
           basis->hold >= 0;
}

/* No blob may say less than a plan would. */
static bool
coherent(const struct smtpsec_requirement *requirement)
{
    struct ss_wanted enforced = ss_requirement_enforced(requirement);

    if (requirement->level > SMTPSEC_LEVEL_DANE ||
        (requirement->audited & ~(SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX)) != 0)
        return false;
    if ((requirement->requiretls || requirement->level > SMTPSEC_LEVEL_NONE) &&
        requirement->tls != SMTPSEC_TLS_REQUIRED)
        return false;
    /* RTLS-06: REQUIRETLS without an identity; RTLS-18: or lifted by the header. */
    if (requirement->requiretls && (requirement->identities == 0 || requirement->lifted))
        return false;
    /* TRN-08: only where the operator's own mandate is left, and DANE is judged beside it. */
    if (requirement->either &&
        (!requirement->lifted || requirement->identities != SMTPSEC_IDENTITY_PKIX ||
         (requirement->audited & SMTPSEC_IDENTITY_DANE) == 0 ||
         !ss_tlsa_set_usable(&requirement->tlsa)))
        return false;
    return coherent_set(requirement, &enforced) &&
           coherent_set(requirement, &requirement->reported);
}

static void
read_basis(struct ss_rd *rd, struct ss_basis *basis)
{
    basis->kind = ss_rd_u8(rd);
    basis->place = ss_rd_u8(rd);
    basis->until = (int64_t)ss_rd_le64(rd);
    basis->policy_until = (int64_t)ss_rd_le64(rd);
    basis->hold = (int64_t)ss_rd_le64(rd);
}

static void
read_reported(struct ss_rd *rd, struct ss_wanted *reported)
{
    reported->tls = ss_rd_u8(rd);
    reported->identities = ss_rd_u8(rd);
    reported->sources = ss_rd_u8(rd);
    reported->alone = ss_rd_u8(rd);
    reported->refused = ss_rd_le16(rd);
    read_basis(rd, &reported->basis);
}

static void
read_why(struct ss_rd *rd, struct smtpsec_requirement *requirement)
{
    uint8_t flags;

    requirement->sources = ss_rd_u8(rd);
    requirement->alone = ss_rd_u8(rd);
    flags = ss_rd_u8(rd);
    if ((flags & ~FLAGS_ALL) != 0)
        rd->bad = true;
    requirement->soft = (flags & FLAG_SOFT) != 0;
    requirement->mx_secure = (flags & FLAG_MX_SECURE) != 0;
    requirement->lifted = (flags & FLAG_LIFTED) != 0;
    requirement->sts_misfit = (flags & FLAG_STS_MISFIT) != 0;
    requirement->either = (flags & FLAG_EITHER) != 0;
    requirement->audited = ss_rd_u8(rd);
    requirement->expires = (int64_t)ss_rd_le64(rd);
    requirement->tlsa_expires = (int64_t)ss_rd_le64(rd);
    requirement->tlsa_inception = (int64_t)ss_rd_le64(rd);
    requirement->tlsa_expiration = (int64_t)ss_rd_le64(rd);
    read_basis(rd, &requirement->basis);
    read_reported(rd, &requirement->reported);
}

int
ss_requirement_decode(struct ss_bytes bytes, struct smtpsec_requirement **out)
{
    struct smtpsec_requirement *requirement;
    struct ss_reference domain;
    const uint8_t *digest;
    struct ss_rd rd;
    int r;

    r = ss_requirement_new(&requirement);
    if (r != 0)
        return r;
    ss_rd_init(&rd, bytes.data, bytes.len);
    r = read_required(&rd, requirement);
    if (r != 0)
        goto out;
    digest = ss_rd_take(&rd, SS_SHA256_LEN);
    read_why(&rd, requirement);
    r = SMTPSEC_E_FORMAT;
    if (!ss_rd_done(&rd) || digest == NULL || !coherent(requirement))
        goto out;
    ss_reference_set(&domain, &requirement->key.domain);
    memcpy(requirement->domain, domain.text, sizeof(requirement->domain));
    r = ss_requirement_seal_digest(requirement);
    if (r == 0 && memcmp(digest, requirement->digest, SS_SHA256_LEN) != 0)
        r = SMTPSEC_E_FORMAT;
    if (r != 0)
        goto out;
    *out = requirement;
    requirement = NULL;
out:
    ss_requirement_free(requirement);
    return r;
}
