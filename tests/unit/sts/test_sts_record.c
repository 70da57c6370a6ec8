/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "table.h"
#include "sts/sts_record.h"
#include "sts_files.h"

#define TEXTS 4

struct row {
    const char *name;
    const char *texts[TEXTS];
    enum ss_sts_record_state want;
    const char *want_id;
    const char *want_rule; /* of the only note; NULL: no note */
};

static const char id32[] = "v=STSv1; id=0123456789abcdefghijABCDEFGHIJ01";
static const char id33[] = "v=STSv1; id=0123456789abcdefghijABCDEFGHIJ012";
static const char name32[] = "v=STSv1; id=1; a123456789b123456789c123456789d1=x";
static const char name33[] = "v=STSv1; id=1; a123456789b123456789c123456789d12=x";

#define FOUND SS_STS_RECORD_FOUND
#define NONE SS_STS_RECORD_NONE
#define SEVERAL SS_STS_RECORD_SEVERAL
#define INVALID SS_STS_RECORD_INVALID

static const struct row rows[] = {
    {"STSD-04 the usual record is found", {"v=STSv1; id=1;"}, FOUND, "1", NULL},
    {"STSD-04 V=STSv1 is dropped", {"V=STSv1; id=1;"}, NONE, "", "STSD-04"},
    {"STSD-04 stsv1 is dropped", {"v=stsv1; id=1;"}, NONE, "", "STSD-04"},
    {"STSD-04 leading blank is dropped", {" v=STSv1; id=1"}, NONE, "", "STSD-04"},
    {"STSD-04 version in second place is dropped", {"id=1; v=STSv1;"}, NONE, "", "STSD-04"},
    {"STSD-04 version followed by more is dropped", {"v=STSv10; id=1"}, NONE, "", "STSD-04"},
    {"STSD-04 version without delimiter is dropped", {"v=STSv1"}, NONE, "", "STSD-04"},
    {"STSD-04 version cut short is dropped", {"v=STSv"}, NONE, "", "STSD-04"},
    {"STSD-04 empty text is dropped", {""}, NONE, "", "STSD-04"},
    {"STSD-05 other records do not count",
     {"site-verification=x", "v=STSv1; id=1;", "V=STSv1; id=9", "v=STSv10; id=2"},
     FOUND, "1", NULL},
    {"STSD-05 others alone are none", {"site-verification=x"}, NONE, "", "STSD-04"},
    {"STSD-06 no text at all is none", {NULL}, NONE, "", NULL},
    {"STSD-06 two ids are not available", {"v=STSv1; id=1;", "v=STSv1; id=2;"}, SEVERAL, "",
     "STSD-06"},
    {"STSD-06 the same id twice is not available", {"v=STSv1; id=1;", "v=STSv1; id=1;"},
     SEVERAL, "", "STSD-06"},
    {"STSD-06 a broken second one counts", {"v=STSv1; id=1;", "v=STSv1;"}, SEVERAL, "",
     "STSD-06"},
    {"STSD-09 blank before the semicolon", {"v=STSv1 ; id=a1"}, FOUND, "a1", NULL},
    {"STSD-09 no blanks, final semicolon", {"v=STSv1;id=a1;"}, FOUND, "a1", NULL},
    {"STSD-09 tabs and blanks everywhere", {"v=STSv1\t ;\t id=a1 \t; \t"}, FOUND, "a1", NULL},
    {"STSD-09 blanks at the end, no semicolon", {"v=STSv1; id=a1 \t"}, FOUND, "a1", NULL},
    {"STSD-10 no id", {"v=STSv1;"}, INVALID, "", "STSD-10"},
    {"STSD-10 no id, another field", {"v=STSv1; x=1;"}, INVALID, "", "STSD-10"},
    {"STSD-10 empty id", {"v=STSv1; id="}, INVALID, "", "STSD-10"},
    {"STSD-10 id of 32", {id32}, FOUND, id32 + 12, NULL},
    {"STSD-10 id of 33", {id33}, INVALID, "", "STSD-10"},
    {"STSD-10 id with a hyphen", {"v=STSv1; id=2024-01"}, INVALID, "", "STSD-10"},
    {"STSD-10 id with an inner blank", {"v=STSv1; id=20 24"}, INVALID, "", "STSD-10"},
    {"STSD-10 id outside ASCII", {"v=STSv1; id=\xC3\xA9"}, INVALID, "", "STSD-10"},
    {"STSD-10 key ID is another key", {"v=STSv1; ID=1"}, INVALID, "", "STSD-10"},
    {"STSD-10 blank before = is another key", {"v=STSv1; id =1"}, INVALID, "", "STSD-12"},
    {"STSD-11 unknown field", {"v=STSv1; id=1; x_y.z-1=foo:bar"}, FOUND, "1", NULL},
    {"STSD-11 unknown field in front", {"v=STSv1; x=y; id=1"}, FOUND, "1", NULL},
    {"STSD-11 name of 32", {name32}, FOUND, "1", NULL},
    {"STSD-12 field without =", {"v=STSv1; id=1; junk"}, INVALID, "", "STSD-12"},
    {"STSD-12 name of 33", {name33}, INVALID, "", "STSD-12"},
    {"STSD-12 name begins with _", {"v=STSv1; id=1; _a=b"}, INVALID, "", "STSD-12"},
    {"STSD-12 empty name", {"v=STSv1; id=1; =b"}, INVALID, "", "STSD-12"},
    {"STSD-12 value with =", {"v=STSv1; id=1; a=b=c"}, INVALID, "", "STSD-12"},
    {"STSD-12 empty value", {"v=STSv1; id=1; a="}, INVALID, "", "STSD-12"},
    {"STSD-12 value with a blank", {"v=STSv1; id=1; a=b c"}, INVALID, "", "STSD-12"},
    {"STSD-12 value with DEL", {"v=STSv1; id=1; a=\x7F"}, INVALID, "", "STSD-12"},
    {"STSD-12 value outside ASCII", {"v=STSv1; id=1; a=\xC3\xA9"}, INVALID, "", "STSD-12"},
    {"STSD-12 empty field", {"v=STSv1;; id=1"}, INVALID, "", "STSD-12"},
    {"STSD-12 two final semicolons", {"v=STSv1; id=1;;"}, INVALID, "", "STSD-12"},
    {"STSD-13 the first id counts", {"v=STSv1; id=1; id=2;"}, FOUND, "1", NULL},
    {"STSD-13 a later bad id is ignored", {"v=STSv1; id=1; id=;"}, FOUND, "1", NULL},
    {"STSD-13 the first id is bad", {"v=STSv1; id=1-2; id=1"}, INVALID, "", "STSD-10"},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_bytes texts[TEXTS];
    struct ss_sts_record record;
    struct ss_notes notes = {0};
    size_t count = 0;

    while (count < TEXTS && row->texts[count] != NULL) {
        texts[count].data = (const uint8_t *)row->texts[count];
        texts[count].len = strlen(row->texts[count]);
        count++;
    }
    memset(&record, 'x', sizeof(record));
    assert_int_equal(ss_sts_record_find(texts, count, &record, &notes), row->want);
    assert_string_equal(record.id, row->want_id);
    assert_int_equal(notes.count, row->want_rule != NULL);
    if (row->want_rule != NULL)
        assert_string_equal(notes.list[0].rule, row->want_rule);
    ss_notes_free(&notes);
}

