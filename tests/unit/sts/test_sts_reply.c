/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"
#include "sts/sts_policy.h"

struct row {
    const char *name;
    int32_t status;
    const char *content_type;
    int32_t want;
};

#define NONE SMTPSEC_FAILURE_NONE
#define STATUS SMTPSEC_FAILURE_HTTP_STATUS
#define TYPE SMTPSEC_FAILURE_HTTP_TYPE

static const struct row rows[] = {
    {"STSF-05 200", 200, "text/plain", NONE},
    {"STSF-05 204", 204, "text/plain", STATUS},
    {"STSF-05 206", 206, "text/plain", STATUS},
    {"STSF-06 301", 301, "text/plain", STATUS},
    {"STSF-05 404", 404, "text/plain", STATUS},
    {"STSF-05 500", 500, "text/plain", STATUS},
    {"STSF-05 503", 503, "text/plain", STATUS},
    {"STSF-05 no status", 0, "text/plain", STATUS},
    {"STSF-05 the status is told first", 404, "text/html", STATUS},
    {"STSF-08 charset", 200, "text/plain; charset=utf-8", NONE},
    {"STSF-08 charset, no blank", 200, "text/plain;charset=us-ascii", NONE},
    {"STSF-08 other parameters are ignored", 200, "text/plain ; charset=latin1; x=\"a;b\"", NONE},
    {"STSF-08 case", 200, "TEXT/PLAIN", NONE},
    {"STSF-08 blanks around", 200, " text/plain\t", NONE},
    {"STSF-08 text/html", 200, "text/html", TYPE},
    {"STSF-08 a longer subtype", 200, "text/plainer", TYPE},
    {"STSF-08 a shorter one", 200, "text/plai", TYPE},
    {"STSF-08 a list", 200, "text/plain, text/html", TYPE},
    {"STSF-08 a type in a parameter", 200, "text/html; x=text/plain", TYPE},
    {"STSF-08 empty", 200, "", TYPE},
    {"STSF-08 parameters only", 200, "; charset=utf-8", TYPE},
    {"STSF-08 none", 200, NULL, TYPE},
};

static void
check(void **state)
{
    const struct row *row = *state;

    assert_int_equal(ss_sts_reply_check(row->status, row->content_type), row->want);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("sts_reply");

    SS_TABLE_ROWS(&t, check, rows);
    return ss_table_run(&t);
}
