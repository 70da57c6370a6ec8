/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A requirement as octets: nothing damaged is read as something weaker. */
#include "table.h"

#include <string.h>

#include "decision/requirement.h"
#include "facts.h"

static const struct ss_basis basis = {SMTPSEC_CLAIM_DANE, SS_PLACE_KNOWN_HOSTS, FACTS_NOW + 9,
                                      FACTS_NOW + 10, 259200};

/* A requirement that uses every field. */
static struct smtpsec_requirement *
full(void)
{
    struct smtpsec_requirement *requirement;
    struct ss_name name;
    uint8_t octets[64];
    struct ss_tlsa record;

    assert_int_equal(ss_requirement_new(&requirement), 0);
    requirement->key.domain = facts_name("d.test");
    requirement->key.relay = facts_name("relay.test");
    requirement->key.port = 587;
    strcpy(requirement->domain, "d.test");
    name = facts_name("mx.d.test");
    ss_reference_set(&requirement->host, &name);
    requirement->level = SMTPSEC_LEVEL_DANE;
    requirement->tls = SMTPSEC_TLS_REQUIRED;
    requirement->identities = SMTPSEC_IDENTITY_DANE | SMTPSEC_IDENTITY_PKIX;
    requirement->requiretls = true;
    requirement->tls_version = 0x0303;
    name = facts_name("h.p.test");
    ss_reference_set(&requirement->sni, &name);
    ss_reference_set(&requirement->dane_names[0], &name);
    name = facts_name("d.test");
    ss_reference_set(&requirement->dane_names[1], &name);
    requirement->dane_name_count = 2;
    memset(octets, 7, sizeof(octets));
    memset(&record, 0, sizeof(record));
    record.usage = 3;
    record.selector = record.matching = 1;
    record.data = octets;
    record.len = 32;
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
    record.usage = 0;
    record.reason = SMTPSEC_REASON_TLSA_USAGE;
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
    record.len = 0;
    record.reason = SMTPSEC_REASON_TLSA_LENGTH;
    assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
    requirement->sources = SMTPSEC_SOURCE_DANE | SMTPSEC_SOURCE_MTA_STS | SMTPSEC_SOURCE_REQUIRETLS;
    requirement->alone = SMTPSEC_IDENTITY_PKIX;
    requirement->basis = basis;
    requirement->soft = true;
    requirement->mx_secure = true;
    requirement->audited = SMTPSEC_IDENTITY_PKIX;
    requirement->reported = ss_requirement_enforced(requirement);
    requirement->reported.sources |= SMTPSEC_SOURCE_MEMORY;
    requirement->reported.refused = SMTPSEC_REASON_DOWNGRADE;
    requirement->reported.basis.place = SS_PLACE_HOST;
    requirement->expires = FACTS_NOW + 3600;
    requirement->tlsa_expires = FACTS_NOW + 300;
    requirement->tlsa_inception = FACTS_NOW - 7;
    requirement->tlsa_expiration = FACTS_NOW + 8;
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    return requirement;
}

static void
drop_records(struct smtpsec_requirement *requirement)
{
    ss_tlsa_set_free(&requirement->tlsa);
    memset(&requirement->tlsa, 0, sizeof(requirement->tlsa));
}

static void
encode(const struct smtpsec_requirement *requirement, struct ss_buf *out)
{
    ss_buf_init(out, 1 << 25);
    ss_requirement_encode(requirement, out);
    assert_true(ss_buf_ok(out));
}

static int
decode(const uint8_t *data, size_t len, struct smtpsec_requirement **out)
{
    /* An allocation of the exact size lets the sanitizers see a read past its end. */
    uint8_t *exact = malloc(len > 0 ? len : 1);
    struct ss_bytes bytes = {exact, len};
    int r;

    assert_non_null(exact);
    if (len > 0)
        memcpy(exact, data, len);
    *out = NULL;
    r = ss_requirement_decode(bytes, out);
    free(exact);
    return r;
}

