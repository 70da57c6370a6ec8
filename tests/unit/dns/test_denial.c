/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a denial was signed, and by whom: built messages, some as an attacker would lay them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/denial.h"
#include "dns/message.h"
#include "dns_builder.h"
#include "table.h"

#define NX 3
#define OLD 1000
#define NEW 5000
#define LATER 7000

struct row {
    const char *name;
    const char *asked;
    uint16_t type;
    unsigned rcode;
    void (*build)(struct dns_builder *b);
    int64_t want_inception;
    int64_t want_name_inception;
    bool want_delegation;
    const char *want_zone;
};

static void
nsec(struct dns_builder *b, const char *owner, const char *next, const char *types,
     uint32_t inception)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_nsec(b, owner, 300, next, types);
    dns_builder_rrsig_by(b, owner, 300, 47, inception, inception + 9, 3, "d.test");
}

static void
nsec3(struct dns_builder *b, const char *name, bool covering, const char *types, uint32_t inception)
{
    const char *owner;

    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    owner = dns_builder_nsec3(b, name, "d.test", 300, 5, covering, types);
    dns_builder_rrsig_by(b, owner, 300, 50, inception, inception + 9, 3, "d.test");
}

static void
soa(struct dns_builder *b, uint32_t inception)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "d.test", 300, 300);
    dns_builder_rrsig_by(b, "d.test", 300, SS_RR_SOA, inception, inception + 9, 2, "d.test");
}

/* ---- NODATA ---- */

static void
no_data(struct dns_builder *b)
{
    soa(b, LATER);
    nsec(b, "mx.d.test", "z.d.test", "A RRSIG", NEW);
}

static void
no_data_twice_signed(struct dns_builder *b)
{
    nsec(b, "mx.d.test", "z.d.test", "A RRSIG", NEW);
    dns_builder_rrsig_by(b, "mx.d.test", 300, 47, OLD, OLD + 9, 3, "d.test");
    dns_builder_rrsig_by(b, "mx.d.test", 300, 47, LATER, LATER + 9, 3, "d.test");
}

static void
old_and_another_fresh(struct dns_builder *b)
{
    nsec(b, "a.d.test", "b.d.test", "A RRSIG", LATER);
    nsec(b, "mx.d.test", "z.d.test", "A RRSIG", OLD);
    nsec(b, "y.d.test", "z.d.test", "A RRSIG", LATER);
}

static void
fresh_and_another_old(struct dns_builder *b)
{
    nsec(b, "a.d.test", "b.d.test", "A RRSIG", OLD);
    nsec(b, "mx.d.test", "z.d.test", "A RRSIG", NEW);
}

/* An old wildcard without the type, and today's record of the name, which has it. */
static void
fresh_that_has_the_type(struct dns_builder *b)
{
    nsec(b, "*.d.test", "a.d.test", "A RRSIG", OLD);
    nsec(b, "a.d.test", "z.d.test", "A RRSIG", OLD);
    nsec(b, "mx.d.test", "z.d.test", "A TLSA RRSIG", LATER);
}

static void
fresh_that_has_an_alias(struct dns_builder *b)
{
    nsec(b, "a.d.test", "z.d.test", "A RRSIG", OLD);
    nsec(b, "mx.d.test", "z.d.test", "CNAME RRSIG", LATER);
}

static void
fresh_unsigned(struct dns_builder *b)
{
    nsec(b, "a.d.test", "z.d.test", "A RRSIG", OLD);
    dns_builder_nsec(b, "mx.d.test", 300, "z.d.test", "A RRSIG");
}

static void
wildcard_no_data(struct dns_builder *b)
{
    nsec(b, "*.d.test", "a.d.test", "A RRSIG", NEW);
    nsec(b, "l.d.test", "n.d.test", "A RRSIG", LATER);
}

static void
hashed_no_data(struct dns_builder *b)
{
    nsec3(b, "q.d.test", false, "A RRSIG", OLD);
    nsec3(b, "mx.d.test", false, "A RRSIG", NEW);
}

static void
hashed_that_has_the_type(struct dns_builder *b)
{
    nsec3(b, "q.d.test", false, "A RRSIG", OLD);
    nsec3(b, "mx.d.test", false, "A TLSA RRSIG", LATER);
}

