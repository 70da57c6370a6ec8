/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies that are answers: records, denials, aliases, trust and life. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "dns/frame.h"
#include "dns/message.h"
#include "dns_builder.h"

#define AD DNS_BUILDER_AD
#define NX 3

struct row {
    const char *name;
    const char *asked;
    uint16_t type;
    uint16_t more_flags;
    unsigned rcode;
    void (*build)(struct dns_builder *b);
    bool untrusted;
    int32_t want_outcome;
    int32_t want_trust;
    uint32_t want_ttl;
    size_t want_count;
    unsigned want_aliases;
    const char *want_end; /* NULL: what was asked */
    int64_t want_inception;
    int64_t want_expiration;
};

#define RECORDS SMTPSEC_ANSWER_RECORDS
#define NO_DATA SMTPSEC_ANSWER_NO_DATA
#define NO_NAME SMTPSEC_ANSWER_NO_NAME
#define SECURE SMTPSEC_TRUST_SECURE
#define INSECURE SMTPSEC_TRUST_INSECURE

static const uint8_t digest[32] = { 0xaa, 0xbb };

static void
two_mx(struct dns_builder *b)
{
    dns_builder_mx(b, "d.test", 300, 20, "B.d.test");
    dns_builder_mx(b, "D.TEST", 200, 10, "a.d.test");
}

static void
two_mx_signed(struct dns_builder *b)
{
    two_mx(b);
    dns_builder_rrsig(b, "d.test", 300, SS_RR_MX, 1000, 9000);
    dns_builder_rrsig(b, "d.test", 300, SS_RR_MX, 2000, 8000);
    dns_builder_rrsig(b, "d.test", 300, SS_RR_TXT, 7000, 7001);
    dns_builder_rrsig(b, "e.test", 300, SS_RR_MX, 6000, 6001);
}

static void
mx_twice(struct dns_builder *b)
{
    dns_builder_mx(b, "d.test", 300, 10, "a.d.test");
    dns_builder_mx(b, "d.test", 100, 10, "A.d.test");
}

static void
null_mx(struct dns_builder *b)
{
    dns_builder_mx(b, "d.test", 300, 0, ".");
}

static void
foreign_records(struct dns_builder *b)
{
    dns_builder_mx(b, "e.test", 5, 10, "evil.test");
    dns_builder_a(b, "d.test", 5, "192.0.2.1");
    dns_builder_rr(b, "d.test", SS_RR_MX, 3, 5, "\0\1\0", 3);
    dns_builder_mx(b, "d.test", 300, 10, "a.d.test");
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_mx(b, "d.test", 5, 10, "evil.test");
    dns_builder_section(b, DNS_BUILDER_ADDITIONAL);
    dns_builder_mx(b, "d.test", 5, 10, "evil.test");
    dns_builder_opt(b, 0, -1);
}

static void
four_addresses(struct dns_builder *b)
{
    dns_builder_a(b, "d.test", 300, "192.0.2.2");
    dns_builder_a(b, "d.test", 300, "192.0.2.1");
    dns_builder_a(b, "d.test", 300, "192.0.2.2");
}

static void
one_aaaa(struct dns_builder *b)
{
    dns_builder_aaaa(b, "d.test", 300, "2001:db8::1");
}

static void
one_tlsa(struct dns_builder *b)
{
    dns_builder_tlsa(b, "_25._tcp.mx.d.test", 300, 3, 1, 1, digest, sizeof(digest));
}

static void
ttl_top_bit(struct dns_builder *b)
{
    dns_builder_a(b, "d.test", 0x80000001, "192.0.2.2");
}

static void
ttl_long(struct dns_builder *b)
{
    dns_builder_a(b, "d.test", 0x7fffffff, "192.0.2.2");
}

static void
soa_minimum(struct dns_builder *b)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "test", 3600, 60);
}

