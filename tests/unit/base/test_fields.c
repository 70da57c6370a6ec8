/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of fields, as _mta-sts and _smtp._tls have them: which one counts, and its fields. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "base/fields.h"

struct row {
    const char *name;
    const char *texts[3];
    size_t want;
    const char *fields; /* each in brackets */
};

static const struct row rows[] = {
    { "STSD-05 others are dropped before counting", { "v=spf1", "v=X;a=1", "x" }, 1, "[a=1]" },
    { "STSD-06 two are counted", { "v=X;a=1", "v=X;b=2" }, 2, "[b=2]" },
    { "STSD-04 the version alone", { "v=X" }, 0, "" },
    { "STSD-04 a longer version", { "v=X1;a=1" }, 0, "" },
    { "STSD-04 another case", { "V=x;a=1" }, 0, "" },
    { "STSD-04 blanks before the version", { " v=X;a=1" }, 0, "" },
    { "STSD-04 nothing", { "" }, 0, "" },
    { "STSD-09 blanks before the semicolon", { "v=X \t; a=1 " }, 1, "[a=1]" },
    { "STSD-09 the last semicolon", { "v=X; a=1 ; b=2 ;" }, 1, "[a=1][b=2]" },
    { "STSD-09 blanks after it", { "v=X;a=1; \t" }, 1, "[a=1]" },
    { "STSD-12 nothing between two semicolons is a field", { "v=X;;a=1;" }, 1, "[][a=1]" },
    { "STSD-12 two at the end", { "v=X;a=1;;" }, 1, "[a=1][]" },
    { "no fields", { "v=X;" }, 1, "" },
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_bytes texts[3];
    struct ss_fields fields;
    struct ss_text field;
    char found[100] = "";
    size_t count;

    for (count = 0; count < 3 && row->texts[count] != NULL; count++) {
        texts[count].data = (const uint8_t *)row->texts[count];
        texts[count].len = strlen(row->texts[count]);
    }
    assert_int_equal(ss_fields_find(texts, count, "v=X", &fields), row->want);
    while (ss_fields_next(&fields, &field))
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "[%.*s]", (int)field.len,
                 field.at);
    assert_string_equal(found, row->fields);
    assert_false(ss_fields_next(&fields, &field));
}

struct name_row {
    const char *name;
    const char *text;
    bool want;
};

static const struct name_row names[] = {
    { "STSD-11 name/all that is allowed", "a0Z_-.", true },
    { "STSD-11 name/32 octets", "abcdefghijklmnopqrstuvwxyz012345", true },
    { "STSD-11 name/begins with a digit", "1a", true },
    { "STSD-12 name/33 octets", "abcdefghijklmnopqrstuvwxyz0123456", false },
    { "STSD-12 name/none", "", false },
    { "STSD-12 name/a dot first", ".a", false },
    { "STSD-12 name/a hyphen first", "-a", false },
    { "STSD-12 name/a blank", "a b", false },
    { "STSD-12 name/outside ASCII", "a\xc3\xa4", false },
};

static void
check_name(void **state)
{
    const struct name_row *row = *state;

    assert_int_equal(ss_fields_is_name(ss_text_of(row->text)), row->want);
}

static void
shown(void **state)
{
    char text[200];
    struct ss_text t = { text, 3 };

    (void)state;
    assert_int_equal(ss_fields_shown(t), 3);
    t.len = sizeof(text);
    assert_int_equal(ss_fields_shown(t), 80);
}

/* A note is drawn from the whole record, its octets escaped and cut as all of a stranger's. */
static void
origin(void **state)
{
    static const char record[] = "v=X;\x1b[2J\0\xff";
    const struct ss_bytes text = { (const uint8_t *)record, sizeof(record) - 1 };
    struct ss_notes notes = { 0 };
    struct ss_fields fields;
    struct ss_origin from;

    (void)state;
    assert_int_equal(ss_fields_find(&text, 1, "v=X", &fields), 1);
    from = ss_fields_origin(&fields);
    ss_note_from(&notes, &from, SS_SKIPS, "STSD-12", "RFC 8461 3.1", "text");
    assert_string_equal(notes.list[0].input, "v=X;\\x1b[2J\\x00\\xff");
    assert_string_equal(notes.list[0].source, "dns");
    assert_int_equal(notes.list[0].age, 0);
    ss_notes_free(&notes);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("base/fields");

    SS_TABLE_ROWS(&t, check, rows);
    SS_TABLE_ROWS(&t, check_name, names);
    ss_table_case(&t, "notes show 80 octets at most", shown);
    ss_table_case(&t, "the record is the origin of its notes", origin);
    return ss_table_run(&t);
}
