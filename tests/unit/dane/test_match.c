/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The match of records and chain (RFC 6698 2.1, RFC 7672 3.1 and 3.2). */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "dane/tlsa.h"
#include "pkix/digest.h"

#define HOST "mx.d.test"
#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

/* The cast: 0 is nobody. An issuer stands before those it issues. */
enum {
    NOBODY, ROOT, ROOT_EXPIRED, ROOT_LEN0, ROOT_OTHER, ROOT_V1, INTER, INTER_REISSUED,
    INTER_EXPIRED, INTER_UNDER_EXPIRED, INTER_BELOW_LEN0, NO_CA, LEAF, LEAF_ROOT, LEAF_NO_NAME,
    LEAF_OTHER_NAME, LEAF_NEXT_HOP, LEAF_CN, LEAF_EXPIRED, LEAF_FUTURE, LEAF_EXPIRED_OTHER_NAME,
    LEAF_SELF, LEAF_SELF_CA, LEAF_SELF_TWIN, LEAF_CLIENT, LEAF_BELOW_LEN0, LEAF_BELOW_NO_CA,
    LEAF_FORGED, LEAF_UNDER_EXPIRED_ROOT, LEAF_BROKEN_SAN, LEAF_UNDER_V1, LEAF_WILD, CAST
};

static struct ss_test_cert *cast[CAST];

static void
make(int who, int issuer, struct ss_test_cert_spec spec)
{
    spec.issuer = issuer != NOBODY ? cast[issuer] : NULL;
    cast[who] = ss_test_cert(&spec);
}

#define MAKE(who, issuer, ...) make((who), (issuer), (struct ss_test_cert_spec){__VA_ARGS__})
#define PAST .not_after = SS_TEST_NOW - SS_TEST_DAY

static void
make_issuers(void)
{
    MAKE(ROOT, NOBODY, .cn = "Root", .key = 1, .ca = true);
    MAKE(ROOT_EXPIRED, NOBODY, .cn = "Expired root", .key = 2, .ca = true, PAST);
    MAKE(ROOT_LEN0, NOBODY, .cn = "Short root", .key = 3, .ca = true, .has_path_length = true);
    MAKE(ROOT_OTHER, NOBODY, .cn = "Other root", .key = 4, .ca = true);
    MAKE(ROOT_V1, NOBODY, .cn = "V1 root", .key = 8, .v1 = true);
    MAKE(INTER, ROOT, .cn = "Inter", .key = 5, .ca = true, .has_path_length = true);
    MAKE(INTER_REISSUED, ROOT, .cn = "Inter", .key = 5, .ca = true);
    MAKE(INTER_EXPIRED, ROOT, .cn = "Inter", .key = 5, .ca = true, PAST);
    MAKE(INTER_UNDER_EXPIRED, ROOT_EXPIRED, .cn = "Inter", .key = 5, .ca = true);
    MAKE(INTER_BELOW_LEN0, ROOT_LEN0, .cn = "Inter 2", .key = 6, .ca = true);
    MAKE(NO_CA, ROOT, .cn = "No CA", .key = 7);
}

