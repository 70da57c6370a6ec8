/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include <gnutls/x509.h>

#include "certs.h"
#include "pkix/der.h"

/* An algorithm that no library knows, and a key of one octet. */
#define ALGORITHM "\x30\x05\x06\x03\x2a\x03\x04"
#define KEY "\x03\x02\x00\xaa"
#define SPKI "\x30\x0b" ALGORITHM KEY
#define BLOB(s) {(const uint8_t *)(s), sizeof(s) - 1}

struct row {
    const char *name;
    struct ss_bytes der;
    bool want;
};

static const struct row spkis[] = {
    {"TLSA-18 key of an unknown algorithm", BLOB(SPKI), true},
    {"TLSA-18 key, one octet behind", BLOB(SPKI "\x00"), false},
    {"TLSA-18 key, one octet short", BLOB("\x30\x0b" ALGORITHM "\x03\x02\x00"), false},
    {"TLSA-18 key, an element more inside", BLOB("\x30\x0d" ALGORITHM KEY "\x05\x00"), false},
    {"TLSA-18 bare bit string", BLOB(KEY), false},
    {"TLSA-18 no algorithm", BLOB("\x30\x06\x30\x00" KEY), false},
    {"TLSA-18 algorithm without OID", BLOB("\x30\x08\x30\x02\x05\x00" KEY), false},
    {"TLSA-18 empty bit string", BLOB("\x30\x09" ALGORITHM "\x03\x00"), false},
    {"TLSA-18 eight unused bits", BLOB("\x30\x0b" ALGORITHM "\x03\x02\x08\xaa"), false},
    {"TLSA-18 octet string for a bit string", BLOB("\x30\x0b" ALGORITHM "\x04\x02\x00\xaa"), false},
    {"TLSA-18 indefinite length", BLOB("\x30\x80" ALGORITHM KEY "\x00\x00"), false},
    {"TLSA-18 length in too many octets", BLOB("\x30\x81\x0b" ALGORITHM KEY), false},
    {"TLSA-18 length with a zero in front", BLOB("\x30\x82\x00\x0b" ALGORITHM KEY), false},
    {"TLSA-18 length of five octets", BLOB("\x30\x85\x00\x00\x00\x00\x0b" ALGORITHM KEY), false},
    {"TLSA-18 length past everything", BLOB("\x30\x84\xff\xff\xff\xff" ALGORITHM KEY), false},
    {"TLSA-18 long tag", BLOB("\x3f\x30\x0b" ALGORITHM KEY), false},
    {"TLSA-18 SET for a SEQUENCE", BLOB("\x31\x0b" ALGORITHM KEY), false},
    {"TLSA-18 empty", BLOB(""), false},
    {"TLSA-18 tag alone", BLOB("\x30"), false},
};

static void
check_spki(void **state)
{
    const struct row *row = *state;
    uint8_t *exact = malloc(row->der.len + 1);
    struct ss_bytes der = {exact, row->der.len};

    assert_non_null(exact);
    memcpy(exact, row->der.data, row->der.len);
    assert_int_equal(ss_der_is_spki(der), row->want);
    assert_false(ss_der_is_certificate(der));
    free(exact);
}

/* Names and validity empty: no library parses it, its key is there all the same. */
#define FRAME(version) version "\x02\x01\x01" ALGORITHM "\x30\x00\x30\x00\x30\x00" SPKI
#define TAIL ALGORITHM KEY

static const struct row certificates[] = {
    {"DANE-EE-06 version 3", BLOB("\x30\x2f\x30\x22" FRAME("\xa0\x03\x02\x01\x02") TAIL), true},
    {"DANE-EE-06 version 1", BLOB("\x30\x2a\x30\x1d" FRAME("") TAIL), true},
    {"TLSA-18 certificate, one octet behind",
     BLOB("\x30\x2a\x30\x1d" FRAME("") TAIL "\x00"), false},
    {"TLSA-18 certificate, an element more inside",
     BLOB("\x30\x2c\x30\x1d" FRAME("") TAIL "\x05\x00"), false},
    {"TLSA-18 certificate without signature", BLOB("\x30\x26\x30\x1d" FRAME("") ALGORITHM), false},
    {"TLSA-18 certificate without algorithm", BLOB("\x30\x23\x30\x1d" FRAME("") KEY), false},
    {"TLSA-18 certificate cut before the key",
     BLOB("\x30\x1d\x30\x10\x02\x01\x01" ALGORITHM "\x30\x00\x30\x00\x30\x00" TAIL), false},
    {"TLSA-18 garbage", BLOB("garbage"), false},
};

