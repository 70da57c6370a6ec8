/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "table.h"
#include "report/tlsrpt_record.h"

#define TEXTS 4

struct row {
    const char *name;
    const char *texts[TEXTS];
    enum ss_tlsrpt_state want;
    const char *want_text; /* NULL: none */
};

#define FOUND SS_TLSRPT_FOUND
#define NONE SS_TLSRPT_NONE
#define SEVERAL SS_TLSRPT_SEVERAL
#define INVALID SS_TLSRPT_INVALID
#define MAILTO "v=TLSRPTv1;rua=mailto:r@d.test"
#define HTTPS "v=TLSRPTv1; rua=https://d.test/v1/tlsrpt"
#define OK(text) {text}, FOUND, text
#define BAD(text) {text}, INVALID, NULL

static const struct row rows[] = {
    {"RPT-01 a mailto destination", OK(MAILTO)},
    {"RPT-01 an https destination", OK(HTTPS)},
    {"RPT-01 the last semicolon may stand", OK(MAILTO ";")},
    {"RPT-01 blanks around semicolons", OK("v=TLSRPTv1 \t; rua=mailto:r@d.test \t; ")},
    {"RPT-01 one valid beside SPF", {"v=spf1 -all", MAILTO}, FOUND, MAILTO},
    {"RPT-01 two valid: off", {MAILTO, HTTPS}, SEVERAL, NULL},
    {"RPT-01 the same one twice: off", {MAILTO, MAILTO}, SEVERAL, NULL},
    {"RPT-01 a broken second one counts", {MAILTO, "v=TLSRPTv1;"}, SEVERAL, NULL},
    {"RPT-01 none at all", {NULL}, NONE, NULL},
    {"RPT-01 others alone", {"v=spf1 -all"}, NONE, NULL},
    {"RPT-01 the version has its case", {"v=tlsrptv1;rua=mailto:r@d.test"}, NONE, NULL},
    {"RPT-01 the version's name has its case", {"V=TLSRPTv1;rua=mailto:r@d.test"}, NONE, NULL},
    {"RPT-01 another version", {"v=TLSRPTv2;rua=mailto:r@d.test"}, NONE, NULL},
    {"RPT-01 a longer version", {"v=TLSRPTv10;rua=mailto:r@d.test"}, NONE, NULL},
    {"RPT-01 the version is not first", {"rua=mailto:r@d.test;v=TLSRPTv1;"}, NONE, NULL},
    {"RPT-01 a blank before the version", {" " MAILTO}, NONE, NULL},
    {"RPT-01 the version alone, no semicolon", {"v=TLSRPTv1"}, NONE, NULL},
    {"RPT-01 an empty text", {""}, NONE, NULL},
    {"RPT-01 no rua", BAD("v=TLSRPTv1;")},
    {"RPT-01 no rua, another field", BAD("v=TLSRPTv1; x=y")},
    {"RPT-01 rua=ftp", BAD("v=TLSRPTv1; rua=ftp://d.test/x")},
    {"RPT-01 rua=http is not https", BAD("v=TLSRPTv1; rua=http://d.test/x")},
    {"RPT-01 rua is empty", BAD("v=TLSRPTv1; rua=")},
    {"RPT-01 rua has its case", BAD("v=TLSRPTv1; RUA=mailto:r@d.test")},
    {"RPT-01 mailto without an address", BAD("v=TLSRPTv1; rua=mailto:")},
    {"RPT-01 mailto without a domain", BAD("v=TLSRPTv1; rua=mailto:r")},
    {"RPT-01 https without a host", BAD("v=TLSRPTv1; rua=https://")},
    {"RPT-01 an exclamation mark must be encoded", BAD("v=TLSRPTv1; rua=mailto:r@d.test!10m")},
    {"RPT-01 a scheme in capitals", OK("v=TLSRPTv1; rua=MAILTO:r@d.test")},
    {"RPT-01 a comma list", OK("v=TLSRPTv1; rua=mailto:r@d.test,https://d.test/x")},
    {"RPT-01 a comma list with blanks", OK("v=TLSRPTv1; rua=mailto:r@d.test \t, https://d.test/x")},
    {"RPT-01 a comma list: an unknown scheme is passed over",
     OK("v=TLSRPTv1; rua=ftp://d.test/x,mailto:r@d.test")},
    {"RPT-01 a comma list: an empty element", BAD("v=TLSRPTv1; rua=mailto:r@d.test,")},
    {"RPT-01 a comma list: a blank in an element", BAD("v=TLSRPTv1; rua=mailto:r@d.test x")},
    {"RPT-01 unknown fields are ignored", OK("v=TLSRPTv1; x_y.z-1=foo:bar; rua=mailto:r@d.test")},
    {"RPT-01 the first rua counts", BAD("v=TLSRPTv1; rua=ftp://x; rua=mailto:r@d.test")},
    {"RPT-01 a second rua is ignored", OK("v=TLSRPTv1; rua=mailto:r@d.test; rua=")},
    {"RPT-01 a field without =", BAD(MAILTO "; junk")},
    {"RPT-01 a field without a name", BAD(MAILTO "; =x")},
    {"RPT-01 a field without a value", BAD(MAILTO "; x=")},
    {"RPT-01 a field's name begins with _", BAD(MAILTO "; _x=y")},
    {"RPT-01 an empty field", BAD("v=TLSRPTv1;;rua=mailto:r@d.test")},
    {"RPT-01 octets outside ASCII", BAD("v=TLSRPTv1; rua=mailto:\xc3\xa9@d.test")},
    {"RPT-01 a control octet", BAD("v=TLSRPTv1; rua=mailto:r@d.test; x=\x01")},
    {"RPT-01 a line feed", BAD("v=TLSRPTv1; rua=mailto:r@d.test\n")},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_bytes texts[TEXTS];
    struct ss_tlsrpt_record record;
    struct ss_notes notes = {0};
    size_t count = 0;

    while (count < TEXTS && row->texts[count] != NULL) {
        texts[count].data = (const uint8_t *)row->texts[count];
        texts[count].len = strlen(row->texts[count]);
        count++;
    }
    memset(&record, 'x', sizeof(record));
    assert_int_equal(ss_tlsrpt_record_find(texts, count, &record, &notes), row->want);
    assert_string_equal(record.text, row->want_text != NULL ? row->want_text : "");
    assert_int_equal(notes.count, row->want != FOUND && count > 0);
    ss_notes_free(&notes);
}

