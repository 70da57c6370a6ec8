/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths to trust anchors (RFC 5280 6.1): which reason for which fault. */
#include "table.h"

#include <gnutls/x509.h>

#include "certs.h"
#include "pkix/anchors.h"
#include "pkix/chain.h"

#define SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"
#define ANY_PURPOSE "2.5.29.37.0"
#define YEAR (365 * SS_TEST_DAY)

/* The cast: 0 is nobody. An issuer stands before those it issues. */
enum {
    NOBODY, ROOT, ROOT_NOPATH, ROOT_EXPIRED, ROOT_FUTURE, ROOT_V1, ROOT_NAMES, ROOT_CLIENT,
    ROOT_OTHER, ROOT_SAME_NAME, ROOT_LEN0, INTER, INTER_LEN0, INTER2, INTER_NOT_CA,
    INTER_NO_SIGN, INTER_CROSS, INTER_EXPIRED, INTER_FAKE, INTER_CLIENT, INTER_V1,
    INTER_SELF_ISSUED, LEAF, LEAF_ROOT, LEAF_EXPIRED, LEAF_FUTURE, LEAF_BOUND, LEAF_SELF,
    LEAF_SELF_CA, LEAF_CLIENT, LEAF_ANY, LEAF_SERVER, LEAF_FORGED, LEAF_DEEP, LEAF_SHA1,
    LEAF_WEAK, LEAF_NO_TLS, LEAF_TLS_USAGE, LEAF_ODD_USAGE, LEAF_CRITICAL, LEAF_UNDER_LEN0,
    LEAF_UNDER_NOT_CA, LEAF_UNDER_NO_SIGN, LEAF_UNDER_EXPIRED_ROOT, LEAF_UNDER_FUTURE_ROOT,
    LEAF_UNDER_V1, LEAF_UNDER_NAMES, LEAF_OUTSIDE_NAMES, LEAF_UNDER_CLIENT_ROOT,
    LEAF_UNDER_CLIENT_INTER, LEAF_UNDER_V1_INTER, LEAF_UNDER_SELF_ISSUED, LEAF_BROKEN_SAN, CAST
};

static struct ss_test_cert *cast[CAST];

static void
make(int who, int issuer, struct ss_test_cert_spec spec)
{
    spec.issuer = issuer != NOBODY ? cast[issuer] : NULL;
    cast[who] = ss_test_cert(&spec);
}

#define MAKE(who, issuer, ...) make((who), (issuer), (struct ss_test_cert_spec){__VA_ARGS__})

static void
make_roots(void)
{
    MAKE(ROOT, NOBODY, .cn = "Root", .key = 1, .ca = true, .key_ids = true);
    /* The same name, another key: what a stray issuer looks like. */
    MAKE(ROOT_SAME_NAME, NOBODY, .cn = "Root", .key = 2, .ca = true);
    MAKE(ROOT_OTHER, NOBODY, .cn = "Other root", .key = 3, .ca = true);
    MAKE(ROOT_EXPIRED, NOBODY, .cn = "Expired root", .key = 1, .ca = true,
         .not_after = SS_TEST_NOW - 1);
    MAKE(ROOT_FUTURE, NOBODY, .cn = "Future root", .key = 1, .ca = true,
         .not_before = SS_TEST_NOW + 1);
    MAKE(ROOT_V1, NOBODY, .cn = "V1 root", .key = 1, .v1 = true);
    MAKE(ROOT_NAMES, NOBODY, .cn = "Names root", .key = 1, .ca = true, .permit_dns = "d.test",
         .exclude_dns = "bad.d.test");
    MAKE(ROOT_CLIENT, NOBODY, .cn = "Client root", .key = 1, .ca = true, .eku = CLIENT_AUTH);
    MAKE(ROOT_NOPATH, NOBODY, .cn = "Unknown root", .key = 4, .ca = true);
    MAKE(ROOT_LEN0, NOBODY, .cn = "Short root", .key = 1, .ca = true, .has_path_length = true);
}

