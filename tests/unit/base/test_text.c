/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <string.h>

#include "base/text.h"

struct number_row {
    const char *name;
    const char *text;
    size_t max_digits;
    bool want;
    uint64_t want_value;
};

static const struct number_row numbers[] = {
    { "number/zero", "0", 1, true, 0 },
    { "number/leading zeroes", "007", 3, true, 7 },
    { "STSP-14 number/ten digits", "9999999999", 10, true, 9999999999 },
    { "STSP-14 number/eleven of ten digits", "99999999999", 10, false, 0 },
    { "number/19 digits", "9999999999999999999", 19, true, 9999999999999999999u },
    { "number/20 digits", "18446744073709551615", 20, false, 0 },
    { "STSP-14 number/empty", "", 10, false, 0 },
    { "STSP-14 number/minus", "-1", 10, false, 0 },
    { "number/plus", "+1", 10, false, 0 },
    { "STSP-14 number/letter behind", "1d", 10, false, 0 },
    { "number/blank", " 1", 10, false, 0 },
    { "number/hex", "0x1", 10, false, 0 },
    { "number/octets beside the digits", "1/", 10, false, 0 },
    { "number/colon", "1:", 10, false, 0 },
};

static void
check_number(void **state)
{
    const struct number_row *row = *state;
    uint64_t value = 4711;

    assert_int_equal(ss_text_number(ss_text_of(row->text), row->max_digits, &value), row->want);
    assert_true(value == (row->want ? row->want_value : 4711));
}

struct escape_row {
    const char *name;
    const char *data;
    size_t len;
    size_t room;
    const char *want;
};

static const struct escape_row escapes[] = {
    { "escape/plain", "a ~!", 4, 8, "a ~!" },
    { "escape/nothing", "", 0, 1, "" },
    { "escape/just fits", "abcdefg", 7, 8, "abcdefg" },
    { "escape/too long by one", "abcdefgh", 8, 8, "abcd..." },
    { "escape/control, high, backslash", "\n\177\200\\", 4, 20, "\\x0a\\x7f\\x80\\x5c" },
    { "escape/NUL", "a\0b", 3, 20, "a\\x00b" },
    { "escape/never half an escape", "abc\n\n", 5, 11, "abc\\x0a..." },
    { "escape/escape that does not fit", "\n\n", 2, 8, "\\x0a..." },
    { "escape/room for dots alone", "abcd", 4, 4, "..." },
    { "escape/room for two dots", "abcd", 4, 3, ".." },
    { "escape/room for the end alone", "abcd", 4, 1, "" },
};

static void
check_escape(void **state)
{
    const struct escape_row *row = *state;
    char *out = malloc(row->room);

    assert_non_null(out);
    ss_text_escape(out, row->room, row->data, row->len);
    assert_string_equal(out, row->want);
    free(out);
}

static void
no_room_at_all(void **state)
{
    char out[1] = { 'x' };

    (void)state;
    ss_text_escape(out, 0, "abc", 3);
    assert_int_equal(out[0], 'x');
}

struct hex_row {
    const char *name;
    const char *text;
    size_t len;
    bool want;
};

static const struct hex_row hexes[] = {
    { "hex/lower", "00ff7a", 3, true },
    { "hex/upper", "00FF7A", 3, true },
    { "hex/nothing", "", 0, true },
    { "hex/odd", "00ff7", 3, false },
    { "hex/odd, fewer octets", "00ff7", 2, false },
    { "hex/too short", "00ff", 3, false },
    { "hex/too long", "00ff7a00", 3, false },
    { "hex/letter g", "00fg7a", 3, false },
    { "hex/blank", "00 f7a", 3, false },
};

static void
check_hex(void **state)
{
    const struct hex_row *row = *state;
    uint8_t octets[4] = { 0 };
    char text[9];
    size_t i;

    assert_int_equal(ss_hex_read(ss_text_of(row->text), octets, row->len), row->want);
    if (!row->want)
        return;
    ss_hex_write(text, octets, row->len);
    assert_int_equal(strlen(text), 2 * row->len);
    for (i = 0; i < strlen(text); i++)
        assert_int_equal(text[i], ss_lower(row->text[i]));
}

