/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PEM text: what is base64, and where a certificate begins and ends. */
#include "table.h"

#include <string.h>

#include <gnutls/gnutls.h>

#include "pkix/pem.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct decode_row {
    const char *name;
    const char *text;
    const char *want; /* NULL: refused */
};

static const struct decode_row decode_rows[] = {
    {"nothing", "", ""},
    {"blanks alone", " \r\n\t", ""},
    {"three octets", "YWJj", "abc"},
    {"two octets", "YWI=", "ab"},
    {"one octet", "YQ==", "a"},
    {"all kinds of characters", "AZaz09+/", "\x01\x96\xb3\xd3\xdf\xbf"},
    {"lines", "YWJj\nZGVm\r\nZ2hp\n", "abcdefghi"},
    {"blanks inside a group", "Y W\nJ\tj", "abc"},
    {"blanks before, between and after the pads", "YQ \n= \n=\n ", "a"},
    {"long text with an end", "YWJjZGVmZ2hpamtsbW5vcA==", "abcdefghijklmnop"},
    {"a group that is cut", "YWJjZGV", NULL},
    {"one character", "Y", NULL},
    {"one pad too few", "YQ=", NULL},
    {"pads alone", "====", NULL},
    {"a pad in second place", "Y===", NULL},
    {"a pad in front", "=YWJ", NULL},
    {"a character behind a pad", "YQ=a", NULL},
    {"a character between the pads", "YQ=a=", NULL},
    {"a character after the pads", "YQ==YWJj", NULL},
    {"a pad after the pads", "YQ===", NULL},
    {"a stranger", "YW!j", NULL},
    {"an octet above 127", "YW\xc3j", NULL},
    {"a hyphen", "YWJ-", NULL},
};

static void
check_decode(void **state)
{
    const struct decode_row *row = *state;
    struct ss_bytes text = {(const uint8_t *)row->text, strlen(row->text)};
    uint8_t *out = malloc(ss_pem_room(text.len));
    size_t len = 0;

    assert_non_null(out);
    assert_int_equal(ss_pem_decode(text, out, &len), row->want != NULL);
    if (row->want != NULL) {
        assert_int_equal(len, strlen(row->want));
        assert_memory_equal(out, row->want, len);
    }
    free(out);
}

struct next_row {
    const char *name;
    const char *text;
    const char *want[3];
};

static const struct next_row next_rows[] = {
    {"no mark", "hello", {NULL}},
    {"one", BEGIN "YWJj" END, {"YWJj"}},
    {"two and prose", "# one\n" BEGIN "\nYWJj\n" END "\n# two\n" BEGIN "ZGVm" END "rest",
     {"\nYWJj\n", "ZGVm"}},
    {"an empty one", BEGIN END, {""}},
    {"no end", BEGIN "YWJj", {NULL}},
    {"an end alone", "YWJj" END, {NULL}},
    {"an end, then one", END BEGIN "YWJj" END, {"YWJj"}},
    {"the last has no end", BEGIN "YWJj" END BEGIN "ZGVm", {"YWJj"}},
    {"another kind of text", "-----BEGIN PRIVATE KEY-----YWJj-----END PRIVATE KEY-----", {NULL}},
};

static void
check_next(void **state)
{
    const struct next_row *row = *state;
    struct ss_bytes text = {(const uint8_t *)row->text, strlen(row->text)};
    struct ss_bytes base64;
    size_t i;

    for (i = 0; row->want[i] != NULL; i++) {
        assert_true(ss_pem_next(&text, &base64));
        assert_int_equal(base64.len, strlen(row->want[i]));
        assert_memory_equal(base64.data, row->want[i], base64.len);
    }
    assert_false(ss_pem_next(&text, &base64));
}

static void
check_none(void **state)
{
    struct ss_bytes text = {NULL, 0}, base64;

    (void)state;
    assert_false(ss_pem_next(&text, &base64));
}

/* What GnuTLS writes, we read: every length and every octet. */
static void
check_against_gnutls(void **state)
{
    uint8_t in[257], out[512];
    size_t len, i, got;

    (void)state;
    for (i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 167 + 13);
    for (len = 1; len < sizeof(in); len++) {
        gnutls_datum_t plain = {in, (unsigned)len}, text = {NULL, 0};
        struct ss_bytes base64;

        assert_int_equal(gnutls_base64_encode2(&plain, &text), 0);
        base64.data = text.data;
        base64.len = text.size;
        assert_true(ss_pem_decode(base64, out, &got));
        assert_int_equal(got, len);
        assert_memory_equal(out, in, len);
        gnutls_free(text.data);
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("pem");

    SS_TABLE_ROWS(&t, check_decode, decode_rows);
    SS_TABLE_ROWS(&t, check_next, next_rows);
    ss_table_case(&t, "no text", check_none);
    ss_table_case(&t, "what GnuTLS writes", check_against_gnutls);
    return ss_table_run(&t);
}
