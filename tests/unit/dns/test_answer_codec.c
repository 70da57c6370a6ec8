/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Answers as octets: all comes back, one form each, and whatever else is there is refused. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "dns/answer_codec.h"
#include "dns/message.h"
#include "dns_builder.h"

#define ROOM 65536

static struct ss_name
name_of(const char *text)
{
    struct ss_name name;

    assert_true(ss_name_from_text(&name, text, strlen(text)));
    return name;
}

/* ---- Answers as they come from a resolver ---- */

static void
build_mx(struct dns_builder *b)
{
    dns_builder_mx(b, "d.test", 300, 20, "b.d.test");
    dns_builder_mx(b, "d.test", 200, 10, "a.d.test");
    dns_builder_rrsig(b, "d.test", 300, SS_RR_MX, 1700000000, 1800000000);
}

static void
build_null_mx(struct dns_builder *b)
{
    dns_builder_mx(b, "d.test", 300, 0, "");
}

static void
build_addresses(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 60, "e.test");
    dns_builder_rrsig(b, "d.test", 60, SS_RR_CNAME, 1690000000, 1800000000);
    dns_builder_a(b, "e.test", 300, "192.0.2.2");
    dns_builder_a(b, "e.test", 300, "192.0.2.1");
}

static void
build_aaaa(struct dns_builder *b)
{
    dns_builder_aaaa(b, "d.test", 300, "2001:db8::1");
}

static void
build_cname(struct dns_builder *b)
{
    dns_builder_cname(b, "d.test", 60, "e.test");
}

static void
build_tlsa(struct dns_builder *b)
{
    static const uint8_t digest[32] = { 1, 2, 3 };

    dns_builder_tlsa(b, "d.test", 300, 3, 1, 1, digest, sizeof(digest));
    dns_builder_tlsa(b, "d.test", 300, 2, 0, 1, digest, sizeof(digest));
    dns_builder_rr(b, "d.test", SS_RR_TLSA, 1, 300, "", 0);
    dns_builder_rrsig_by(b, "d.test", 300, SS_RR_TLSA, 1700000000, 1800000000, 1, "test");
}

static void
build_txt(struct dns_builder *b)
{
    static const char *const strings[] = { "v=STSv1; ", "id=1;" };
    static const char *const none[] = { "" };

    dns_builder_txt(b, "d.test", 300, strings, 2);
    dns_builder_txt(b, "d.test", 300, none, 1);
}

static void
build_denial(struct dns_builder *b)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "test", 300, 100);
    dns_builder_rrsig(b, "test", 300, 6, 1710000000, 1800000000);
    dns_builder_nsec(b, "d.test", 100, "e.test", "NS RRSIG");
    dns_builder_rrsig(b, "d.test", 100, 47, 1710000001, 1800000000);
}

struct row {
    const char *name;
    uint16_t type;
    unsigned rcode;
    uint16_t flags;
    void (*build)(struct dns_builder *b);
    bool dnssec;
};

static const struct row rows[] = {
    { "MX, signed", SS_RR_MX, 0, DNS_BUILDER_AD, build_mx, true },
    { "MX, unsigned", SS_RR_MX, 0, 0, build_mx, true },
    { "RES-11 null MX", SS_RR_MX, 0, 0, build_null_mx, true },
    { "A behind a signed alias", SS_RR_A, 0, DNS_BUILDER_AD, build_addresses, false },
    { "AAAA", SS_RR_AAAA, 0, 0, build_aaaa, false },
    { "CNAME", SS_RR_CNAME, 0, DNS_BUILDER_AD, build_cname, false },
    { "TLSA by a wildcard, one of them empty", SS_RR_TLSA, 0, DNS_BUILDER_AD, build_tlsa, true },
    { "TXT, one of them empty", SS_RR_TXT, 0, 0, build_txt, false },
    { "no such name", SS_RR_MX, 3, 0, build_denial, true },
    { "no such data, signed", SS_RR_TLSA, 0, DNS_BUILDER_AD, build_denial, true },
    { "no DS at a delegation", SS_RR_DS, 0, DNS_BUILDER_AD, build_denial, true },
};