static void
hashed_of_another_zone(struct dns_builder *b)
{
    const char *owner;

    nsec3(b, "q.d.test", false, "A RRSIG", OLD);
    owner = dns_builder_nsec3(b, "mx.d.test", "e.test", 300, 5, false, "A RRSIG");
    dns_builder_rrsig_by(b, owner, 300, 50, LATER, LATER + 9, 3, "e.test");
}

static void
hashed_at_great_cost(struct dns_builder *b)
{
    const char *owner;

    nsec3(b, "q.d.test", false, "A RRSIG", OLD);
    owner = dns_builder_nsec3(b, "mx.d.test", "d.test", 300, SS_NSEC3_ITERATIONS + 1, false,
                              "A RRSIG");
    dns_builder_rrsig_by(b, owner, 300, 50, LATER, LATER + 9, 3, "d.test");
}

/* RFC 5155 appendix A: the hash of "example" with salt aabbccdd and 12 iterations. */
static void
rfc_5155(struct dns_builder *b)
{
    static const uint8_t rdata[] = "\1\1\0\x0c\4\xaa\xbb\xcc\xdd\x14"
                                   "aaaaaaaaaaaaaaaaaaaa"
                                   "\0\1\x22";
    const char *owner = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example";

    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_rr(b, owner, 50, 1, 300, rdata, sizeof(rdata) - 1);
    dns_builder_rrsig_by(b, owner, 300, 50, NEW, NEW + 9, 2, "example");
    dns_builder_rrsig_by(b, "a.example", 300, 50, OLD, OLD + 9, 2, "example");
}

static void
no_signature(struct dns_builder *b)
{
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    dns_builder_soa(b, "d.test", 300, 300);
    dns_builder_nsec(b, "mx.d.test", 300, "z.d.test", "A RRSIG");
}

/* ---- Delegations ---- */

static void
delegation(struct dns_builder *b)
{
    nsec(b, "mx.d.test", "z.d.test", "NS RRSIG", NEW);
}

static void
parents_side(struct dns_builder *b)
{
    nsec(b, "a.d.test", "z.d.test", "A RRSIG", OLD);
    delegation(b);
}

static void
delegation_unsigned(struct dns_builder *b)
{
    nsec3(b, "mx.d.test", false, "A RRSIG", NEW);
    dns_builder_nsec(b, "mx.d.test", 300, "z.d.test", "NS RRSIG");
}

static void
delegation_with_ds(struct dns_builder *b)
{
    nsec(b, "mx.d.test", "z.d.test", "NS DS RRSIG", NEW);
}

static void
apex(struct dns_builder *b)
{
    nsec(b, "mx.d.test", "z.d.test", "NS SOA RRSIG", NEW);
}

static void
hashed_delegation(struct dns_builder *b)
{
    nsec3(b, "mx.d.test", false, "NS", NEW);
}

/* ---- NXDOMAIN ---- */

static void
no_name(struct dns_builder *b)
{
    nsec(b, "a.d.test", "z.d.test", "A RRSIG", LATER);
    nsec(b, "d.test", "a.d.test", "NS SOA RRSIG", NEW);
}

static void
no_name_by_the_last(struct dns_builder *b)
{
    nsec(b, "d.test", "a.d.test", "NS SOA RRSIG", LATER);
    nsec(b, "m.d.test", "d.test", "A RRSIG", NEW);
}

static void
no_name_old_cover(struct dns_builder *b)
{
    nsec(b, "a.d.test", "z.d.test", "A RRSIG", OLD);
    nsec(b, "d.test", "a.d.test", "NS SOA RRSIG", LATER);
    nsec(b, "y.d.test", "z.d.test", "A RRSIG", LATER);
}

/* Labels are compared from the right, shorter first: z.a is before mx, a.z behind it. */
static void
canonical_order(struct dns_builder *b)
{
    nsec(b, "z.a.d.test", "a.z.d.test", "A RRSIG", NEW);
    nsec(b, "z.d.test", "zz.d.test", "A RRSIG", LATER);
}

static void
hashed_no_name(struct dns_builder *b)
{
    nsec3(b, "d.test", false, "NS SOA RRSIG", OLD); /* closest encloser */
    nsec3(b, "mx.d.test", true, "A RRSIG", LATER);  /* covers the name */
    nsec3(b, "*.d.test", true, "A RRSIG", NEW);     /* and the wildcard */
}