static void
soa_ttl(struct dns_builder *b)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "d.test", 50, 3600);
    dns_builder_rrsig(b, "d.test", 50, SS_RR_SOA, 9999, 10000);
    dns_builder_rrsig(b, "d.test", 50, 47, 3000, 4000);
    dns_builder_rrsig(b, "d.test", 50, 50, 3500, 4500);
}

static void
soa_of_another(struct dns_builder *b)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "x.d.test", 3600, 60);
}

static void
empty(struct dns_builder *b)
{
    (void)b;
}

static void
alias_to_mx(struct dns_builder *b)
{
    dns_builder_mx(b, "e.test", 300, 10, "mx.e.test");
    dns_builder_cname(b, "d.test", 30, "E.test");
    dns_builder_rrsig(b, "d.test", 300, SS_RR_CNAME, 7000, 7001);
    dns_builder_rrsig(b, "e.test", 300, SS_RR_MX, 1000, 9000);
}

static void
alias_to_nothing(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "gone.test");
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "test", 3600, 60);
}

static void
aliases(struct dns_builder *b, int count)
{
    char from[16];
    char to[16];
    int i;

    for (i = 0; i < count; i++) {
        snprintf(from, sizeof(from), i == 0 ? "d.test" : "a%d.test", i);
        snprintf(to, sizeof(to), "a%d.test", i + 1);
        dns_builder_cname(b, from, 30, to);
    }
    snprintf(to, sizeof(to), "a%d.test", count);
    dns_builder_a(b, to, 300, "192.0.2.1");
}

static void
aliases_16(struct dns_builder *b)
{
    aliases(b, 16);
}

static void
dname(struct dns_builder *b)
{
    dns_builder_dname(b, "d.test", 300, "e.test");
    dns_builder_cname(b, "mx.d.test", 300, "mx.e.test");
    dns_builder_a(b, "mx.e.test", 300, "192.0.2.1");
}

static void
dname_elsewhere(struct dns_builder *b)
{
    dns_builder_dname(b, "x.d.test", 300, "e.test");
    dns_builder_dname(b, "xd.test", 300, "e.test");
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "test", 3600, 60);
}

static void
same_alias_twice(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "e.test");
    dns_builder_cname(b, "d.test", 20, "e.test");
    dns_builder_a(b, "e.test", 300, "192.0.2.1");
}

static void
alias_signed_nsec(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "e.test");
    dns_builder_rrsig(b, "d.test", 30, SS_RR_CNAME, 1, 2);
    dns_builder_rr(b, "d.test", 47, 1, 30, "\1e\0\0\1\2", 6);
    dns_builder_a(b, "e.test", 300, "192.0.2.1");
}

static void
alias_itself(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "e.test");
    dns_builder_rrsig(b, "d.test", 30, SS_RR_CNAME, 1000, 2000);
    dns_builder_cname(b, "e.test", 10, "f.test");
}

static void
spare_room(struct dns_builder *b)
{
    /* 256 different records: the most that is kept. */
    char address[16];
    int i;

    for (i = 0; i < 256; i++) {
        snprintf(address, sizeof(address), "192.0.2.%d", i);
        dns_builder_a(b, "d.test", 300, address);
        dns_builder_a(b, "d.test", 300, "192.0.2.0");
    }
}

