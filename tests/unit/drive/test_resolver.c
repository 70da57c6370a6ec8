/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hostile and broken servers, one a row, and what the resolver makes of them. */
#include "drive/resolver.h"

#include <stdio.h>
#include <string.h>

#include "dns_world.h"
#include "smtpsec.h"
#include "table.h"

#define SHORT_MS 400
#define LONG_MS 5000

struct row {
    const char *name;
    const char *servers; /* letters, "!" behind a trusted one */
    const char *labels;  /* what they are to do: "a-servfail.b-ok" */
    int32_t timeout_ms;
    int32_t want_failure;
    bool want_trusted;
    const char *want;      /* the answer, when there is no failure */
    const char *want_seen; /* what the last server saw of it; NULL: not looked at */
};

#define OK SMTPSEC_FAILURE_NONE
#define RIGHT "192.0.2.1"

static const struct row rows[] = {
    { "a good answer", "a", "a-ok", LONG_MS, OK, false, RIGHT, "udp=1 tcp=0 cd=0" },
    { "NXDOMAIN is an answer", "a!", "a-nxdomain", LONG_MS, OK, true, "no-name", NULL },
    { "no data is an answer", "a!", "a-noaddata", LONG_MS, OK, true, "no-data", NULL },
    { "RES-26 AD of a trusted server is believed", "a!", "a-ad", LONG_MS, OK, true,
      RIGHT " secure", NULL },
    { "RES-26 AD of another is not", "a", "a-ad", LONG_MS, OK, false, RIGHT, NULL },

    /* Replies that are none: only the right one counts. */
    { "RES-26 a wrong id is ignored", "a", "a-wrongid", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 another name is ignored", "a", "a-wrongquestion", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 another type is ignored", "a", "a-wrongtype", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 another case is ignored", "a", "a-wrongcase", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 a query is no reply", "a", "a-qr0", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 another opcode is ignored", "a", "a-opcode", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 another address is ignored", "a", "a-otheraddress", LONG_MS, OK, false, RIGHT,
      NULL },
    { "RES-26 another port is ignored", "a", "a-otherport", LONG_MS, OK, false, RIGHT, NULL },
    { "short datagrams are ignored", "a", "a-short", LONG_MS, OK, false, RIGHT, NULL },
    { "duplicates of the answer are ignored", "a", "a-twice", LONG_MS, OK, false, RIGHT, NULL },
    { "fifty guesses do not hide the answer", "a", "a-few", LONG_MS, OK, false, RIGHT, NULL },
    { "RES-26 a flood of guesses ends the question", "a", "a-flood", LONG_MS,
      SMTPSEC_FAILURE_TIMEOUT, false, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-04 only wrong ids is a timeout", "a", "a-wrongidonly", SHORT_MS,
      SMTPSEC_FAILURE_TIMEOUT, false, NULL, NULL },
    { "RES-04 the query sent back is a timeout", "a", "a-echo", SHORT_MS,
      SMTPSEC_FAILURE_TIMEOUT, false, NULL, NULL },
    { "RES-04 a reply without question is a timeout", "a", "a-noquestion", SHORT_MS,
      SMTPSEC_FAILURE_TIMEOUT, false, NULL, NULL },

    /* Fits, but is broken: handed over whole and refused by its reader. */
    { "a compression loop is handed over", "a!", "a-loop", LONG_MS, OK, true, "failed", NULL },
    { "counts of 65535 are handed over", "a!", "a-counts", LONG_MS, OK, true, "failed", NULL },
    { "garbage is handed over", "a!", "a-garbage", LONG_MS, OK, true, "failed", NULL },
    { "a cut message is handed over", "a!", "a-cut", LONG_MS, OK, true, "failed", NULL },

    /* Failures of one server. */
    { "RES-04 SERVFAIL", "a", "a-servfail", LONG_MS, SMTPSEC_FAILURE_SERVFAIL, false, NULL,
      "udp=1 tcp=0 cd=0" },
    { "RES-04 REFUSED", "a", "a-refused", LONG_MS, SMTPSEC_FAILURE_REFUSED, false, NULL,
      "udp=1 tcp=0 cd=0" },
    { "RES-04 NOTIMP", "a", "a-notimp", LONG_MS, SMTPSEC_FAILURE_NOTIMP, false, NULL, NULL },
    { "RES-04 FORMERR", "a", "a-formerr", LONG_MS, SMTPSEC_FAILURE_FORMERR, false, NULL, NULL },
    { "RES-04 another RCODE", "a", "a-rcode9", LONG_MS, SMTPSEC_FAILURE_RCODE, false, NULL, NULL },
    { "RES-04 silence is asked twice", "a", "a-silent", 600, SMTPSEC_FAILURE_TIMEOUT, false, NULL,
      "udp=2 tcp=0 cd=0" },
    { "a lost datagram is asked for again", "a", "a-silentonce", 2000, OK, false, RIGHT,
      "udp=2 tcp=0 cd=0" },
    { "RES-04 nobody is there", "d", "d-ok", LONG_MS, SMTPSEC_FAILURE_UNREACHABLE, false, NULL,
      NULL },
    { "RES-04 no server at all", "", "ok", LONG_MS, SMTPSEC_FAILURE_UNREACHABLE, false, NULL,
      NULL },

    /* The second look. */
    { "RES-05 data with CD: bogus", "a!", "a-servfail-ok", LONG_MS, SMTPSEC_FAILURE_BOGUS, true,
      NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 NXDOMAIN with CD: bogus", "a!", "a-servfail-nx", LONG_MS, SMTPSEC_FAILURE_BOGUS,
      true, NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 large data with CD: bogus", "a!", "a-servfail-tc", LONG_MS, SMTPSEC_FAILURE_BOGUS,
      true, NULL, "udp=2 tcp=1 cd=2" },
    { "RES-05 large data with CD, no TCP: SERVFAIL", "c!", "c-servfail-tc", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 SERVFAIL with CD too: a dead server", "a!", "a-servfail", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 silence with CD: SERVFAIL", "a!", "a-servfail-silent", SHORT_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 REFUSED with CD: SERVFAIL", "a!", "a-servfail-refused", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, NULL },
    { "RES-05 a wrong id with CD: SERVFAIL", "a!", "a-servfail-wrongid", SHORT_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, NULL },
    { "RES-05 extended error 6: bogus at once", "a!", "a-extended6", LONG_MS,
      SMTPSEC_FAILURE_BOGUS, true, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-05 extended error 12: bogus at once", "a!", "a-extended12", LONG_MS,
      SMTPSEC_FAILURE_BOGUS, true, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-06 extended error 5: indeterminate", "a!", "a-extended5", LONG_MS,
      SMTPSEC_FAILURE_INDETERMINATE, true, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-05 extended error 4 is not bogus", "a!", "a-extended4", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 extended error 13 is not bogus", "a!", "a-extended13", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=2 tcp=0 cd=1" },
    { "RES-05 no second look at an untrusted server", "a", "a-servfail-ok", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, false, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-05 an untrusted extended error says nothing", "a", "a-extended6", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, false, NULL, NULL },

    /* Truncation. A truncated reply that reads as a secure "no data" stands behind each. */
    { "TLSA-25 TC goes to TCP", "a!", "a-tc", LONG_MS, OK, true, RIGHT " secure",
      "udp=1 tcp=1 cd=0" },
    { "TLSA-25 TCP in pieces", "a!", "a-tcpieces", LONG_MS, OK, true, RIGHT " secure", NULL },
    { "TLSA-25 more octets than one message", "a!", "a-tcmore", LONG_MS, OK, true,
      RIGHT " secure", NULL },
    { "TLSA-25 TCP refused", "c!", "c-tc", LONG_MS, SMTPSEC_FAILURE_TRUNCATED, true, NULL,
      "udp=1 tcp=0 cd=0" },
    { "TLSA-25 TC over TCP", "a!", "a-tctc", LONG_MS, SMTPSEC_FAILURE_TRUNCATED, true, NULL,
      NULL },
    { "TLSA-25 TCP ends in the prefix", "a!", "a-tcprefix", LONG_MS, SMTPSEC_FAILURE_TRUNCATED,
      true, NULL, NULL },
    { "TLSA-25 TCP ends in the message", "a!", "a-tchalf", LONG_MS, SMTPSEC_FAILURE_TRUNCATED,
      true, NULL, NULL },
    { "TLSA-25 TCP ends at once", "a!", "a-tcclose", LONG_MS, SMTPSEC_FAILURE_TRUNCATED, true,
      NULL, NULL },
    { "TLSA-25 TCP drips", "a!", "a-tcdrip", 600, SMTPSEC_FAILURE_TRUNCATED, true, NULL, NULL },
    { "TLSA-25 TCP is silent", "a!", "a-tcsilent", SHORT_MS, SMTPSEC_FAILURE_TRUNCATED, true, NULL,
      NULL },
    { "TLSA-25 TCP promises 65535 octets", "a!", "a-tcgiant", SHORT_MS,
      SMTPSEC_FAILURE_TRUNCATED, true, NULL, NULL },
    { "TLSA-25 TCP with length 0", "a!", "a-tczero", LONG_MS, SMTPSEC_FAILURE_TRUNCATED, true,
      NULL, NULL },
    { "TLSA-25 TCP shorter than a header", "a!", "a-tcshort", LONG_MS, SMTPSEC_FAILURE_TRUNCATED,
      true, NULL, NULL },
    { "TLSA-25 TCP with a wrong id", "a!", "a-tcwrongid", LONG_MS, SMTPSEC_FAILURE_TRUNCATED, true,
      NULL, NULL },
    { "TLSA-25 SERVFAIL by TCP gets its second look", "a!", "a-tcservfail", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=2 tcp=2 cd=2" },

    /* Several servers. */
    { "the first server answers, the second is not asked", "ab", "a-ok.b-ok", LONG_MS, OK, false,
      RIGHT, "udp=0 tcp=0 cd=0" },
    { "after SERVFAIL the next", "ab", "a-servfail.b-ok", LONG_MS, OK, false, RIGHT, NULL },
    { "after REFUSED the next", "ab", "a-refused.b-ok", LONG_MS, OK, false, RIGHT, NULL },
    { "after NOTIMP the next", "ab", "a-notimp.b-ok", LONG_MS, OK, false, RIGHT, NULL },
    { "after FORMERR the next", "ab", "a-formerr.b-ok", LONG_MS, OK, false, RIGHT, NULL },
    { "after silence the next", "ab", "a-silent.b-ok", 2000, OK, false, RIGHT, NULL },
    { "after nobody the next, at once", "db", "b-ok", LONG_MS, OK, false, RIGHT, NULL },
    { "TLSA-25 after TC without TCP the next", "cb", "c-tc.b-tc", LONG_MS, OK, false, RIGHT,
      NULL },
    { "TLSA-25 after a silent TCP the next", "a!b!", "a-tcsilent.b-ok", 1200, OK, true, RIGHT,
      NULL },
    { "after two silences the first again", "ab", "a-silentonce.b-silent", 2000, OK, false, RIGHT,
      "udp=1 tcp=0 cd=0" },
    { "RES-04 who answered is not asked again", "ab", "a-silent.b-refused", 1200,
      SMTPSEC_FAILURE_REFUSED, false, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-04 all SERVFAIL", "ab", "a-servfail.b-servfail", LONG_MS, SMTPSEC_FAILURE_SERVFAIL,
      false, NULL, "udp=1 tcp=0 cd=0" },
    { "RES-04 the first answer is reported", "ab", "a-refused.b-servfail", LONG_MS,
      SMTPSEC_FAILURE_REFUSED, false, NULL, NULL },
    { "RES-04 nobody anywhere", "dd", "ok", LONG_MS, SMTPSEC_FAILURE_UNREACHABLE, false, NULL,
      NULL },
    { "RES-04 silence outweighs nobody", "da", "a-silent", SHORT_MS, SMTPSEC_FAILURE_TIMEOUT,
      false, NULL, NULL },
    { "RES-05 bogus ends the question", "a!b!", "a-servfail-ok.b-ok", LONG_MS,
      SMTPSEC_FAILURE_BOGUS, true, NULL, "udp=0 tcp=0 cd=0" },

    /* Servers of different trust. */
    { "RES-26 the flag is that of the server that answered", "ab!", "a-servfail.b-ad", LONG_MS, OK,
      true, RIGHT " secure", NULL },
    { "RES-26 an untrusted server in front of a trusted one", "ab!", "a-ad.b-ad", LONG_MS, OK,
      false, RIGHT, "udp=0 tcp=0 cd=0" },
    { "RES-05 a trusted SERVFAIL is not asked away", "a!b", "a-servfail.b-ok", LONG_MS,
      SMTPSEC_FAILURE_SERVFAIL, true, NULL, "udp=0 tcp=0 cd=0" },
    { "RES-05 a trusted silence is not asked away", "a!b", "a-silent.b-ok", SHORT_MS,
      SMTPSEC_FAILURE_TIMEOUT, true, NULL, "udp=0 tcp=0 cd=0" },
    { "RES-05 a trusted truncation is not asked away", "c!b", "c-tc.b-ok", LONG_MS,
      SMTPSEC_FAILURE_TRUNCATED, true, NULL, "udp=0 tcp=0 cd=0" },
    { "RES-26 nobody at the trusted address", "d!b", "b-ad", LONG_MS, OK, false, RIGHT,
      "udp=1 tcp=0 cd=0" },
    { "a trusted SERVFAIL goes on to a trusted one", "a!bb!", "a-servfail.b-ad", LONG_MS, OK,
      true, RIGHT " secure", "udp=1 tcp=0 cd=0" },
};

static char
last_server(const char *servers)
{
    size_t len = strlen(servers);

    return servers[len - 1] == '!' ? servers[len - 2] : servers[len - 1];
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct ss_loop *loop = world_loop();
    struct ss_resolver *resolver = world_resolver(loop, row->servers, row->timeout_ms);
    unsigned token = world_token();
    struct told told;
    char seen[128];

    told_init(&told, SS_RR_A, "%s.t%u.test", row->labels, token);
    told_ask(&told, resolver);
    told_wait(&told, 1, loop);
    assert_int_equal(told.failure, row->want_failure);
    assert_int_equal(told.trusted, row->want_trusted);
    if (row->want != NULL)
        assert_string_equal(told.text, row->want);
    if (row->want_seen != NULL) {
        world_ask_text(last_server(row->servers), "seen", token, seen, sizeof(seen));
        assert_string_equal(seen, row->want_seen);
    }
    /* Nothing of the question may stay in the loop. */
    assert_int_equal(ss_loop_timeout_ms(loop), -1);
    assert_int_equal(ss_loop_process(loop), 0);
    assert_int_equal(told.calls, 1);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
}

struct flags_row {
    const char *name;
    bool dnssec;
    const char *want;
};

static const struct flags_row flags_rows[] = {
    { "RES-26 RD and AD are asked, DO is not", false, "rd=1 ad=1 cd=0 do=0 edns=1232" },
    { "RES-26 DO is asked when wanted", true, "rd=1 ad=1 cd=0 do=1 edns=1232" },
};

static void
check_flags(void **state)
{
    const struct flags_row *row = *state;
    struct ss_loop *loop = world_loop();
    struct ss_resolver *resolver = world_resolver(loop, "a", LONG_MS);
    struct told told;

    told_init(&told, SS_RR_TXT, "a-flags.t%u.test", world_token());
    told.question.dnssec = row->dnssec;
    told_ask(&told, resolver);
    told_wait(&told, 1, loop);
    assert_string_equal(told.text, row->want);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
}

static void
check_tcp_big(void **state)
{
    struct ss_loop *loop = world_loop();
    struct ss_resolver *resolver = world_resolver(loop, "a", LONG_MS);
    struct told told;

    (void)state;
    told_init(&told, SS_RR_TXT, "a-tcbig.t%u.test", world_token());
    told_ask(&told, resolver);
    told_wait(&told, 1, loop);
    assert_int_equal(told.failure, SMTPSEC_FAILURE_NONE);
    assert_int_equal(told.count, 240);
    ss_resolver_free(resolver);
    ss_loop_free(loop);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("drive/resolver");
    int failures;

    if (argc != 2) {
        fprintf(stderr, "usage: %s dns_server.py\n", argv[0]);
        return 99;
    }
    world_start(argv[1]);
    SS_TABLE_ROWS(&t, check_row, rows);
    SS_TABLE_ROWS(&t, check_flags, flags_rows);
    ss_table_case(&t, "TLSA-25 a reply of sixty thousand octets by TCP", check_tcp_big);
    failures = ss_table_run(&t);
    world_stop();
    return failures;
}