static void
hashed_deep_no_name(struct dns_builder *b)
{
    nsec3(b, "mx.d.test", false, "A RRSIG", OLD);
    nsec3(b, "_tcp.mx.d.test", true, "A RRSIG", NEW);
    nsec3(b, "*.mx.d.test", true, "A RRSIG", LATER);
}

static void
hashed_old_cover(struct dns_builder *b)
{
    nsec3(b, "d.test", false, "NS SOA RRSIG", LATER);
    nsec3(b, "mx.d.test", true, "A RRSIG", OLD);
    nsec3(b, "*.d.test", true, "A RRSIG", LATER);
}

/* An old proof by a higher ancestor, and today's record of one that exists, laid beside. */
static void
hashed_two_enclosers(struct dns_builder *b)
{
    nsec3(b, "d.test", false, "NS SOA RRSIG", OLD);
    nsec3(b, "mx.d.test", true, "A RRSIG", OLD);
    nsec3(b, "*.d.test", true, "A RRSIG", OLD);
    nsec3(b, "mx.d.test", false, "A RRSIG", LATER);
}

/* ---- Signers ---- */

static void
two_signers(struct dns_builder *b)
{
    no_data(b);
    dns_builder_rrsig_by(b, "mx.d.test", 300, 47, NEW, NEW + 9, 3, "mx.d.test");
}

static void
signer_elsewhere(struct dns_builder *b)
{
    no_data(b);
    dns_builder_rrsig_by(b, "a.e.test", 300, 47, NEW, NEW + 9, 3, "e.test");
}

static void
many_sets(struct dns_builder *b)
{
    char owner[] = "aa.d.test";

    for (owner[1] = 'a'; owner[1] <= 'z'; owner[1]++)
        nsec(b, owner, "ab.d.test", "A RRSIG", owner[1] == 'k' ? OLD : LATER);
    nsec(b, "mx.d.test", "z.d.test", "A RRSIG", LATER);
}

#define TLSA SS_RR_TLSA
#define DS SS_RR_DS