static void
make_leaves(void)
{
    MAKE(LEAF, INTER, .cn = "leaf", .dns = {HOST});
    MAKE(LEAF_ROOT, ROOT, .cn = "leaf", .dns = {HOST});
    MAKE(LEAF_NO_NAME, INTER, .cn = "leaf");
    MAKE(LEAF_OTHER_NAME, INTER, .cn = HOST, .dns = {"other.test"});
    MAKE(LEAF_NEXT_HOP, INTER, .cn = "leaf", .dns = {"d.test"});
    MAKE(LEAF_CN, INTER, .cn = HOST);
    MAKE(LEAF_WILD, INTER, .cn = "leaf", .dns = {"*.d.test"});
    MAKE(LEAF_EXPIRED, INTER, .cn = "leaf", .dns = {HOST}, PAST);
    MAKE(LEAF_FUTURE, INTER, .cn = "leaf", .dns = {HOST}, .not_before = SS_TEST_NOW + SS_TEST_DAY);
    MAKE(LEAF_EXPIRED_OTHER_NAME, INTER, .cn = "leaf", .dns = {"other.test"}, PAST);
    MAKE(LEAF_SELF, NOBODY, .cn = HOST, .key = 9, .dns = {HOST});
    MAKE(LEAF_SELF_CA, NOBODY, .cn = HOST, .key = 9, .dns = {HOST}, .ca = true, .eku = CLIENT_AUTH);
    MAKE(LEAF_SELF_TWIN, NOBODY, .cn = HOST, .key = 9, .dns = {HOST}, .ca = true);
    MAKE(LEAF_CLIENT, INTER, .cn = "leaf", .dns = {HOST}, .eku = CLIENT_AUTH);
    MAKE(LEAF_BELOW_LEN0, INTER_BELOW_LEN0, .cn = "leaf", .dns = {HOST});
    MAKE(LEAF_BELOW_NO_CA, NO_CA, .cn = "leaf", .dns = {HOST});
    MAKE(LEAF_FORGED, ROOT, .cn = "leaf", .dns = {HOST}, .forged = true);
    MAKE(LEAF_UNDER_EXPIRED_ROOT, ROOT_EXPIRED, .cn = "leaf", .dns = {HOST});
    MAKE(LEAF_UNDER_V1, ROOT_V1, .cn = "leaf", .dns = {HOST});
    MAKE(LEAF_BROKEN_SAN, INTER, .cn = "leaf",
         .raw_san = {(const uint8_t *)"\x30\x05\x82\x7f" "ab", 6});
}

struct record {
    uint8_t usage, selector, matching;
    int of;
};

struct row {
    const char *name;
    int chain[5];
    struct record records[4]; /* when the chain is accepted, the last one is what fits */
    int32_t want;
};

#define OK SMTPSEC_REASON_NONE
#define NO(word) SMTPSEC_REASON_##word
#define NO_MATCH SMTPSEC_REASON_DANE_NO_MATCH

