/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records, keys and their octets. */
#include <stdio.h>
#include <string.h>

#include "memory/claim.h"
#include "memory/codec.h"
#include "table.h"

#define T0 INT64_C(1750000000)

static struct ss_name
name(const char *text)
{
    struct ss_name n = { 0 };

    if (text[0] != '\0')
        assert_true(ss_name_from_text(&n, text, strlen(text)));
    return n;
}

static struct ss_memory_key
key_of(const char *domain, const char *relay, uint16_t port)
{
    struct ss_memory_key key = { name(domain), name(relay), port };

    return key;
}

/* ---- keys ---- */

struct key_row {
    const char *name;
    const char *domain;
    const char *relay;
    uint16_t port;
    size_t want_len;
};

static const struct key_row key_rows[] = {
    { "PREC-10 by MX, port 25", "example.org", "", 25, 14 },
    { "PREC-10 by MX, another port", "example.org", "", 587, 16 },
    { "PREC-10 by a relay of its own policy", "relay.example", "relay.example", 25, 16 },
    { "PREC-10 by another relay", "example.org", "relay.example.net", 2525, 35 },
    { "port 0", "example.org", "", 0, 16 },
};

static void
check_key(void **state)
{
    const struct key_row *row = *state;
    struct ss_memory_key key = key_of(row->domain, row->relay, row->port), got;
    struct ss_buf out;
    size_t len;

    ss_buf_init(&out, 600);
    ss_memory_key_write(&out, &key);
    assert_int_equal(out.len, row->want_len);
    /* The domain stands first, or a domain's routes could not be listed. */
    assert_memory_equal(out.data, key.domain.wire, key.domain.len);
    assert_true(ss_memory_key_read(&got, (struct ss_bytes){ out.data, out.len }));
    assert_memory_equal(&got, &key, sizeof(key));
    for (len = 0; len < out.len; len++) {
        /* Cut inside a relay's name or anywhere else: never a key, never another's. */
        assert_false(ss_memory_key_read(&got, (struct ss_bytes){ out.data, len }));
    }
    ss_buf_u8(&out, 0);
    assert_false(ss_memory_key_read(&got, (struct ss_bytes){ out.data, out.len }));
    ss_buf_free(&out);
}

/* ---- zones ---- */

struct zone_row {
    const char *name;
    const char *host;
    const char *zone;
    uint8_t want;
};

static const struct zone_row zone_rows[] = {
    {"zone/its own", "d.test", "d.test", 2},
    {"zone/above", "mx.a.d.test", "d.test", 2},
    {"zone/the topmost", "mx.d.test", "test", 1},
    {"zone/the root is none", "mx.d.test", ".", 0},
    {"zone/below", "d.test", "mx.d.test", 0},
    {"zone/elsewhere", "mx.d.test", "e.test", 0},
    {"zone/ends alike, but not at a label", "mx.ad.test", "d.test", 0},
    {"zone/none", "mx.d.test", "", 0},
};

static void
check_zone(void **state)
{
    const struct zone_row *row = *state;
    struct ss_name host = name(row->host), zone = name(row->zone), got;

    assert_int_equal(ss_zone_depth(&host, &zone), row->want);
    assert_int_equal(ss_zone_name(&host, row->want, &got), row->want != 0);
    if (row->want != 0)
        assert_true(ss_name_equal(&got, &zone));
    assert_false(ss_zone_name(&host, (uint8_t)(ss_name_labels(&host) + 1), &got));
}

struct bad_key_row {
    const char *name;
    const char *octets;
    size_t len;
};

#define OCTETS(text) text, sizeof(text) - 1

static const struct bad_key_row bad_key_rows[] = {
    { "unknown route bit", OCTETS("\1a\0\x08") },
    { "two kinds of relay at once", OCTETS("\1a\0\3") },
    { "port 25 written out", OCTETS("\1a\0\4\0\x19") },
    { "relay that equals the domain written out", OCTETS("\1a\0\1\1a\0") },
    { "upper case", OCTETS("\1A\0\0") },
    { "pointer in the name", OCTETS("\xc0\0\0") },
    { "name without end", OCTETS("\1a\1b") },
    { "nothing", OCTETS("") },
};

static void
check_bad_key(void **state)
{
    const struct bad_key_row *row = *state;
    struct ss_memory_key key;

    assert_false(
        ss_memory_key_read(&key, (struct ss_bytes){(const uint8_t *)row->octets, row->len}));
}

/* ---- records ---- */

struct claim_row {
    const char *name;
    int32_t kind;
    const char *host;
    int64_t last, counted;
    uint32_t days;
    int64_t expires, inception, expiration;
    uint8_t tlsa, spki;
    const char *id;
    size_t want_most; /* octets of a record with this claim alone */
};