static void
must_be_same(const struct smtpsec_requirement *a, const struct smtpsec_requirement *b)
{
    struct ss_buf one, two;

    encode(a, &one);
    encode(b, &two);
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.data, two.data, one.len);
    ss_buf_free(&one);
    ss_buf_free(&two);
}

/* ---- Changes to the full one ---- */

typedef void (*change)(struct smtpsec_requirement *requirement);

static void
another_domain(struct smtpsec_requirement *requirement)
{
    requirement->key.domain = facts_name("e.test");
}

static void
no_relay(struct smtpsec_requirement *requirement)
{
    memset(&requirement->key.relay, 0, sizeof(requirement->key.relay));
}

static void
another_port(struct smtpsec_requirement *requirement)
{
    requirement->key.port = 25;
}

static void
another_host(struct smtpsec_requirement *requirement)
{
    struct ss_name name = facts_name("my.d.test");

    ss_reference_set(&requirement->host, &name);
}

static void
no_host(struct smtpsec_requirement *requirement)
{
    memset(&requirement->host, 0, sizeof(requirement->host));
}

static void
lower_level(struct smtpsec_requirement *requirement)
{
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
}

static void
only_pkix(struct smtpsec_requirement *requirement)
{
    requirement->identities = SMTPSEC_IDENTITY_PKIX;
}

static void
no_requiretls(struct smtpsec_requirement *requirement)
{
    requirement->requiretls = false;
}

static void
older_tls(struct smtpsec_requirement *requirement)
{
    requirement->tls_version = 0x0301;
}

static void
another_sni(struct smtpsec_requirement *requirement)
{
    requirement->sni = requirement->host;
}

static void
fewer_names(struct smtpsec_requirement *requirement)
{
    requirement->dane_name_count = 1;
}

static void
another_record(struct smtpsec_requirement *requirement)
{
    requirement->tlsa.records[0].data[31] ^= 1;
}

static void
another_selector(struct smtpsec_requirement *requirement)
{
    requirement->tlsa.records[0].selector = 0;
}

static void
record_used(struct smtpsec_requirement *requirement)
{
    requirement->tlsa.records[1].reason = SMTPSEC_REASON_NONE;
}

static void
nothing(struct smtpsec_requirement *requirement)
{
    drop_records(requirement);
    requirement->level = SMTPSEC_LEVEL_NONE;
    requirement->tls = SMTPSEC_TLS_OPTIONAL;
    requirement->identities = 0;
    requirement->requiretls = false;
    requirement->dane_name_count = 0;
    requirement->alone = 0;
    memset(&requirement->reported, 0, sizeof(requirement->reported));
    memset(&requirement->sni, 0, sizeof(requirement->sni));
}

static void
unusable_beside_no_identity(struct smtpsec_requirement *requirement)
{
    drop_records(requirement);
    requirement->requiretls = false;
    requirement->identities = requirement->alone = 0;
    requirement->reported.identities = requirement->reported.alone = 0;
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
}

struct changed {
    const char *name;
    change change;
};

/* What is required: each of these is another digest, and all can be read back. */
static const struct changed required[] = {
    {"another policy domain", another_domain}, {"another route", no_relay},
    {"another port", another_port},            {"another host", another_host},
    {"no host", no_host},                      {"a lower level", lower_level},
    {"fewer identities", only_pkix},           {"without REQUIRETLS", no_requiretls},
    {"an older TLS version", older_tls},       {"another SNI", another_sni},
    {"fewer reference names", fewer_names},    {"another digest in a record", another_record},
    {"another selector", another_selector},    {"another record is used", record_used},
    {"nothing required", nothing},             {"TLS alone", unusable_beside_no_identity},
};

static void
check_required(void **state)
{
    const struct changed *row = *state;
    struct smtpsec_requirement *one = full();
    struct smtpsec_requirement *two = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;

    row->change(two);
    assert_int_equal(ss_requirement_seal_digest(two), 0);
    assert_memory_not_equal(one->digest, two->digest, SS_SHA256_LEN);
    assert_string_not_equal(one->digest_hex, two->digest_hex);
    encode(two, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), 0);
    must_be_same(two, back);
    assert_string_equal(two->digest_hex, back->digest_hex);
    assert_string_equal(two->host.text, back->host.text);
    assert_string_equal(two->sni.text, back->sni.text);
    ss_buf_free(&buf);
    ss_requirement_free(one);
    ss_requirement_free(two);
    ss_requirement_free(back);
}