static const struct row rows[] = {
    { "records/sorted and folded", "d.test", SS_RR_MX, AD, 0, two_mx, false, RECORDS, SECURE, 200,
      2, 0, NULL, 0, 0 },
    { "records/no AD is insecure", "d.test", SS_RR_MX, 0, 0, two_mx, false, RECORDS, INSECURE, 200,
      2, 0, NULL, 0, 0 },
    { "RES-26 AD from an untrusted path", "d.test", SS_RR_MX, AD, 0, two_mx, true, RECORDS,
      INSECURE, 200, 2, 0, NULL, 0, 0 },
    { "RES-26 AA is no AD", "d.test", SS_RR_MX, DNS_BUILDER_AA, 0, two_mx, false, RECORDS, INSECURE,
      200, 2, 0, NULL, 0, 0 },
    { "records/asked in capitals", "D.Test.", SS_RR_MX, AD, 0, two_mx, false, RECORDS, SECURE, 200,
      2, 0, NULL, 0, 0 },
    { "PREC-11 the earliest RRSIG of the type at the name counts, not a fresher one beside it",
      "d.test", SS_RR_MX, AD, 0, two_mx_signed, false, RECORDS, SECURE, 200, 2, 0, NULL, 1000, 9000 },
    { "records/duplicates dropped, least TTL", "d.test", SS_RR_MX, 0, 0, mx_twice, false, RECORDS,
      INSECURE, 100, 1, 0, NULL, 0, 0 },
    { "RES-11 null MX is a record", "d.test", SS_RR_MX, 0, 0, null_mx, false, RECORDS, INSECURE,
      300, 1, 0, NULL, 0, 0 },
    { "records/other names, classes and sections", "d.test", SS_RR_MX, 0, 0, foreign_records, false,
      RECORDS, INSECURE, 300, 1, 0, NULL, 0, 0 },
    { "records/A", "d.test", SS_RR_A, AD, 0, four_addresses, false, RECORDS, SECURE, 300, 2, 0,
      NULL, 0, 0 },
    { "records/AAAA", "d.test", SS_RR_AAAA, AD, 0, one_aaaa, false, RECORDS, SECURE, 300, 1, 0,
      NULL, 0, 0 },
    { "TLSA-01 records/TLSA", "_25._tcp.mx.d.test", SS_RR_TLSA, AD, 0, one_tlsa, false, RECORDS,
      SECURE, 300, 1, 0, NULL, 0, 0 },
    { "records/256 different ones", "d.test", SS_RR_A, 0, 0, spare_room, false, RECORDS, INSECURE,
      300, 256, 0, NULL, 0, 0 },
    { "TLSA-24 TTL with the top bit is zero", "d.test", SS_RR_A, 0, 0, ttl_top_bit, false, RECORDS,
      INSECURE, 0, 1, 0, NULL, 0, 0 },
    { "TLSA-24 TTL of a week at most", "d.test", SS_RR_A, 0, 0, ttl_long, false, RECORDS, INSECURE,
      604800, 1, 0, NULL, 0, 0 },
    { "RES-08 NODATA, life by SOA minimum", "d.test", SS_RR_MX, AD, 0, soa_minimum, false, NO_DATA,
      SECURE, 60, 0, 0, NULL, 0, 0 },
    { "RES-08 NODATA insecure, life by SOA TTL", "d.test", SS_RR_MX, 0, 0, soa_ttl, false, NO_DATA,
      INSECURE, 50, 0, 0, NULL, 3000, 4000 },
    { "RES-07 NXDOMAIN secure", "d.test", SS_RR_MX, AD, NX, soa_minimum, false, NO_NAME, SECURE, 60,
      0, 0, NULL, 0, 0 },
    { "RES-07 NXDOMAIN insecure", "d.test", SS_RR_MX, 0, NX, soa_minimum, false, NO_NAME, INSECURE,
      60, 0, 0, NULL, 0, 0 },
    { "PREC-11 NXDOMAIN with signed NSEC", "d.test", SS_RR_MX, AD, NX, soa_ttl, false, NO_NAME,
      SECURE, 50, 0, 0, NULL, 3000, 4000 },
    { "denial/SOA of another zone does not count", "d.test", SS_RR_MX, AD, 0, soa_of_another, false,
      NO_DATA, SECURE, 0, 0, 0, NULL, 0, 0 },
    { "denial/no SOA from a resolver", "d.test", SS_RR_MX, AD, 0, empty, false, NO_DATA, SECURE, 0,
      0, 0, NULL, 0, 0 },
    { "RES-13 alias", "d.test", SS_RR_MX, AD, 0, alias_to_mx, false, RECORDS, SECURE, 30, 1, 1,
      "e.test", 1000, 9000 },
    { "RES-14 one insecure link, no AD", "d.test", SS_RR_MX, 0, 0, alias_to_mx, false, RECORDS,
      INSECURE, 30, 1, 1, "e.test", 1000, 9000 },
    { "TLSA-09 NXDOMAIN at the end of an alias", "d.test", SS_RR_MX, AD, NX, alias_to_nothing,
      false, NO_NAME, SECURE, 30, 0, 1, "gone.test", 0, 0 },
    { "alias/NODATA at the end", "d.test", SS_RR_MX, AD, 0, alias_to_nothing, false, NO_DATA,
      SECURE, 30, 0, 1, "gone.test", 0, 0 },
    { "RES-15 chain of 16", "d.test", SS_RR_A, AD, 0, aliases_16, false, RECORDS, SECURE, 30, 1, 16,
      "a16.test", 0, 0 },
    { "RES-15 DNAME through its CNAME", "mx.d.test", SS_RR_A, AD, 0, dname, false, RECORDS, SECURE,
      300, 1, 1, "mx.e.test", 0, 0 },
    { "RES-15 DNAME at other names", "d.test", SS_RR_A, AD, 0, dname_elsewhere, false, NO_DATA,
      SECURE, 60, 0, 0, NULL, 0, 0 },
    { "alias/the same CNAME twice", "d.test", SS_RR_A, 0, 0, same_alias_twice, false, RECORDS,
      INSECURE, 20, 1, 1, "e.test", 0, 0 },
    { "alias/beside RRSIG and NSEC", "d.test", SS_RR_A, AD, 0, alias_signed_nsec, false, RECORDS,
      SECURE, 30, 1, 1, "e.test", 0, 0 },
    { "RES-28 CNAME asked for is data", "d.test", SS_RR_CNAME, AD, 0, alias_itself, false, RECORDS,
      SECURE, 30, 1, 0, NULL, 1000, 2000 },
};