static const struct row ee_rows[] = {
    {"DANE-EE-01 intermediate matched by usage 3", {LEAF, INTER}, {{3, 0, 1, INTER}}, NO_MATCH},
    {"DANE-EE-01 leaf matched", {LEAF, INTER}, {{3, 0, 1, LEAF}}, OK},
    {"DANE-EE-02 SAN of another name", {LEAF_OTHER_NAME}, {{3, 1, 1, LEAF_OTHER_NAME}}, OK},
    {"DANE-EE-02 no SAN", {LEAF_NO_NAME}, {{3, 1, 1, LEAF_NO_NAME}}, OK},
    {"DANE-EE-03 expired", {LEAF_EXPIRED}, {{3, 0, 1, LEAF_EXPIRED}}, OK},
    {"DANE-EE-03 not yet valid", {LEAF_FUTURE}, {{3, 0, 1, LEAF_FUTURE}}, OK},
    {"DANE-EE-04 self-signed CA for clients", {LEAF_SELF_CA}, {{3, 0, 1, LEAF_SELF_CA}}, OK},
    {"DANE-EE-04 forged", {LEAF_FORGED, ROOT}, {{3, 0, 1, LEAF_FORGED}}, OK},
    {"DANE-EE-04 chain broken", {LEAF, ROOT_OTHER}, {{3, 0, 1, LEAF}}, OK},
    {"DANE-EE-04 SAN that no parser takes", {LEAF_BROKEN_SAN}, {{3, 0, 1, LEAF_BROKEN_SAN}}, OK},
    {"DANE-EE-04 the same by its key", {LEAF_BROKEN_SAN}, {{3, 1, 1, LEAF}}, OK},
    {"DANE-EE-06 other certificate, same key", {LEAF_EXPIRED}, {{3, 0, 1, LEAF}}, NO_MATCH},
    {"DANE-EE-06 the same by key", {LEAF_EXPIRED}, {{3, 1, 1, LEAF}}, OK},
    {"DANE-EE-06 digest of the key as a certificate's", {LEAF}, {{3, 1, 1, ROOT}}, NO_MATCH},
    {"DANE-EE-07 old and new", {LEAF}, {{3, 1, 1, ROOT}, {3, 1, 1, LEAF}}, OK},
    {"DANE-EE-07 stale EE, good TA", {LEAF, INTER}, {{3, 1, 1, ROOT}, {2, 1, 1, INTER}}, OK},
    {"DANE-EE-07 good EE, stale TA", {LEAF, INTER}, {{2, 1, 1, ROOT_OTHER}, {3, 1, 1, LEAF}}, OK},
    {"DANE-EE-09 none matches", {LEAF, INTER, ROOT}, {{3, 1, 1, LEAF_SELF}, {3, 0, 2, INTER}},
     NO_MATCH},
    {"DANE-EE-11 no certificate", {NOBODY}, {{3, 1, 1, LEAF}}, NO(NO_CERTIFICATE)},
    {"TLSA-12 unusable ones are ignored", {LEAF}, {{0, 0, 1, LEAF}, {3, 1, 1, ROOT}}, NO_MATCH},
    {"TLSA-14 1 1 1 is never taken for 3 1 1", {LEAF}, {{1, 1, 1, LEAF}}, NO_MATCH},
    {"TLSA-19 3 0 0", {LEAF}, {{3, 0, 0, LEAF}}, OK},
    {"TLSA-19 3 0 2", {LEAF}, {{3, 0, 2, LEAF}}, OK},
    {"TLSA-19 3 1 0", {LEAF}, {{3, 1, 0, LEAF}}, OK},
    {"TLSA-19 3 1 2", {LEAF}, {{3, 1, 2, LEAF}}, OK},
    {"TLSA-20 SHA-256 fits, SHA-512 does not", {LEAF}, {{3, 1, 1, LEAF}, {3, 1, 2, ROOT}},
     NO_MATCH},
    {"TLSA-21 (a) other selector fits", {LEAF}, {{3, 1, 2, ROOT}, {3, 0, 1, LEAF}}, OK},
    {"TLSA-21 (b) full data fits", {LEAF}, {{3, 1, 2, ROOT}, {3, 1, 0, LEAF}}, OK},
};