/* ---- Why, and until when: not in the digest ---- */

static void
other_why(struct smtpsec_requirement *requirement)
{
    requirement->sources = SMTPSEC_SOURCE_MEMORY;
    requirement->basis.kind = SMTPSEC_CLAIM_ENCRYPTED;
    requirement->soft = requirement->mx_secure = false;
    requirement->audited = requirement->alone = 0;
    memset(&requirement->reported, 0, sizeof(requirement->reported));
    requirement->expires = requirement->tlsa_expires = 1;
    requirement->tlsa_inception = requirement->tlsa_expiration = -1;
}

static void
digest_has_no_times(void **state)
{
    struct smtpsec_requirement *one = full();
    struct smtpsec_requirement *two = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;

    (void)state;
    other_why(two);
    assert_int_equal(ss_requirement_seal_digest(two), 0);
    assert_memory_equal(one->digest, two->digest, SS_SHA256_LEN);
    encode(two, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->sources, SMTPSEC_SOURCE_MEMORY);
    assert_int_equal(back->basis.kind, SMTPSEC_CLAIM_ENCRYPTED);
    assert_int_equal(back->reported.tls, SMTPSEC_TLS_OPTIONAL);
    assert_false(back->soft || back->mx_secure || back->audited != 0 || back->alone != 0);
    assert_int_equal(back->expires, 1);
    assert_int_equal(back->tlsa_inception, -1);
    ss_buf_free(&buf);
    ss_requirement_free(one);
    ss_requirement_free(two);
    ss_requirement_free(back);
}

/* The operator's mandate, under TLS-Required: No, where DANE meets it as well (TRN-08). */
static void
either(struct smtpsec_requirement *requirement)
{
    requirement->requiretls = false;
    requirement->lifted = requirement->either = true;
    requirement->identities = SMTPSEC_IDENTITY_PKIX;
    requirement->alone = 0;
    requirement->audited = SMTPSEC_IDENTITY_DANE;
}

/* TRN-09: in a cache that is salted with it the sessions of the two lie apart. */
static void
digest_of_lifted(void **state)
{
    struct smtpsec_requirement *one = full();
    struct smtpsec_requirement *two = full();
    struct smtpsec_requirement *three = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;

    (void)state;
    one->requiretls = false;
    either(two);
    two->either = false;
    either(three);
    one->identities = two->identities; /* all else is the same */
    assert_int_equal(ss_requirement_seal_digest(three), 0);
    assert_int_equal(ss_requirement_seal_digest(one), 0);
    assert_int_equal(ss_requirement_seal_digest(two), 0);
    assert_memory_not_equal(one->digest, two->digest, SS_SHA256_LEN);
    assert_memory_not_equal(one->digest, three->digest, SS_SHA256_LEN);
    assert_memory_not_equal(two->digest, three->digest, SS_SHA256_LEN);
    encode(three, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), 0);
    must_be_same(three, back);
    assert_true(back->lifted && back->either);
    ss_buf_free(&buf);
    ss_requirement_free(one);
    ss_requirement_free(two);
    ss_requirement_free(three);
    ss_requirement_free(back);
}

/* ---- Requirements that no plan would make ---- */

static void
level_unknown(struct smtpsec_requirement *requirement)
{
    requirement->level = SMTPSEC_LEVEL_DANE + 1;
}

static void
tls_unknown(struct smtpsec_requirement *requirement)
{
    requirement->tls = SMTPSEC_TLS_REQUIRED + 1;
}

static void
identity_unknown(struct smtpsec_requirement *requirement)
{
    requirement->identities |= 4;
}

static void
identity_without_tls(struct smtpsec_requirement *requirement)
{
    nothing(requirement);
    requirement->identities = SMTPSEC_IDENTITY_PKIX;
}