/* STSD-07: strings are joined by the caller; a NUL among them is not an end. */
static void
nul_inside(void **state)
{
    static const char text[] = "v=STSv1; id=1\0;";
    struct ss_bytes one = {(const uint8_t *)text, sizeof(text) - 1};
    struct ss_sts_record record;

    (void)state;
    assert_int_equal(ss_sts_record_find(&one, 1, &record, NULL), SS_STS_RECORD_INVALID);
    assert_string_equal(record.id, "");
}

/* One line of the file is one text. */
static void
check_file(const struct sts_file *file)
{
    struct ss_bytes texts[8];
    struct ss_sts_record record;
    struct ss_notes notes = {0};
    size_t count = 0, start = 0, i;
    enum ss_sts_record_state state;

    for (i = 0; i < file->len; i++) {
        if (file->data[i] != '\n')
            continue;
        assert_true(count < 8);
        texts[count].data = file->data + start;
        texts[count++].len = i - start;
        start = i + 1;
    }
    state = ss_sts_record_find(texts, count, &record, &notes);
    if ((state == SS_STS_RECORD_FOUND) != file->ok)
        fail_msg("%s: state %d", file->name, (int)state);
    assert_int_equal(record.id[0] != '\0', file->ok);
    assert_int_equal(notes.count, !file->ok && count > 0);
    if (notes.count > 0 && strstr(file->rules, notes.list[0].rule) == NULL)
        fail_msg("%s: told as %s, listed as %s", file->name, notes.list[0].rule,
                 file->rules);
    ss_notes_free(&notes);
}

static void
files(void **state)
{
    (void)state;
    assert_true(sts_files_walk("sts_record", check_file) >= 60);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_record");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "STSD-12 NUL in the record", nul_inside);
    ss_table_case(&t, "files say what they are", files);
    return ss_table_run(&t);
}
