/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes, and the error that stays. */
#include "table.h"

#include <string.h>

#include "base/error.h"
#include "base/notes.h"
#include "smtpsec.h"

static void
added_in_order(void **state)
{
    struct ss_notes notes = { 0 };

    (void)state;
    ss_note(&notes, "TLSA-11", "RFC 7672 2.2", "%d records, %s", 2, "none usable");
    ss_note(&notes, "RES-05", "", "%s", "bogus");
    assert_int_equal(notes.count, 2);
    assert_string_equal(notes.list[0].rule, "TLSA-11");
    assert_string_equal(notes.list[0].rfc, "RFC 7672 2.2");
    assert_string_equal(notes.list[0].text, "2 records, none usable");
    assert_string_equal(notes.list[1].text, "bogus");
    assert_false(notes.lost);
    ss_notes_free(&notes);
    assert_int_equal(notes.count, 0);
    assert_null(notes.list);
    ss_note(NULL, "RES-05", "", "to nobody");
}

static void
escaped(void **state)
{
    struct ss_notes notes = { 0 };

    (void)state;
    ss_note(&notes, "STSP-02", "", "line %s", "a\r\n\x1b[2J\\\303");
    assert_string_equal(notes.list[0].text, "line a\\x0d\\x0a\\x1b[2J\\x5c\\xc3");
    ss_notes_free(&notes);
}

static void
cut(void **state)
{
    struct ss_notes notes = { 0 };
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[511] = '\0';
    ss_note(&notes, "A", "", "%s", text);
    assert_int_equal(strlen(notes.list[0].text), 511);
    memset(text, 1, sizeof(text));
    text[1999] = '\0';
    ss_note(&notes, "A", "", "%s", text);
    assert_int_equal(strlen(notes.list[1].text), 4 * 127 + 3);
    assert_string_equal(notes.list[1].text + 4 * 127, "...");
    ss_notes_free(&notes);
}

static void
bounded(void **state)
{
    struct ss_notes notes = { 0 };
    struct ss_notes copy;
    int i;

    (void)state;
    for (i = 0; i < SS_NOTES_MAX; i++)
        ss_note(&notes, "A", "", "%d", i);
    assert_int_equal(notes.count, SS_NOTES_MAX);
    assert_false(notes.lost);
    ss_note(&notes, "A", "", "one more");
    assert_int_equal(notes.count, SS_NOTES_MAX);
    assert_true(notes.lost);
    assert_string_equal(notes.list[SS_NOTES_MAX - 1].text, "511");
    assert_true(ss_notes_copy(&copy, &notes));
    assert_int_equal(copy.count, SS_NOTES_MAX);
    assert_true(copy.lost);
    ss_notes_free(&notes);
    assert_string_equal(copy.list[7].text, "7");
    ss_notes_free(&copy);
}

static void
first_error_stays(void **state)
{
    struct ss_error error = { 0 };

    (void)state;
    assert_int_equal(ss_error_set(&error, 0, "nothing"), 0);
    assert_int_equal(error.code, 0);
    assert_string_equal(error.text, "");
    assert_int_equal(ss_error_set(&error, SMTPSEC_E_TRUST, "%s: no certificate", "a\nb"),
                     SMTPSEC_E_TRUST);
    assert_int_equal(ss_error_set(&error, SMTPSEC_E_NOMEM, "later"), SMTPSEC_E_NOMEM);
    assert_int_equal(error.code, SMTPSEC_E_TRUST);
    assert_string_equal(error.text, "a\\x0ab: no certificate");
    assert_int_equal(ss_error_set(NULL, SMTPSEC_E_NOMEM, "to nobody"), SMTPSEC_E_NOMEM);
}

static void
long_error(void **state)
{
    struct ss_error error = { 0 };
    char text[1000];

    (void)state;
    memset(text, 'x', sizeof(text));
    text[999] = '\0';
    (void)ss_error_set(&error, SMTPSEC_E_FORMAT, "%s", text);
    assert_int_equal(strlen(error.text), 255);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("base/notes");

    ss_table_case(&t, "notes/in order", added_in_order);
    ss_table_case(&t, "notes/escaped", escaped);
    ss_table_case(&t, "notes/cut", cut);
    ss_table_case(&t, "notes/bounded, and copied", bounded);
    ss_table_case(&t, "error/the first stays", first_error_stays);
    ss_table_case(&t, "error/long text", long_error);
    return ss_table_run(&t);
}
