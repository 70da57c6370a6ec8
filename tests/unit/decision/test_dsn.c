/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a DSN tells of each reason, and the room of a trace. */
#include "table.h"

#include <string.h>

#include "base/words.h"
#include "decision/dsn.h"
#include "decision/trace.h"
#include "smtpsec.h"

/* Words that would tell a stranger of our settings, memory or claims. */
static const char *const indiscreet[] = {"memory", "claim", "remember", "operator", "mandatory",
                                         "switched", "loaded", "hold", "until", "requirement"};

static void
discreet(void **state)
{
    char line[SS_DSN_TEXT];
    size_t i, k;

    (void)state;
    for (i = 0; i < ss_reason_count(); i++) {
        ss_dsn_write(line, "mx.example.org", ss_reason_at(i)->code, false);
        assert_int_equal(strncmp(line, "mx.example.org ", 15), 0);
        assert_true(strlen(line) > 20 && strchr(line, '\n') == NULL);
        for (k = 0; k < sizeof(indiscreet) / sizeof(indiscreet[0]); k++)
            if (strstr(line, indiscreet[k]) != NULL)
                fail_msg("\"%s\" tells \"%s\"", line, indiscreet[k]);
    }
}

static void
said(void **state)
{
    char line[SS_DSN_TEXT], name[1000];

    (void)state;
    ss_dsn_write(line, "mx.example.org", SMTPSEC_REASON_NO_STARTTLS, true);
    assert_string_equal(line, "mx.example.org offers no STARTTLS; the domain's policy requires a "
                              "secure session");
    ss_dsn_write(line, "example.org", SMTPSEC_REASON_DOWNGRADE, false);
    assert_string_equal(line,
                        "example.org shows weaker security than this domain offered before");
    ss_dsn_write(line, "example.org", SMTPSEC_REASON_RESUMED, true);
    assert_string_equal(line, "example.org could not be verified now");
    memset(name, 'x', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    ss_dsn_write(line, name, SMTPSEC_REASON_NO_STARTTLS, true);
    assert_int_equal(strlen(line), SS_DSN_TEXT - 1);
}

static void
room_of_a_trace(void **state)
{
    static struct ss_trace trace;
    char text[600];
    size_t i;

    (void)state;
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    ss_trace_start(&trace);
    assert_int_equal(strlen(ss_trace_keep(&trace, text)), 599);
    assert_string_equal(ss_trace_keep(&trace, text), "");
    assert_string_equal(ss_trace_keep(&trace, "short"), "short");
    assert_null(ss_trace_room(&trace, SS_TRACE_ROOM - 606));
    assert_non_null(ss_trace_room(&trace, SS_TRACE_ROOM - 607));
    assert_null(ss_trace_room(&trace, 0));
    for (i = 0; i < SS_TRACE_MAX + 3; i++)
        ss_trace_add(&trace, SS_REFUSES, "A", "", "", "", "x");
    assert_int_equal(trace.count, SS_TRACE_MAX);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("decision/dsn");

    ss_table_case(&t, "dsn/every reason is told discreetly", discreet);
    ss_table_case(&t, "dsn/what is said", said);
    ss_table_case(&t, "trace/bounded", room_of_a_trace);
    return ss_table_run(&t);
}
