/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "base/name.h"

#define TEN "abcdefghij"
#define L63 TEN TEN TEN TEN TEN TEN "abc"
#define L64 L63 "d"
#define L61 TEN TEN TEN TEN TEN TEN "a"
#define L62 L61 "b"

struct text_row {
    const char *name;
    const char *text;
    const char *want; /* NULL: refused */
    size_t want_len;
    size_t want_labels;
    bool want_host;
};

static const struct text_row texts[] = {
    { "text/two labels", "d.test", "d.test", 8, 2, true },
    { "text/case is folded", "MX.D.Test", "mx.d.test", 11, 3, true },
    { "text/final dot", "d.test.", "d.test", 8, 2, true },
    { "text/root", ".", ".", 1, 0, false },
    { "TLSA-01 text/underscores", "_25._tcp.mx.d.test", "_25._tcp.mx.d.test", 20, 5, true },
    { "text/A-label", "xn--bcher-kva.test", "xn--bcher-kva.test", 20, 2, true },
    { "RES-25 text/digits last", "192.0.2.1", "192.0.2.1", 11, 4, true },
    { "text/digits not last", "1.2.3x", "1.2.3x", 8, 3, true },
    { "text/hyphen first", "-a.test", "-a.test", 9, 2, false },
    { "text/hyphen last", "a-.test", "a-.test", 9, 2, false },
    { "text/label of 63", L63 ".test", L63 ".test", 70, 2, true },
    { "text/label of 64", L64 ".test", NULL, 0, 0, false },
    { "text/253 characters", L63 "." L63 "." L63 "." L61, L63 "." L63 "." L63 "." L61, 255, 4,
      true },
    { "text/253 and a final dot", L63 "." L63 "." L63 "." L61 ".", L63 "." L63 "." L63 "." L61, 255,
      4, true },
    { "text/254 characters", L63 "." L63 "." L63 "." L62, NULL, 0, 0, false },
    { "text/255 characters", L63 "." L63 "." L63 "." L63, NULL, 0, 0, false },
    { "text/empty", "", NULL, 0, 0, false },
    { "text/empty label", "a..b", NULL, 0, 0, false },
    { "text/dot first", ".a", NULL, 0, 0, false },
    { "text/two dots", "..", NULL, 0, 0, false },
    { "text/two final dots", "a..", NULL, 0, 0, false },
    { "text/blank", "a b.test", NULL, 0, 0, false },
    { "text/blank behind", "a.test ", NULL, 0, 0, false },
    { "text/star", "*.test", NULL, 0, 0, false },
    { "text/escape", "a\\046b.test", NULL, 0, 0, false },
    { "RES-33 text/U-label", "b\303\274cher.test", NULL, 0, 0, false },
    { "text/address literal", "[192.0.2.1]", NULL, 0, 0, false },
    { "text/at sign", "a@test", NULL, 0, 0, false },
    { "text/octet 255", "a\377.test", NULL, 0, 0, false },
};

static void
check_text(void **state)
{
    const struct text_row *row = *state;
    struct ss_name name;
    char text[SS_NAME_TEXT];

    memset(&name, 0xff, sizeof(name));
    assert_int_equal(ss_name_from_text(&name, row->text, strlen(row->text)), row->want != NULL);
    assert_int_equal(name.len, row->want_len);
    ss_name_to_text(&name, text);
    assert_string_equal(text, row->want != NULL ? row->want : "");
    assert_int_equal(ss_name_labels(&name), row->want_labels);
    assert_int_equal(ss_name_is_host(&name), row->want_host);
    assert_int_equal(ss_name_is_numeric(&name), strncmp(row->name, "RES-25", 6) == 0);
    assert_int_equal(ss_name_is_root(&name), row->want_len == 1);
}

struct wire_row {
    const char *name;
    const char *wire;
    size_t len;
    const char *want; /* NULL: refused */
    bool want_host;
};

static const struct wire_row wires[] = {
    { "wire/two labels", "\1D\4TeSt", 8, "d.test", true },
    { "wire/root", "", 1, ".", false },
    { "wire/nothing", "", 0, NULL, false },
    { "wire/end missing", "\1d\4test", 7, NULL, false },
    { "wire/octets behind", "\1d\0x", 4, NULL, false },
    { "wire/two ends", "\1d\0", 4, NULL, false },
    { "wire/label cut", "\5test", 6, NULL, false },
    { "wire/pointer", "\1d\300\14", 5, NULL, false },
    { "wire/label of 64", "\100" L64, 66, NULL, false },
    { "wire/label of 63", "\77" L63, 65, L63, true },
    { "wire/dot in a label", "\3a.b\4test", 10, "a\\046b.test", false },
    { "wire/NUL in a label", "\3a\0b\4test", 10, "a\\000b.test", false },
    { "wire/high octets", "\2\377\200", 4, "\\255\\128", false },
    { "wire/backslash, quote, blank", "\3\\\" ", 5, "\\092\\034\\032", false },
    { "wire/star", "\1*\4test", 8, "*.test", false },
    { "wire/octets beside the letters stay", "\4@[`{", 6, "\\064\\091\\096\\123", false },
    { "wire/high letters are not folded", "\2\303\234", 4, "\\195\\156", false },
};

