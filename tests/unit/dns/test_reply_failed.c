/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies that must end as failures, whatever else they say. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "dns/frame.h"
#include "dns/message.h"
#include "dns_builder.h"

#define REPLY DNS_BUILDER_REPLY
#define SECURE_REPLY (DNS_BUILDER_REPLY | DNS_BUILDER_AD)
#define ALIAS SMTPSEC_FAILURE_ALIAS
#define MALFORMED SMTPSEC_FAILURE_MALFORMED

struct row {
    const char *name;
    uint16_t type;
    uint16_t flags;
    unsigned rcode;
    void (*build)(struct dns_builder *b);
    int32_t want_failure;
};

static void
nothing(struct dns_builder *b)
{
    (void)b;
}

static void
address(struct dns_builder *b)
{
    dns_builder_a(b, "d.test", 300, "192.0.2.1");
}

static void
with_error(struct dns_builder *b, uint8_t upper_rcode, int code)
{
    dns_builder_section(b, DNS_BUILDER_ADDITIONAL);
    dns_builder_opt(b, upper_rcode, code);
}

#define ERROR(code) \
    static void error_##code(struct dns_builder *b) \
    { \
        with_error(b, 0, code); \
    }
ERROR(4)
ERROR(5)
ERROR(6)
ERROR(7)
ERROR(8)
ERROR(9)
ERROR(10)
ERROR(11)
ERROR(12)
ERROR(13)

static void
upper_rcode(struct dns_builder *b)
{
    address(b);
    with_error(b, 1, -1);
}

static void
chain(struct dns_builder *b, int count)
{
    char from[16];
    char to[16];
    int i;

    for (i = 0; i < count; i++) {
        snprintf(from, sizeof(from), i == 0 ? "d.test" : "a%d.test", i);
        snprintf(to, sizeof(to), "a%d.test", i + 1);
        dns_builder_cname(b, from, 30, to);
    }
    dns_builder_a(b, to, 300, "192.0.2.1");
}

static void
chain_17(struct dns_builder *b)
{
    chain(b, 17);
}

static void
loop_of_two(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "e.test");
    dns_builder_cname(b, "e.test", 30, "d.test");
}

static void
loop_of_one(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "d.test");
}

static void
two_aliases(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "e.test");
    dns_builder_cname(b, "d.test", 30, "f.test");
    dns_builder_a(b, "e.test", 300, "192.0.2.1");
}

static void
alias_and_asked(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 30, "e.test");
    address(b);
}

static void
alias_and_other(struct dns_builder *b)
{
    dns_builder_mx(b, "d.test", 30, 10, "e.test");
    dns_builder_cname(b, "d.test", 30, "e.test");
    dns_builder_a(b, "e.test", 300, "192.0.2.1");
}

static void
bare_dname(struct dns_builder *b)
{
    dns_builder_dname(b, "test", 300, "example");
}

static void
alias_name_cut(struct dns_builder *b)
{
    dns_builder_rr(b, "d.test", SS_RR_CNAME, 1, 30, "\1e", 2);
}

static void
too_many(struct dns_builder *b)
{
    char text[16];
    int i;

    for (i = 0; i < 257; i++) {
        snprintf(text, sizeof(text), "192.0.%d.%d", i / 256, i % 256);
        dns_builder_a(b, "d.test", 300, text);
    }
}

static void
two_opt(struct dns_builder *b)
{
    address(b);
    with_error(b, 0, -1);
    dns_builder_opt(b, 0, -1);
}

static void
opt_not_at_root(struct dns_builder *b)
{
    address(b);
    dns_builder_section(b, DNS_BUILDER_ADDITIONAL);
    dns_builder_rr(b, "d.test", SS_RR_OPT, 1232, 0, NULL, 0);
}

static void
octets_behind(struct dns_builder *b)
{
    address(b);
    dns_builder_raw(b, "", 1, 0);
}

static void
count_too_high(struct dns_builder *b)
{
    address(b);
    dns_builder_count(b, 1, 2);
}

static void
counts_giant(struct dns_builder *b)
{
    address(b);
    dns_builder_count(b, 1, 65535);
    dns_builder_count(b, 2, 65535);
    dns_builder_count(b, 3, 65535);
}

static void
question_absent(struct dns_builder *b)
{
    address(b);
    dns_builder_count(b, 0, 0);
}

static void
question_twice(struct dns_builder *b)
{
    address(b);
    dns_builder_count(b, 0, 2);
}

static void
soa_short(struct dns_builder *b)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_rr(b, "test", SS_RR_SOA, 1, 30, "\0\0\0\0\0\1", 6);
}