static const struct row ta_rows[] = {
    {"DANE-TA-01 2 0 1 of the root", {LEAF, INTER, ROOT}, {{2, 0, 1, ROOT}}, OK},
    {"DANE-TA-01 2 1 1 of the root", {LEAF, INTER, ROOT}, {{2, 1, 1, ROOT}}, OK},
    {"DANE-TA-01 2 0 2 of the root", {LEAF, INTER, ROOT}, {{2, 0, 2, ROOT}}, OK},
    {"DANE-TA-01 intermediate missing", {LEAF, ROOT}, {{2, 0, 1, ROOT}}, NO(DANE_TA_NO_PATH)},
    {"DANE-TA-02 intermediate, root missing", {LEAF, INTER}, {{2, 0, 1, INTER}}, OK},
    {"DANE-TA-02 intermediate, root expired", {LEAF, INTER_UNDER_EXPIRED, ROOT_EXPIRED},
     {{2, 0, 1, INTER_UNDER_EXPIRED}}, OK},
    {"DANE-TA-02 intermediate, root of another", {LEAF, INTER, ROOT_OTHER}, {{2, 0, 1, INTER}}, OK},
    {"DANE-TA-03 digest of a certificate not sent", {LEAF, INTER}, {{2, 0, 1, ROOT}}, NO_MATCH},
    {"DANE-TA-04 2 0 0, not sent", {LEAF, INTER}, {{2, 0, 0, ROOT}}, OK},
    {"DANE-TA-04 2 0 0, sent", {LEAF, INTER, ROOT}, {{2, 0, 0, ROOT}}, OK},
    {"DANE-TA-04 2 0 0 of another", {LEAF, INTER, ROOT}, {{2, 0, 0, ROOT_OTHER}}, NO_MATCH},
    {"DANE-TA-05 2 1 0, certificate sent", {LEAF, INTER}, {{2, 1, 0, INTER}}, OK},
    {"DANE-TA-06 2 1 0, leaf only", {LEAF}, {{2, 1, 0, INTER}}, OK},
    {"DANE-TA-06 2 1 0 above an intermediate", {LEAF, INTER}, {{2, 1, 0, ROOT}}, OK},
    {"DANE-TA-06 2 1 0 of another key", {LEAF}, {{2, 1, 0, ROOT_OTHER}}, NO_MATCH},
    {"DANE-TA-06 2 1 0, leaf expired", {LEAF_EXPIRED}, {{2, 1, 0, INTER}}, NO(EXPIRED)},
    {"DANE-TA-06 2 1 0, leaf not yet valid", {LEAF_FUTURE}, {{2, 1, 0, INTER}}, NO(NOT_YET_VALID)},
    {"DANE-TA-06 2 1 0, intermediate expired", {LEAF, INTER_EXPIRED}, {{2, 1, 0, ROOT}},
     NO(EXPIRED)},
    {"DANE-TA-06 2 1 0, another name", {LEAF_OTHER_NAME}, {{2, 1, 0, INTER}}, NO(NAME_MISMATCH)},
    {"DANE-TA-06 2 1 0, stranger put behind", {LEAF_SELF, ROOT_OTHER}, {{2, 1, 0, ROOT}}, NO_MATCH},
    {"DANE-TA-07 2 1 1, certificate not sent", {LEAF}, {{2, 1, 1, INTER}}, NO_MATCH},
    {"DANE-TA-08 2 0 1, pathLen 0, CA below", {LEAF_BELOW_LEN0, INTER_BELOW_LEN0, ROOT_LEN0},
     {{2, 0, 1, ROOT_LEN0}}, NO(PATH_LENGTH)},
    {"DANE-TA-08 2 0 0, pathLen 0, CA below", {LEAF_BELOW_LEN0, INTER_BELOW_LEN0},
     {{2, 0, 0, ROOT_LEN0}}, NO(PATH_LENGTH)},
    {"DANE-TA-09 2 1 1, reissued with the same key", {LEAF, INTER_REISSUED}, {{2, 1, 1, INTER}},
     OK},
    {"DANE-TA-09 2 0 1 asks for that certificate", {LEAF, INTER_REISSUED}, {{2, 0, 1, INTER}},
     NO_MATCH},
    {"DANE-TA-10 leaf expired", {LEAF_EXPIRED, INTER}, {{2, 0, 1, INTER}}, NO(EXPIRED)},
    {"DANE-TA-10 leaf not yet valid", {LEAF_FUTURE, INTER}, {{2, 0, 1, INTER}}, NO(NOT_YET_VALID)},
    {"DANE-TA-10 intermediate expired", {LEAF, INTER_EXPIRED, ROOT}, {{2, 0, 1, ROOT}},
     NO(EXPIRED)},
    {"DANE-TA-11 anchor expired, 2 0 1", {LEAF_UNDER_EXPIRED_ROOT, ROOT_EXPIRED},
     {{2, 0, 1, ROOT_EXPIRED}}, NO(EXPIRED)},
    {"DANE-TA-11 anchor expired, 2 0 0", {LEAF_UNDER_EXPIRED_ROOT}, {{2, 0, 0, ROOT_EXPIRED}},
     NO(EXPIRED)},
    {"DANE-TA-11 anchor expired, 2 1 0, sent", {LEAF_UNDER_EXPIRED_ROOT, ROOT_EXPIRED},
     {{2, 1, 0, ROOT_EXPIRED}}, NO(EXPIRED)},
    {"DANE-TA-12 2 1 1 of a self-signed leaf", {LEAF_SELF}, {{2, 1, 1, LEAF_SELF}},
     NO(DANE_TA_LEAF)},
    {"DANE-TA-12 2 0 1 of a leaf that is a CA", {LEAF_SELF_TWIN}, {{2, 0, 1, LEAF_SELF_TWIN}},
     NO(DANE_TA_LEAF)},
    {"DANE-TA-12 the leaf sent twice", {LEAF_SELF_TWIN, LEAF_SELF_TWIN}, {{2, 0, 1,
     LEAF_SELF_TWIN}},
     NO(DANE_TA_LEAF)},
    {"DANE-TA-12 2 0 0 of the leaf", {LEAF_SELF_TWIN}, {{2, 0, 0, LEAF_SELF_TWIN}},
     NO(DANE_TA_LEAF)},
    {"DANE-TA-12 2 1 0 of the leaf", {LEAF_SELF_TWIN}, {{2, 1, 0, LEAF_SELF_TWIN}},
     NO(DANE_TA_LEAF)},
    {"DANE-TA-12 2 0 1 of a leaf issued by a CA", {LEAF, INTER}, {{2, 0, 1, LEAF}},
     NO(DANE_TA_LEAF)},
    {"DANE-TA-13 anchor without CA flag", {LEAF_BELOW_NO_CA, NO_CA}, {{2, 0, 1, NO_CA}},
     NO(NOT_CA)},
    {"DANE-TA-13 the same by 2 0 0", {LEAF_BELOW_NO_CA}, {{2, 0, 0, NO_CA}}, NO(NOT_CA)},
    {"DANE-TA-13 version 1 anchor", {LEAF_UNDER_V1, ROOT_V1}, {{2, 0, 1, ROOT_V1}}, NO(NOT_CA)},
    {"DANE-TA-14 unrelated anchor put behind", {LEAF_SELF, ROOT}, {{2, 0, 1, ROOT}}, NO_MATCH},
    {"DANE-TA-14 chain of a stranger, anchor put behind", {LEAF_UNDER_EXPIRED_ROOT, ROOT_EXPIRED,
     ROOT},
     {{2, 1, 1, ROOT}}, NO_MATCH},
    {"DANE-TA-14 leaf forged in the anchor's name", {LEAF_FORGED, ROOT}, {{2, 0, 1, ROOT}},
     NO(BAD_SIGNATURE)},
    {"DANE-TA-15 another name", {LEAF_OTHER_NAME, INTER}, {{2, 0, 1, INTER}}, NO(NAME_MISMATCH)},
    {"DANE-TA-15 another name, 2 0 0", {LEAF_OTHER_NAME}, {{2, 0, 0, INTER}}, NO(NAME_MISMATCH)},
    {"DANE-TA-15 no name", {LEAF_NO_NAME, INTER}, {{2, 0, 1, INTER}}, NO(NAME_MISMATCH)},
    {"DANE-TA-15 expired tells more than the name", {LEAF_EXPIRED_OTHER_NAME, INTER}, {{2, 0, 1,
     INTER}},
     NO(EXPIRED)},
    {"DANE-ID-02 next hop as second name", {LEAF_NEXT_HOP, INTER}, {{2, 0, 1, INTER}}, OK},
    {"NAME-03 wildcard", {LEAF_WILD, INTER}, {{2, 0, 1, INTER}}, OK},
    {"NAME-06 CN where no SAN is", {LEAF_CN, INTER}, {{2, 0, 1, INTER}}, OK},
    {"NAME-12 EKU of clients", {LEAF_CLIENT, INTER}, {{2, 0, 1, INTER}}, NO(EKU)},
    {"DANE-EE-07 of two failures the one that tells more", {LEAF_OTHER_NAME, INTER},
     {{2, 0, 1, ROOT_OTHER}, {2, 1, 1, INTER}, {3, 1, 1, ROOT}}, NO(NAME_MISMATCH)},
    {"DANE-EE-07 one of two anchors", {LEAF, INTER}, {{2, 0, 1, ROOT_OTHER}, {2, 0, 0, ROOT}}, OK},
    {"TLSA-20 for anchors too", {LEAF, INTER}, {{2, 0, 1, INTER}, {2, 0, 2, ROOT_OTHER}}, NO_MATCH},
    {"DANE-TA-10 leaf that does not parse", {LEAF_BROKEN_SAN, INTER}, {{2, 0, 1, INTER}},
     NO(BAD_CERTIFICATE)},
};

