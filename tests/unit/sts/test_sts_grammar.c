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

static void
check_utf8(void **state)
{
    const struct row *row = *state;
    struct ss_text t = {row->text, strlen(row->text)};

    assert_int_equal(ss_sts_is_utf8(t), row->want);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_grammar");

    SS_TABLE_ROWS(&t, check_utf8, utf8_rows);
    return ss_table_run(&t);
}