static void
requiretls_without_tls(struct smtpsec_requirement *requirement)
{
    nothing(requirement);
    requirement->requiretls = true;
}

static void
level_without_tls(struct smtpsec_requirement *requirement)
{
    nothing(requirement);
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
}

static void
dane_without_records(struct smtpsec_requirement *requirement)
{
    drop_records(requirement);
}

static void
dane_without_a_used_record(struct smtpsec_requirement *requirement)
{
    requirement->tlsa.records[0].reason = SMTPSEC_REASON_TLSA_WEAKER;
}

static void
too_many_records(struct smtpsec_requirement *requirement)
{
    const struct ss_tlsa record = {.usage = 3, .reason = SMTPSEC_REASON_TLSA_SHORT};

    while (requirement->tlsa.count <= SS_REQUIREMENT_TLSA)
        assert_int_equal(ss_tlsa_set_add(&requirement->tlsa, &record), 0);
}

static void
root_as_host(struct smtpsec_requirement *requirement)
{
    requirement->host.name.len = 1;
    requirement->host.name.wire[0] = 0;
}

static void
capital_in_host(struct smtpsec_requirement *requirement)
{
    requirement->host.name.wire[1] = 'M';
}

static void
name_cut(struct smtpsec_requirement *requirement)
{
    requirement->sni.name.len--;
}

static void
more_alone(struct smtpsec_requirement *requirement)
{
    requirement->identities = SMTPSEC_IDENTITY_DANE;
}

static void
reported_tls_unknown(struct smtpsec_requirement *requirement)
{
    requirement->reported.tls = SMTPSEC_TLS_REQUIRED + 1;
}

static void
reported_identity_unknown(struct smtpsec_requirement *requirement)
{
    requirement->reported.identities |= 4;
}

static void
reported_identity_without_tls(struct smtpsec_requirement *requirement)
{
    requirement->reported.tls = SMTPSEC_TLS_OPTIONAL;
}

static void
reported_more_alone(struct smtpsec_requirement *requirement)
{
    requirement->reported.identities = SMTPSEC_IDENTITY_DANE;
}

static void
reported_dane_without_records(struct smtpsec_requirement *requirement)
{
    only_pkix(requirement);
    drop_records(requirement);
}

static void
reported_reason_of_others(struct smtpsec_requirement *requirement)
{
    requirement->reported.refused = SMTPSEC_REASON_MX_BOGUS;
}

static void
kind_unknown(struct smtpsec_requirement *requirement)
{
    requirement->basis.kind = SMTPSEC_CLAIM_DNSSEC + 1;
}

static void
place_unknown(struct smtpsec_requirement *requirement)
{
    requirement->reported.basis.place = SS_PLACE_KNOWN_HOSTS + 1;
}

static void
hold_before_now(struct smtpsec_requirement *requirement)
{
    requirement->basis.hold = -1;
}

static void
requiretls_without_identity(struct smtpsec_requirement *requirement)
{
    requirement->identities = requirement->alone = 0;
    requirement->level = SMTPSEC_LEVEL_ENCRYPTED;
}

static void
requiretls_and_lifted(struct smtpsec_requirement *requirement)
{
    requirement->lifted = true;
}

static void
either_and_not_lifted(struct smtpsec_requirement *requirement)
{
    either(requirement);
    requirement->lifted = false;
}

static void
either_and_no_identity(struct smtpsec_requirement *requirement)
{
    either(requirement);
    requirement->identities = 0;
}

static void
either_and_dane(struct smtpsec_requirement *requirement)
{
    either(requirement);
    requirement->identities |= SMTPSEC_IDENTITY_DANE;
}

static void
either_and_dane_not_judged(struct smtpsec_requirement *requirement)
{
    either(requirement);
    requirement->audited = 0;
}

static void
either_without_records(struct smtpsec_requirement *requirement)
{
    either(requirement);
    drop_records(requirement);
    requirement->reported.identities &= ~SMTPSEC_IDENTITY_DANE;
}