static void
cuts(void **state)
{
    struct ss_text head = { "old", 3 };
    struct ss_text rest = { "old", 3 };

    (void)state;
    assert_false(ss_text_cut(ss_text_of("abc"), ';', &head, &rest));
    assert_true(ss_text_equal(head, "old"));
    assert_true(ss_text_equal(rest, "old"));
    assert_true(ss_text_cut(ss_text_of("a;b;c"), ';', &head, &rest));
    assert_true(ss_text_equal(head, "a"));
    assert_true(ss_text_equal(rest, "b;c"));
    assert_true(ss_text_cut(rest, ';', &head, &rest));
    assert_true(ss_text_equal(head, "b"));
    assert_true(ss_text_equal(rest, "c"));
    assert_true(ss_text_cut(ss_text_of(";"), ';', &head, &rest));
    assert_int_equal(head.len, 0);
    assert_int_equal(rest.len, 0);
    assert_false(ss_text_cut(rest, ';', &head, &rest));
}

static void
blanks(void **state)
{
    (void)state;
    assert_true(ss_text_equal(ss_text_skip_blanks(ss_text_of(" \t a b ")), "a b "));
    assert_true(ss_text_equal(ss_text_trim_blanks(ss_text_of(" a b \t ")), " a b"));
    assert_int_equal(ss_text_skip_blanks(ss_text_of("  ")).len, 0);
    assert_int_equal(ss_text_trim_blanks(ss_text_of("  ")).len, 0);
    /* Nothing but space and tab is a blank. */
    assert_true(ss_text_equal(ss_text_skip_blanks(ss_text_of("\na")), "\na"));
    assert_true(ss_text_equal(ss_text_trim_blanks(ss_text_of("a\r")), "a\r"));
}

static void
equal(void **state)
{
    struct ss_text part = { "abcd", 3 };

    (void)state;
    assert_true(ss_text_equal(part, "abc"));
    assert_false(ss_text_equal(part, "abcd"));
    assert_false(ss_text_equal(part, "ab"));
    assert_false(ss_text_equal(part, "aBc"));
    assert_true(ss_text_equal_nocase(part, "aBC"));
    assert_false(ss_text_equal_nocase(part, "aBCd"));
    assert_false(ss_text_equal_nocase(ss_text_of("["), "{"));
    assert_true(ss_text_equal(ss_text_of(NULL), ""));
}

static void
classes(void **state)
{
    int c;

    (void)state;
    for (c = -128; c < 128; c++) {
        bool upper = c >= 'A' && c <= 'Z';
        bool alpha = upper || (c >= 'a' && c <= 'z');
        bool digit = c >= '0' && c <= '9';

        assert_int_equal(ss_is_alpha((char)c), alpha);
        assert_int_equal(ss_is_digit((char)c), digit);
        assert_int_equal(ss_is_alnum((char)c), alpha || digit);
        assert_int_equal(ss_lower((char)c), upper ? c + 32 : c);
    }
}

static void
copies(void **state)
{
    struct ss_text part = { "abcd", 3 };
    char *copy = ss_text_dup(part);
    char *empty = ss_text_dup((struct ss_text){ NULL, 0 });

    (void)state;
    assert_string_equal(copy, "abc");
    assert_string_equal(empty, "");
    free(copy);
    free(empty);
}

struct time_row {
    const char *name;
    int64_t time;
    const char *want;
};

static const struct time_row times[] = {
    {"time/the first second", 0, "1970-01-01T00:00:00Z"},
    {"time/a second before", -1, "-1"},
    {"time/a leap day", 951868799, "2000-02-29T23:59:59Z"},
    {"time/the day after it", 951868800, "2000-03-01T00:00:00Z"},
    {"time/no leap day in 2100", 4107542400, "2100-03-01T00:00:00Z"},
    {"time/the end of a year", 1798761599, "2026-12-31T23:59:59Z"},
    {"time/an hour like any", 1800000000, "2027-01-15T08:00:00Z"},
    {"time/the last second", INT64_C(253402300799), "9999-12-31T23:59:59Z"},
    {"time/a second after", INT64_C(253402300800), "253402300800"},
    {"time/the least", INT64_MIN, "-9223372036854775808"},
};

static void
check_time(void **state)
{
    const struct time_row *row = *state;
    char text[SS_TIME_TEXT];

    ss_time_text(text, row->time);
    assert_string_equal(text, row->want);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("base/text");

    SS_TABLE_ROWS(&t, check_number, numbers);
    SS_TABLE_ROWS(&t, check_escape, escapes);
    SS_TABLE_ROWS(&t, check_hex, hexes);
    SS_TABLE_ROWS(&t, check_time, times);
    ss_table_case(&t, "escape/no room at all", no_room_at_all);
    ss_table_case(&t, "cut", cuts);
    ss_table_case(&t, "blanks", blanks);
    ss_table_case(&t, "equal", equal);
    ss_table_case(&t, "classes of characters", classes);
    ss_table_case(&t, "dup", copies);
    return ss_table_run(&t);
}
