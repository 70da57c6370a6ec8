/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <stdbool.h>
#include <string.h>

#include "requiretls/receive.h"

struct row {
    const char *name;
    bool inside_tls, offered, has_value;
    int32_t want;
    const char *want_enhanced;
};

static const struct row rows[] = {
    {"RTLS-20 inside TLS, offered: tagged", true, true, false, 250, "2.1.0 "},
    {"RTLS-20 before STARTTLS", false, false, false, 530, "5.7.0 "},
    {"RTLS-20 before STARTTLS, and wrongly offered", false, true, false, 530, "5.7.0 "},
    {"RTLS-20 before STARTTLS, with a value", false, true, true, 530, "5.7.0 "},
    {"RTLS-20 not offered", true, false, false, 555, "5.5.4 "},
    {"RTLS-20 not offered, with a value", true, false, true, 555, "5.5.4 "},
    {"RTLS-20 with a value", true, true, true, 501, "5.5.4 "},
};

static void
check(void **state)
{
    const struct row *row = *state;
    int32_t code = ss_requiretls_receive(row->inside_tls, row->offered, row->has_value);
    const char *text = ss_requiretls_receive_text(code);

    assert_int_equal(code, row->want);
    assert_int_equal(strncmp(text, row->want_enhanced, strlen(row->want_enhanced)), 0);
    assert_true(strlen(text) > strlen(row->want_enhanced));
}

/* A MAIL line of 512 octets may be 523 long. */
static void
check_limit(void **state)
{
    (void)state;
    assert_int_equal(SS_REQUIRETLS_OCTETS, strlen(" REQUIRETLS"));
    assert_string_equal(ss_requiretls_receive_text(251), "");
}

int
main(void)
{
    struct ss_table t = SS_TABLE("requiretls/receive");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "RTLS-20 the MAIL line grows by 11 octets", check_limit);
    return ss_table_run(&t);
}