static void
take(const struct row *row, struct ss_question *question, struct ss_answer *answer)
{
    struct dns_builder *b = dns_builder_new(7, "d.test", row->type,
                                            (uint16_t)(DNS_BUILDER_REPLY | row->flags), row->rcode);

    row->build(b);
    question->name = name_of("d.test");
    question->type = row->type;
    question->dnssec = row->dnssec;
    assert_int_equal(ss_dns_reply_read(question, b->octets, b->len, true, answer), 0);
    free(b);
    ss_answer_sort(answer);
    assert_true(ss_answer_keepable(question, answer));
}

static void
same_answer(const struct ss_answer *a, const struct ss_answer *b)
{
    size_t i;

    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->trust, b->trust);
    assert_int_equal(a->failure, b->failure);
    assert_int_equal(a->ttl, b->ttl);
    assert_int_equal(a->aliases, b->aliases);
    assert_true(ss_name_equal(&a->end, &b->end));
    assert_int_equal(a->inception, b->inception);
    assert_int_equal(a->expiration, b->expiration);
    assert_int_equal(a->name_inception, b->name_inception);
    assert_int_equal(a->alias_inception, b->alias_inception);
    assert_int_equal(a->delegation, b->delegation);
    assert_int_equal(a->wildcard, b->wildcard);
    assert_true(ss_name_equal(&a->zone, &b->zone));
    assert_int_equal(a->count, b->count);
    for (i = 0; i < a->count; i++)
        assert_int_equal(ss_rr_compare(&a->records[i], &b->records[i]), 0);
}

static int
read_whole(struct ss_bytes bytes, struct ss_question *question, struct ss_answer *answer)
{
    struct ss_rd rd;
    int r;

    ss_rd_init(&rd, bytes.data, bytes.len);
    r = ss_answer_read(&rd, question, answer);
    if (r == 0 && !ss_rd_done(&rd)) {
        ss_answer_free(answer);
        return SMTPSEC_E_FORMAT;
    }
    return r;
}

static struct ss_bytes
written(struct ss_buf *out, const struct ss_question *question, const struct ss_answer *answer)
{
    ss_buf_init(out, ROOM);
    ss_answer_write(out, question, answer);
    assert_true(ss_buf_ok(out));
    return (struct ss_bytes){ out->data, out->len };
}

/* All comes back; and no octet of it is there without need, nor may be missing. */
static void
comes_back(void **state)
{
    struct ss_question question, again;
    struct ss_answer answer, back;
    struct ss_bytes bytes;
    struct ss_buf out;
    size_t len;

    take(*state, &question, &answer);
    bytes = written(&out, &question, &answer);
    assert_int_equal(read_whole(bytes, &again, &back), 0);
    assert_int_equal(again.type, question.type);
    assert_int_equal(again.dnssec, question.dnssec);
    assert_true(ss_name_equal(&again.name, &question.name));
    same_answer(&answer, &back);
    ss_answer_free(&back);
    for (len = 0; len < bytes.len; len++) {
        assert_int_equal(read_whole((struct ss_bytes){ bytes.data, len }, &again, &back),
                         SMTPSEC_E_FORMAT);
        assert_int_equal(back.count, 0);
        assert_null(back.records);
    }
    ss_answer_free(&answer);
    ss_buf_free(&out);
}

