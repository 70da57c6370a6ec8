/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Octets with a right checksum that no writer of ours makes, and those of version 1. */
#include <string.h>

#include "base/text.h"
#include "memory/claim.h"
#include "memory/codec.h"
#include "table.h"

#define T0 INT64_C(1750000000)
#define OCTETS(text) text, sizeof(text) - 1

static struct ss_memory_key
key_of(const char *domain)
{
    struct ss_memory_key key = {.port = 25};

    assert_true(ss_name_from_text(&key.domain, domain, strlen(domain)));
    return key;
}

struct forged_row {
    const char *name;
    const char *body;
    size_t len;
    int want;
};

/* A claim of a host: head 0x13 is ENCRYPTED below the domain. first, last, days. */
#define CLAIM(head, host, first, last, days) head host first last days
#define TIME(c) c "\0\0\0\0"

static const struct forged_row rows_v1[] = {
    {"1: a record of no claims", OCTETS("C\1\0\0\0"), 0},
    {"1: one claim", OCTETS("C\1\0\1\0" CLAIM("\x13\0", "\3\2mx", TIME("\5"), TIME("\6"), "\1")), 0},
    {"1: version 3", OCTETS("C\3\0\0\0"), SMTPSEC_E_VERSION},
    {"1: version 255 and anything",
     OCTETS("C\xff"
            "anything"),
     SMTPSEC_E_VERSION},
    {"1: version 0", OCTETS("C\0\0\0\0"), SMTPSEC_E_FORMAT},
    {"1: another kind of value", OCTETS("P\1\0\0\0"), SMTPSEC_E_FORMAT},
    {"1: unknown flag", OCTETS("C\1\x10\0\0"), SMTPSEC_E_FORMAT},
    {"1: a time that is said to be there and is zero", OCTETS("C\1\1" TIME("\0") "\0\0"),
     SMTPSEC_E_FORMAT},
    {"1: octets left over", OCTETS("C\1\0\0\0x"), SMTPSEC_E_FORMAT},
    {"1: fewer claims than counted",
     OCTETS("C\1\0\2\0" CLAIM("\x13\0", "\3\2mx", TIME("\5"), TIME("\6"), "\1")), SMTPSEC_E_FORMAT},
    {"1: more claims than the limit", OCTETS("C\1\0\1\1"), SMTPSEC_E_FORMAT},
    {"1: unknown kind", OCTETS("C\1\0\1\0" CLAIM("\x15\0", "\3\2mx", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: kind 0", OCTETS("C\1\0\1\0" CLAIM("\x10\0", "\3\2mx", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: unknown bit in a claim",
     OCTETS("C\1\0\1\0" CLAIM("\x13\x20", "\3\2mx", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: two claims",
     OCTETS("C\1\0\2\0" CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\1")
                CLAIM("\x13\0", "\2\1b", TIME("\5"), TIME("\6"), "\1")),
     0},
    {"1: the same claim twice",
     OCTETS("C\1\0\2\0" CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\1")
                CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: claims out of order",
     OCTETS("C\1\0\2\0" CLAIM("\x13\0", "\2\1b", TIME("\5"), TIME("\6"), "\1")
                CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: kinds out of order",
     OCTETS("C\1\0\2\0" CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\1")
                CLAIM("\x11\0", "\2\1b", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: last before first",
     OCTETS("C\1\0\1\0" CLAIM("\x13\0", "\2\1a", TIME("\6"), TIME("\5"), "\1")), SMTPSEC_E_FORMAT},
    {"1: more days than there were",
     OCTETS("C\1\0\1\0" CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\2")), SMTPSEC_E_FORMAT},
    {"1: no day, but a span of time",
     OCTETS("C\1\0\1\0" CLAIM("\x13\0", "\2\1a", TIME("\5"), TIME("\6"), "\0")), SMTPSEC_E_FORMAT},
    {"1: no day for DANE", OCTETS("C\1\0\1\0" CLAIM("\x11\0", "\2\1a", TIME("\5"), TIME("\5"), "\0")),
     SMTPSEC_E_FORMAT},
    {"1: few days written wide",
     OCTETS("C\1\0\1\0" CLAIM("\x13\x10", "\2\1a", TIME("\5"), TIME("\6"), "\1\0\0\0")),
     SMTPSEC_E_FORMAT},
    {"1: counted after the last",
     OCTETS("C\1\0\1\0" CLAIM("\x33\0", "\2\1a", TIME("\5"), TIME("\6"), TIME("\7") "\1")),
     SMTPSEC_E_FORMAT},
    {"1: counted written out though it is the last",
     OCTETS("C\1\0\1\0" CLAIM("\x33\0", "\2\1a", TIME("\5"), TIME("\6"), TIME("\6") "\1")),
     SMTPSEC_E_FORMAT},
    {"1: a host below the domain written in full",
     OCTETS("C\1\0\1\0" CLAIM("\3\0", "\x10\2mx\7example\3org\0", TIME("\5"), TIME("\6"), "\1")),
     SMTPSEC_E_FORMAT},
    {"1: a host elsewhere",
     OCTETS("C\1\0\1\0" CLAIM("\3\0", "\x04\2mx\0", TIME("\5"), TIME("\6"), "\1")), 0},
    {"1: no host where one must be",
     OCTETS("C\1\0\1\0" CLAIM("\3\0", "\0", TIME("\5"), TIME("\6"), "\1")), SMTPSEC_E_FORMAT},
    {"1: host in upper case",
     OCTETS("C\1\0\1\0" CLAIM("\x13\0", "\3\2Mx", TIME("\5"), TIME("\6"), "\1")), SMTPSEC_E_FORMAT},
    {"1: host cut inside a label",
     OCTETS("C\1\0\1\0" CLAIM("\x13\0", "\3\4mx", TIME("\5"), TIME("\6"), "\1")), SMTPSEC_E_FORMAT},
    {"1: MTA-STS of the domain", OCTETS("C\1\0\1\0" CLAIM("\2\0", "", TIME("\5"), TIME("\6"), "\1")),
     0},
    {"1: MTA-STS of a host",
     OCTETS("C\1\0\1\0" CLAIM("\x12\0", "\2\1a", TIME("\5"), TIME("\6"), "\1")), SMTPSEC_E_FORMAT},
    {"1: an id",
     OCTETS("C\1\0\1\0" CLAIM("\2\x08", "", TIME("\5"), TIME("\6"),
                              "\1"
                              "\2a1")),
     0},
    {"1: an id of no length",
     OCTETS("C\1\0\1\0" CLAIM("\2\x08", "", TIME("\5"), TIME("\6"),
                              "\1"
                              "\0")),
     SMTPSEC_E_FORMAT},
    {"1: an id with a hyphen",
     OCTETS("C\1\0\1\0" CLAIM("\2\x08", "", TIME("\5"), TIME("\6"),
                              "\1"
                              "\2a-")),
     SMTPSEC_E_FORMAT},
    {"1: an id with a zero inside",
     OCTETS("C\1\0\1\0" CLAIM("\2\x08", "", TIME("\5"), TIME("\6"),
                              "\1"
                              "\2a\0")),
     SMTPSEC_E_FORMAT},
    {"1: an id of 33",
     OCTETS("C\1\0\1\0" CLAIM("\2\x08", "", TIME("\5"), TIME("\6"),
                              "\1"
                              "\x21"
                              "abcdefghijklmnopqrstuvwxyz0123456")),
     SMTPSEC_E_FORMAT},
};

/* Version 2. A claim of a host: head 0x13 is ENCRYPTED below the domain. last, first, days. */
#define V2(count, claims) OCTETS("C\2\0" count claims)
#define MX "\3\2mx"

static const struct forged_row rows_v2[] = {
    {"2: a record of no claims", V2("\0", ""), 0},
    {"2: one claim", V2("\1", "\x13\0" MX "\x0a\1\1"), 0},
    {"2: unknown flag", OCTETS("C\2\x40\0"), SMTPSEC_E_FORMAT},
    {"2: a time that is said to be there and is zero", OCTETS("C\2\1\0\0"), SMTPSEC_E_FORMAT},
    {"2: a time before 1970", OCTETS("C\2\1\1\0"), SMTPSEC_E_FORMAT},
    {"2: a time beyond the last", OCTETS("C\2\1\x80\x80\x80\x80\x80\x40\0"), SMTPSEC_E_FORMAT},
    {"2: a time in six octets that one would hold", OCTETS("C\2\1\x82\x80\x80\x80\x80\0\0"),
     SMTPSEC_E_FORMAT},
    {"2: a number without end", OCTETS("C\2\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
     SMTPSEC_E_FORMAT},
    {"2: MX zone", OCTETS("C\2\4\2\0"), 0},
    {"2: MX zone of no labels", OCTETS("C\2\4\0\0"), SMTPSEC_E_FORMAT},
    {"2: MX zone of more labels than the domain has", OCTETS("C\2\4\3\0"), SMTPSEC_E_FORMAT},
    {"2: unsigned since and until", OCTETS("C\2\x20\x0a\2\0"), 0},
    {"2: unsigned until before since", OCTETS("C\2\x20\x0a\1\0"), SMTPSEC_E_FORMAT},
    {"2: octets left over", V2("\0", "x"), SMTPSEC_E_FORMAT},
    {"2: fewer claims than counted", V2("\2", "\x13\0" MX "\x0a\1\1"), SMTPSEC_E_FORMAT},
    {"2: more claims than the limit", OCTETS("C\2\0\x81\2"), SMTPSEC_E_FORMAT},
    {"2: unknown kind", V2("\1", "\x15\0" MX "\x0a\1\1"), SMTPSEC_E_FORMAT},
    {"2: kind 0", V2("\1", "\x10\0" MX "\x0a\1\1"), SMTPSEC_E_FORMAT},
    {"2: unknown bit in a claim", V2("\1", "\x13\x80" MX "\x0a\1\1"), SMTPSEC_E_FORMAT},
    {"2: DANE and ENCRYPTED that one delivery raised",
     V2("\2", "\x11\0" MX "\x0a\1\1" "\3\x40\0"), 0},
    {"2: the same written out", V2("\2", "\x11\0" MX "\x0a\1\1" "\x13\0" MX "\0\1\1"),
     SMTPSEC_E_FORMAT},
    {"2: like one that is not there", V2("\2", "\x11\0" MX "\x0a\1\1" "\3\x40\1"),
     SMTPSEC_E_FORMAT},
    {"2: like itself", V2("\1", "\3\x40\0"), SMTPSEC_E_FORMAT},
    {"2: like the third, where the first is like it too",
     V2("\3", "\x11\0" MX "\x0a\1\1" "\3\x40\0" "\4\x40\1"), SMTPSEC_E_FORMAT},
    {"2: like the first, and said to be below the domain",
     V2("\2", "\x11\0" MX "\x0a\1\1" "\x13\x40\0"), SMTPSEC_E_FORMAT},
    {"2: like a policy of the whole domain", V2("\2", "\2\0\x0a\1\1" "\3\x40\0"), SMTPSEC_E_FORMAT},
    {"2: the same claim twice", V2("\2", "\x13\0" MX "\x0a\1\1" "\x13\0" MX "\2\1\1"),
     SMTPSEC_E_FORMAT},
    {"2: kinds out of order", V2("\2", "\x13\0" MX "\x0a\1\1" "\1\x40\0"), SMTPSEC_E_FORMAT},
    {"2: last before first", V2("\1", "\x13\0" MX "\x0a\2\1"), SMTPSEC_E_FORMAT},
    {"2: more days than there were", V2("\1", "\x13\0" MX "\x0a\1\2"), SMTPSEC_E_FORMAT},
    {"2: more days than a number holds", V2("\1", "\x13\0" MX "\x0a\1\x81\x80\x80\x80\x10"),
     SMTPSEC_E_FORMAT},
    {"2: counted after the last", V2("\1", "\x33\0" MX "\x0a\1\2\1"), SMTPSEC_E_FORMAT},
    {"2: counted written out though it is the last", V2("\1", "\x33\0" MX "\x0a\1\0\1"),
     SMTPSEC_E_FORMAT},
    {"2: a zone of the host", V2("\1", "\x11\x10" MX "\x0a\1\1\3"), 0},
    {"2: a zone of more labels than the host has", V2("\1", "\x11\x10" MX "\x0a\1\1\4"),
     SMTPSEC_E_FORMAT},
    {"2: a zone of no labels", V2("\1", "\x11\x10" MX "\x0a\1\1\0"), SMTPSEC_E_FORMAT},
    {"2: a host's count", V2("\1", "\x11\x20" MX "\x0a\1\1\2\2"), 0},
    {"2: a digest of zeros",
     V2("\1", "\x11\2" MX "\x0a\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), SMTPSEC_E_FORMAT},
    {"2: a digest cut short", V2("\1", "\x11\2" MX "\x0a\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1"),
     SMTPSEC_E_FORMAT},
    {"2: an id of no length", V2("\1", "\2\x08\x0a\1\1\0"), SMTPSEC_E_FORMAT},
};

static struct ss_bytes
write_record(struct ss_buf *out, const struct ss_record *record)
{
    ss_buf_init(out, SIZE_MAX / 2);
    ss_record_write(out, record);
    assert_true(ss_buf_ok(out));
    return (struct ss_bytes){out->data, out->len};
}

static void
check_forged(void **state)
{
    const struct forged_row *row = *state;
    struct ss_memory_key key = key_of("example.org");
    struct ss_buf out, octets, again;
    struct ss_record got, same;
    struct ss_bytes bytes;

    ss_buf_init(&octets, 600);
    ss_memory_key_write(&octets, &key);
    ss_buf_init(&out, 1000);
    ss_buf_put(&out, row->body, row->len);
    ss_codec_end(&out, 0, (struct ss_bytes){octets.data, octets.len});
    assert_int_equal(ss_record_read(&got, &key, (struct ss_bytes){out.data, out.len}), row->want);
    if (row->want == 0) {
        bytes = write_record(&again, &got);
        if (row->body[1] == 2) {
            assert_int_equal(bytes.len, out.len);
            assert_memory_equal(bytes.data, out.data, out.len);
        }
        assert_int_equal(ss_record_read(&same, &key, bytes), 0);
        assert_int_equal(same.count, got.count);
        if (got.count > 0)
            assert_memory_equal(same.claims, got.claims, got.count * sizeof(*got.claims));
        ss_record_free(&same);
        ss_buf_free(&again);
    }
    ss_record_free(&got);
    ss_buf_free(&out);
    ss_buf_free(&octets);
}

/* ---- version 1 as it was written ---- */

/* DANE and ENCRYPTED on one host. */
static const char old_dane[] =
    "4301038059b8680080ceca68000200f10304036d783180e14e6800da88c568008088c568005000da"
    "c668008059b8680080ceca6800101112131415161718191a1b1c1d1e1f202122232425262728292a"
    "2b2c2d2e2f330404036d783180e14e6800da88c568008088c5680050a0a1a2a3a4a5a6a7a8a9aaab"
    "acadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebfea6cf3ef";
/* MTA_STS, and ENCRYPTED and DNSSEC on a host elsewhere, seen at other times. */
static const char old_sts[] =
    "43010c85e14e680000335068000300420880e14e6800003350680002806e7668000f323032353031"
    "303154303030303030031015026d78046d61696c076578616d706c65036e65740080893f660080e1"
    "4e68002c010000040015026d78046d61696c076578616d706c65036e65740080e14e680080e14e68"
    "000137a16cf4";

static void
read_old(const char *hex, struct ss_record *record)
{
    struct ss_memory_key key = key_of("example.org");
    uint8_t octets[256];
    size_t len = strlen(hex) / 2;

    assert_true(ss_hex_read(ss_text_of(hex), octets, len));
    assert_int_equal(ss_record_read(record, &key, (struct ss_bytes){octets, len}), 0);
}

/* What version 1 said is kept, and comes back from version 2. */
static void
check_again(const struct ss_record *record, size_t want_len)
{
    struct ss_record same;
    struct ss_buf out;
    struct ss_bytes bytes = write_record(&out, record);

    assert_int_equal(bytes.data[1], 2);
    assert_int_equal(bytes.len, want_len);
    assert_int_equal(ss_record_read(&same, &record->key, bytes), 0);
    assert_int_equal(same.mx_inception, record->mx_inception);
    assert_int_equal(same.mx_expiration, record->mx_expiration);
    assert_int_equal(same.refused_since, record->refused_since);
    assert_int_equal(same.held_until, record->held_until);
    assert_int_equal(same.count, record->count);
    assert_memory_equal(same.claims, record->claims, record->count * sizeof(*record->claims));
    ss_record_free(&same);
    ss_buf_free(&out);
}

static void
check_old_dane(void **state)
{
    struct ss_record record;
    const struct ss_claim *claim;
    uint8_t digest[SS_CLAIM_DIGEST];
    size_t i;

    (void)state;
    read_old(old_dane, &record);
    assert_int_equal(record.count, 2);
    assert_int_equal(record.mx_inception, T0 + 80 * SS_DAY);
    assert_int_equal(record.mx_expiration, T0 + 94 * SS_DAY);
    assert_int_equal(record.mx_zone, 0);
    assert_int_equal(record.unsigned_since, 0);
    claim = &record.claims[0];
    assert_int_equal(claim->kind, SMTPSEC_CLAIM_DANE);
    assert_int_equal(claim->first_seen, T0);
    assert_int_equal(claim->last_seen, T0 + 90 * SS_DAY + 90);
    assert_int_equal(claim->counted, T0 + 90 * SS_DAY);
    assert_int_equal(claim->days, 80);
    assert_int_equal(claim->expires, T0 + 91 * SS_DAY);
    assert_int_equal(claim->inception, T0 + 80 * SS_DAY);
    assert_int_equal(claim->signature_expiration, T0 + 94 * SS_DAY);
    assert_int_equal(claim->zone, 0);
    for (i = 0; i < SS_CLAIM_DIGEST; i++)
        digest[i] = (uint8_t)(0x10 + i);
    assert_memory_equal(claim->tlsa_digest, digest, SS_CLAIM_DIGEST);
    for (i = 0; i < SS_CLAIM_DIGEST; i++)
        digest[i] = (uint8_t)(0xa0 + i);
    assert_int_equal(claim[1].kind, SMTPSEC_CLAIM_ENCRYPTED);
    assert_memory_equal(claim[1].spki_digest, digest, SS_CLAIM_DIGEST);
    check_again(&record, 62);
    /* With all that version 2 adds. */
    record.mx_zone = 2;
    record.claims[0].zone = 2;
    check_again(&record, 64);
    ss_record_free(&record);
}

static void
check_old_sts(void **state)
{
    struct ss_record record;

    (void)state;
    read_old(old_sts, &record);
    assert_int_equal(record.count, 3);
    assert_int_equal(record.refused_since, T0 + 5);
    assert_int_equal(record.held_until, T0 + SS_DAY);
    assert_int_equal(record.claims[0].kind, SMTPSEC_CLAIM_MTA_STS);
    assert_string_equal(record.claims[0].sts_id, "20250101T000000");
    assert_int_equal(record.claims[0].expires, T0 + 30 * SS_DAY);
    assert_int_equal(record.claims[1].days, 300);
    assert_int_equal(record.claims[2].kind, SMTPSEC_CLAIM_DNSSEC);
    check_again(&record, 103);
    ss_record_free(&record);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("memory/claim_codec");

    SS_TABLE_ROWS(&t, check_forged, rows_v1);
    SS_TABLE_ROWS(&t, check_forged, rows_v2);
    ss_table_case(&t, "version 1 as it was written: DANE and ENCRYPTED", check_old_dane);
    ss_table_case(&t, "version 1 as it was written: MTA_STS and hosts elsewhere", check_old_sts);
    return ss_table_run(&t);
}