static void
make_intermediates(void)
{
    MAKE(INTER, ROOT, .cn = "Inter", .key = 5, .ca = true, .key_ids = true);
    MAKE(INTER_CROSS, ROOT_NOPATH, .cn = "Inter", .key = 5, .ca = true);
    MAKE(INTER_EXPIRED, ROOT, .cn = "Inter", .key = 5, .ca = true, .not_after = SS_TEST_NOW - 1);
    MAKE(INTER_FAKE, ROOT, .cn = "Inter", .key = 6, .ca = true);
    MAKE(INTER_LEN0, ROOT, .cn = "Inter 0", .key = 5, .ca = true, .has_path_length = true);
    MAKE(INTER2, INTER_LEN0, .cn = "Inter 2", .key = 6, .ca = true);
    MAKE(INTER_SELF_ISSUED, ROOT_LEN0, .cn = "Inter 3", .key = 5, .ca = true);
    MAKE(INTER_NOT_CA, ROOT, .cn = "No CA", .key = 5);
    MAKE(INTER_NO_SIGN, ROOT, .cn = "No sign", .key = 5, .ca = true,
         .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE);
    MAKE(INTER_CLIENT, ROOT, .cn = "Client CA", .key = 5, .ca = true, .eku = CLIENT_AUTH);
    MAKE(INTER_V1, ROOT, .cn = "V1 inter", .key = 5, .v1 = true);
}

#define HOST .cn = "leaf", .dns = {"mx.d.test"}

static void
make_leaves(void)
{
    MAKE(LEAF, INTER, HOST, .key_ids = true);
    MAKE(LEAF_ROOT, ROOT, HOST);
    MAKE(LEAF_EXPIRED, ROOT, HOST, .not_after = SS_TEST_NOW - 1);
    MAKE(LEAF_FUTURE, ROOT, HOST, .not_before = SS_TEST_NOW + 1);
    MAKE(LEAF_BOUND, ROOT, HOST, .not_before = SS_TEST_NOW, .not_after = SS_TEST_NOW);
    MAKE(LEAF_SELF, NOBODY, HOST);
    MAKE(LEAF_SELF_CA, NOBODY, HOST, .ca = true);
    MAKE(LEAF_CLIENT, ROOT, HOST, .eku = CLIENT_AUTH);
    MAKE(LEAF_ANY, ROOT, HOST, .eku = ANY_PURPOSE);
    MAKE(LEAF_SERVER, ROOT, HOST, .eku = SERVER_AUTH);
    MAKE(LEAF_FORGED, ROOT, HOST, .forged = true);
    MAKE(LEAF_DEEP, INTER2, HOST);
    MAKE(LEAF_SHA1, ROOT, HOST, .sha1 = true);
    MAKE(LEAF_WEAK, ROOT, HOST, .key = SS_TEST_KEY_RSA1024);
    MAKE(LEAF_NO_TLS, ROOT, HOST, .key_usage = GNUTLS_KEY_KEY_CERT_SIGN);
    MAKE(LEAF_TLS_USAGE, ROOT, HOST, .key_usage = GNUTLS_KEY_DIGITAL_SIGNATURE);
    MAKE(LEAF_ODD_USAGE, ROOT, HOST, .broken_key_usage = true);
    MAKE(LEAF_CRITICAL, ROOT, HOST, .critical_oid = "1.2.3.4.5");
    MAKE(LEAF_UNDER_LEN0, INTER_LEN0, HOST);
    MAKE(LEAF_UNDER_NOT_CA, INTER_NOT_CA, HOST);
    MAKE(LEAF_UNDER_NO_SIGN, INTER_NO_SIGN, HOST);
    MAKE(LEAF_UNDER_EXPIRED_ROOT, ROOT_EXPIRED, HOST);
    MAKE(LEAF_UNDER_FUTURE_ROOT, ROOT_FUTURE, HOST);
    MAKE(LEAF_UNDER_V1, ROOT_V1, HOST);
    MAKE(LEAF_UNDER_NAMES, ROOT_NAMES, HOST);
    MAKE(LEAF_OUTSIDE_NAMES, ROOT_NAMES, .cn = "leaf", .dns = {"bad.d.test"});
    MAKE(LEAF_UNDER_CLIENT_ROOT, ROOT_CLIENT, HOST);
    MAKE(LEAF_UNDER_CLIENT_INTER, INTER_CLIENT, HOST);
    MAKE(LEAF_UNDER_V1_INTER, INTER_V1, HOST);
    MAKE(LEAF_UNDER_SELF_ISSUED, INTER_SELF_ISSUED, HOST);
    MAKE(LEAF_BROKEN_SAN, ROOT, .cn = "leaf",
         .raw_san = {(const uint8_t *)"\x30\x05\x82\x7f" "ab", 6});
}

struct row {
    const char *name;
    int chain[6];
    int anchors[3];
    int32_t want;
};

#define OK SMTPSEC_REASON_NONE
#define NO(word) SMTPSEC_REASON_##word