/* Whatever one octet is changed to: what is accepted is written as it was read. */
static void
one_form(void **state)
{
    struct ss_question question, again;
    struct ss_answer answer, back;
    struct ss_bytes bytes;
    struct ss_buf out, twice;
    unsigned value;
    size_t i;

    take(*state, &question, &answer);
    bytes = written(&out, &question, &answer);
    for (i = 0; i < out.len; i++) {
        uint8_t was = out.data[i];

        for (value = 0; value < 256; value++) {
            out.data[i] = (uint8_t)value;
            if (read_whole(bytes, &again, &back) != 0)
                continue;
            assert_true(ss_answer_keepable(&again, &back));
            written(&twice, &again, &back);
            assert_int_equal(twice.len, out.len);
            assert_memory_equal(twice.data, out.data, out.len);
            ss_buf_free(&twice);
            ss_answer_free(&back);
        }
        out.data[i] = was;
    }
    ss_answer_free(&answer);
    ss_buf_free(&out);
}

/* ---- What is not kept ---- */

struct refused {
    const char *name;
    void (*spoil)(struct ss_question *question, struct ss_answer *answer);
};

#define SPOIL(what, change)                                                       \
    static void spoil_##what(struct ss_question *question, struct ss_answer *answer) \
    {                                                                             \
        (void)question;                                                           \
        (void)answer;                                                             \
        change;                                                                   \
    }

SPOIL(failed, ss_answer_fail(answer, SMTPSEC_FAILURE_TIMEOUT))
SPOIL(bogus, answer->trust = SMTPSEC_TRUST_BOGUS)
SPOIL(indeterminate, answer->trust = SMTPSEC_TRUST_INDETERMINATE)
SPOIL(failure, answer->failure = SMTPSEC_FAILURE_SERVFAIL)
SPOIL(ttl, answer->ttl = 0)
SPOIL(outcome, answer->outcome = 4)
SPOIL(no_records, answer->outcome = SMTPSEC_ANSWER_NO_DATA)
SPOIL(type, question->type = SS_RR_SOA)
SPOIL(other_type, answer->records[0].type = SS_RR_A)
SPOIL(order, answer->records[1].preference = 1)
SPOIL(twice, answer->records[1] = answer->records[0])
SPOIL(nameless, question->name.len = 0)
SPOIL(endless, answer->end.len = 0)
SPOIL(aliases, answer->aliases = SS_DNS_ALIAS_LIMIT + 1)
SPOIL(past, answer->inception = -1)
SPOIL(future, answer->expiration = INT64_C(1) << 40)

static const struct refused refusals[] = {
    { "a failed answer", spoil_failed },
    { "RES-05 a bogus answer", spoil_bogus },
    { "RES-06 an indeterminate answer", spoil_indeterminate },
    { "an answer with a failure", spoil_failure },
    { "TTL 0", spoil_ttl },
    { "an outcome that nobody knows", spoil_outcome },
    { "records where there are none", spoil_no_records },
    { "a type that no evaluation keeps", spoil_type },
    { "a record of another type", spoil_other_type },
    { "records out of order", spoil_order },
    { "a record twice", spoil_twice },
    { "no name", spoil_nameless },
    { "no end", spoil_endless },
    { "more aliases than are followed", spoil_aliases },
    { "a time before 1970", spoil_past },
    { "a time that does not fit", spoil_future },
};

static void
not_kept(void **state)
{
    const struct refused *row = *state;
    struct ss_question question;
    struct ss_answer answer;

    take(&rows[0], &question, &answer);
    row->spoil(&question, &answer);
    assert_false(ss_answer_keepable(&question, &answer));
    ss_answer_free(&answer);
}

/* ---- Octets that were never written ---- */

#define D_TEST "\x08\x01" "d\x04" "test\0"
#define A_OF_D "\x01\0" D_TEST

struct octets {
    const char *name;
    const char *octets;
    size_t len;
    int want;
};

#define OCTETS(text) (text), sizeof(text) - 1

