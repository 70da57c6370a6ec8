/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "table.h"
#include "sts/sts_grammar.h"

struct row {
    const char *name;
    const char *text;
    bool want;
};

static const struct row utf8_rows[] = {
    {"STSP-02 UTF-8 nothing", "", true},
    {"STSP-02 UTF-8 ASCII", "abc", true},
    {"STSP-02 UTF-8 U+0080", "\xC2\x80", true},
    {"STSP-02 UTF-8 U+07FF", "\xDF\xBF", true},
    {"STSP-02 UTF-8 U+0800", "\xE0\xA0\x80", true},
    {"STSP-02 UTF-8 U+D7FF", "\xED\x9F\xBF", true},
    {"STSP-02 UTF-8 U+E000", "\xEE\x80\x80", true},
    {"STSP-02 UTF-8 U+FFFF", "\xEF\xBF\xBF", true},
    {"STSP-02 UTF-8 U+10000", "\xF0\x90\x80\x80", true},
    {"STSP-02 UTF-8 U+10FFFF", "\xF4\x8F\xBF\xBF", true},
    {"STSP-02 UTF-8 overlong of two", "\xC1\xBF", false},
    {"STSP-02 UTF-8 overlong of three", "\xE0\x9F\xBF", false},
    {"STSP-02 UTF-8 overlong of four", "\xF0\x8F\xBF\xBF", false},
    {"STSP-02 UTF-8 first surrogate", "\xED\xA0\x80", false},
    {"STSP-02 UTF-8 last surrogate", "\xED\xBF\xBF", false},
    {"STSP-02 UTF-8 U+110000", "\xF4\x90\x80\x80", false},
    {"STSP-02 UTF-8 F5 leads nothing", "\xF5\x80\x80\x80", false},
    {"STSP-02 UTF-8 FF leads nothing", "\xFF", false},
    {"STSP-02 UTF-8 a follower alone", "\x80", false},
    {"STSP-02 UTF-8 cut off after one", "\xE4\xB8", false},
    {"STSP-02 UTF-8 a letter where a follower belongs", "\xE4\xB8z", false},
    {"STSP-02 UTF-8 one follower too many", "\xC3\xBC\xBC", false},
};

static const struct row name_rows[] = {
    {"STSD-11 name of letters and digits", "a1", true},
    {"STSD-11 name with _ - .", "x_y.z-1", true},
    {"STSD-11 name begins with a digit", "1a", true},
    {"STSD-11 name of 32", "a123456789b123456789c123456789d1", true},
    {"STSD-12 name of 33", "a123456789b123456789c123456789d12", false},
    {"STSD-12 name empty", "", false},
    {"STSD-12 name begins with -", "-a", false},
    {"STSD-12 name begins with .", ".a", false},
    {"STSD-12 name with a blank", "a b", false},
    {"STSD-12 name outside ASCII", "\xC3\xBC", false},
};

static void
check_utf8(void **state)
{
    const struct row *row = *state;
    struct ss_text t = {row->text, strlen(row->text)};

    assert_int_equal(ss_sts_is_utf8(t), row->want);
}

static void
check_name(void **state)
{
    const struct row *row = *state;
    struct ss_text t = {row->text, strlen(row->text)};

    assert_int_equal(ss_sts_is_extension_name(t), row->want);
}

static void
shown(void **state)
{
    char text[200];
    struct ss_text t = {text, 3};

    (void)state;
    assert_int_equal(ss_sts_shown(t), 3);
    t.len = sizeof(text);
    assert_int_equal(ss_sts_shown(t), 80);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_grammar");

    SS_TABLE_ROWS(&t, check_utf8, utf8_rows);
    SS_TABLE_ROWS(&t, check_name, name_rows);
    ss_table_case(&t, "notes show 80 octets at most", shown);
    return ss_table_run(&t);
}