static const struct row rows[] = {
    {"NAME-12 leaf under a root", {LEAF_ROOT}, {ROOT}, OK},
    {"NAME-12 leaf, intermediate", {LEAF, INTER}, {ROOT}, OK},
    {"NAME-12 root sent along", {LEAF, INTER, ROOT}, {ROOT}, OK},
    {"NAME-12 many anchors", {LEAF, INTER}, {ROOT_OTHER, ROOT, ROOT_NAMES}, OK},
    {"NAME-12 chain in disorder, with strangers", {LEAF, ROOT_OTHER, ROOT, INTER}, {ROOT}, OK},
    {"NAME-12 certificates sent twice", {LEAF, LEAF, INTER, INTER}, {ROOT}, OK},
    {"NAME-12 intermediate as anchor", {LEAF}, {INTER}, OK},
    {"NAME-12 intermediate as anchor, sent along", {LEAF, INTER}, {INTER}, OK},
    {"NAME-12 intermediate missing", {LEAF}, {ROOT}, NO(NOT_TRUSTED)},
    {"NAME-12 unknown root", {LEAF, INTER, ROOT}, {ROOT_OTHER}, NO(NOT_TRUSTED)},
    {"NAME-12 no chain", {NOBODY}, {ROOT}, NO(NO_CERTIFICATE)},
    {"NAME-12 no anchors", {LEAF, INTER}, {NOBODY}, NO(NO_TRUST_ANCHORS)},
    {"NAME-12 self-signed leaf", {LEAF_SELF}, {ROOT}, NO(SELF_SIGNED)},
    {"NAME-12 self-signed leaf, root put behind", {LEAF_SELF, ROOT}, {ROOT}, NO(SELF_SIGNED)},
    {"NAME-12 leaf is no anchor of its own", {LEAF_SELF}, {LEAF_SELF}, NO(SELF_SIGNED)},
    {"NAME-12 nor a CA that is a leaf", {LEAF_SELF_CA}, {LEAF_SELF_CA}, NO(SELF_SIGNED)},
    {"NAME-12 nor when issued by another", {LEAF_ROOT}, {LEAF_ROOT}, NO(NOT_TRUSTED)},
    {"NAME-12 leaf expired", {LEAF_EXPIRED}, {ROOT}, NO(EXPIRED)},
    {"NAME-12 leaf not yet valid", {LEAF_FUTURE}, {ROOT}, NO(NOT_YET_VALID)},
    {"NAME-12 both ends belong to the validity", {LEAF_BOUND}, {ROOT}, OK},
    {"NAME-12 intermediate expired", {LEAF, INTER_EXPIRED}, {ROOT}, NO(EXPIRED)},
    {"NAME-12 root expired", {LEAF_UNDER_EXPIRED_ROOT}, {ROOT_EXPIRED}, NO(EXPIRED)},
    {"NAME-12 root not yet valid", {LEAF_UNDER_FUTURE_ROOT}, {ROOT_FUTURE}, NO(NOT_YET_VALID)},
    {"NAME-12 expired leaf of nobody", {LEAF_EXPIRED}, {ROOT_OTHER}, NO(NOT_TRUSTED)},
    {"NAME-12 an unexpired path is preferred", {LEAF, INTER_EXPIRED, INTER}, {ROOT}, OK},
    {"NAME-12 wrong issuer of that name in front", {LEAF, INTER_FAKE, INTER}, {ROOT}, OK},
    {"NAME-12 wrong anchor of that name", {LEAF_ROOT}, {ROOT_SAME_NAME, ROOT}, OK},
    {"NAME-12 cross-signed by a stranger in front", {LEAF, INTER_CROSS, ROOT_NOPATH, INTER}, {ROOT},
     OK},
    {"NAME-12 only a wrong issuer", {LEAF_DEEP, INTER2, INTER_FAKE}, {ROOT}, NO(NOT_TRUSTED)},
    {"NAME-12 only a wrong anchor of that name", {LEAF_ROOT}, {ROOT_SAME_NAME}, NO(BAD_SIGNATURE)},
    {"NAME-12 leaf forged", {LEAF_FORGED}, {ROOT}, NO(BAD_SIGNATURE)},
    {"NAME-12 intermediate is no CA", {LEAF_UNDER_NOT_CA, INTER_NOT_CA}, {ROOT}, NO(NOT_CA)},
    {"NAME-12 intermediate may not sign", {LEAF_UNDER_NO_SIGN, INTER_NO_SIGN}, {ROOT},
     NO(KEY_USAGE)},
    {"NAME-12 version 1 intermediate", {LEAF_UNDER_V1_INTER, INTER_V1}, {ROOT}, NO(NOT_CA)},
    {"NAME-12 version 1 root", {LEAF_UNDER_V1}, {ROOT_V1}, NO(NOT_CA)},
    {"NAME-12 pathLen 0, leaf below", {LEAF_UNDER_LEN0, INTER_LEN0}, {ROOT}, OK},
    {"NAME-12 pathLen 0, CA below", {LEAF_DEEP, INTER2, INTER_LEN0}, {ROOT}, NO(PATH_LENGTH)},
    {"NAME-12 pathLen 0 of the anchor", {LEAF_DEEP, INTER2}, {INTER_LEN0}, NO(PATH_LENGTH)},
    {"NAME-12 pathLen 0 of a root", {LEAF_UNDER_SELF_ISSUED, INTER_SELF_ISSUED}, {ROOT_LEN0},
     NO(PATH_LENGTH)},
    {"NAME-12 EKU clientAuth only", {LEAF_CLIENT}, {ROOT}, NO(EKU)},
    {"NAME-12 EKU serverAuth", {LEAF_SERVER}, {ROOT}, OK},
    {"NAME-12 EKU any", {LEAF_ANY}, {ROOT}, OK},
    {"NAME-12 EKU of an intermediate", {LEAF_UNDER_CLIENT_INTER, INTER_CLIENT}, {ROOT}, NO(EKU)},
    {"NAME-12 EKU of an anchor", {LEAF_UNDER_CLIENT_ROOT}, {ROOT_CLIENT}, NO(EKU)},
    {"NAME-12 key usage without TLS", {LEAF_NO_TLS}, {ROOT}, NO(KEY_USAGE)},
    {"NAME-12 key usage digitalSignature", {LEAF_TLS_USAGE}, {ROOT}, OK},
    {"NAME-12 key usage that cannot be read", {LEAF_ODD_USAGE}, {ROOT}, NO(BAD_CERTIFICATE)},
    {"NAME-12 name constraint kept", {LEAF_UNDER_NAMES}, {ROOT_NAMES}, OK},
    {"NAME-12 name constraint broken", {LEAF_OUTSIDE_NAMES}, {ROOT_NAMES}, NO(NAME_CONSTRAINT)},
    {"NAME-12 SHA-1 signature", {LEAF_SHA1}, {ROOT}, NO(WEAK_ALGORITHM)},
    {"NAME-12 RSA of 1024 bits", {LEAF_WEAK}, {ROOT}, NO(WEAK_ALGORITHM)},
    {"NAME-12 unknown critical extension", {LEAF_CRITICAL}, {ROOT}, NO(BAD_CERTIFICATE)},
    {"NAME-12 leaf that does not parse", {LEAF_BROKEN_SAN}, {ROOT}, NO(BAD_CERTIFICATE)},
    {"NAME-12 a stranger that does not parse", {LEAF, LEAF_BROKEN_SAN, INTER}, {ROOT}, OK},
};