static const struct octets strangers[] = {
    { "one address: as a measure for the others", OCTETS(A_OF_D "\x01\0\x3c\0\0\0\0\xc0\0\2\1"), 0 },
    { "nothing", OCTETS(""), SMTPSEC_E_FORMAT },
    { "a failed answer", OCTETS(A_OF_D "\0\0\x3c\0\0\0"), SMTPSEC_E_FORMAT },
    { "TTL 0", OCTETS(A_OF_D "\x01\0\0\0\0\0\0\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "an unknown flag", OCTETS(A_OF_D "\x01\x20\x3c\0\0\0\0\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "no aliases, and told", OCTETS(A_OF_D "\x41\0\x3c\0\0\0\0\0\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "an end that is the beginning", OCTETS(A_OF_D "\x81\0\x3c\0\0\0" D_TEST "\0\xc0\0\2\1"),
      SMTPSEC_E_FORMAT },
    { "a zone that is none", OCTETS(A_OF_D "\x01\x01\x3c\0\0\0\0\0\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "a time that is none", OCTETS(A_OF_D "\x01\x02\x3c\0\0\0\0\0\0\0\0\0\xc0\0\2\1"),
      SMTPSEC_E_FORMAT },
    { "a name in upper case", OCTETS("\x01\0\x08\x01" "D\x04" "test\0\x01\0\x3c\0\0\0\0\xc0\0\2\1"),
      SMTPSEC_E_FORMAT },
    { "a name without its end", OCTETS("\x01\0\x07\x01" "d\x04" "test\x01\0\x3c\0\0\0\0\xc0\0\2\1"),
      SMTPSEC_E_FORMAT },
    { "more records than octets", OCTETS(A_OF_D "\x01\0\x3c\0\0\0\xff\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "records that fall", OCTETS(A_OF_D "\x01\0\x3c\0\0\0\1\xc0\0\2\2\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "a record twice", OCTETS(A_OF_D "\x01\0\x3c\0\0\0\1\xc0\0\2\1\xc0\0\2\1"), SMTPSEC_E_FORMAT },
    { "a type of which nothing is kept", OCTETS("\x06\0" D_TEST "\x02\0\x3c\0\0\0"),
      SMTPSEC_E_FORMAT },
    { "TLSA with octets that are not there",
      OCTETS("\x34\0" D_TEST "\x05\0\x3c\0\0\0\0\xff\xff\3\1\1"), SMTPSEC_E_FORMAT },
};

static void
stranger(void **state)
{
    const struct octets *row = *state;
    struct ss_bytes bytes = { (const uint8_t *)row->octets, row->len };
    struct ss_question question;
    struct ss_answer answer;

    assert_int_equal(read_whole(bytes, &question, &answer), row->want);
    assert_int_equal(answer.count, row->want == 0 ? 1 : 0);
    ss_answer_free(&answer);
}

/* As many records as an answer may have. */
static void
many(void **state)
{
    struct dns_builder *b = dns_builder_new(7, "d.test", SS_RR_A, DNS_BUILDER_REPLY, 0);
    struct ss_question question = { .type = SS_RR_A }, again;
    struct ss_answer answer, back;
    struct ss_buf out;
    char text[32];
    unsigned i;

    (void)state;
    for (i = 0; i < SS_DNS_RECORD_LIMIT; i++) {
        snprintf(text, sizeof(text), "192.0.2.%u", i);
        dns_builder_a(b, "d.test", 300, text);
    }
    question.name = name_of("d.test");
    assert_int_equal(ss_dns_reply_read(&question, b->octets, b->len, true, &answer), 0);
    assert_int_equal(answer.count, SS_DNS_RECORD_LIMIT);
    free(b);
    assert_int_equal(read_whole(written(&out, &question, &answer), &again, &back), 0);
    same_answer(&answer, &back);
    ss_answer_free(&back);
    ss_answer_free(&answer);
    ss_buf_free(&out);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("answer_codec");

    SS_TABLE_ROWS(&table, comes_back, rows);
    SS_TABLE_ROWS(&table, one_form, rows);
    SS_TABLE_ROWS(&table, not_kept, refusals);
    SS_TABLE_ROWS(&table, stranger, strangers);
    ss_table_case(&table, "as many records as there may be", many);
    return ss_table_run(&table);
}