static void
make_question(struct ss_question *question, const char *name, uint16_t type)
{
    memset(question, 0, sizeof(*question));
    assert_true(ss_name_from_text(&question->name, name, strlen(name)));
    question->type = type;
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_question question;
    struct ss_answer answer;
    struct ss_name end;
    const char *want_end = row->want_end != NULL ? row->want_end : row->asked;
    struct dns_builder *b = dns_builder_new(
        9, row->asked, row->type, (uint16_t)(DNS_BUILDER_REPLY | row->more_flags), row->rcode);

    row->build(b);
    make_question(&question, row->asked, row->type);
    assert_int_equal(ss_dns_reply_read(&question, b->octets, b->len, !row->untrusted, &answer), 0);
    assert_int_equal(answer.outcome, row->want_outcome);
    assert_int_equal(answer.failure, SMTPSEC_FAILURE_NONE);
    assert_int_equal(answer.trust, row->want_trust);
    assert_int_equal(answer.ttl, row->want_ttl);
    assert_int_equal(answer.count, row->want_count);
    assert_int_equal(answer.aliases, row->want_aliases);
    assert_true(ss_name_from_text(&end, want_end, strlen(want_end)));
    assert_true(ss_name_equal(&answer.end, &end));
    assert_int_equal(answer.inception, row->want_inception);
    assert_int_equal(answer.expiration, row->want_expiration);
    ss_answer_free(&answer);
    free(b);
}

static void
read_one(struct dns_builder *b, const char *asked, uint16_t type, struct ss_answer *answer)
{
    struct ss_question question;

    make_question(&question, asked, type);
    assert_int_equal(ss_dns_reply_read(&question, b->octets, b->len, true, answer), 0);
    assert_int_equal(answer->outcome, SMTPSEC_ANSWER_RECORDS);
    free(b);
}

static void
contents_of_mx(void **state)
{
    struct dns_builder *b = dns_builder_new(1, "d.test", SS_RR_MX, DNS_BUILDER_REPLY, 0);
    struct ss_answer answer;
    char text[SS_NAME_TEXT];

    (void)state;
    two_mx(b);
    read_one(b, "d.test", SS_RR_MX, &answer);
    assert_int_equal(answer.records[0].preference, 10);
    ss_name_to_text(&answer.records[0].name, text);
    assert_string_equal(text, "a.d.test");
    assert_int_equal(answer.records[1].preference, 20);
    ss_name_to_text(&answer.records[1].name, text);
    assert_string_equal(text, "b.d.test");
    ss_answer_free(&answer);
}

