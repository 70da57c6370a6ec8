/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which TLSA records are used (RFC 7672 3.1, RFC 7671 9). */
#include "table.h"

#include <string.h>

#include "certs.h"
#include "dane/tlsa.h"

/* Octets that are no DER; a digest where they have its length. */
static uint8_t filler[80];
static struct ss_test_cert *cert;

enum data { FILLER, CERTIFICATE, CERTIFICATE_MORE, KEY, KEY_MORE, SHELL };

struct row {
    const char *name;
    uint8_t usage, selector, matching;
    enum data data;
    size_t len; /* of FILLER */
    int32_t want;
};

#define OK SMTPSEC_REASON_NONE
#define NO(word) SMTPSEC_REASON_TLSA_##word

static const struct row rows[] = {
    {"TLSA-14 usage 0", 0, 0, 1, FILLER, 32, NO(USAGE)},
    {"TLSA-14 usage 1", 1, 1, 1, FILLER, 32, NO(USAGE)},
    {"TLSA-15 usage 4", 4, 1, 1, FILLER, 32, NO(USAGE)},
    {"TLSA-15 selector 2", 3, 2, 1, FILLER, 32, NO(SELECTOR)},
    {"TLSA-15 selector 255", 2, 255, 1, FILLER, 32, NO(SELECTOR)},
    {"TLSA-15 matching type 3", 3, 1, 3, FILLER, 32, NO(MATCHING)},
    {"TLSA-15 matching type 255", 3, 1, 255, FILLER, 32, NO(MATCHING)},
    {"TLSA-15 all 255", 255, 255, 255, FILLER, 32, NO(USAGE)},
    {"TLSA-16 digest of 31 octets is unusable", 3, 1, 1, FILLER, 31, NO(LENGTH)},
    {"TLSA-16 digest of 33 octets is unusable", 3, 1, 1, FILLER, 33, NO(LENGTH)},
    {"TLSA-16 SHA-512 of 32 octets is unusable", 3, 1, 2, FILLER, 32, NO(LENGTH)},
    {"TLSA-16 SHA-512 of 63 octets is unusable", 2, 0, 2, FILLER, 63, NO(LENGTH)},
    {"TLSA-16 SHA-256 of 64 octets is unusable", 2, 0, 1, FILLER, 64, NO(LENGTH)},
    {"TLSA-16 digest of one octet is unusable", 3, 1, 1, FILLER, 1, NO(LENGTH)},
    {"TLSA-17 no data", 3, 1, 1, FILLER, 0, NO(SHORT)},
    {"TLSA-17 no data of full type", 3, 0, 0, FILLER, 0, NO(SHORT)},
    {"TLSA-18 2 0 0 of garbage", 2, 0, 0, FILLER, 40, NO(DER)},
    {"TLSA-18 2 0 0 of a frame that does not parse", 2, 0, 0, SHELL, 0, NO(DER)},
    {"TLSA-18 3 0 0 of a frame that does not parse", 3, 0, 0, SHELL, 0, OK},
    {"TLSA-18 2 0 0 of a key", 2, 0, 0, KEY, 0, NO(DER)},
    {"TLSA-18 2 0 0 and one octet", 2, 0, 0, CERTIFICATE_MORE, 0, NO(DER)},
    {"TLSA-18 3 0 0 and one octet", 3, 0, 0, CERTIFICATE_MORE, 0, NO(DER)},
    {"TLSA-18 3 0 0 of a key", 3, 0, 0, KEY, 0, NO(DER)},
    {"TLSA-18 3 1 0 of garbage", 3, 1, 0, FILLER, 40, NO(DER)},
    {"TLSA-18 3 1 0 of a certificate", 3, 1, 0, CERTIFICATE, 0, NO(DER)},
    {"TLSA-18 3 1 0 and one octet", 3, 1, 0, KEY_MORE, 0, NO(DER)},
    {"TLSA-18 2 1 0 and one octet", 2, 1, 0, KEY_MORE, 0, NO(DER)},
    {"TLSA-19 2 0 0", 2, 0, 0, CERTIFICATE, 0, OK},
    {"TLSA-19 3 0 0", 3, 0, 0, CERTIFICATE, 0, OK},
    {"TLSA-19 2 1 0", 2, 1, 0, KEY, 0, OK},
    {"TLSA-19 3 1 0", 3, 1, 0, KEY, 0, OK},
    {"TLSA-19 3 1 1", 3, 1, 1, FILLER, 32, OK},
    {"TLSA-19 3 1 2", 3, 1, 2, FILLER, 64, OK},
    {"TLSA-19 2 0 1", 2, 0, 1, FILLER, 32, OK},
    {"TLSA-19 2 0 2", 2, 0, 2, FILLER, 64, OK},
};

/* Empty names and validity: see test_der.c. */
#define ALGORITHM "\x30\x05\x06\x03\x2a\x03\x04"
#define BITS "\x03\x02\x00\xaa"
static const char shell[] = "\x30\x2a\x30\x1d\x02\x01\x01" ALGORITHM "\x30\x00\x30\x00\x30\x00"
                            "\x30\x0b" ALGORITHM BITS ALGORITHM BITS;

