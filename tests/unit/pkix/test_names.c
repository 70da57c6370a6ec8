/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom a certificate names (RFC 9525 6.3, RFC 7672 3.2.3). */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "pkix/chain.h"
#include "pkix/idna.h"

#define HOST "mx.d.test"
#define OCTETS(s) .dns_octets = (s), .dns_octets_len = sizeof(s) - 1
#define IP ((const uint8_t *)"\xc0\x00\x02\x01")

struct row {
    const char *name;
    struct ss_test_cert_spec spec;
    bool common_name;
    bool want;
    const char *reference; /* NULL: HOST */
};

static const struct row rows[] = {
    {"NAME-01 same name", {.dns = {HOST}}, false, true, NULL},
    {"NAME-01 case is ignored", {.dns = {"MX.D.Test"}}, false, true, NULL},
    {"NAME-01 parent", {.dns = {"d.test"}}, false, false, NULL},
    {"NAME-01 longer at the end", {.dns = {"mx.d.test.evil.test"}}, false, false, NULL},
    {"NAME-01 longer at the front", {.dns = {"a.mx.d.test"}}, false, false, NULL},
    {"NAME-01 end of a label", {.dns = {"d.test"}}, false, false, "xd.test"},
    {"NAME-01 one of many", {.dns = {"a.test", "b.test", HOST}}, false, true, NULL},
    {"NAME-01 no name at all", {.dns = {NULL}}, false, false, NULL},
    {"NAME-01 underscore", {.dns = {"_x.d.test"}}, false, true, "_x.d.test"},
    {"NAME-02 U-label reference", {.dns = {"mx.xn--bcher-kva.test"}}, false, true,
     "mx.b\xc3\xbc" "cher.test"},
    {"NAME-02 U-label reference, another name", {.dns = {"mx.bucher.test"}}, false, false,
     "mx.b\xc3\xbc" "cher.test"},
    {"NAME-03 one label", {.dns = {"*.d.test"}}, false, true, NULL},
    {"NAME-03 case is ignored", {.dns = {"*.D.TEST"}}, false, true, NULL},
    {"NAME-03 not two labels", {.dns = {"*.d.test"}}, false, false, "a.mx.d.test"},
    {"NAME-03 not none", {.dns = {"*.d.test"}}, false, false, "d.test"},
    {"NAME-03 another parent", {.dns = {"*.e.test"}}, false, false, NULL},
    {"NAME-03 end of a label", {.dns = {"*.d.test"}}, false, false, "mx.xd.test"},
    {"NAME-04 not several labels under DANE-TA", {.dns = {"*.d.test"}}, true, false, "a.b.d.test"},
    {"NAME-04 below a top-level domain", {.dns = {"*.test"}}, false, true, "d.test"},
    {"NAME-04 star alone", {.dns = {"*"}}, false, false, "test"},
    {"NAME-04 star and dot", {.dns = {"*."}}, false, false, "test"},
    {"NAME-05 star at the end of a label", {.dns = {"mx*.d.test"}}, false, false, NULL},
    {"NAME-05 star at the start of a label", {.dns = {"*x.d.test"}}, false, false, NULL},
    {"NAME-05 star within a label", {.dns = {"m*x.d.test"}}, false, false, NULL},
    {"NAME-05 two stars", {.dns = {"*.*.test"}}, false, false, NULL},
    {"NAME-05 star further right", {.dns = {"mx.*.test"}}, false, false, NULL},
    {"NAME-05 star in an A-label", {.dns = {"xn--*.d.test"}}, false, false, "xn--a.d.test"},
    {"NAME-05 another good one beside", {.dns = {"m*x.d.test", "mx.*.test", HOST}}, false, true,
     NULL},
    {"NAME-06 CN without SAN", {.cn = HOST}, true, true, NULL},
    {"NAME-06 CN, SAN with an address", {.cn = HOST, .ip = IP}, true, true, NULL},
    {"NAME-06 CN, SAN with mail", {.cn = HOST, .email = "p@d.test"}, true, true, NULL},
    {"NAME-06 CN, SAN with URI", {.cn = HOST, .uri = "https://other.test/"}, true, true, NULL},
    {"NAME-06 CN, SAN with another DNS-ID", {.cn = HOST, .dns = {"other.test"}}, true, false, NULL},
    {"NAME-06 CN, SAN with an odd DNS-ID", {.cn = HOST, OCTETS("\xff")}, true, false, NULL},
    {"NAME-06 CN is another", {.cn = "other.test"}, true, false, NULL},
    {"NAME-06 CN is a wildcard", {.cn = "*.d.test"}, true, true, NULL},
    {"NAME-06 CN of two", {.cn = HOST, .second_cn = "other.test"}, true, false, NULL},
    {"NAME-06 CN of prose", {.cn = "the host mx.d.test"}, true, false, NULL},
    {"NAME-07 CN not asked for", {.cn = HOST}, false, false, NULL},
    {"NAME-07 CN not asked for, SAN with mail", {.cn = HOST, .email = "p@d.test"}, false, false,
     NULL},
    {"NAME-08 address only", {.ip = IP}, false, false, NULL},
    {"NAME-08 mail address of the host", {.email = "p@mx.d.test"}, false, false, NULL},
    {"NAME-08 URI of the host", {.uri = "https://mx.d.test/"}, false, false, NULL},
    {"NAME-08 wildcard and an address", {.dns = {"*.2.1"}}, false, false, "192.0.2.1"},
    {"NAME-09 embedded NUL", {OCTETS("mx.d.test\0.evil.test")}, false, false, NULL},
    {"NAME-09 NUL at the end", {OCTETS("mx.d.test\0")}, false, false, NULL},
    {"NAME-09 non-ASCII", {OCTETS("mx.b\xc3\xbc" "cher.test")}, false, false,
     "mx.b\xc3\xbc" "cher.test"},
    {"NAME-09 trailing dot presented", {.dns = {"mx.d.test."}}, false, false, NULL},
    {"NAME-09 trailing dot behind a star", {.dns = {"*.d.test."}}, false, false, NULL},
    {"NAME-09 trailing dot in the reference", {.dns = {HOST}}, false, true, "mx.d.test."},
    {"NAME-09 leading dot", {.dns = {".d.test"}}, false, false, NULL},
    {"NAME-09 blank in front", {.dns = {" mx.d.test"}}, false, false, NULL},
    {"NAME-09 an odd one beside a good one", {.dns = {HOST}, OCTETS("\0")}, false, true, NULL},
    {"NAME-09 root as reference", {.dns = {"*.test", HOST}}, false, false, "."},
};

