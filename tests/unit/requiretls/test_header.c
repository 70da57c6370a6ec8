/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "table.h"

#include <stdbool.h>
#include <string.h>

#include "requiretls/header.h"

struct row {
    const char *name;
    const char *headers;
    bool want;
};

static const struct row rows[] = {
    {"TRN-06 No is honoured", "From: a\r\nTLS-Required: No\r\n\r\nhi\r\n", true},
    {"TRN-06 small letters", "tls-required: no\n\nhi\n", true},
    {"TRN-06 capitals, no blank", "TLS-REQUIRED:NO\n\n", true},
    {"TRN-06 blanks around", "TLS-Required: \t No \t\r\n\r\n", true},
    {"TRN-06 folded in front", "TLS-Required:\r\n No\r\n\r\n", true},
    {"TRN-06 folded twice in front", "TLS-Required:\r\n \r\n\tNo\r\n\r\n", true},
    {"TRN-06 folded behind", "TLS-Required: No\r\n \r\nTo: b\r\n\r\n", true},
    {"TRN-06 last line without an end", "TLS-Required: No", true},
    {"TRN-06 the field of another stands beside it", "X: y\n z\nTLS-Required: No\nTo: b\n", true},
    {"TRN-06 Yes is ignored", "TLS-Required: Yes\n\n", false},
    {"TRN-06 empty is ignored", "TLS-Required:\n\n", false},
    {"TRN-06 blanks alone are ignored", "TLS-Required: \n\t\n\n", false},
    {"TRN-06 more behind it", "TLS-Required: No thanks\n\n", false},
    {"TRN-06 one letter more", "TLS-Required: Nom\n\n", false},
    {"TRN-06 one letter less", "TLS-Required: N\n\n", false},
    {"TRN-06 more in the next line", "TLS-Required: No\n No\n\n", false},
    {"TRN-06 a comment in the next line", "TLS-Required: No\n (please)\n\n", false},
    {"TRN-06 a comment is not in the ABNF", "TLS-Required: No (please)\n\n", false},
    {"TRN-06 a comment in front", "TLS-Required: (please) No\n\n", false},
    {"TRN-06 quoted", "TLS-Required: \"No\"\n\n", false},
    {"TRN-06 split by folding", "TLS-Required: N\n o\n\n", false},
    {"TRN-06 a lone CR is no blank", "TLS-Required: \rNo\n\n", false},
    {"TRN-06 a lone CR ends no line", "X: y\rTLS-Required: No\n\n", false},
    {"TRN-06 the obsolete blank before the colon", "TLS-Required : No\n\n", true},
    {"TRN-07 twice No", "TLS-Required: No\nTLS-Required: No\n\n", false},
    {"TRN-07 the second in the obsolete form", "TLS-Required: No\nTLS-Required : No\n\n", false},
    {"TRN-07 the second with its colon folded away", "TLS-Required: No\nTLS-Required\n : No\n\n",
     false},
    {"TRN-06 its colon folded away", "TLS-Required\n : No\n\n", false},
    {"TRN-06 its colon folded away, and no other", "TLS-Required\n No\n\n", false},
    {"TRN-07 No and something else", "TLS-Required: x\nTLS-Required: No\n\n", false},
    {"TRN-07 something else behind", "TLS-Required: No\nTo: b\nTLS-Required: Yes\n\n", false},
    {"TRN-07 No and an empty one", "TLS-Required: No\nTLS-Required:\n\n", false},
    {"TRN-07 an empty one and No", "tls-required:\nTLS-Required: No\n\n", false},
    {"in the body it is text", "From: a\n\nTLS-Required: No\n", false},
    {"a second one in the body is text", "TLS-Required: No\n\nTLS-Required: No\n", true},
    {"the body of an empty header section", "\r\nTLS-Required: No\r\n", false},
    {"behind a line that is no field it may be text", "From: a\nhi\nTLS-Required: No\n\n", false},
    {"behind a line of CRs it may be text", "From: a\r\n\r\r\nTLS-Required: No\r\n", false},
    {"in front of a line that is no field", "TLS-Required: No\nhi\nTo: b\n\n", true},
    {"TRN-07 one in front of such a line, one behind", "TLS-Required: No\nhi\nTLS-Required: No\n\n",
     false},
    {"behind the line of a mailbox", "From a@d.test Mon Nov 23 22:11:16 2026\nTLS-Required: No\n\n",
     true},
    {"in another field", "Subject: TLS-Required: No\n\n", false},
    {"in a folded line of another field", "Subject: x\n TLS-Required: No\n\n", false},
    {"in a folded line of no field", " TLS-Required: No\n\n", false},
    {"longer name", "X-TLS-Required: No\n\n", false},
    {"longer name behind", "TLS-RequiredX: No\n\n", false},
    {"no colon", "TLS-Required No\n\n", false},
    {"absent", "From: a\n\n", false},
    {"empty message", "", false},
};

static void
check(void **state)
{
    const struct row *row = *state;

    assert_int_equal(ss_tls_required_no(ss_text_of(row->headers)), row->want);
}

static void
check_nul(void **state)
{
    static const char inside[] = "TLS-Required: No\0\n\n";
    static const char before[] = "X: \0\nTLS-Required: No\n\n";
    struct ss_text text = {inside, sizeof(inside) - 1};

    (void)state;
    assert_false(ss_tls_required_no(text));
    text.at = before;
    text.len = sizeof(before) - 1;
    assert_true(ss_tls_required_no(text));
    text.at = NULL;
    text.len = 0;
    assert_false(ss_tls_required_no(text));
}

int
main(void)
{
    struct ss_table t = SS_TABLE("requiretls/header");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "TRN-06 NUL is an octet like others, and not of No", check_nul);
    return ss_table_run(&t);
}
