/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of SMTP that the tool reads and writes. */
#include "table.h"

#include <string.h>

#include "smtp_text.h"

struct line_row {
    const char *name;
    const char *line;
    int want_code; /* -1: refused */
    int want_last;
    const char *want_text;
};

static const struct line_row lines[] = {
    {"last line", "250 ok", 250, 1, "ok"},
    {"more to come", "250-PIPELINING", 250, 0, "PIPELINING"},
    {"code alone", "354", 354, 1, ""},
    {"code and a space", "220 ", 220, 1, ""},
    {"code and a hyphen", "220-", 220, 0, ""},
    {"two digits", "25", -1, 0, ""},
    {"empty", "", -1, 0, ""},
    {"no digit", "2x0 ok", -1, 0, ""},
    {"no digit at the end", "25a ok", -1, 0, ""},
    {"first digit too small", "150 no", -1, 0, ""},
    {"first digit too large", "600 no", -1, 0, ""},
    {"four digits", "2500 no", -1, 0, ""},
    {"something else behind the code", "250:ok", -1, 0, ""},
    {"blank in front", " 250 ok", -1, 0, ""},
};

static void
check_line(void **state)
{
    const struct line_row *row = *state;
    struct smtp_line got;
    int rc;

    memset(&got, 0, sizeof(got));
    rc = smtp_line_parse(row->line, strlen(row->line), &got);
    assert_int_equal(rc, row->want_code < 0 ? -1 : 0);
    if (rc != 0)
        return;
    assert_int_equal(got.code, row->want_code);
    assert_int_equal(got.last, row->want_last);
    assert_int_equal(got.text_len, strlen(row->want_text));
    assert_memory_equal(got.text, row->want_text, got.text_len);
}

struct offer_row {
    const char *name;
    const char *text;
    int want_starttls;
    int want_requiretls;
    int want_eight_bit;
};

static const struct offer_row offers[] = {
    {"STARTTLS", "STARTTLS", 1, 0, 0},
    {"REQUIRETLS", "REQUIRETLS", 0, 1, 0},
    {"8BITMIME", "8BITMIME", 0, 0, 1},
    {"small letters", "starttls", 1, 0, 0},
    {"with a parameter", "STARTTLS now", 1, 0, 0},
    {"longer word", "STARTTLSX", 0, 0, 0},
    {"shorter word", "STARTTL", 0, 0, 0},
    {"not in front", "X STARTTLS", 0, 0, 0},
    {"another keyword", "SIZE 1000", 0, 0, 0},
    {"empty", "", 0, 0, 0},
};

static void
check_offer(void **state)
{
    const struct offer_row *row = *state;
    struct smtp_offers got;

    memset(&got, 0, sizeof(got));
    smtp_offers_add(&got, row->text, strlen(row->text));
    assert_int_equal(got.starttls, row->want_starttls);
    assert_int_equal(got.requiretls, row->want_requiretls);
    assert_int_equal(got.eight_bit_mime, row->want_eight_bit);
}

struct address_row {
    const char *name;
    const char *address;
    int empty_ok;
    int want;
    const char *want_domain;
};

static const struct address_row addresses[] = {
    {"plain", "a@d.test", 0, 1, "d.test"},
    {"address literal", "a@[192.0.2.1]", 0, 1, "[192.0.2.1]"},
    {"the last at sign counts", "\"a@b\"@d.test", 0, 1, "d.test"},
    {"empty sender", "", 1, 1, ""},
    {"empty recipient", "", 0, 0, ""},
    {"no domain", "a@", 0, 0, ""},
    {"no local part", "@d.test", 0, 0, "d.test"},
    {"no at sign", "postmaster", 0, 0, ""},
    {"line end", "a@d.test\r\nRCPT TO:<b@d.test>", 0, 0, "d.test>"},
    {"line feed", "a\n@d.test", 0, 0, "d.test"},
    {"bracket", "a@d.test> BODY=8BITMIME", 0, 0, "d.test> BODY=8BITMIME"},
    {"blank", "a b@d.test", 0, 0, "d.test"},
    {"delete", "a\x7f@d.test", 0, 0, "d.test"},
    {"not ASCII", "\xc3\xbc@d.test", 0, 0, "d.test"},
};

static void
check_address(void **state)
{
    const struct address_row *row = *state;

    assert_int_equal(smtp_address_ok(row->address, row->empty_ok), row->want);
    assert_string_equal(smtp_address_domain(row->address), row->want_domain);
}

struct encode_row {
    const char *name;
    const char *message;
    const char *want;
    int want_eight_bit;
};

static const struct encode_row encodings[] = {
    {"CRLF stays", "a\r\nb\r\n", "a\r\nb\r\n.\r\n", 0},
    {"LF becomes CRLF", "a\nb\n", "a\r\nb\r\n.\r\n", 0},
    {"lone CR becomes CRLF", "a\rb\r\n", "a\r\nb\r\n.\r\n", 0},
    {"two CR", "a\r\r\nb\n", "a\r\n\r\nb\r\n.\r\n", 0},
    {"missing end", "a", "a\r\n.\r\n", 0},
    {"CR at the end", "a\r", "a\r\n.\r\n", 0},
    {"empty", "", ".\r\n", 0},
    {"dot in front", ".a\n", "..a\r\n.\r\n", 0},
    {"dot alone", "a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n", 0},
    {"dot alone behind a lone CR", "a\r.\rb", "a\r\n..\r\nb\r\n.\r\n", 0},
    {"dot alone behind a lone LF", "a\n.\r\nb", "a\r\n..\r\nb\r\n.\r\n", 0},
    {"two dots", "..\n", "...\r\n.\r\n", 0},
    {"dot inside", "a.b\n", "a.b\r\n.\r\n", 0},
    {"empty lines", "\n\n", "\r\n\r\n.\r\n", 0},
    {"only dots and line ends", ".\n.\n.\n", "..\r\n..\r\n..\r\n.\r\n", 0},
    {"eighth bit", "\xc3\xa9\n", "\xc3\xa9\r\n.\r\n", 1},
};

static void
check_encode(void **state)
{
    const struct encode_row *row = *state;
    size_t len = strlen(row->message);
    char *got = NULL;
    size_t got_len = 0;

    assert_int_equal(smtp_message_encode(row->message, len, &got, &got_len), 0);
    assert_int_equal(got_len, strlen(row->want));
    assert_memory_equal(got, row->want, got_len);
    assert_int_equal(smtp_message_eight_bit(row->message, len), row->want_eight_bit);
    free(got);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("smtp_text");

    SS_TABLE_ROWS(&t, check_line, lines);
    SS_TABLE_ROWS(&t, check_offer, offers);
    SS_TABLE_ROWS(&t, check_address, addresses);
    SS_TABLE_ROWS(&t, check_encode, encodings);
    return ss_table_run(&t);
}