static void
check_certificate(void **state)
{
    const struct row *row = *state;
    struct ss_bytes spki = {NULL, 0};

    assert_int_equal(ss_der_is_certificate(row->der), row->want);
    assert_int_equal(ss_der_spki(row->der, &spki), row->want);
    if (row->want) {
        assert_int_equal(spki.len, sizeof(SPKI) - 1);
        assert_memory_equal(spki.data, SPKI, spki.len);
    } else {
        assert_null(spki.data);
    }
}

static void
check_real(void **state)
{
    struct ss_test_cert_spec spec = {.cn = "leaf", .dns = {"mx.d.test"}};
    struct ss_test_cert *cert = ss_test_cert(&spec);
    struct ss_bytes want = ss_test_cert_spki(cert);
    struct ss_bytes der = ss_test_cert_der(cert);
    struct ss_bytes spki;
    size_t len = der.len;

    (void)state;
    assert_true(ss_der_spki(der, &spki));
    assert_int_equal(spki.len, want.len);
    assert_memory_equal(spki.data, want.data, want.len);
    assert_true(spki.data > der.data && spki.data + spki.len < der.data + der.len);
    assert_true(ss_der_is_spki(want));
    while (der.len-- > 0)
        assert_false(ss_der_is_certificate(der));
    assert_true(len > 200);
}

/* The name by which an issuer is found: what GnuTLS cuts out, we cut out. */
static void
check_subject(void **state)
{
    struct ss_test_cert_spec spec = {.cn = "Root", .second_cn = "Other", .key = 1, .ca = true};
    struct ss_bytes der = ss_test_cert_der(ss_test_cert(&spec));
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.data, (unsigned)der.len};
    gnutls_datum_t want = {NULL, 0};
    struct ss_bytes subject;
    gnutls_x509_crt_t crt;

    (void)state;
    assert_int_equal(gnutls_x509_crt_init(&crt), 0);
    assert_int_equal(gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER), 0);
    assert_int_equal(gnutls_x509_crt_get_raw_dn(crt, &want), 0);
    assert_true(ss_der_subject(der, &subject));
    assert_int_equal(subject.len, want.size);
    assert_memory_equal(subject.data, want.data, want.size);
    der.len--;
    assert_false(ss_der_subject(der, &subject));
    gnutls_free(want.data);
    gnutls_x509_crt_deinit(crt);
}

static void
check_next(void **state)
{
    static const uint8_t two[] = {0x04, 0x01, 0xaa, 0x05, 0x00, 0x04};
    struct ss_bytes content, whole;
    struct ss_rd rd;
    uint8_t tag;

    (void)state;
    ss_rd_init(&rd, two, sizeof(two));
    assert_true(ss_der_next(&rd, &tag, &content, &whole));
    assert_int_equal(tag, 4);
    assert_int_equal(content.len, 1);
    assert_int_equal(content.data[0], 0xaa);
    assert_int_equal(whole.len, 3);
    assert_true(ss_der_next(&rd, &tag, &content, &whole));
    assert_int_equal(content.len, 0);
    assert_int_equal(rd.left, 1);
    assert_false(ss_der_next(&rd, &tag, &content, &whole));
    assert_true(rd.bad);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("der");
    int failed;

    SS_TABLE_ROWS(&t, check_spki, spkis);
    SS_TABLE_ROWS(&t, check_certificate, certificates);
    ss_table_case(&t, "DANE-EE-06 the key of a real certificate", check_real);
    ss_table_case(&t, "the subject of a real certificate", check_subject);
    ss_table_case(&t, "elements one by one", check_next);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