static void
rrsig_short(struct dns_builder *b)
{
    address(b);
    dns_builder_rr(b, "d.test", SS_RR_RRSIG, 1, 30, "\0\1\15\2", 4);
}

static const struct row rows[] = {
    { "TLSA-25 TC with AD and no answers", SS_RR_TLSA, SECURE_REPLY | DNS_BUILDER_TC, 0, nothing,
      SMTPSEC_FAILURE_TRUNCATED },
    { "TLSA-25 TC with answers", SS_RR_A, REPLY | DNS_BUILDER_TC, 0, address,
      SMTPSEC_FAILURE_TRUNCATED },
    { "TLSA-25 TC goes before SERVFAIL", SS_RR_A, REPLY | DNS_BUILDER_TC, 2, error_6,
      SMTPSEC_FAILURE_TRUNCATED },
    { "TLSA-25 TC goes before NXDOMAIN", SS_RR_A, SECURE_REPLY | DNS_BUILDER_TC, 3, nothing,
      SMTPSEC_FAILURE_TRUNCATED },
    { "rcode/FORMERR", SS_RR_A, REPLY, 1, nothing, SMTPSEC_FAILURE_FORMERR },
    { "RES-04 SERVFAIL", SS_RR_A, REPLY, 2, nothing, SMTPSEC_FAILURE_SERVFAIL },
    { "RES-04 SERVFAIL with records", SS_RR_A, SECURE_REPLY, 2, address, SMTPSEC_FAILURE_SERVFAIL },
    { "rcode/NOTIMP", SS_RR_A, REPLY, 4, nothing, SMTPSEC_FAILURE_NOTIMP },
    { "rcode/REFUSED", SS_RR_A, REPLY, 5, nothing, SMTPSEC_FAILURE_REFUSED },
    { "rcode/YXDOMAIN", SS_RR_A, REPLY, 6, nothing, SMTPSEC_FAILURE_RCODE },
    { "rcode/15", SS_RR_A, REPLY, 15, nothing, SMTPSEC_FAILURE_RCODE },
    { "rcode/upper bits", SS_RR_A, SECURE_REPLY, 0, upper_rcode, SMTPSEC_FAILURE_RCODE },
    { "rcode/upper bits of 16+3", SS_RR_A, SECURE_REPLY, 3, upper_rcode, SMTPSEC_FAILURE_RCODE },
    { "RES-05 DNSSEC bogus", SS_RR_A, REPLY, 2, error_6, SMTPSEC_FAILURE_BOGUS },
    { "RES-05 signature expired", SS_RR_A, REPLY, 2, error_7, SMTPSEC_FAILURE_BOGUS },
    { "RES-05 signature not yet valid", SS_RR_A, REPLY, 2, error_8, SMTPSEC_FAILURE_BOGUS },
    { "RES-05 DNSKEY missing", SS_RR_A, REPLY, 2, error_9, SMTPSEC_FAILURE_BOGUS },
    { "RES-05 RRSIGs missing", SS_RR_A, REPLY, 2, error_10, SMTPSEC_FAILURE_BOGUS },
    { "RES-05 no zone key bit", SS_RR_A, REPLY, 2, error_11, SMTPSEC_FAILURE_BOGUS },
    { "RES-05 NSEC missing", SS_RR_A, REPLY, 2, error_12, SMTPSEC_FAILURE_BOGUS },
    { "RES-06 DNSSEC indeterminate", SS_RR_A, REPLY, 2, error_5, SMTPSEC_FAILURE_INDETERMINATE },
    { "RES-04 extended error of no DNSSEC", SS_RR_A, REPLY, 2, error_4, SMTPSEC_FAILURE_SERVFAIL },
    { "RES-04 extended error behind DNSSEC's", SS_RR_A, REPLY, 2, error_13,
      SMTPSEC_FAILURE_SERVFAIL },
    { "RES-15 chain of 17", SS_RR_A, SECURE_REPLY, 0, chain_17, ALIAS },
    { "RES-15 loop of two", SS_RR_A, SECURE_REPLY, 0, loop_of_two, ALIAS },
    { "RES-15 loop of one", SS_RR_A, SECURE_REPLY, 0, loop_of_one, ALIAS },
    { "RES-15 loop with NXDOMAIN", SS_RR_A, SECURE_REPLY, 3, loop_of_two, ALIAS },
    { "RES-15 DNAME without its CNAME", SS_RR_A, SECURE_REPLY, 0, bare_dname, MALFORMED },
    { "alias/two targets", SS_RR_A, SECURE_REPLY, 0, two_aliases, MALFORMED },
    { "alias/two targets, asked for", SS_RR_CNAME, SECURE_REPLY, 0, two_aliases, MALFORMED },
    { "alias/beside asked data", SS_RR_A, SECURE_REPLY, 0, alias_and_asked, MALFORMED },
    { "alias/beside other data", SS_RR_A, SECURE_REPLY, 0, alias_and_other, MALFORMED },
    { "alias/beside other data, asked for", SS_RR_CNAME, SECURE_REPLY, 0, alias_and_other,
      MALFORMED },
    { "alias/target cut", SS_RR_A, SECURE_REPLY, 0, alias_name_cut, MALFORMED },
    { "denial/NXDOMAIN with records", SS_RR_A, SECURE_REPLY, 3, address, MALFORMED },
    { "denial/referral", SS_RR_A, DNS_BUILDER_QR, 0, nothing, MALFORMED },
    { "denial/SOA cut", SS_RR_A, SECURE_REPLY, 0, soa_short, MALFORMED },
    { "records/257 different ones", SS_RR_A, REPLY, 0, too_many, MALFORMED },
    { "records/RRSIG cut", SS_RR_A, SECURE_REPLY, 0, rrsig_short, MALFORMED },
    { "frame/two OPT", SS_RR_A, SECURE_REPLY, 0, two_opt, MALFORMED },
    { "frame/OPT not at the root", SS_RR_A, SECURE_REPLY, 0, opt_not_at_root, MALFORMED },
    { "frame/octets behind the records", SS_RR_A, SECURE_REPLY, 0, octets_behind, MALFORMED },
    { "frame/count too high", SS_RR_A, SECURE_REPLY, 0, count_too_high, MALFORMED },
    { "frame/counts giant", SS_RR_A, SECURE_REPLY, 0, counts_giant, MALFORMED },
    { "frame/no question", SS_RR_A, SECURE_REPLY, 0, question_absent, MALFORMED },
    { "frame/two questions", SS_RR_A, SECURE_REPLY, 0, question_twice, MALFORMED },
    { "frame/a query", SS_RR_A, DNS_BUILDER_RD, 0, address, MALFORMED },
    { "frame/another opcode", SS_RR_A, REPLY | 0x2800, 0, address, MALFORMED },
};

