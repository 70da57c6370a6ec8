/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names in messages, compressed by friend and foe. */
#include "table.h"

#include <string.h>

#include "dns/frame.h"
#include "dns/message.h"
#include "dns_builder.h"

struct row {
    const char *name;
    const char *octets; /* what stands behind a header of 12 octets */
    size_t len;
    size_t at;        /* where the name begins, counted from there */
    const char *want; /* NULL: refused */
    size_t want_at;
};

static const struct row rows[] = {
    { "name/plain", "\1d\4Test\0rest", 12, 0, "d.test", 8 },
    { "name/root", "\0x", 2, 0, ".", 1 },
    { "name/label and pointer", "\4test\0\1d\300\14", 10, 6, "d.test", 10 },
    { "name/pointer alone", "\4test\0\300\14", 8, 6, "test", 8 },
    { "name/pointer to a pointer", "\4test\0\300\14\300\22", 10, 8, "test", 10 },
    { "name/two labels, then two jumps", "\4test\0\1d\300\14\1m\300\22", 14, 10, "m.d.test", 14 },
    { "name/pointer to itself", "\300\14", 2, 0, NULL, 0 },
    { "name/pointer into its own label", "\1d\300\14", 4, 0, NULL, 0 },
    { "name/pointer ahead", "\300\16\0", 3, 0, NULL, 0 },
    { "name/two pointers in a circle", "\300\16\300\14", 4, 2, NULL, 0 },
    { "name/label and back in a circle", "\1a\1b\300\14", 6, 2, NULL, 0 },
    { "name/pointer into the header", "\300\0", 2, 0, NULL, 0 },
    { "name/pointer to the end of the header", "\300\13", 2, 0, NULL, 0 },
    { "name/half a pointer", "\300", 1, 0, NULL, 0 },
    { "name/nothing", "", 0, 0, NULL, 0 },
    { "name/label cut", "\4tes", 4, 0, NULL, 0 },
    { "name/end missing", "\4test", 5, 0, NULL, 0 },
    { "name/label type 01", "\100test\0", 6, 0, NULL, 0 },
    { "name/label type 10", "\200test\0", 6, 0, NULL, 0 },
};

static void
check(void **state)
{
    const struct row *row = *state;
    size_t len = 12 + row->len;
    uint8_t *message = calloc(1, len);
    struct ss_name name;
    char text[SS_NAME_TEXT];
    size_t at = 12 + row->at;
    bool good;

    assert_non_null(message);
    memcpy(message + 12, row->octets, row->len);
    good = ss_dns_name_read(message, len, &at, &name);
    assert_int_equal(good, row->want != NULL);
    if (good) {
        ss_name_to_text(&name, text);
        assert_string_equal(text, row->want);
        assert_int_equal(at, 12 + row->want_at);
    } else {
        assert_int_equal(name.len, 0);
        assert_int_equal(at, 12 + row->at);
    }
    free(message);
}

/* Labels of one octet, each with a pointer to the one before; the last is where we start. */
static bool
read_ladder(size_t rungs, struct ss_name *name)
{
    uint8_t message[12 + 4 * 200] = { 0 };
    size_t last = 12;
    size_t at = 13;
    size_t i;

    assert_true(rungs < 200);
    for (i = 0; i < rungs; i++) {
        message[at] = 1;
        message[at + 1] = 'a';
        message[at + 2] = (uint8_t)(0xc0 | last >> 8);
        message[at + 3] = (uint8_t)(last & 0xff);
        last = at;
        at += 4;
    }
    return ss_dns_name_read(message, at, &last, name);
}

static void
ladder(void **state)
{
    struct ss_name name;

    (void)state;
    assert_true(read_ladder(127, &name));
    assert_int_equal(name.len, 255);
    assert_false(read_ladder(128, &name));
}

/* Pointers that lead to pointers: no name grows, and the hops are counted all the same. */
static bool
read_staircase(size_t hops)
{
    uint8_t message[13 + 2 * 200] = { 0 };
    struct ss_name name;
    size_t at = 13;
    size_t last = 12;
    size_t i;

    for (i = 0; i < hops; i++) {
        message[at] = (uint8_t)(0xc0 | last >> 8);
        message[at + 1] = (uint8_t)(last & 0xff);
        last = at;
        at += 2;
    }
    return ss_dns_name_read(message, at, &last, &name);
}

static void
staircase(void **state)
{
    (void)state;
    assert_true(read_staircase(SS_DNS_HOP_LIMIT));
    assert_false(read_staircase(SS_DNS_HOP_LIMIT + 1));
}

/* Names as a name server compresses them, in owner and rdata. */
static void
compressed_reply(void **state)
{
    static const uint8_t record[] = { 0xc0, 12, 0, 15, 0, 1, 0, 0, 1, 0, 0, 7,
                                      0,    10, 2, 'm', 'x', 0xc0, 12 };
    struct ss_question question = { .type = SS_RR_MX };
    struct dns_builder *b = dns_builder_new(9, "d.test", SS_RR_MX, DNS_BUILDER_REPLY, 0);
    struct ss_answer answer;
    char text[SS_NAME_TEXT];

    (void)state;
    dns_builder_raw(b, record, sizeof(record), 1);
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    assert_int_equal(ss_dns_reply_read(&question, b->octets, b->len, true, &answer), 0);
    assert_int_equal(answer.count, 1);
    ss_name_to_text(&answer.records[0].name, text);
    assert_string_equal(text, "mx.d.test");
    ss_answer_free(&answer);
    free(b);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("dns/frame");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "name/as long as can be, and longer", ladder);
    ss_table_case(&t, "name/hop limit", staircase);
    ss_table_case(&t, "name/compressed in owner and rdata", compressed_reply);
    return ss_table_run(&t);
}
