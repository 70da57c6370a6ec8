/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "pkix/idna.h"
#include "smtpsec.h"

#define L61 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct row {
    const char *name;
    const char *text;
    const char *want; /* NULL: refused */
};

static const struct row rows[] = {
    {"NAME-02 ASCII", "MX.D.Test", "mx.d.test"},
    {"NAME-02 ASCII with a final dot", "mx.d.test.", "mx.d.test"},
    {"NAME-02 underscore", "_25._tcp.mx.d.test", "_25._tcp.mx.d.test"},
    {"NAME-02 A-label stays", "xn--bcher-kva.test", "xn--bcher-kva.test"},
    {"NAME-02 U-label", "b\xc3\xbc" "cher.test", "xn--bcher-kva.test"},
    {"NAME-02 U-label in capitals", "B\xc3\x9c" "CHER.Test", "xn--bcher-kva.test"},
    {"NAME-02 decomposed", "bu\xcc\x88" "cher.test", "xn--bcher-kva.test"},
    {"NAME-02 sharp s is a letter (not transitional)", "stra\xc3\x9f" "e.test",
     "xn--strae-oqa.test"},
    {"NAME-02 ideographic dot", "b\xc3\xbc" "cher\xe3\x80\x82test", "xn--bcher-kva.test"},
    {"NAME-02 not UTF-8", "b\xfc" "cher.test", NULL},
    {"NAME-02 cut UTF-8", "b\xc3", NULL},
    {"NAME-02 blank in a U-label", "b\xc3\xbc cher.test", NULL},
    {"NAME-02 underscore in a U-label", "b\xc3\xbc_cher.test", NULL},
    {"NAME-02 slash in a U-label", "b\xc3\xbc/cher.test", NULL},
    {"NAME-02 full-width slash", "ab\xef\xbc\x8f" "cd.test", NULL},
    {"NAME-02 no-break space", "ab\xc2\xa0" "cd.test", NULL},
    {"NAME-02 not equal", "ab\xe2\x89\xa0" "cd.test", NULL},
    {"NAME-02 symbol", "\xe2\x98\x83.test", NULL},
    {"NAME-02 full-width letters", "\xef\xbd\x81\xef\xbd\x82.test", "ab.test"},
    {"NAME-02 Greek, final sigma", "\xcf\x83\xcf\x82.test", "xn--3xab.test"},
    {"NAME-02 empty label", "b\xc3\xbc..test", NULL},
    {"NAME-02 empty", "", NULL},
    {"NAME-02 ASCII of other octets", "mx/d.test", NULL},
    {"NAME-02 label of 64", L63 "a.test", NULL},
    {"NAME-02 253 octets", L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61},
    {"NAME-02 255 octets", L63 "." L63 "." L63 "." L63, NULL},
    {"NAME-02 U-labels of too many octets",
     "\xc3\xbc" L63 "." L63 "." L63 "." L63 "." L63, NULL},
};

static void
check(void **state)
{
    const struct row *row = *state;
    char text[SS_NAME_TEXT];
    struct ss_name name;
    int code = ss_idna_name(&name, row->text);

    assert_int_equal(code, row->want != NULL ? 0 : SMTPSEC_E_NAME);
    ss_name_to_text(&name, text);
    assert_string_equal(text, row->want != NULL ? row->want : "");
}

static void
check_long(void **state)
{
    struct ss_name name;
    char *text = malloc(100001);

    (void)state;
    assert_non_null(text);
    memset(text, 0xc3, 100000);
    text[100000] = '\0';
    assert_int_equal(ss_idna_name(&name, text), SMTPSEC_E_NAME);
    assert_int_equal(name.len, 0);
    assert_int_equal(ss_idna_name(&name, NULL), SMTPSEC_E_NAME);
    free(text);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("idna");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "NAME-02 a very long name", check_long);
    return ss_table_run(&t);
}