static void
check_failed(const struct ss_question *question, const uint8_t *octets, size_t len,
             int32_t want_failure)
{
    int32_t bogus = want_failure == SMTPSEC_FAILURE_BOGUS ? SMTPSEC_TRUST_BOGUS
                                                          : SMTPSEC_TRUST_INDETERMINATE;
    struct ss_answer answer;

    assert_int_equal(ss_dns_reply_read(question, octets, len, true, &answer), 0);
    assert_int_equal(answer.outcome, SMTPSEC_ANSWER_FAILED);
    assert_int_equal(answer.failure, want_failure);
    assert_int_equal(answer.trust, bogus);
    assert_int_equal(answer.count, 0);
    assert_int_equal(answer.ttl, 0);
    assert_null(answer.records);
    ss_answer_free(&answer);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_question question = { .type = row->type };
    struct dns_builder *b = dns_builder_new(9, "d.test", row->type, row->flags, row->rcode);

    row->build(b);
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    check_failed(&question, b->octets, b->len, row->want_failure);
    free(b);
}

struct rdata_row {
    const char *name;
    uint16_t type;
    const char *rdata;
    size_t len;
};

static const struct rdata_row rdatas[] = {
    { "rdata/A of 3 octets", SS_RR_A, "\300\0\2", 3 },
    { "rdata/A of 5 octets", SS_RR_A, "\300\0\2\1\0", 5 },
    { "rdata/A of nothing", SS_RR_A, "", 0 },
    { "rdata/AAAA of 4 octets", SS_RR_AAAA, "\300\0\2\1", 4 },
    { "rdata/AAAA of 17 octets", SS_RR_AAAA, "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", 17 },
    { "rdata/MX of nothing", SS_RR_MX, "", 0 },
    { "rdata/MX without a name", SS_RR_MX, "\0\12", 2 },
    { "rdata/MX with octets behind", SS_RR_MX, "\0\12\1a\0\0\0", 7 },
    { "rdata/MX with its name cut", SS_RR_MX, "\0\12\1a", 4 },
    { "rdata/MX whose name points ahead", SS_RR_MX, "\0\12\300\100\1a\0", 7 },
    { "rdata/MX whose name points to itself", SS_RR_MX, "\0\12\300\54", 4 },
    { "rdata/MX with a label of 64", SS_RR_MX, "\0\12\100a\0", 5 },
    { "rdata/CNAME of nothing", SS_RR_CNAME, "", 0 },
    { "rdata/CNAME with octets behind", SS_RR_CNAME, "\1a\0\0", 4 },
    { "rdata/TXT of nothing", SS_RR_TXT, "", 0 },
    { "rdata/TXT longer than it is", SS_RR_TXT, "\3ab", 3 },
    { "rdata/TXT, second string cut", SS_RR_TXT, "\1a\2b", 4 },
};