static void
check_wire(void **state)
{
    const struct wire_row *row = *state;
    struct ss_name name;
    char text[SS_NAME_TEXT];

    assert_int_equal(ss_name_from_wire(&name, (const uint8_t *)row->wire, row->len),
                     row->want != NULL);
    ss_name_to_text(&name, text);
    assert_string_equal(text, row->want != NULL ? row->want : "");
    assert_int_equal(ss_name_is_host(&name), row->want_host);
}

/* 127 labels of one octet are 255 octets; the text is as long as it can be. */
static void
longest(void **state)
{
    uint8_t wire[257];
    struct ss_name name;
    char text[SS_NAME_TEXT];
    size_t i;

    (void)state;
    for (i = 0; i < 128; i++) {
        wire[2 * i] = 1;
        wire[2 * i + 1] = 0xfe;
    }
    wire[254] = 0;
    assert_true(ss_name_from_wire(&name, wire, 255));
    assert_int_equal(ss_name_labels(&name), 127);
    wire[254] = 1;
    wire[256] = 0;
    assert_false(ss_name_from_wire(&name, wire, 257));
    memset(wire, 0xfe, sizeof(wire));
    wire[0] = wire[64] = wire[128] = 63;
    wire[192] = 61;
    wire[254] = 0;
    assert_true(ss_name_from_wire(&name, wire, 255));
    ss_name_to_text(&name, text);
    assert_int_equal(strlen(text), 4 * 250 + 3);
}

static struct ss_name
make(const char *text)
{
    struct ss_name name = { 0 };

    if (*text != '\0')
        assert_true(ss_name_from_text(&name, text, strlen(text)));
    return name;
}

static void
order(void **state)
{
    static const char *const rising[] = { "", ".", "a", "a.a", "b", "aa", "ab" };
    struct ss_name a;
    struct ss_name b;
    int got;
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < 7; i++)
        for (j = 0; j < 7; j++) {
            a = make(rising[i]);
            b = make(rising[j]);
            got = ss_name_compare(&a, &b);
            assert_int_equal((got > 0) - (got < 0), (i > j) - (i < j));
            assert_int_equal(ss_name_equal(&a, &b), i == j);
        }
}

struct prepend_row {
    const char *name;
    const char *labels;
    const char *base;
    const char *want; /* NULL: refused */
};

static const struct prepend_row prepends[] = {
    { "TLSA-01 prepend/port 25", "_25._tcp", "mx.d.test", "_25._tcp.mx.d.test" },
    { "TLSA-01 prepend/port 2525", "_2525._tcp", "mx.d.test", "_2525._tcp.mx.d.test" },
    { "STSD-01 prepend/policy", "_mta-sts", "d.test", "_mta-sts.d.test" },
    { "prepend/to the root", "a.b", ".", "a.b" },
    { "prepend/to no name", "a", "", NULL },
    { "prepend/no labels", "", "d.test", NULL },
    { "prepend/bad labels", "a..b", "d.test", NULL },
    { "prepend/just fits", TEN TEN TEN TEN TEN TEN "a", L63 "." L63 "." L63,
      L61 "." L63 "." L63 "." L63 },
    { "prepend/too long by one", L62, L63 "." L63 "." L63, NULL },
};

static void
check_prepend(void **state)
{
    const struct prepend_row *row = *state;
    struct ss_name name = make(row->base);
    struct ss_name out;
    char text[SS_NAME_TEXT];

    assert_int_equal(ss_name_prepend(&out, row->labels, &name), row->want != NULL);
    ss_name_to_text(&out, text);
    assert_string_equal(text, row->want != NULL ? row->want : "");
    /* The name may be its own result. */
    (void)ss_name_prepend(&name, row->labels, &name);
    assert_true(ss_name_equal(&name, &out));
}

static void
nul_in_text(void **state)
{
    struct ss_name name;

    (void)state;
    assert_false(ss_name_from_text(&name, "a\0b", 3));
    assert_true(ss_name_from_text(&name, "a.b.c", 3));
    assert_int_equal(name.len, 5);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("base/name");

    SS_TABLE_ROWS(&t, check_text, texts);
    SS_TABLE_ROWS(&t, check_wire, wires);
    SS_TABLE_ROWS(&t, check_prepend, prepends);
    ss_table_case(&t, "wire/longest", longest);
    ss_table_case(&t, "order", order);
    ss_table_case(&t, "text/by its length, not its NUL", nul_in_text);
    return ss_table_run(&t);
}
