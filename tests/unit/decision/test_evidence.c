/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Facts with holes: the first answer stays, wants are listed once. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "facts.h"

static void
first_stays(void **state)
{
    struct ss_name name = facts_name("d.test");
    struct ss_evidence evidence;
    const struct ss_dns_fact *fact;

    (void)state;
    facts_init(&evidence, "d.test");
    assert_null(ss_evidence_dns(&evidence, &name, SS_RR_MX));
    facts_dns(&evidence, "MX d.test secure 10:a.d.test ttl=77");
    fact = ss_evidence_dns(&evidence, &name, SS_RR_MX);
    assert_non_null(fact);
    facts_dns(&evidence, "MX d.test insecure 10:evil.test");
    assert_ptr_equal(ss_evidence_dns(&evidence, &name, SS_RR_MX), fact);
    assert_int_equal(fact->answer.trust, SMTPSEC_TRUST_SECURE);
    assert_int_equal(fact->expires, FACTS_NOW + 77);
    assert_int_equal(evidence.dns_count, 1);
    assert_null(ss_evidence_dns(&evidence, &name, SS_RR_A));
    name = facts_name("e.test");
    assert_null(ss_evidence_dns(&evidence, &name, SS_RR_MX));
    ss_evidence_free(&evidence);
}

/* A reader may keep a fact while others are added. */
static void
facts_stay(void **state)
{
    struct ss_name name = facts_name("d.test");
    struct ss_evidence evidence;
    const struct ss_dns_fact *fact;
    char line[64];
    int i;

    (void)state;
    facts_init(&evidence, "d.test");
    facts_dns(&evidence, "MX d.test secure 10:a.d.test");
    fact = ss_evidence_dns(&evidence, &name, SS_RR_MX);
    for (i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "A h%d.test insecure 192.0.2.1", i);
        facts_dns(&evidence, line);
    }
    assert_ptr_equal(ss_evidence_dns(&evidence, &name, SS_RR_MX), fact);
    assert_int_equal(evidence.dns_count, 101);
    for (i = 0; i < 100; i++) {
        snprintf(line, sizeof(line), "h%d.test", i);
        name = facts_name(line);
        assert_non_null(ss_evidence_dns(&evidence, &name, SS_RR_A));
    }
    ss_evidence_free(&evidence);
}

static void
wants(void **state)
{
    struct ss_name name = facts_name("d.test"), other = facts_name("e.test");
    struct ss_evidence evidence;
    struct ss_wants list;
    int i;

    (void)state;
    ss_wants_init(&list);
    facts_init(&evidence, "d.test");
    facts_dns(&evidence, "MX d.test secure 10:a.d.test");
    assert_non_null(ss_evidence_need_dns(&evidence, &name, SS_RR_MX, true, &list));
    assert_int_equal(list.count, 0);
    assert_null(ss_evidence_need_dns(&evidence, &name, SS_RR_A, false, NULL));
    for (i = 0; i < 20; i++) {
        assert_null(ss_evidence_need_dns(&evidence, &name, SS_RR_A, false, &list));
        assert_null(ss_evidence_need_dns(&evidence, &name, SS_RR_TLSA, true, &list));
        assert_null(ss_evidence_need_dns(&evidence, &other, SS_RR_A, false, &list));
    }
    assert_int_equal(list.count, 3);
    assert_int_equal(list.questions[1].type, SS_RR_TLSA);
    assert_true(list.questions[1].dnssec);
    assert_false(list.questions[2].dnssec);
    assert_true(ss_name_equal(&list.questions[2].name, &other));
    assert_false(list.nomem || list.https);
    ss_wants_free(&list);
    assert_int_equal(list.count, 0);
    ss_evidence_free(&evidence);
}

/* PREC-10: (policy domain, route, port); a relay's claims are kept apart. */
static void
keys(void **state)
{
    struct smtpsec_destination destination;
    struct ss_memory_key key, relayed;

    (void)state;
    memset(&destination, 0, sizeof(destination));
    destination.domain = facts_name("d.test");
    destination.port = 25;
    ss_destination_key(&destination, &key);
    assert_true(ss_name_equal(&key.domain, &destination.domain));
    assert_int_equal(key.relay.len, 0);
    assert_int_equal(key.port, 25);
    destination.relay = true;
    destination.port = 587;
    ss_destination_key(&destination, &relayed);
    assert_true(ss_name_equal(&relayed.domain, &key.domain));
    assert_true(ss_name_equal(&relayed.relay, &key.domain));
    assert_int_equal(relayed.port, 587);
}

/* ---- What is asked, and when ---- */

struct ask {
    const char *name;
    const char *lines[8];
    const char *wants; /* in order */
};

#define MX "MX d.test secure 10:a.d.test"
#define NO_TXT "TXT _mta-sts.d.test nodata"
#define A "A a.d.test secure 192.0.2.1"
#define AAAA "AAAA a.d.test nodata-secure"

