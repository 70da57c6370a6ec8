/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of a mail log, ours and those that others would like to be ours. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "observe/line.h"

struct row {
    const char *name;
    const char *line;
    enum log_kind kind;
    const char *want; /* of a delivery or session, in words */
};

#define HEAD "Nov 23 22:10:01 mail postfix/smtp[1234]: "
#define QMGR "Nov 23 22:10:01 mail postfix/qmgr[99]: "
#define TO "4XyZ12abcdz1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:25, "
#define DELAYS "delay=1.5, delays=0.1/0.02/0.5/0.88, "
#define SENT "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 12345)"

static const struct row rows[] = {
    /* What Postfix writes */
    {"TLS", HEAD "Trusted TLS connection established to mx.d.test[192.0.2.1]:25: TLSv1.3 with cipher "
     "TLS_AES_256_GCM_SHA384 (256/256 bits) key-exchange X25519 server-signature ECDSA (P-256)",
     LOG_TLS, "mx.d.test 192.0.2.1 25"},
    {"TLS, IPv6, TLS 1.2", HEAD "Anonymous TLS connection established to mx.d.test[2001:db8::1]:587: "
     "TLSv1.2 with cipher ADH-AES256-GCM-SHA384 (256/256 bits)", LOG_TLS, "mx.d.test 2001:db8::1 587"},
    {"a delivery", HEAD TO DELAYS SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"by a RFC 3339 log", "2026-11-23T22:10:01.123456+01:00 mail postfix/smtp[1]: " TO DELAYS SENT,
     LOG_DELIVERY, "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"of another instance and service", "Nov  3 22:10:01 mail postfix-out/relay/smtp[1]: " TO DELAYS
     SENT, LOG_DELIVERY, "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"a forwarded recipient", HEAD "4XyZ12abcdz1: to=<u@d.test>, orig_to=<root>, relay=mx.d.test"
     "[192.0.2.1]:25, " DELAYS SENT, LOG_DELIVERY, "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"a connection that served before", HEAD "4XyZ12abcdz1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]"
     ":25, conn_use=3, " DELAYS SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid reused"},
    {"long delays", HEAD TO "delay=7205, delays=7100/0/100/5, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 105000 unsaid"},
    {"deferred by a server", HEAD TO DELAYS "dsn=4.2.2, status=deferred (host mx.d.test said: 452 4.2.2 "
     "full (in reply to RCPT TO command))", LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 - 1380 unsaid"},
    {"deferred without one", HEAD "4XyZ12abcdz1: to=<u@d.test>, relay=none, delay=30, delays=0/0/30/0, "
     "dsn=4.4.1, status=deferred (connect to mx.d.test[192.0.2.1]:25: timed out)", LOG_DELIVERY,
     "d.test   0 - 30000 unsaid"},
    {"sent, says the status, and the code says no", HEAD TO DELAYS "dsn=4.0.0, status=sent (x)",
     LOG_DELIVERY, "d.test mx.d.test 192.0.2.1 25 - 1380 unsaid"},
    {"sent to nobody", HEAD "4XyZ12abcdz1: to=<u@d.test>, relay=none, " DELAYS SENT, LOG_DELIVERY,
     "d.test   0 - 1380 unsaid"},
    {"a name beyond ASCII", HEAD "4XyZ12abcdz1: to=<\xc3\xbc@\xc3\xbc.test>, relay=mx.d.test[192.0.2.1]"
     ":25, " DELAYS SENT, LOG_DELIVERY, "\xc3\xbc.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"tls= of 3.11", HEAD TO DELAYS "tls=dane, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 used"},
    {"tls=may leaves it open", HEAD TO DELAYS "tls=may, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"tls=may:none", HEAD TO DELAYS "tls=may:none, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 none"},
    {"tls= with REQUIRETLS", HEAD TO DELAYS "tls=encrypt/(requiretls), " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 used"},
    {"tls= violated", HEAD TO DELAYS "tls=dane!, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 unsure"},
    {"tls= undecided", HEAD TO DELAYS "tls=secure?, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 unsure"},
    {"tls= of a later level", HEAD TO DELAYS "tls=super, " SENT, LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 sent 1380 unsure"},
    {"trouble with a message", HEAD "4XyZ12abcdz1: lost connection with mx.d.test[192.0.2.1] while "
     "sending RCPT TO", LOG_TROUBLE, NULL},
    {"a handshake that failed", HEAD "4XyZ12abcdz1: Cannot start TLS: handshake failure", LOG_TROUBLE,
     NULL},
    {"a sender", QMGR "4XyZ12abcdz1: from=<a@b.test>, size=393, nrcpt=1 (queue active)", LOG_SENDER, ""},
    {"the empty sender", QMGR "4XyZ12abcdz1: from=<>, size=3, nrcpt=1 (queue active)", LOG_SENDER,
     "null"},
    {"gone", QMGR "4XyZ12abcdz1: removed", LOG_REMOVED, NULL},

    /* Not for us */
    {"a session that is used again", HEAD "Trusted TLS connection reused to mx.d.test[192.0.2.1]:25: "
     "TLSv1.3 with cipher X (1/1 bits)", LOG_OTHER, NULL},
    {"a session of smtpd(8)", "Nov 23 22:10:01 mail postfix/smtpd[1]: Trusted TLS connection established"
     " to mx.d.test[192.0.2.1]:25: TLSv1.3 with", LOG_OTHER, NULL},
    {"a session that comes to us", HEAD "Trusted TLS connection established from mx.d.test[192.0.2.1]:25:"
     " TLSv1.3 with", LOG_OTHER, NULL},
    {"SSL 3", HEAD "Untrusted TLS connection established to mx.d.test[192.0.2.1]:25: SSLv3 with",
     LOG_OTHER, NULL},
    {"a local delivery", "Nov 23 22:10:01 mail postfix/local[1]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"by a unix socket", HEAD "4XyZ12abcdz1: to=<u@d.test>, relay=d.test[private/lmtp], " DELAYS SENT,
     LOG_TROUBLE, NULL},
    {"a warning", HEAD "warning: TLS library problem: error:0A000086:SSL", LOG_OTHER, NULL},
    {"a refused connection", HEAD "connect to mx.d.test[192.0.2.1]:25: Connection refused", LOG_OTHER,
     NULL},
    {"who picked it up", "Nov 23 22:10:01 mail postfix/pickup[1]: 4XyZ12abcdz1: uid=0 from=<root>",
     LOG_OTHER, NULL},
    {"nothing", "", LOG_OTHER, NULL},

    /* Heads */
    {"another program", "Nov 23 22:10:01 mail exim[1234]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"a program named like it", "Nov 23 22:10:01 mail postfixer/smtp[1]: " TO DELAYS SENT, LOG_OTHER,
     NULL},
    {"the name alone", "Nov 23 22:10:01 mail postfix[1]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"our head inside of another's line", "Nov 23 22:10:01 mail sshd[1]: Invalid user " HEAD TO DELAYS
     SENT, LOG_OTHER, NULL},
    {"our head as a machine's name", "Nov 23 22:10:01 postfix/smtp[1234]: " TO DELAYS SENT, LOG_OTHER,
     NULL},
    {"no pid", "Nov 23 22:10:01 mail postfix/smtp: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"no such month", "Nox 23 22:10:01 mail postfix/smtp[1]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"no such hour", "Nov 23 24:10:01 mail postfix/smtp[1]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"no such day", "2026-11-32T22:10:01Z mail postfix/smtp[1]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"no zone", "2026-11-23T22:10:01 mail postfix/smtp[1]: " TO DELAYS SENT, LOG_OTHER, NULL},
    {"a tab inside", "Nov 23 22:10:01 mail postfix/smtp[1]: " TO DELAYS "dsn=2.0.0, status=sent (\t)",
     LOG_OTHER, NULL},

    /* Strangers' text */
    {"a quoted local part that looks like all of it", HEAD "4XyZ12abcdz1: to=<\"x@evil.test>, relay=mx.evil"
     ".test[192.0.2.66]:25, " DELAYS SENT "\\\"\"@d.test>, relay=mx.d.test[192.0.2.1]:25, " DELAYS SENT,
     LOG_DELIVERY, "d.test mx.d.test 192.0.2.1 25 sent 1380 unsaid"},
    {"the same without quotes (info_log_addr_form = internal)", HEAD "4XyZ12abcdz1: to=<x@evil.test>, "
     "relay=mx.evil.test[192.0.2.66]:25, " DELAYS SENT "@d.test>, relay=mx.d.test[192.0.2.1]:25, " DELAYS
     SENT, LOG_TROUBLE, NULL},
    {"a reply that looks like a delivery", HEAD TO DELAYS "dsn=2.0.0, status=sent (250 ok), relay=mx.evil"
     ".test[192.0.2.66]:25, status=sent (x)", LOG_TROUBLE, NULL},
    {"a reply that looks like a line", HEAD TO DELAYS "dsn=4.0.0, status=deferred (host said: 450 " HEAD
     "Trusted TLS connection established to mx.d.test[192.0.2.1]:25: TLSv1.3)", LOG_DELIVERY,
     "d.test mx.d.test 192.0.2.1 25 - 1380 unsaid"},
    {"a reply cut off", HEAD TO DELAYS "dsn=2.0.0, status=sent (250 2.0.0 Ok: qu", LOG_TROUBLE, NULL},
    {"a sender that looks like the empty one", QMGR "4XyZ12abcdz1: from=<\">, size=1\"@b.test>, size=3, "
     "nrcpt=1 (queue active)", LOG_SENDER, ""},
    {"a sender that says removed", QMGR "4XyZ12abcdz1: from=<removed>, size=3, nrcpt=1 (queue active)",
     LOG_SENDER, ""},
    {"a recipient without a domain", HEAD "4XyZ12abcdz1: to=<root>, relay=mx.d.test[192.0.2.1]:25, " DELAYS
     SENT, LOG_TROUBLE, NULL},
    {"a recipient at an address", HEAD "4XyZ12abcdz1: to=<u@[192.0.2.1]>, relay=192.0.2.1[192.0.2.1]:25, "
     DELAYS SENT, LOG_TROUBLE, NULL},
    {"a source route", HEAD "4XyZ12abcdz1: to=<@a.test:u@d.test>, relay=mx.d.test[192.0.2.1]:25, " DELAYS
     SENT, LOG_TROUBLE, NULL},
    {"two ats", HEAD "4XyZ12abcdz1: to=<a@b@d.test>, relay=mx.d.test[192.0.2.1]:25, " DELAYS SENT,
     LOG_TROUBLE, NULL},
    {"a quote that does not end", HEAD "4XyZ12abcdz1: to=<\"a@d.test>, relay=mx.d.test[192.0.2.1]:25, "
     DELAYS SENT, LOG_TROUBLE, NULL},
    {"a backslash at the end", HEAD "4XyZ12abcdz1: to=<\"a\\", LOG_TROUBLE, NULL},
    {"fields in another order", HEAD "4XyZ12abcdz1: relay=mx.d.test[192.0.2.1]:25, to=<u@d.test>, " DELAYS
     SENT, LOG_TROUBLE, NULL},
    {"a port of 0", HEAD "4XyZ12abcdz1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:0, " DELAYS SENT,
     LOG_TROUBLE, NULL},
    {"a port too large", HEAD "4XyZ12abcdz1: to=<u@d.test>, relay=mx.d.test[192.0.2.1]:65536, " DELAYS SENT,
     LOG_TROUBLE, NULL},
    {"a session's host with a space", HEAD "Trusted TLS connection established to mx.d.test evil[192.0.2.1]"
     ":25: TLSv1.3", LOG_OTHER, NULL},
};

static const char *
tls_word(enum log_tls tls)
{
    static const char *const words[] = {"unsaid", "none", "used", "unsure"};

    return words[tls];
}

static void
describe(const struct log_line *line, char out[512])
{
    out[0] = '\0';
    if (line->kind == LOG_SENDER)
        strcpy(out, line->null_sender ? "null" : "");
    else if (line->kind == LOG_TLS)
        snprintf(out, 512, "%.*s %.*s %u", (int)line->host.len, line->host.at,
                 (int)line->address.len, line->address.at, (unsigned)line->port);
    else if (line->kind == LOG_DELIVERY)
        snprintf(out, 512, "%.*s %.*s %.*s %u %s %lld %s%s", (int)line->domain.len, line->domain.at,
                 (int)line->host.len, line->host.at, (int)line->address.len, line->address.at,
                 (unsigned)line->port, line->sent ? "sent" : "-", (long long)line->connection_ms,
                 tls_word(line->tls), line->reused ? " reused" : "");
}

static void
check(void **state)
{
    const struct row *row = *state;
    size_t len = strlen(row->line), cut;
    /* Of the exact size, so that the sanitizers see a read past its end. */
    char *exact = malloc(len > 0 ? len : 1);
    struct log_line line;
    char got[512];

    assert_non_null(exact);
    memcpy(exact, row->line, len);
    assert_int_equal(log_line_read(exact, len, &line), row->kind);
    if (row->want != NULL) {
        describe(&line, got);
        assert_string_equal(got, row->want);
    }
    free(exact);
    /* No line that was cut off is a delivery that was accepted. */
    for (cut = 0; cut < len; cut++) {
        exact = malloc(cut > 0 ? cut : 1);
        assert_non_null(exact);
        memcpy(exact, row->line, cut);
        if (log_line_read(exact, cut, &line) == LOG_DELIVERY)
            assert_true(!line.sent || row->line[cut - 1] == ')');
        free(exact);
    }
}

static void
too_long(void **state)
{
    size_t len = LOG_LINE_MAX + 1;
    char *text = malloc(len);
    struct log_line line;
    static const char start[] = HEAD TO DELAYS "dsn=2.0.0, status=sent (250 ";

    (void)state;
    assert_non_null(text);
    memset(text, 'x', len);
    memcpy(text, start, sizeof(start) - 1);
    text[len - 1] = ')';
    assert_int_equal(log_line_read(text, len, &line), LOG_OTHER);
    text[len - 2] = ')';
    assert_int_equal(log_line_read(text, len - 1, &line), LOG_DELIVERY);
    assert_true(line.sent);
    free(text);
}

static void
times(void **state)
{
    struct log_line line;
    static const char dated[] = "2026-11-23T22:10:01.5-0730 mail postfix/qmgr[9]: 4XyZ12abc: removed";
    static const char plain[] = "Nov  3 02:10:01 mail postfix/qmgr[9]: 4XyZ12abc: removed";

    (void)state;
    assert_int_equal(log_line_read(dated, strlen(dated), &line), LOG_REMOVED);
    assert_int_equal(line.time.year, 2026);
    assert_int_equal(line.time.month, 11);
    assert_int_equal(line.time.day, 23);
    assert_int_equal(line.time.hour, 22);
    assert_int_equal(line.time.second, 1);
    assert_true(line.time.zoned);
    assert_int_equal(line.time.offset, -(7 * 3600 + 30 * 60));
    assert_int_equal(log_line_read(plain, strlen(plain), &line), LOG_REMOVED);
    assert_int_equal(line.time.year, 0);
    assert_int_equal(line.time.month, 11);
    assert_int_equal(line.time.day, 3);
    assert_false(line.time.zoned);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("observe_line");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "no more than so many octets", too_long);
    ss_table_case(&t, "times", times);
    return ss_table_run(&t);
}