static const struct changed incoherent[] = {
    {"TRN-08 either identity, and nothing is lifted", either_and_not_lifted},
    {"TRN-08 either identity, and none is asked", either_and_no_identity},
    {"TRN-08 either identity, and DANE is asked", either_and_dane},
    {"TRN-08 either identity, and DANE is not judged", either_and_dane_not_judged},
    {"TRN-08 either identity, and no records", either_without_records},
    {"the memory alone demands what is not demanded", more_alone},
    {"reported: an unknown demand of TLS", reported_tls_unknown},
    {"reported: an unknown identity", reported_identity_unknown},
    {"reported: an identity without TLS", reported_identity_without_tls},
    {"reported: the memory alone demands what is not", reported_more_alone},
    {"reported: DANE without records", reported_dane_without_records},
    {"reported: refused for a reason not the memory's", reported_reason_of_others},
    {"a claim of an unknown kind", kind_unknown},
    {"a claim on an unknown place", place_unknown},
    {"a hold that is over before it began", hold_before_now},
    {"an unknown level", level_unknown},
    {"an unknown demand of TLS", tls_unknown},
    {"an unknown identity", identity_unknown},
    {"an identity without TLS", identity_without_tls},
    {"REQUIRETLS without TLS", requiretls_without_tls},
    {"RTLS-06 REQUIRETLS without an identity", requiretls_without_identity},
    {"RTLS-18 REQUIRETLS, and TLS-Required: No", requiretls_and_lifted},
    {"a level without TLS", level_without_tls},
    {"DANE without records", dane_without_records},
    {"DANE without a usable record", dane_without_a_used_record},
    {"more records than the DNS gives", too_many_records},
    {"the root as host", root_as_host},
    {"a capital letter in the host", capital_in_host},
    {"a name without its end", name_cut},
};

static void
check_incoherent(void **state)
{
    const struct changed *row = *state;
    struct smtpsec_requirement *requirement = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;

    row->change(requirement);
    assert_int_equal(ss_requirement_seal_digest(requirement), 0);
    encode(requirement, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), SMTPSEC_E_FORMAT);
    ss_buf_free(&buf);
    ss_requirement_free(requirement);
}

/* ---- Damage ---- */

static void
cut(void **state)
{
    struct smtpsec_requirement *requirement = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;
    size_t len;

    (void)state;
    encode(requirement, &buf);
    for (len = 0; len < buf.len; len++)
        assert_int_equal(decode(buf.data, len, &back), SMTPSEC_E_FORMAT);
    ss_buf_u8(&buf, 0);
    assert_int_equal(decode(buf.data, buf.len, &back), SMTPSEC_E_FORMAT);
    ss_buf_free(&buf);
    ss_requirement_free(requirement);
}

/*
 * Octets behind the digest: sources, the memory's own, flags, audited, four
 * times, a basis; what is reported in six, and its basis.
 */
#define BASIS (2 + 3 * 8)
#define WHY (4 + 4 * 8 + BASIS + 6 + BASIS)

static void
flip(void **state)
{
    struct smtpsec_requirement *requirement = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf, again;
    unsigned bit;
    size_t i;
    int r;

    (void)state;
    encode(requirement, &buf);
    for (i = 0; i < buf.len; i++)
        for (bit = 0; bit < 8; bit++) {
            buf.data[i] ^= (uint8_t)(1U << bit);
            r = decode(buf.data, buf.len, &back);
            if (i < buf.len - WHY || r != 0) {
                assert_int_equal(r, SMTPSEC_E_FORMAT);
            } else {
                /* Read, it is exactly what was written, and what is required is untouched. */
                assert_memory_equal(back->digest, requirement->digest, SS_SHA256_LEN);
                encode(back, &again);
                assert_int_equal(again.len, buf.len);
                assert_memory_equal(again.data, buf.data, buf.len);
                ss_buf_free(&again);
                ss_requirement_free(back);
            }
            buf.data[i] ^= (uint8_t)(1U << bit);
        }
    ss_buf_free(&buf);
    ss_requirement_free(requirement);
}