static const struct claim_row claim_rows[] = {
    {"encrypted, below the domain", SMTPSEC_CLAIM_ENCRYPTED, "mx1.example.org", T0 + 90, T0, 1, 0,
     0, 0, 0, 0, "", 40},
    {"encrypted with a key, elsewhere", SMTPSEC_CLAIM_ENCRYPTED, "mx.mail.example.net",
     T0 + 9 * SS_DAY, T0 + 9 * SS_DAY, 10, 0, 0, 0, 0, 7, "", 100},
    {"DANE with all it has", SMTPSEC_CLAIM_DANE, "mx1.example.org", T0 + 90 * SS_DAY,
     T0 + 90 * SS_DAY, 80, T0 + 91 * SS_DAY, T0 + 80 * SS_DAY, T0 + 95 * SS_DAY, 9, 0, "", 100},
    {"MTA-STS", SMTPSEC_CLAIM_MTA_STS, "", T0 + SS_DAY, T0 + SS_DAY, 2, T0 + 30 * SS_DAY, 0, 0, 0,
     0, "20250101T000000", 100},
    {"the longest id", SMTPSEC_CLAIM_MTA_STS, "", T0, T0, 1, T0 + 1, 0, 0, 0, 0,
     "abcdefghijklmnopqrstuvwxyz012345", 100},
    {"DNSSEC on the domain's own name", SMTPSEC_CLAIM_DNSSEC, "example.org", T0 + 1, T0, 1, 0, 0, 0,
     0, 0, "", 40},
    {"more days than an octet holds", SMTPSEC_CLAIM_ENCRYPTED, "a.b", T0 + 400 * SS_DAY,
     T0 + 399 * SS_DAY, 300, 0, 0, 0, 0, 0, "", 50},
    {"a host known for a delivery without TLS", SMTPSEC_CLAIM_ENCRYPTED, "mx2.example.org", T0, T0,
     0, 0, 0, 0, 0, 0, "", 40},
    {"a name that ends like the domain, but not at a label", SMTPSEC_CLAIM_ENCRYPTED,
     "mxexample.org", T0, T0, 1, 0, 0, 0, 0, 0, "", 60},
};

static void
add_claim(struct ss_record *record, const struct claim_row *row)
{
    struct ss_name host = name(row->host);
    struct ss_claim *claim = ss_record_add(record, row->kind, &host);

    assert_non_null(claim);
    claim->first_seen = T0;
    claim->last_seen = row->last;
    claim->counted = row->counted;
    claim->days = row->days;
    claim->expires = row->expires;
    claim->inception = row->inception;
    claim->signature_expiration = row->expiration;
    memset(claim->tlsa_digest, row->tlsa, SS_CLAIM_DIGEST);
    memset(claim->spki_digest, row->spki, SS_CLAIM_DIGEST);
    strcpy(claim->sts_id, row->id);
}

static void
assert_same(const struct ss_record *a, const struct ss_record *b)
{
    assert_memory_equal(&a->key, &b->key, sizeof(a->key));
    assert_int_equal(a->mx_inception, b->mx_inception);
    assert_int_equal(a->mx_expiration, b->mx_expiration);
    assert_int_equal(a->mx_zone, b->mx_zone);
    assert_int_equal(a->unsigned_since, b->unsigned_since);
    assert_int_equal(a->unsigned_seen, b->unsigned_seen);
    assert_int_equal(a->refused_since, b->refused_since);
    assert_int_equal(a->held_until, b->held_until);
    assert_int_equal(a->count, b->count);
    if (a->count > 0)
        assert_memory_equal(a->claims, b->claims, a->count * sizeof(*a->claims));
}

static struct ss_bytes
write_record(struct ss_buf *out, const struct ss_record *record)
{
    ss_buf_init(out, SIZE_MAX / 2);
    ss_record_write(out, record);
    assert_true(ss_buf_ok(out));
    return (struct ss_bytes){ out->data, out->len };
}

static void
round_trip(const struct ss_record *record)
{
    struct ss_record got;
    struct ss_buf out;
    struct ss_bytes bytes = write_record(&out, record);

    assert_int_equal(ss_record_read(&got, &record->key, bytes), 0);
    assert_same(&got, record);
    ss_record_free(&got);
    ss_buf_free(&out);
}

static void
check_claim(void **state)
{
    const struct claim_row *row = *state;
    struct ss_memory_key key = key_of("example.org", "", 25);
    struct ss_record record;
    struct ss_buf out;

    ss_record_init(&record, &key);
    add_claim(&record, row);
    (void)write_record(&out, &record);
    assert_in_range(out.len, 10, row->want_most);
    ss_buf_free(&out);
    round_trip(&record);
    record.mx_inception = T0;
    record.mx_expiration = T0 + 5;
    round_trip(&record);
    record.refused_since = T0 + 6;
    record.held_until = SS_CODEC_TIME_MAX;
    round_trip(&record);
    record.mx_zone = 2;
    round_trip(&record);
    record.unsigned_since = T0 + 7;
    record.unsigned_seen = T0 + 8;
    round_trip(&record);
    record.claims[0].unsigned_since = T0 - 7;
    record.claims[0].unsigned_seen = T0 + 7;
    record.claims[0].zone = (uint8_t)ss_name_labels(&record.claims[0].host);
    round_trip(&record);
    ss_record_free(&record);
}