static struct ss_bytes
one_more(struct ss_bytes data)
{
    struct ss_bytes longer = ss_test_tlsa_raw(0, 0, 0, data);
    uint8_t *room = (uint8_t *)(uintptr_t)longer.data;

    memmove(room, room + 3, data.len);
    room[data.len] = 0;
    longer.len = data.len + 1;
    return longer;
}

static struct ss_bytes
data_of(const struct row *row)
{
    struct ss_bytes fill = {filler, row->len};
    struct ss_bytes frame = {(const uint8_t *)shell, sizeof(shell) - 1};

    switch (row->data) {
    case CERTIFICATE:
        return ss_test_cert_der(cert);
    case CERTIFICATE_MORE:
        return one_more(ss_test_cert_der(cert));
    case KEY:
        return ss_test_cert_spki(cert);
    case KEY_MORE:
        return one_more(ss_test_cert_spki(cert));
    case SHELL:
        return frame;
    default:
        return fill;
    }
}

static void
check(void **state)
{
    const struct row *row = *state;
    struct ss_bytes data = data_of(row);
    struct ss_bytes rdata = ss_test_tlsa_raw(row->usage, row->selector, row->matching, data);
    struct ss_notes notes = {0};
    struct ss_tlsa_set set;

    assert_int_equal(ss_tlsa_set_read(&set, &rdata, 1, false, false, &notes), 0);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.records[0].reason, row->want);
    assert_int_equal(ss_tlsa_set_usable(&set), row->want == OK);
    assert_int_equal(set.records[0].usage, row->usage);
    assert_int_equal(set.records[0].selector, row->selector);
    assert_int_equal(set.records[0].matching, row->matching);
    assert_int_equal(set.records[0].len, data.len);
    if (data.len > 0)
        assert_memory_equal(set.records[0].data, data.data, data.len);
    /* What is not used is told, under its own rule where the row names one. */
    assert_int_equal(notes.count, row->want == OK ? 0 : 1);
    if (row->want != OK)
        assert_memory_equal(notes.list[0].rule, row->name, 7);
    ss_notes_free(&notes);
    ss_tlsa_set_free(&set);
}

static void
check_short(void **state)
{
    struct ss_bytes rdata[4] = {{NULL, 0},
                                {(const uint8_t *)"\x03", 1},
                                {(const uint8_t *)"\x03\x01", 2},
                                {(const uint8_t *)"\x03\x01\x01", 3}};
    struct ss_tlsa_set set;
    size_t i;

    (void)state;
    assert_int_equal(ss_tlsa_set_read(&set, rdata, 4, false, false, NULL), 0);
    assert_int_equal(set.count, 4);
    for (i = 0; i < 4; i++) {
        assert_int_equal(set.records[i].reason, SMTPSEC_REASON_TLSA_SHORT);
        assert_int_equal(set.records[i].usage, i > 0 ? 3 : 0);
        assert_int_equal(set.records[i].len, 0);
    }
    assert_false(ss_tlsa_set_usable(&set));
    ss_tlsa_set_free(&set);
    assert_int_equal(ss_tlsa_set_read(&set, NULL, 0, false, false, NULL), 0);
    assert_int_equal(set.count, 0);
    assert_false(ss_tlsa_set_usable(&set));
    ss_tlsa_set_free(&set);
}

/* Agility: the records as text "usage selector matching length", and what becomes of each. */
struct agility {
    const char *name;
    struct {
        uint8_t usage, selector, matching;
        size_t len;
        int32_t want;
    } records[4];
    bool disable_sha256, disable_sha512;
};

static const struct agility agilities[] = {
    {"TLSA-20 SHA-512 puts SHA-256 aside", {{3, 1, 1, 32, NO(WEAKER)}, {3, 1, 2, 64, OK}},
     false, false},
    {"TLSA-21 groups go by selector", {{3, 0, 1, 32, OK}, {3, 1, 2, 64, OK}}, false, false},
    {"TLSA-21 groups go by usage", {{2, 1, 1, 32, OK}, {3, 1, 2, 64, OK}}, false, false},
    {"TLSA-21 an unusable SHA-512 puts nothing aside",
     {{3, 1, 1, 32, OK}, {3, 1, 2, 10, NO(LENGTH)}}, false, false},
    {"TLSA-21 of usage 1 neither", {{1, 1, 2, 64, NO(USAGE)}, {3, 1, 1, 32, OK}}, false, false},
    {"TLSA-22 SHA-256 off", {{3, 1, 1, 32, NO(DISABLED)}}, true, false},
    {"TLSA-22 SHA-512 off gives way to SHA-256",
     {{3, 1, 1, 32, OK}, {3, 1, 2, 64, NO(DISABLED)}}, false, true},
    {"TLSA-22 SHA-256 off, SHA-512 stays", {{3, 1, 1, 32, NO(DISABLED)}, {3, 1, 2, 64, OK}}, true,
     false},
    {"TLSA-22 both off", {{2, 0, 1, 32, NO(DISABLED)}, {2, 0, 2, 64, NO(DISABLED)}}, true, true},
};