static void
contents_of_addresses(void **state)
{
    struct dns_builder *b = dns_builder_new(1, "d.test", SS_RR_A, DNS_BUILDER_REPLY, 0);
    struct ss_answer answer;
    char text[SS_ADDRESS_TEXT];

    (void)state;
    four_addresses(b);
    read_one(b, "d.test", SS_RR_A, &answer);
    ss_address_to_text(&answer.records[0].address, text);
    assert_string_equal(text, "192.0.2.1");
    ss_answer_free(&answer);
    b = dns_builder_new(1, "d.test", SS_RR_AAAA, DNS_BUILDER_REPLY, 0);
    one_aaaa(b);
    read_one(b, "d.test", SS_RR_AAAA, &answer);
    ss_address_to_text(&answer.records[0].address, text);
    assert_string_equal(text, "2001:db8::1");
    ss_answer_free(&answer);
}

static void
contents_of_txt(void **state)
{
    const char *const strings[] = { "v=STSv1; i", "", "d=2024" };
    const char *const nothing[] = { "" };
    struct dns_builder *b = dns_builder_new(1, "d.test", SS_RR_TXT, DNS_BUILDER_REPLY, 0);
    struct ss_answer answer;

    (void)state;
    dns_builder_txt(b, "d.test", 300, strings, 3);
    dns_builder_txt(b, "d.test", 300, nothing, 1);
    read_one(b, "d.test", SS_RR_TXT, &answer);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.records[0].len, 0);
    assert_int_equal(answer.records[1].len, 16);
    assert_memory_equal(answer.records[1].data, "v=STSv1; id=2024", 16);
    ss_answer_free(&answer);
}

static void
contents_of_cname(void **state)
{
    struct dns_builder *b = dns_builder_new(1, "d.test", SS_RR_CNAME, DNS_BUILDER_REPLY, 0);
    struct ss_answer answer;
    char text[SS_NAME_TEXT];

    (void)state;
    alias_itself(b);
    read_one(b, "d.test", SS_RR_CNAME, &answer);
    ss_name_to_text(&answer.records[0].name, text);
    assert_string_equal(text, "e.test");
    ss_answer_free(&answer);
}

/* TLSA rdata is a fact whatever its length; the DANE room judges it. */
static void
tlsa_of_any_length(void **state)
{
    static const uint8_t rdata[65000] = { 3, 1, 1, 0xaa, 0xbb };
    static const size_t lengths[] = { 0, 1, 2, 3, 4, 5, 65000 };
    struct dns_builder *b;
    struct ss_answer answer;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        b = dns_builder_new(1, "d.test", SS_RR_TLSA, DNS_BUILDER_REPLY, 0);
        dns_builder_rr(b, "d.test", SS_RR_TLSA, 1, 300, rdata, lengths[i]);
        read_one(b, "d.test", SS_RR_TLSA, &answer);
        assert_int_equal(answer.count, 1);
        assert_int_equal(answer.records[0].len, lengths[i]);
        if (lengths[i] > 0)
            assert_memory_equal(answer.records[0].data, rdata, lengths[i]);
        ss_answer_free(&answer);
    }
}

int
main(void)
{
    struct ss_table t = SS_TABLE("dns/reply");

    SS_TABLE_ROWS(&t, check, rows);
    ss_table_case(&t, "contents/MX", contents_of_mx);
    ss_table_case(&t, "contents/A and AAAA", contents_of_addresses);
    ss_table_case(&t, "STSD-07 contents/TXT strings are joined", contents_of_txt);
    ss_table_case(&t, "contents/CNAME", contents_of_cname);
    ss_table_case(&t, "TLSA-17 contents/TLSA of any length", tlsa_of_any_length);
    return ss_table_run(&t);
}