static int32_t
match(struct ss_test_cert *cert, const struct ss_name *names, size_t count, bool common_name)
{
    struct ss_bytes der = ss_test_cert_der(cert);
    struct ss_chain *chain;
    int32_t reason = -1;

    assert_int_equal(ss_chain_new(&der, 1, &chain), 0);
    assert_int_equal(ss_chain_match_names(chain, names, count, common_name, &reason), 0);
    ss_chain_free(chain);
    return reason;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_name name;

    assert_int_equal(ss_idna_name(&name, row->reference != NULL ? row->reference : HOST), 0);
    assert_int_equal(match(ss_test_cert(&row->spec), &name, 1, row->common_name),
                     row->want ? SMTPSEC_REASON_NONE : SMTPSEC_REASON_NAME_MISMATCH);
}

static void
check_several(void **state)
{
    struct ss_test_cert_spec spec = {.dns = {"d.test"}};
    struct ss_test_cert *cert = ss_test_cert(&spec);
    struct ss_name names[2];

    (void)state;
    assert_true(ss_name_from_text(&names[0], HOST, strlen(HOST)));
    assert_true(ss_name_from_text(&names[1], "d.test", 6));
    assert_int_equal(match(cert, names, 2, false), SMTPSEC_REASON_NONE);
    assert_int_equal(match(cert, names, 1, false), SMTPSEC_REASON_NAME_MISMATCH);
    assert_int_equal(match(cert, names, 0, false), SMTPSEC_REASON_NAME_MISMATCH);
}

static void
check_no_certificate(void **state)
{
    struct ss_bytes der = {(const uint8_t *)"\x30\x00", 2};
    struct ss_name name;
    struct ss_chain *chain;
    int32_t reason;

    (void)state;
    assert_true(ss_name_from_text(&name, HOST, strlen(HOST)));
    assert_int_equal(ss_chain_new(&der, 1, &chain), 0);
    assert_int_equal(ss_chain_match_names(chain, &name, 1, true, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_BAD_CERTIFICATE);
    ss_chain_free(chain);
    assert_int_equal(ss_chain_new(NULL, 0, &chain), 0);
    assert_int_equal(ss_chain_match_names(chain, &name, 1, true, &reason), 0);
    assert_int_equal(reason, SMTPSEC_REASON_NO_CERTIFICATE);
    ss_chain_free(chain);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("names");
    int failed;

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "NAME-01 several references", check_several);
    ss_table_case(&t, "NAME-01 no certificate", check_no_certificate);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