static void
check_rdata(void **state)
{
    const struct rdata_row *row = *state;
    struct ss_question question = { .type = row->type };
    struct dns_builder *b = dns_builder_new(9, "d.test", row->type, SECURE_REPLY, 0);

    dns_builder_rr(b, "d.test", row->type, 1, 30, row->rdata, row->len);
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    check_failed(&question, b->octets, b->len, MALFORMED);
    free(b);
}

static void
question_differs(void **state)
{
    struct ss_question question = { .type = SS_RR_A };
    struct dns_builder *b = dns_builder_new(9, "d.test", SS_RR_A, SECURE_REPLY, 0);

    (void)state;
    address(b);
    assert_true(ss_name_from_text(&question.name, "e.test", 6));
    check_failed(&question, b->octets, b->len, MALFORMED);
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    question.type = SS_RR_AAAA;
    check_failed(&question, b->octets, b->len, MALFORMED);
    question.type = SS_RR_A;
    /* The class of the question stands in its last octet. */
    b->octets[12 + 8 + 3] = 3;
    check_failed(&question, b->octets, b->len, MALFORMED);
    free(b);
}

/* A good reply of everything; no beginning of it may be taken for a reply. */
static void
every_beginning(void **state)
{
    const char *const strings[] = { "x" };
    struct ss_question question = { .type = SS_RR_MX };
    struct dns_builder *b = dns_builder_new(9, "d.test", SS_RR_MX, SECURE_REPLY, 0);
    struct ss_answer answer;
    uint8_t *exact;
    size_t len;

    (void)state;
    dns_builder_cname(b, "d.test", 300, "e.test");
    dns_builder_mx(b, "e.test", 300, 10, "mx.e.test");
    dns_builder_rrsig(b, "e.test", 300, SS_RR_MX, 1000, 2000);
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "test", 300, 300);
    dns_builder_section(b, DNS_BUILDER_ADDITIONAL);
    dns_builder_txt(b, "x.test", 300, strings, 1);
    dns_builder_opt(b, 0, 3);
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    assert_int_equal(ss_dns_reply_read(&question, b->octets, b->len, true, &answer), 0);
    assert_int_equal(answer.outcome, SMTPSEC_ANSWER_RECORDS);
    ss_answer_free(&answer);
    for (len = 0; len < b->len; len++) {
        /* An allocation of the exact size lets the sanitizers see a read past its end. */
        exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, b->octets, len);
        check_failed(&question, exact, len, MALFORMED);
        free(exact);
    }
    check_failed(&question, NULL, 0, MALFORMED);
    free(b);
}

/* The largest message there can be, nothing in it but the smallest records: it ends at once. */
static void
as_many_records_as_fit(void **state)
{
    static const uint8_t least[11] = { 0, 0, 1, 0, 1 };
    struct ss_question question = { .type = SS_RR_MX };
    struct dns_builder *b = dns_builder_new(9, "d.test", SS_RR_MX, SECURE_REPLY, 0);
    struct ss_answer answer;
    size_t count = 0;

    (void)state;
    while (b->len + sizeof(least) <= sizeof(b->octets)) {
        dns_builder_raw(b, least, sizeof(least), 1);
        count++;
    }
    assert_true(count > 5900);
    assert_true(ss_name_from_text(&question.name, "d.test", 6));
    assert_int_equal(ss_dns_reply_read(&question, b->octets, b->len, true, &answer), 0);
    assert_int_equal(answer.outcome, SMTPSEC_ANSWER_NO_DATA);
    ss_answer_free(&answer);
    free(b);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("dns/reply_failed");

    SS_TABLE_ROWS(&t, check, rows);
    SS_TABLE_ROWS(&t, check_rdata, rdatas);
    ss_table_case(&t, "frame/another question", question_differs);
    ss_table_case(&t, "frame/every beginning of a good reply", every_beginning);
    ss_table_case(&t, "frame/as many records as fit", as_many_records_as_fit);
    return ss_table_run(&t);
}
