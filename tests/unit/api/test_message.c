/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a message asks for, by its options and its header section; what its bounce must carry. */
#include "table.h"

#include <string.h>

#include "smtpsec.h"

struct row {
    const char *name;
    const char *headers; /* NULL: not read */
    int requiretls;
    int null_sender;
    int want_no;
    int want_bounce_requiretls;
    int want_headers_only;
};

static const struct row rows[] = {
    {"RTLS-17 a bounce is tagged alike, and returns headers alone", NULL, 1, 0, 0, 1, 1},
    {"RTLS-17 an empty sender's message, too", NULL, 1, 1, 0, 1, 1},
    {"RTLS-17 an untagged message's bounce is its sender's matter", NULL, 0, 0, 0, 0, 0},
    {"RTLS-17, RTLS-18 the header changes nothing of it", "TLS-Required: No\r\n\r\n", 1, 0, 1, 1,
     1},
    {"TRN-06 the header is read", "From: a\r\nTLS-Required: No\r\n\r\n", 0, 0, 1, 0, 0},
    {"TRN-06 no header, no option", "From: a\r\n\r\nTLS-Required: No\r\n", 0, 0, 0, 0, 0},
    {"TRN-07 two of them are none", "TLS-Required: No\nTLS-Required: No\n\n", 0, 0, 0, 0, 0},
};

static void
check(void **state)
{
    const struct row *row = *state;
    struct smtpsec_message *message;

    assert_int_equal(smtpsec_message_new(&message), 0);
    assert_int_equal(smtpsec_message_set_requiretls(message, row->requiretls), 0);
    assert_int_equal(smtpsec_message_set_null_sender(message, row->null_sender), 0);
    if (row->headers != NULL)
        assert_int_equal(
            smtpsec_message_read_headers(message, row->headers, strlen(row->headers)), 0);
    assert_int_equal(smtpsec_message_tls_required_no(message), row->want_no);
    assert_int_equal(smtpsec_message_bounce_requiretls(message), row->want_bounce_requiretls);
    assert_int_equal(smtpsec_message_bounce_headers_only(message), row->want_headers_only);
    smtpsec_message_free(message);
}

/* The header section decides: what another one said before is undone. */
static void
check_again(void **state)
{
    struct smtpsec_message *message;

    (void)state;
    assert_int_equal(smtpsec_message_new(&message), 0);
    assert_int_equal(smtpsec_message_set_tls_required_no(message, 1), 0);
    assert_int_equal(smtpsec_message_read_headers(message, NULL, 0), 0);
    assert_int_equal(smtpsec_message_tls_required_no(message), 0);
    assert_int_equal(smtpsec_message_read_headers(message, NULL, 1), SMTPSEC_E_INVALID);
    smtpsec_message_free(message);
}

static void
check_receive(void **state)
{
    (void)state;
    assert_int_equal(smtpsec_requiretls_receive(1, 1, NULL), 250);
    assert_int_equal(smtpsec_requiretls_receive(0, 0, NULL), 530);
    assert_int_equal(smtpsec_requiretls_receive(1, 0, NULL), 555);
    assert_int_equal(smtpsec_requiretls_receive(1, 1, ""), 501);
    assert_int_equal(smtpsec_requiretls_receive(1, 1, "yes"), 501);
    assert_int_equal(strncmp(smtpsec_requiretls_receive_text(530), "5.7.0 ", 6), 0);
    assert_int_equal(smtpsec_limit_requiretls_octets(), 11);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("api/message");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "TRN-06 a header section without the field turns the option off",
                  check_again);
    ss_table_case(&t, "RTLS-20 the side that receives", check_receive);
    return ss_table_run(&t);
}