static const struct row rows[] = {
    {"PREC-11 NODATA: the set at the name; a fresh SOA does not count", "mx.d.test", TLSA, 0, no_data,
     NEW, NEW, false, "d.test"},
    {"PREC-11 NODATA: the earliest of several signatures over one set", "mx.d.test", TLSA, 0,
     no_data_twice_signed, OLD, OLD, false, "d.test"},
    {"PREC-11 NODATA: fresh sets beside an old one do not make it fresh", "mx.d.test", TLSA, 0,
     old_and_another_fresh, OLD, OLD, false, "d.test"},
    {"PREC-11 NODATA: an old set beside a fresh one does not make it old", "mx.d.test", TLSA, 0,
     fresh_and_another_old, NEW, NEW, false, "d.test"},
    {"PREC-11 NODATA: a fresh set that has the type denies nothing", "mx.d.test", TLSA, 0,
     fresh_that_has_the_type, OLD, OLD, false, "d.test"},
    {"PREC-11 NODATA: nor one that has an alias", "mx.d.test", TLSA, 0, fresh_that_has_an_alias, OLD,
     OLD, false, "d.test"},
    {"PREC-11 NODATA: nor one without signature", "mx.d.test", TLSA, 0, fresh_unsigned, OLD, OLD,
     false, "d.test"},
    {"PREC-11 NODATA by a wildcard: the earliest", "mx.d.test", TLSA, 0, wildcard_no_data, NEW, NEW,
     false, "d.test"},
    {"PREC-11 NODATA by NSEC3: the set at the hash", "mx.d.test", TLSA, 0, hashed_no_data, NEW, NEW,
     false, "d.test"},
    {"PREC-11 NODATA by NSEC3: not one that has the type", "mx.d.test", TLSA, 0,
     hashed_that_has_the_type, OLD, OLD, false, "d.test"},
    {"PREC-11 NODATA by NSEC3: not one of another zone", "mx.d.test", TLSA, 0, hashed_of_another_zone,
     OLD, OLD, false, "d.test"},
    {"PREC-11 NODATA by NSEC3: too many iterations, so the earliest", "mx.d.test", TLSA, 0,
     hashed_at_great_cost, OLD, OLD, false, "d.test"},
    {"PREC-11 NSEC3 hash as in RFC 5155 appendix A", "example", TLSA, 0, rfc_5155, NEW, NEW, false,
     "example"},
    {"denial/no signature", "mx.d.test", TLSA, 0, no_signature, 0, 0, false, ""},
    {"PREC-11 DS: a delegation without DS", "mx.d.test", DS, 0, delegation, NEW, NEW, true, "d.test"},
    {"PREC-11 DS: by NSEC3", "mx.d.test", DS, 0, hashed_delegation, NEW, NEW, true, "d.test"},
    {"PREC-11 DS: not by a record without signature", "mx.d.test", DS, 0, delegation_unsigned, NEW, NEW,
     false, "d.test"},
    {"PREC-11 DS: not where the DS is", "mx.d.test", DS, 0, delegation_with_ds, NEW, NEW, false,
     "d.test"},
    {"PREC-11 DS: not where there is no delegation", "mx.d.test", DS, 0, no_data, NEW, NEW, false,
     "d.test"},
    {"PREC-11 DS: not by the child's own apex (RFC 6840 4.4)", "mx.d.test", DS, 0, apex, NEW, NEW,
     false, "d.test"},
    {"PREC-11 the parent's side of a cut denies nothing else (RFC 6840 4.1)", "mx.d.test", TLSA, 0,
     parents_side, OLD, OLD, false, "d.test"},
    {"PREC-11 NXDOMAIN: the name's and the wildcard's", "mx.d.test", TLSA, NX, no_name, NEW, LATER,
     false, "d.test"},
    {"PREC-11 NXDOMAIN: by the last record of the zone", "mx.d.test", TLSA, NX, no_name_by_the_last,
     NEW, NEW, false, "d.test"},
    {"PREC-11 NXDOMAIN: fresh sets beside an old one", "mx.d.test", TLSA, NX, no_name_old_cover, OLD,
     OLD, false, "d.test"},
    {"PREC-11 NXDOMAIN: order of names", "mx.d.test", TLSA, NX, canonical_order, NEW, NEW, false,
     "d.test"},
    {"PREC-11 NXDOMAIN by NSEC3: the encloser's age says nothing", "mx.d.test", TLSA, NX,
     hashed_no_name, NEW, LATER, false, "d.test"},
    {"PREC-11 NXDOMAIN by NSEC3: deeper", "_25._tcp.mx.d.test", TLSA, NX, hashed_deep_no_name, NEW,
     NEW, false, "d.test"},
    {"PREC-11 NXDOMAIN by NSEC3: an old cover", "mx.d.test", TLSA, NX, hashed_old_cover, OLD, OLD,
     false, "d.test"},
    {"PREC-11 NXDOMAIN by NSEC3: an old proof and a fresh encloser laid beside it",
     "_25._tcp.mx.d.test", TLSA, NX, hashed_two_enclosers, OLD, OLD, false, "d.test"},
    {"PREC-11 signers that disagree are none", "mx.d.test", TLSA, 0, two_signers, NEW, NEW, false, ""},
    {"PREC-11 a signer elsewhere does not count", "mx.d.test", TLSA, 0, signer_elsewhere, NEW, NEW,
     false, "d.test"},
    {"PREC-11 more sets than a denial can have: the earliest", "mx.d.test", TLSA, 0, many_sets, OLD,
     OLD, false, "d.test"},
};

static void
read_row(const struct row *row, const struct dns_builder *b, size_t len, struct ss_answer *answer)
{
    struct ss_question question;

    memset(&question, 0, sizeof(question));
    assert_true(ss_name_from_text(&question.name, row->asked, strlen(row->asked)));
    question.type = row->type;
    assert_int_equal(ss_dns_reply_read(&question, b->octets, len, true, answer), 0);
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct dns_builder *b = dns_builder_new(
        9, row->asked, row->type, DNS_BUILDER_REPLY | DNS_BUILDER_AD, row->rcode);
    struct ss_answer answer;
    char zone[SS_NAME_TEXT];
    size_t len;

    row->build(b);
    read_row(row, b, b->len, &answer);
    assert_int_equal(answer.outcome, row->rcode == NX ? SMTPSEC_ANSWER_NO_NAME
                                                      : SMTPSEC_ANSWER_NO_DATA);
    assert_int_equal(answer.inception, row->want_inception);
    assert_int_equal(answer.expiration, row->want_inception == 0 ? 0 : row->want_inception + 9);
    assert_int_equal(answer.name_inception, row->want_name_inception);
    assert_int_equal(answer.delegation, row->want_delegation);
    ss_name_to_text(&answer.zone, zone);
    assert_string_equal(zone, row->want_zone);
    ss_answer_free(&answer);
    /* Cut anywhere, it is a failure. */
    for (len = 12; len < b->len; len++) {
        read_row(row, b, len, &answer);
        assert_int_equal(answer.outcome, SMTPSEC_ANSWER_FAILED);
        ss_answer_free(&answer);
    }
    free(b);
}