static const struct ask asks[] = {
    {"MX and _mta-sts come first, together", {NULL}, "15 d.test, 16 _mta-sts.d.test, "},
    {"RES-11 null MX: nothing more", {"MX d.test insecure 0:."}, ""},
    {"RES-07 NXDOMAIN: nothing more", {"MX d.test nxdomain"}, ""},
    {"RES-04 a failed MX: nothing more", {"MX d.test servfail"}, ""},
    {"RES-08 no MX: the domain's addresses", {"MX d.test nodata", NO_TXT}, "1 d.test, 28 d.test, "},
    {"RES-16 addresses of all hosts, no TLSA yet",
     {"MX d.test secure 10:a.d.test 20:b.d.test", NO_TXT},
     "1 a.d.test, 28 a.d.test, 1 b.d.test, 28 b.d.test, "},
    {"RES-16 one family missing: no TLSA yet", {MX, NO_TXT, A}, "28 a.d.test, "},
    {"TLSA-01 then TLSA", {MX, NO_TXT, A, AAAA}, "52 _25._tcp.a.d.test, "},
    {"RES-17 not of a host with unsigned addresses",
     {MX, NO_TXT, "A a.d.test insecure 192.0.2.1", "AAAA a.d.test nodata"},
     ""},
    {"RES-18 not of a host without addresses", {MX, NO_TXT, "A a.d.test nodata-secure", AAAA}, ""},
    {"RES-23 of a signed host on an unsigned MX",
     {"MX d.test insecure 10:a.d.test", NO_TXT, A, AAAA},
     "52 _25._tcp.a.d.test, "},
    {"RES-27 of both ends of a signed alias, at once",
     {MX, NO_TXT, "A a.d.test secure cname=h.p.test 192.0.2.1",
      "AAAA a.d.test nodata-secure cname=h.p.test"},
     "52 _25._tcp.a.d.test, 52 _25._tcp.h.p.test, "},
    {"RES-28 the alias itself, where its end is unsigned",
     {MX, NO_TXT, "A a.d.test insecure cname=h.p.test 192.0.2.1",
      "AAAA a.d.test nodata cname=h.p.test"},
     "5 a.d.test, "},
    {"RES-28 then TLSA of the host's own name",
     {MX, NO_TXT, "A a.d.test insecure cname=h.p.test 192.0.2.1",
      "AAAA a.d.test nodata cname=h.p.test", "CNAME a.d.test secure h.p.test"},
     "52 _25._tcp.a.d.test, "},
    {"RES-29 not behind an unsigned alias",
     {MX, NO_TXT, "A a.d.test insecure cname=h.p.test 192.0.2.1",
      "AAAA a.d.test nodata cname=h.p.test", "CNAME a.d.test insecure h.p.test"},
     ""},
    {"STSF-01 beside the hosts",
     {MX, "TXT _mta-sts.d.test insecure v=STSv1;id=1;", A, AAAA,
      "TLSA _25._tcp.a.d.test nodata-secure"},
     "1 mta-sts.d.test, 28 mta-sts.d.test, "},
    {"STSF-01 then the policy",
     {MX, "TXT _mta-sts.d.test insecure v=STSv1;id=1;", A, AAAA,
      "TLSA _25._tcp.a.d.test nodata-secure", "A mta-sts.d.test insecure 192.0.2.9",
      "AAAA mta-sts.d.test servfail"},
     "https, "},
    {"STSF-01 not from a host without addresses",
     {MX, "TXT _mta-sts.d.test insecure v=STSv1;id=1;", A, AAAA,
      "TLSA _25._tcp.a.d.test nodata-secure", "A mta-sts.d.test nodata",
      "AAAA mta-sts.d.test servfail"},
     ""},
    {"STSD-06 two records are none",
     {MX, "TXT _mta-sts.d.test insecure v=STSv1;id=1; v=STSv1;id=2;", A, AAAA,
      "TLSA _25._tcp.a.d.test nodata-secure"},
     ""},
};

static void
check_ask(void **state)
{
    const struct ask *row = *state;
    struct ss_settings settings;
    struct ss_evidence evidence;
    char text[2048] = "", name[SS_NAME_TEXT];
    struct ss_wants list;
    size_t i;

    ss_settings_init(&settings);
    facts_init(&evidence, "d.test");
    for (i = 0; i < 8 && row->lines[i] != NULL; i++)
        facts_dns(&evidence, row->lines[i]);
    assert_int_equal(ss_missing(&evidence, &settings, FACTS_NOW, &list), 0);
    for (i = 0; i < list.count; i++) {
        ss_name_to_text(&list.questions[i].name, name);
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u %.60s, ",
                 list.questions[i].type, name);
    }
    if (list.https)
        strcat(text, "https, ");
    assert_string_equal(text, row->wants);
    ss_wants_free(&list);
    ss_evidence_free(&evidence);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("evidence");

    ss_table_case(&t, "the first answer to a question stays", first_stays);
    ss_table_case(&t, "facts do not move", facts_stay);
    ss_table_case(&t, "wants are listed once", wants);
    ss_table_case(&t, "PREC-10 the key of a destination", keys);
    SS_TABLE_ROWS(&t, check_ask, asks);
    return ss_table_run(&t);
}