/* A record of `len` octets, made long by a field that nobody knows. */
static enum ss_tlsrpt_state
find_of_length(size_t len, struct ss_tlsrpt_record *record)
{
    char text[SS_TLSRPT_TEXT + 16];
    struct ss_bytes one = {(const uint8_t *)text, len};
    int at = snprintf(text, sizeof(text), "%s;x=", MAILTO);

    memset(text + at, 'y', sizeof(text) - (size_t)at);
    return ss_tlsrpt_record_find(&one, 1, record, NULL);
}

static void
longest(void **state)
{
    struct ss_tlsrpt_record record;

    (void)state;
    assert_int_equal(find_of_length(SS_TLSRPT_TEXT, &record), FOUND);
    assert_int_equal(strlen(record.text), SS_TLSRPT_TEXT);
    assert_int_equal(find_of_length(SS_TLSRPT_TEXT + 1, &record), INVALID);
    assert_string_equal(record.text, "");
}

static void
nul_inside(void **state)
{
    static const char text[] = MAILTO "\0;x=y";
    struct ss_bytes one = {(const uint8_t *)text, sizeof(text) - 1};
    struct ss_tlsrpt_record record;

    (void)state;
    assert_int_equal(ss_tlsrpt_record_find(&one, 1, &record, NULL), INVALID);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("report/tlsrpt_record");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "RPT-01 the longest record, and one octet more", longest);
    ss_table_case(&t, "RPT-01 a NUL inside is no end", nul_inside);
    return ss_table_run(&t);
}