static struct ss_chain *
chain_of(const int *who)
{
    struct ss_bytes list[5];
    struct ss_chain *chain;
    size_t n;

    for (n = 0; n < 5 && who[n] != NOBODY; n++)
        list[n] = ss_test_cert_der(cast[who[n]]);
    assert_int_equal(ss_chain_new(list, n, &chain), 0);
    return chain;
}

static void
set_of(const struct record *records, struct ss_tlsa_set *set)
{
    struct ss_bytes rdata[4];
    size_t n;

    for (n = 0; n < 4 && records[n].of != NOBODY; n++)
        rdata[n] = ss_test_tlsa(records[n].usage, records[n].selector, records[n].matching,
                                cast[records[n].of]);
    assert_int_equal(ss_tlsa_set_read(set, rdata, n, false, false, NULL), 0);
}

static void
assert_matched(const struct ss_tlsa_set *set, int32_t index, const struct record *records)
{
    const struct ss_tlsa *record = &set->records[index];
    const struct record *want = records;
    struct ss_bytes rdata;

    assert_in_range(index, 0, set->count - 1);
    while (want + 1 < records + 4 && want[1].of != NOBODY)
        want++;
    rdata = ss_test_tlsa(want->usage, want->selector, want->matching, cast[want->of]);
    assert_int_equal(record->usage, want->usage);
    assert_int_equal(record->len, rdata.len - 3);
    assert_memory_equal(record->data, rdata.data + 3, record->len);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_chain *chain = chain_of(row->chain);
    struct ss_tlsa_set set;
    struct ss_name names[2];
    int32_t index = 99, reason = -1;

    set_of(row->records, &set);
    assert_true(ss_name_from_text(&names[0], HOST, strlen(HOST)));
    assert_true(ss_name_from_text(&names[1], "d.test", 6));
    assert_int_equal(ss_dane_verify(&set, chain, names, 2, SS_TEST_NOW, &index, &reason), 0);
    assert_int_equal(reason, row->want);
    if (row->want == OK)
        assert_matched(&set, index, row->records);
    else
        assert_int_equal(index, -1);
    ss_tlsa_set_free(&set);
    ss_chain_free(chain);
}