static void
unknown_flag(void **state)
{
    struct smtpsec_requirement *requirement = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;

    (void)state;
    encode(requirement, &buf);
    buf.data[buf.len - WHY + 2] |= 0x80;
    assert_int_equal(decode(buf.data, buf.len, &back), SMTPSEC_E_FORMAT);
    ss_buf_free(&buf);
    ss_requirement_free(requirement);
}

/* A weaker requirement under the stronger one's digest. */
static void
digest_of_another(void **state)
{
    struct smtpsec_requirement *strong = full();
    struct smtpsec_requirement *weak = full();
    struct smtpsec_requirement *back;
    struct ss_buf buf;

    (void)state;
    nothing(weak);
    memcpy(weak->digest, strong->digest, SS_SHA256_LEN);
    encode(weak, &buf);
    assert_int_equal(decode(buf.data, buf.len, &back), SMTPSEC_E_FORMAT);
    ss_buf_free(&buf);
    ss_requirement_free(strong);
    ss_requirement_free(weak);
}

static void
copy(void **state)
{
    struct smtpsec_requirement *requirement = full();
    struct smtpsec_requirement *twin;

    (void)state;
    assert_int_equal(ss_requirement_copy(requirement, &twin), 0);
    must_be_same(requirement, twin);
    assert_string_equal(requirement->domain, twin->domain);
    assert_ptr_not_equal(requirement->tlsa.records, twin->tlsa.records);
    ss_requirement_free(requirement);
    assert_int_equal(twin->tlsa.records[0].data[31], 7);
    ss_requirement_free(twin);
}

/* The digest of the TLSA set is of all its records; of none it is zero, as the memory keeps it. */
static void
tlsa_digest(void **state)
{
    static const uint8_t zero[SS_SHA256_LEN];
    struct smtpsec_requirement *requirement = full();
    uint8_t one[SS_SHA256_LEN], two[SS_SHA256_LEN];

    (void)state;
    assert_int_equal(ss_requirement_tlsa_digest(requirement, one), 0);
    assert_memory_not_equal(one, zero, sizeof(one));
    requirement->level = SMTPSEC_LEVEL_AUTHENTICATED;
    assert_int_equal(ss_requirement_tlsa_digest(requirement, two), 0);
    assert_memory_equal(one, two, sizeof(one));
    another_record(requirement);
    assert_int_equal(ss_requirement_tlsa_digest(requirement, two), 0);
    assert_memory_not_equal(one, two, sizeof(one));
    drop_records(requirement);
    assert_int_equal(ss_requirement_tlsa_digest(requirement, two), 0);
    assert_memory_equal(two, zero, sizeof(two));
    ss_requirement_free(requirement);
}

/* The digest salts caches of other programs and processes: it may not change with the version. */
static void
digest_stays(void **state)
{
    struct smtpsec_requirement *requirement = full();

    (void)state;
    assert_string_equal(requirement->digest_hex,
                        "4e0e735261da388264faa0a9111ec03cd672408db976f05bd38a1b74f9115541");
    ss_requirement_free(requirement);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("requirement");

    SS_TABLE_ROWS(&t, check_required, required);
    SS_TABLE_ROWS(&t, check_incoherent, incoherent);
    ss_table_case(&t, "the digest holds no times and no sources", digest_has_no_times);
    ss_table_case(&t, "PREC-12 the digest is the same in every version", digest_stays);
    ss_table_case(&t, "TRN-09, PREC-12 the digest of one under TLS-Required: No is another",
                  digest_of_lifted);
    ss_table_case(&t, "every cut, and one octet more, is refused", cut);
    ss_table_case(&t, "every bit of what is required counts", flip);
    ss_table_case(&t, "an unknown flag is refused", unknown_flag);
    ss_table_case(&t, "a weaker one under another digest is refused", digest_of_another);
    ss_table_case(&t, "a copy is the same and its own", copy);
    ss_table_case(&t, "the digest of the TLSA set", tlsa_digest);
    return ss_table_run(&t);
}