static void
check_agility(void **state)
{
    const struct agility *row = *state;
    struct ss_bytes rdata[4];
    struct ss_tlsa_set set;
    size_t count, i;

    for (count = 0; count < 4 && row->records[count].len > 0; count++) {
        struct ss_bytes data = {filler, row->records[count].len};

        rdata[count] = ss_test_tlsa_raw(row->records[count].usage, row->records[count].selector,
                                        row->records[count].matching, data);
    }
    assert_int_equal(
        ss_tlsa_set_read(&set, rdata, count, row->disable_sha256, row->disable_sha512, NULL), 0);
    assert_int_equal(set.count, count);
    for (i = 0; i < count; i++)
        assert_int_equal(set.records[i].reason, row->records[i].want);
    ss_tlsa_set_free(&set);
}

/* TLSA-21: full data stands beside any digest. */
static void
check_full_stays(void **state)
{
    struct ss_bytes rdata[3] = {ss_test_tlsa(3, 1, 2, cert), ss_test_tlsa(3, 1, 0, cert),
                                ss_test_tlsa(3, 1, 1, cert)};
    struct ss_tlsa_set set;

    (void)state;
    assert_int_equal(ss_tlsa_set_read(&set, rdata, 3, true, true, NULL), 0);
    assert_int_equal(set.records[0].matching, SS_TLSA_FULL);
    assert_int_equal(set.records[0].reason, SMTPSEC_REASON_NONE);
    assert_int_equal(set.records[1].reason, SMTPSEC_REASON_TLSA_DISABLED);
    assert_int_equal(set.records[2].reason, SMTPSEC_REASON_TLSA_DISABLED);
    ss_tlsa_set_free(&set);
    assert_int_equal(ss_tlsa_set_read(&set, rdata, 3, false, false, NULL), 0);
    assert_int_equal(set.records[0].reason, SMTPSEC_REASON_NONE);
    assert_int_equal(set.records[1].reason, SMTPSEC_REASON_TLSA_WEAKER);
    assert_int_equal(set.records[2].reason, SMTPSEC_REASON_NONE);
    ss_tlsa_set_free(&set);
}

static void
assert_same(const struct ss_tlsa_set *a, const struct ss_tlsa_set *b)
{
    size_t i;

    assert_int_equal(a->count, b->count);
    for (i = 0; i < a->count; i++) {
        assert_int_equal(a->records[i].usage, b->records[i].usage);
        assert_int_equal(a->records[i].selector, b->records[i].selector);
        assert_int_equal(a->records[i].matching, b->records[i].matching);
        assert_int_equal(a->records[i].reason, b->records[i].reason);
        assert_int_equal(a->records[i].len, b->records[i].len);
        if (a->records[i].len > 0)
            assert_memory_equal(a->records[i].data, b->records[i].data, a->records[i].len);
    }
}

static void
check_order(void **state)
{
    struct ss_bytes rdata[6] = {ss_test_tlsa(3, 1, 1, cert), ss_test_tlsa(2, 0, 1, cert),
                                ss_test_tlsa(3, 0, 2, cert), ss_test_tlsa(2, 1, 0, cert),
                                ss_test_tlsa(0, 0, 1, cert), ss_test_tlsa(3, 1, 1, cert)};
    struct ss_bytes other[6] = {rdata[4], rdata[3], rdata[5], rdata[2], rdata[1], rdata[0]};
    struct ss_tlsa_set a, b, copy;

    (void)state;
    assert_int_equal(ss_tlsa_set_read(&a, rdata, 6, false, false, NULL), 0);
    assert_int_equal(ss_tlsa_set_read(&b, other, 5, false, false, NULL), 0);
    assert_int_equal(a.count, 5);
    assert_same(&a, &b);
    assert_int_equal(ss_tlsa_set_copy(&copy, &a), 0);
    assert_same(&a, &copy);
    assert_ptr_not_equal(a.records[1].data, copy.records[1].data);
    ss_tlsa_set_free(&a);
    ss_tlsa_set_free(&b);
    assert_true(ss_tlsa_set_usable(&copy));
    ss_tlsa_set_free(&copy);
    assert_int_equal(copy.count, 0);
    ss_tlsa_set_free(&copy);
}

int
main(void)
{
    struct ss_test_cert_spec spec = {.cn = "Root", .ca = true};
    struct ss_table t = SS_TABLE("tlsa");
    int failed;

    memset(filler, 0x5a, sizeof(filler));
    cert = ss_test_cert(&spec);
    SS_TABLE_ROWS(&t, check, rows);
    SS_TABLE_ROWS(&t, check_agility, agilities);
    ss_table_case(&t, "TLSA-17 fewer than four octets", check_short);
    ss_table_case(&t, "TLSA-21 full data is no digest", check_full_stays);
    ss_table_case(&t, "the same RRset gives the same set", check_order);
    failed = ss_table_run(&t);
    ss_test_certs_free();
    return failed;
}
