/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Notes, and the error that stays. */
#include "table.h"

#include <string.h>

#include "base/error.h"
#include "base/notes.h"
#include "smtpsec.h"

/* How many notes fit that refuse nothing. */
#define PLAIN (SS_NOTES_MAX - SS_NOTES_KEPT)

static void
added_in_order(void **state)
{
    struct ss_notes notes = { 0 };

    (void)state;
    ss_note(&notes, SS_INFORMS, "TLSA-11", "RFC 7672 2.2", "%d records, %s", 2, "none usable");
    ss_note(&notes, SS_INFORMS, "RES-05", "", "%s", "bogus");
    assert_int_equal(notes.count, 2);
    assert_string_equal(notes.list[0].rule, "TLSA-11");
    assert_string_equal(notes.list[0].rfc, "RFC 7672 2.2");
    assert_string_equal(notes.list[0].text, "2 records, none usable");
    assert_string_equal(notes.list[1].text, "bogus");
    assert_false(notes.lost);
    ss_notes_free(&notes);
    assert_int_equal(notes.count, 0);
    assert_null(notes.list);
    ss_note(NULL, SS_INFORMS, "RES-05", "", "to nobody");
}

static void
escaped(void **state)
{
    struct ss_notes notes = { 0 };

    (void)state;
    ss_note(&notes, SS_INFORMS, "STSP-02", "", "line %s", "a\r\n\x1b[2J\\\303");
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
    ss_note(&notes, SS_INFORMS, "A", "", "%s", text);
    assert_int_equal(strlen(notes.list[0].text), 511);
    memset(text, 1, sizeof(text));
    text[1999] = '\0';
    ss_note(&notes, SS_INFORMS, "A", "", "%s", text);
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
    for (i = 0; i < PLAIN; i++)
        ss_note(&notes, SS_INFORMS, "A", "", "%d", i);
    assert_int_equal(notes.count, PLAIN);
    assert_false(notes.lost);
    ss_note(&notes, SS_INFORMS, "A", "", "one more");
    assert_int_equal(notes.count, PLAIN);
    assert_true(notes.lost);
    assert_string_equal(notes.list[PLAIN - 1].text, "479");
    /* What refuses is told however much came before it, and is bounded too. */
    for (i = 0; i < SS_NOTES_KEPT + 1; i++)
        ss_note(&notes, SS_REFUSES, "B", "", "%d", i);
    assert_int_equal(notes.count, SS_NOTES_MAX);
    assert_string_equal(notes.list[SS_NOTES_MAX - 1].text, "31");
    assert_true(ss_notes_copy(&copy, &notes));
    assert_int_equal(copy.count, SS_NOTES_MAX);
    assert_true(copy.lost);
    ss_notes_free(&notes);
    assert_string_equal(copy.list[7].text, "7");
    ss_notes_free(&copy);
}

static void
drawn_from(void **state)
{
    static const char octets[] = "v=STSv1; id=\0\r\n\x1b]0;";
    struct ss_origin origin = {"dns", 7, {(const uint8_t *)octets, sizeof(octets) - 1}};
    struct ss_notes notes = { 0 };
    struct ss_notes copy;
    uint8_t many[3000];

    (void)state;
    ss_note_from(NULL, &origin, SS_SKIPS, "STSD-10", "", "to nobody");
    ss_note_from(&notes, &origin, SS_SKIPS, "STSD-10", "RFC 8461 3.1", "%s", "no id");
    assert_string_equal(notes.list[0].source, "dns");
    assert_int_equal(notes.list[0].age, 7);
    assert_int_equal(notes.list[0].effect, SS_SKIPS);
    assert_string_equal(notes.list[0].input, "v=STSv1; id=\\x00\\x0d\\x0a\\x1b]0;");
    assert_string_equal(notes.list[0].text, "no id");
    memset(many, 0xff, sizeof(many));
    origin.input.data = many;
    origin.input.len = sizeof(many);
    ss_note_from(&notes, &origin, SS_RAISES, "A", "", "x");
    assert_int_equal(strlen(notes.list[1].input), 4 * 127 + 3);
    /* A plain one is drawn from nothing. */
    ss_note(&notes, SS_LOWERS, "A", "", "x");
    assert_string_equal(notes.list[2].source, "");
    assert_string_equal(notes.list[2].input, "");
    assert_int_equal(notes.list[2].age, SS_AGE_UNKNOWN);
    /* A copy stands on its own. */
    assert_true(ss_notes_copy(&copy, &notes));
    ss_notes_free(&notes);
    assert_string_equal(copy.list[0].input, "v=STSv1; id=\\x00\\x0d\\x0a\\x1b]0;");
    assert_string_equal(copy.list[0].source, "dns");
    assert_int_equal(copy.list[1].effect, SS_RAISES);
    ss_notes_free(&copy);
}

/* What is lent is freed once, by its owner; what is added stands on its own. */
static void
borrowed(void **state)
{
    struct ss_notes notes = { 0 }, lent = { 0 };

    (void)state;
    assert_true(ss_notes_borrow(&lent, &notes));
    assert_int_equal(lent.count, 0);
    ss_note_by(&notes, "dns", SS_SKIPS, "A", "", "one");
    notes.lost = true;
    assert_true(ss_notes_borrow(&lent, &notes));
    ss_note(&lent, SS_INFORMS, "B", "", "two");
    assert_int_equal(notes.count, 1);
    assert_int_equal(lent.count, 2);
    assert_true(lent.lost);
    assert_ptr_equal(lent.list[0].text, notes.list[0].text);
    assert_string_equal(lent.list[0].source, "dns");
    assert_string_equal(lent.list[1].text, "two");
    ss_notes_free(&lent);
    assert_string_equal(notes.list[0].text, "one");
    ss_notes_free(&notes);
}

static void
effect_names(void **state)
{
    static const char *const names[] = {"informs", "raises", "lowers",
                                        "skips", "refuses", "reports"};
    int i;

    (void)state;
    for (i = 0; i < 6; i++)
        assert_string_equal(ss_effect_name((enum ss_effect)i), names[i]);
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
    ss_table_case(&t, "notes/what they were drawn from", drawn_from);
    ss_table_case(&t, "notes/borrowed", borrowed);
    ss_table_case(&t, "notes/effects have names", effect_names);
    ss_table_case(&t, "notes/escaped", escaped);
    ss_table_case(&t, "notes/cut", cut);
    ss_table_case(&t, "notes/bounded, and copied", bounded);
    ss_table_case(&t, "error/the first stays", first_error_stays);
    ss_table_case(&t, "error/long text", long_error);
    return ss_table_run(&t);
}