/* Records: who signed, and did they come by a wildcard. */

struct signer_row {
    const char *name;
    uint8_t labels;
    const char *signers[2];
    const char *want_zone;
    bool want_wildcard;
};

static const struct signer_row signer_rows[] = {
    {"signer/the zone", 3, {"d.test", NULL}, "d.test", false},
    {"signer/the owner", 3, {"mx.d.test", NULL}, "mx.d.test", false},
    {"signer/below the owner does not count", 3, {"a.mx.d.test", NULL}, "", false},
    {"signer/elsewhere does not count", 3, {"e.test", "d.test"}, "d.test", false},
    {"signer/two that agree", 3, {"d.test", "d.test"}, "d.test", false},
    {"signer/two that disagree", 3, {"d.test", "mx.d.test"}, "", false},
    {"signer/none", 3, {NULL, NULL}, "", false},
    {"signer/by a wildcard (RFC 4035 5.3.4)", 2, {"d.test", NULL}, "d.test", true},
};

static void
check_signer(void **state)
{
    const struct signer_row *row = *state;
    struct dns_builder *b =
        dns_builder_new(9, "mx.d.test", SS_RR_A, DNS_BUILDER_REPLY | DNS_BUILDER_AD, 0);
    const struct row asked = {.asked = "mx.d.test", .type = SS_RR_A};
    struct ss_answer answer;
    char zone[SS_NAME_TEXT];
    size_t i;

    dns_builder_a(b, "mx.d.test", 300, "192.0.2.1");
    for (i = 0; i < 2 && row->signers[i] != NULL; i++)
        dns_builder_rrsig_by(b, "mx.d.test", 300, SS_RR_A, NEW, LATER, row->labels, row->signers[i]);
    dns_builder_rrsig_by(b, "mx.d.test", 300, SS_RR_AAAA, NEW, LATER, 1, "test");
    read_row(&asked, b, b->len, &answer);
    assert_int_equal(answer.outcome, SMTPSEC_ANSWER_RECORDS);
    ss_name_to_text(&answer.zone, zone);
    assert_string_equal(zone, row->want_zone);
    assert_int_equal(answer.wildcard, row->want_wildcard);
    ss_answer_free(&answer);
    free(b);
}

/* Hashes in plenty: 24 sets, a name of 120 labels, as many iterations as are computed. */
static void
check_cost(void **state)
{
    struct row row = {.type = TLSA, .rcode = NX};
    char asked[256], name[32];
    struct ss_answer answer;
    struct dns_builder *b;
    const char *owner;
    int i;

    (void)state;
    for (i = 0; i < 120; i++)
        memcpy(asked + 2 * i, "a.", 3);
    strcpy(asked + 240, "d.test");
    row.asked = asked;
    b = dns_builder_new(9, asked, TLSA, DNS_BUILDER_REPLY | DNS_BUILDER_AD, NX);
    dns_builder_section(b, DNS_BUILDER_AUTHORITY);
    for (i = 0; i < 24; i++) {
        snprintf(name, sizeof(name), "n%d.d.test", i);
        owner = dns_builder_nsec3(b, name, "d.test", 300, SS_NSEC3_ITERATIONS, false, "A RRSIG");
        dns_builder_rrsig_by(b, owner, 300, 50, i == 7 ? OLD : NEW, LATER, 3, "d.test");
    }
    read_row(&row, b, b->len, &answer);
    assert_int_equal(answer.outcome, SMTPSEC_ANSWER_NO_NAME);
    assert_int_equal(answer.inception, OLD);
    assert_int_equal(answer.name_inception, OLD);
    ss_answer_free(&answer);
    free(b);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("dns/denial");

    SS_TABLE_ROWS(&t, check, rows);
    SS_TABLE_ROWS(&t, check_signer, signer_rows);
    ss_table_case(&t, "many hashes cost little", check_cost);
    return ss_table_run(&t);
}
