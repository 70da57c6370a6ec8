/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "pkix/anchors.h"
#include "pkix/chain.h"

#define BROKEN "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
#define NO_BASE64 "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"
#define CUT "-----BEGIN CERTIFICATE-----\nMIIB"

struct row {
    const char *name;
    const char *before; /* the text around two good certificates */
    const char *between;
    const char *after;
    size_t good;        /* how many of the two stand in the text */
    size_t want;
};

static const struct row rows[] = {
    {"PEM of two", "", "", "", 2, 2},
    {"PEM of one", "", "", "", 1, 1},
    {"PEM with prose around", "Root one\n=====\n", "# second\n", "end\n", 2, 2},
    {"PEM with one that is no certificate", "", BROKEN, "", 2, 2},
    {"PEM with one that is not base64", NO_BASE64, "", "", 2, 2},
    {"PEM with the last cut off", "", "", CUT, 2, 2},
    {"PEM without any", "hello", "", "", 0, 0},
    {"PEM with broken ones only", BROKEN, NO_BASE64, CUT, 0, 0},
    {"PEM that is empty", "", "", "", 0, 0},
};

static struct ss_test_cert *good[2];

static void
append(struct ss_buf *buf, const char *text)
{
    ss_buf_put(buf, text, strlen(text));
}

static struct ss_bytes
text_of(const struct row *row, struct ss_buf *buf)
{
    struct ss_bytes pem;

    ss_buf_init(buf, 65536);
    append(buf, row->before);
    if (row->good > 0) {
        pem = ss_test_cert_pem(good[0]);
        ss_buf_put(buf, pem.data, pem.len);
    }
    append(buf, row->between);
    if (row->good > 1) {
        pem = ss_test_cert_pem(good[1]);
        ss_buf_put(buf, pem.data, pem.len);
    }
    append(buf, row->after);
    pem.data = buf->data;
    pem.len = buf->len;
    return pem;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_anchors *anchors;
    struct ss_buf buf;
    struct ss_bytes pem = text_of(row, &buf);

    assert_int_equal(ss_anchors_new(&anchors), 0);
    assert_int_equal(ss_anchors_add_pem(anchors, pem), row->want > 0 ? 0 : SMTPSEC_E_TRUST);
    assert_int_equal(ss_anchors_count(anchors), row->want);
    assert_int_equal(ss_anchors_error(anchors)->code, row->want > 0 ? 0 : SMTPSEC_E_TRUST);
    assert_int_equal(ss_anchors_error(anchors)->text[0] != '\0', row->want == 0);
    ss_anchors_unref(anchors);
    ss_buf_free(&buf);
}

static void
check_der(void **state)
{
    struct ss_bytes der = ss_test_cert_der(good[0]);
    struct ss_bytes none = {NULL, 0};
    struct smtpsec_anchors *anchors;

    (void)state;
    assert_int_equal(ss_anchors_new(&anchors), 0);
    assert_int_equal(ss_anchors_add_der(anchors, der), 0);
    der.len--;
    assert_int_equal(ss_anchors_add_der(anchors, der), SMTPSEC_E_FORMAT);
    assert_int_equal(ss_anchors_add_der(anchors, none), SMTPSEC_E_FORMAT);
    assert_int_equal(ss_anchors_count(anchors), 1);
    assert_int_equal(ss_anchors_error(anchors)->code, SMTPSEC_E_FORMAT);
    ss_anchors_unref(anchors);
    ss_anchors_unref(NULL);
    assert_int_equal(ss_anchors_count(NULL), 0);
    assert_null(ss_anchors_ref(NULL));
}

static void
check_references(void **state)
{
    struct smtpsec_anchors *anchors;

    (void)state;
    assert_int_equal(ss_anchors_new(&anchors), 0);
    assert_ptr_equal(ss_anchors_ref(anchors), anchors);
    ss_anchors_unref(anchors);
    assert_int_equal(ss_anchors_add_der(anchors, ss_test_cert_der(good[0])), 0);
    assert_int_equal(ss_anchors_count(anchors), 1);
    ss_anchors_unref(anchors);
}

/* Added in any order, each is found by the leaf it issued. */
static void
check_found(void **state)
{
    static const char *const names[] = {"m", "z", "a", "k", "zz", "b", "", "y"};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct ss_test_cert *leaf[COUNT];
    struct smtpsec_anchors *anchors;
    struct ss_chain *chain;
    int32_t reason;
    size_t i;

    (void)state;
    assert_int_equal(ss_anchors_new(&anchors), 0);
    for (i = 0; i < COUNT; i++) {
        struct ss_test_cert_spec root = {.cn = names[i][0] != '\0' ? names[i] : NULL, .key = 1,
                                         .ca = true};
        struct ss_test_cert_spec below = {.cn = "leaf", .dns = {"mx.d.test"}};

        below.issuer = ss_test_cert(&root);
        leaf[i] = ss_test_cert(&below);
        assert_int_equal(ss_anchors_add_der(anchors, ss_test_cert_der(below.issuer)), 0);
    }
    for (i = 0; i < COUNT; i++) {
        struct ss_bytes der = ss_test_cert_der(leaf[i]);

        assert_int_equal(ss_chain_new(&der, 1, &chain), 0);
        assert_int_equal(ss_chain_verify(chain, anchors, SS_TEST_NOW, &reason), 0);
        assert_int_equal(reason, SMTPSEC_REASON_NONE);
        ss_chain_free(chain);
    }
    ss_anchors_unref(anchors);
}

int
main(void)
{
    struct ss_test_cert_spec spec = {.cn = "One", .key = 1, .ca = true};
    struct ss_table t = SS_TABLE("anchors");
    int failed;

    good[0] = ss_test_cert(&spec);
    spec.cn = "Two";
    good[1] = ss_test_cert(&spec);
    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "DER one by one", check_der);
    ss_table_case(&t, "references", check_references);
    ss_table_case(&t, "NAME-12 anchors are found whatever the order", check_found);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