static struct ss_chain *
chain_of(const int *who, size_t most)
{
    struct ss_bytes list[SS_CHAIN_CERTIFICATES];
    struct ss_chain *chain;
    size_t n = 0;

    while (n < most && who[n] != NOBODY) {
        list[n] = ss_test_cert_der(cast[who[n]]);
        n++;
    }
    assert_int_equal(ss_chain_new(list, n, &chain), 0);
    return chain;
}

static struct smtpsec_anchors *
anchors_of(const int *who, size_t most)
{
    struct smtpsec_anchors *anchors;
    size_t n;

    assert_int_equal(ss_anchors_new(&anchors), 0);
    for (n = 0; n < most && who[n] != NOBODY; n++)
        assert_int_equal(ss_anchors_add_der(anchors, ss_test_cert_der(cast[who[n]])), 0);
    return anchors;
}

/* The same out of a bundle. */
static struct smtpsec_anchors *
bundle_of(const int *who, size_t most)
{
    struct smtpsec_anchors *anchors;
    struct ss_bytes pem;
    struct ss_buf text;
    size_t n;

    ss_buf_init(&text, 65536);
    for (n = 0; n < most && who[n] != NOBODY; n++) {
        pem = ss_test_cert_pem(cast[who[n]]);
        ss_buf_put(&text, pem.data, pem.len);
    }
    pem.data = text.data;
    pem.len = text.len;
    assert_int_equal(ss_anchors_new(&anchors), 0);
    assert_int_equal(ss_anchors_add_pem(anchors, pem), n > 0 ? 0 : SMTPSEC_E_TRUST);
    assert_int_equal(ss_anchors_count(anchors), n);
    ss_buf_free(&text);
    return anchors;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_chain *chain = chain_of(row->chain, 6);
    struct smtpsec_anchors *anchors = anchors_of(row->anchors, 3);
    struct smtpsec_anchors *bundle = bundle_of(row->anchors, 3);
    int32_t reason = -1;

    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW, &reason), 0);
    assert_int_equal(reason, row->want);
    /* Nothing of the first judgement stays in the chain. */
    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW, &reason), 0);
    assert_int_equal(reason, row->want);
    assert_int_equal(ss_chain_verify(chain, bundle, SS_TEST_NOW, &reason), 0);
    assert_int_equal(reason, row->want);
    ss_anchors_unref(bundle);
    ss_anchors_unref(anchors);
    ss_chain_free(chain);
}