/* DANE-EE-06: a digest over the bare BIT STRING is not one over the SubjectPublicKeyInfo. */
static void
check_bare_bits(void **state)
{
    struct ss_bytes spki = ss_test_cert_spki(cast[LEAF]);
    uint8_t digest[SS_SHA256_LEN];
    struct ss_bytes data = {digest, sizeof(digest)};
    struct ss_chain *chain = chain_of((const int[5]){LEAF});
    struct ss_tlsa_set set;
    struct ss_bytes rdata;
    int32_t index, reason;

    (void)state;
    /* A P-256 key is a point of 65 octets at the end. */
    assert_int_equal(ss_sha256(spki.data + spki.len - 65, 65, digest), 0);
    rdata = ss_test_tlsa_raw(3, 1, 1, data);
    assert_int_equal(ss_tlsa_set_read(&set, &rdata, 1, false, false, NULL), 0);
    assert_int_equal(ss_dane_verify(&set, chain, NULL, 0, SS_TEST_NOW, &index, &reason), 0);
    assert_int_equal(reason, NO_MATCH);
    ss_tlsa_set_free(&set);
    ss_chain_free(chain);
}

/* DANE-EE-06: an RSA key without the NULL of its algorithm, which GnuTLS would write anew. */
static void
check_octets_of_key(void **state)
{
    static const char odd[] =
        "\x30\x37\x30\x2a\x02\x01\x01\x30\x05\x06\x03\x2a\x03\x04\x30\x00\x30\x00\x30\x00"
        "\x30\x18\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"
        "\x03\x09\x00\x30\x06\x02\x01\x11\x02\x01\x03"
        "\x30\x05\x06\x03\x2a\x03\x04\x03\x02\x00\xaa";
    struct ss_bytes der = {(const uint8_t *)odd, sizeof(odd) - 1};
    struct ss_bytes data = {(const uint8_t *)odd + 20, 26};
    struct ss_bytes rdata = ss_test_tlsa_raw(3, 1, 0, data);
    struct ss_tlsa_set set;
    struct ss_chain *chain;
    int32_t index, reason;

    (void)state;
    assert_int_equal(ss_chain_new(&der, 1, &chain), 0);
    assert_int_equal(ss_tlsa_set_read(&set, &rdata, 1, false, false, NULL), 0);
    assert_int_equal(ss_dane_verify(&set, chain, NULL, 0, SS_TEST_NOW, &index, &reason), 0);
    assert_int_equal(reason, OK);
    ss_tlsa_set_free(&set);
    ss_chain_free(chain);
}