static void
fill(struct ss_record *record)
{
    struct ss_memory_key key = key_of("example.org", "", 25);
    size_t i;

    ss_record_init(record, &key);
    record->mx_inception = T0;
    record->refused_since = T0 + 7;
    for (i = 0; i < sizeof(claim_rows) / sizeof(claim_rows[0]); i++)
        add_claim(record, &claim_rows[i]);
}

static void
check_full_record(void **state)
{
    struct ss_memory_key key = key_of("example.org", "", 25);
    struct ss_record record;
    struct claim_row row = claim_rows[1];
    char host[32];
    int i;

    (void)state;
    ss_record_init(&record, &key);
    round_trip(&record);
    row.host = host;
    for (i = 0; i < SS_CLAIMS_MAX; i++) {
        snprintf(host, sizeof(host), "mx%d.example.net", i * 101 % SS_CLAIMS_MAX);
        add_claim(&record, &row);
    }
    assert_int_equal(record.count, SS_CLAIMS_MAX);
    round_trip(&record);
    assert_null(ss_record_add(&record, SMTPSEC_CLAIM_DANE, &key.domain));
    /* One that is there is found, full or not. */
    assert_non_null(ss_record_add(&record, record.claims[3].kind, &record.claims[3].host));
    ss_record_free(&record);
}

static void
check_order(void **state)
{
    struct ss_record record, copy;
    size_t i;

    (void)state;
    fill(&record);
    for (i = 1; i < record.count; i++) {
        assert_true(record.claims[i - 1].kind < record.claims[i].kind ||
                    (record.claims[i - 1].kind == record.claims[i].kind &&
                     ss_name_compare(&record.claims[i - 1].host, &record.claims[i].host) < 0));
    }
    assert_int_equal(ss_record_copy(&copy, &record), 0);
    assert_same(&copy, &record);
    while (copy.count > 0) {
        struct ss_claim claim = copy.claims[copy.count / 2];

        assert_ptr_equal(ss_record_find(&copy, claim.kind, &claim.host),
                         &copy.claims[copy.count / 2]);
        ss_record_remove(&copy, &copy.claims[copy.count / 2]);
        assert_null(ss_record_find(&copy, claim.kind, &claim.host));
    }
    assert_non_null(ss_record_find(&record, SMTPSEC_CLAIM_MTA_STS, NULL));
    assert_null(ss_record_find(&record, SMTPSEC_CLAIM_DANE, NULL));
    ss_record_free(&copy);
    ss_record_free(&record);
    ss_record_free(NULL);
}

/* Each bit of each octet, and each length. */
static void
check_damage(void **state)
{
    struct ss_record record, got;
    struct ss_buf out;
    struct ss_bytes bytes;
    size_t i, bit;

    (void)state;
    fill(&record);
    bytes = write_record(&out, &record);
    for (i = 0; i < bytes.len; i++) {
        for (bit = 0; bit < 8; bit++) {
            out.data[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(ss_record_read(&got, &record.key, bytes), SMTPSEC_E_FORMAT);
            assert_int_equal(got.count, 0);
            assert_null(got.claims);
            out.data[i] ^= (uint8_t)(1u << bit);
        }
        assert_int_equal(ss_record_read(&got, &record.key, (struct ss_bytes){ bytes.data, i }),
                         SMTPSEC_E_FORMAT);
    }
    assert_int_equal(ss_record_read(&got, &record.key, bytes), 0);
    ss_record_free(&got);
    ss_buf_free(&out);
    ss_record_free(&record);
}

static void
check_other_key(void **state)
{
    struct ss_memory_key other = key_of("example.net", "", 25);
    struct ss_record record, got;
    struct ss_buf out;
    struct ss_bytes bytes;

    (void)state;
    fill(&record);
    bytes = write_record(&out, &record);
    assert_int_equal(ss_record_read(&got, &other, bytes), SMTPSEC_E_FORMAT);
    other = key_of("example.org", "", 26);
    assert_int_equal(ss_record_read(&got, &other, bytes), SMTPSEC_E_FORMAT);
    ss_buf_free(&out);
    ss_record_free(&record);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("memory/claim");

    SS_TABLE_ROWS(&t, check_key, key_rows);
    SS_TABLE_ROWS(&t, check_bad_key, bad_key_rows);
    SS_TABLE_ROWS(&t, check_zone, zone_rows);
    SS_TABLE_ROWS(&t, check_claim, claim_rows);
    ss_table_case(&t, "a record of as many claims as fit", check_full_record);
    ss_table_case(&t, "claims are kept in order, found and removed", check_order);
    ss_table_case(&t, "any damaged bit and any missing octet is noticed", check_damage);
    ss_table_case(&t, "a record under another's key is noticed", check_other_key);
    return ss_table_run(&t);
}