static void
check_now(void **state)
{
    struct ss_chain *chain = chain_of((const int[]){LEAF, INTER, NOBODY}, 3);
    struct smtpsec_anchors *anchors = anchors_of((const int[]){ROOT, NOBODY}, 2);
    int32_t reason;

    (void)state;
    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW + YEAR, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_EXPIRED);
    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW - YEAR, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_NOT_YET_VALID);
    assert_int_equal(ss_chain_verify(chain, NULL, SS_TEST_NOW, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_NO_TRUST_ANCHORS);
    ss_anchors_unref(anchors);
    ss_chain_free(chain);
}

/* Fourteen issuers of one name in front: the search has an end, and the good one is found. */
static void
check_many_issuers(void **state)
{
    struct ss_bytes list[SS_CHAIN_CERTIFICATES];
    struct smtpsec_anchors *anchors = anchors_of((const int[]){ROOT, NOBODY}, 2);
    struct ss_chain *chain;
    int32_t reason;
    size_t i;

    (void)state;
    list[0] = ss_test_cert_der(cast[LEAF]);
    for (i = 1; i < 15; i++) {
        struct ss_test_cert_spec fake = {.cn = "Inter", .key = 6, .ca = true, .issuer = cast[ROOT]};

        list[i] = ss_test_cert_der(ss_test_cert(&fake));
    }
    list[15] = ss_test_cert_der(cast[INTER]);
    assert_int_equal(ss_chain_new(list, 16, &chain), 0);
    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_NONE);
    ss_chain_free(chain);

    /* All of one name and each an issuer of each: 14! paths, and none good. */
    for (i = 1; i < 16; i++) {
        struct ss_test_cert_spec loop = {.cn = "Inter", .key = 6, .ca = true};

        list[i] = ss_test_cert_der(ss_test_cert(&loop));
    }
    assert_int_equal(ss_chain_new(list, 16, &chain), 0);
    assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_NOT_TRUSTED);
    ss_chain_free(chain);
    ss_anchors_unref(anchors);
}

static void
check_limits(void **state)
{
    struct ss_bytes list[SS_CHAIN_CERTIFICATES + 1];
    uint8_t *big = calloc(1, SS_CHAIN_OCTETS + 1);
    struct ss_chain *chain;
    size_t i;

    (void)state;
    for (i = 0; i <= SS_CHAIN_CERTIFICATES; i++)
        list[i] = ss_test_cert_der(cast[LEAF]);
    assert_int_equal(ss_chain_new(list, SS_CHAIN_CERTIFICATES + 1, &chain), SMTPSEC_E_LIMIT);
    assert_null(chain);
    assert_int_equal(ss_chain_new(list, SS_CHAIN_CERTIFICATES, &chain), 0);
    assert_int_equal(ss_chain_count(chain), SS_CHAIN_CERTIFICATES);
    assert_int_equal(ss_chain_certificate(chain, SS_CHAIN_CERTIFICATES).len, 0);
    ss_chain_free(chain);
    assert_non_null(big);
    list[0].data = big;
    list[0].len = SS_CHAIN_OCTETS;
    assert_int_equal(ss_chain_new(list, 1, &chain), 0);
    ss_chain_free(chain);
    assert_int_equal(ss_chain_new(list, 2, &chain), SMTPSEC_E_LIMIT);
    list[0].len = SS_CHAIN_OCTETS + 1;
    assert_int_equal(ss_chain_new(list, 1, &chain), SMTPSEC_E_LIMIT);
    ss_chain_free(NULL);
    free(big);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("path");
    int failed;

    make_roots();
    make_intermediates();
    make_leaves();
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "NAME-12 time is the time given", check_now);
    ss_table_case(&t, "NAME-12 many issuers of one name", check_many_issuers);
    ss_table_case(&t, "chain limits", check_limits);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