struct raw_row {
    const char *name;
    struct record records[4];
    int of; /* the key sent */
    int32_t want;
};

static const struct raw_row raw_rows[] = {
    {"DANE-EE-10 3 1 1", {{3, 1, 1, LEAF}}, LEAF, OK},
    {"DANE-EE-10 3 1 0", {{3, 1, 0, LEAF}}, LEAF, OK},
    {"DANE-EE-10 3 1 2", {{3, 1, 2, LEAF}}, LEAF, OK},
    {"DANE-EE-10 3 1 1 of another key", {{3, 1, 1, LEAF}}, ROOT, NO_MATCH},
    {"DANE-EE-10 3 0 1 only", {{3, 0, 1, LEAF}}, LEAF, NO(RAW_PUBLIC_KEY)},
    {"DANE-EE-10 2 1 1 only", {{2, 1, 1, LEAF}}, LEAF, NO(RAW_PUBLIC_KEY)},
    {"DANE-EE-10 1 1 1 only", {{1, 1, 1, LEAF}}, LEAF, NO(RAW_PUBLIC_KEY)},
    {"DANE-EE-10 weaker digest", {{3, 1, 1, LEAF}, {3, 1, 2, ROOT}}, LEAF, NO_MATCH},
    {"DANE-EE-11 no key", {{3, 1, 1, LEAF}}, NOBODY, NO(NO_CERTIFICATE)},
};

static void
check_raw(void **state)
{
    const struct raw_row *row = *state;
    struct ss_bytes spki = {NULL, 0};
    struct ss_tlsa_set set;
    int32_t index, reason;

    set_of(row->records, &set);
    if (row->of != NOBODY)
        spki = ss_test_cert_spki(cast[row->of]);
    assert_int_equal(ss_dane_verify_raw_key(&set, spki, &index, &reason), 0);
    assert_int_equal(reason, row->want);
    assert_int_equal(index, row->want == OK ? 0 : -1);
    ss_tlsa_set_free(&set);
}

/* A record with unknown numbers, from elsewhere, is not used whatever its reason says. */
static void
check_unknown_numbers(void **state)
{
    struct ss_bytes der = ss_test_cert_der(cast[LEAF]);
    struct ss_tlsa record = {3, 0, 0, SMTPSEC_REASON_NONE, (uint8_t *)(uintptr_t)der.data, der.len};
    struct ss_chain *chain = chain_of((const int[5]){LEAF});
    static const uint8_t numbers[][2] = {{2, 0}, {255, 0}, {0, 3}, {1, 255}};
    struct ss_tlsa_set set = {0, NULL};
    int32_t index, reason;
    size_t i;

    (void)state;
    for (i = 0; i < 4; i++) {
        record.selector = numbers[i][0];
        record.matching = numbers[i][1];
        assert_int_equal(ss_tlsa_set_add(&set, &record), 0);
    }
    assert_int_equal(ss_dane_verify(&set, chain, NULL, 0, SS_TEST_NOW, &index, &reason), 0);
    assert_int_equal(reason, NO_MATCH);
    ss_tlsa_set_free(&set);
    ss_chain_free(chain);
}

/* Hundreds of anchors, all of the issuer's name: an end after some searches, and no error. */
static void
check_many_anchors(void **state)
{
    enum { MANY = 200 };
    struct ss_chain *chain = chain_of((const int[5]){LEAF});
    struct ss_bytes rdata[MANY];
    struct ss_tlsa_set set;
    struct ss_name name;
    int32_t index, reason;
    size_t i;

    (void)state;
    for (i = 0; i < MANY; i++) {
        struct ss_test_cert_spec fake = {.cn = "Inter", .key = 4, .ca = true};

        rdata[i] = ss_test_tlsa(2, 0, 0, ss_test_cert(&fake));
    }
    assert_true(ss_name_from_text(&name, HOST, strlen(HOST)));
    assert_int_equal(ss_tlsa_set_read(&set, rdata, MANY, false, false, NULL), 0);
    assert_int_equal(ss_dane_verify(&set, chain, &name, 1, SS_TEST_NOW, &index, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_BAD_SIGNATURE);
    ss_tlsa_set_free(&set);
    ss_chain_free(chain);
}

/* The bound itself: a good anchor that sorts last, being the longest, is not reached. */
static void
check_bound(void **state)
{
    enum { MANY = 33 };
    struct ss_test_cert_spec good = {.cn = "Inter", .key = 5, .ca = true,
                                     .email = "a-rather-long-address-of-this-one-only@d.test"};
    struct ss_chain *chain = chain_of((const int[5]){LEAF});
    struct ss_bytes rdata[MANY];
    struct ss_tlsa_set set;
    struct ss_name name;
    int32_t index, reason;
    size_t i, skip;

    (void)state;
    rdata[0] = ss_test_tlsa(2, 0, 0, ss_test_cert(&good));
    for (i = 1; i < MANY; i++) {
        struct ss_test_cert_spec fake = {.cn = "Inter", .key = 4, .ca = true};

        rdata[i] = ss_test_tlsa(2, 0, 0, ss_test_cert(&fake));
    }
    assert_true(ss_name_from_text(&name, HOST, strlen(HOST)));
    for (skip = 0; skip < 2; skip++) {
        assert_int_equal(ss_tlsa_set_read(&set, rdata, MANY - skip, false, false, NULL), 0);
        assert_int_equal(ss_dane_verify(&set, chain, &name, 1, SS_TEST_NOW, &index, &reason), 0);
        assert_int_equal(reason, skip == 0 ? SMTPSEC_REASON_BAD_SIGNATURE : OK);
        ss_tlsa_set_free(&set);
    }
    ss_chain_free(chain);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("match");
    int failed;

    make_issuers();
    make_leaves();
    SS_TABLE_ROWS(&t, check, ee_rows);
    SS_TABLE_ROWS(&t, check, ta_rows);
    SS_TABLE_ROWS(&t, check_raw, raw_rows);
    ss_table_case(&t, "DANE-EE-06 digest of the bare bit string", check_bare_bits);
    ss_table_case(&t, "DANE-EE-06 key octets as they were sent", check_octets_of_key);
    ss_table_case(&t, "TLSA-15 unknown numbers from elsewhere", check_unknown_numbers);
    ss_table_case(&t, "DANE-TA-04 hundreds of anchors", check_many_anchors);
    ss_table_case(&t, "DANE-TA-04 anchors beyond the bound", check_bound);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
