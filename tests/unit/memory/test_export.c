/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries as canonical text. */
#include "store_support.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "memory/claim.h"
#include "memory/codec.h"
#include "memory/export.h"
#include "memory/sts_entry.h"

#define T INT64_C(1800000000)

static struct ss_name
name(const char *text)
{
    struct ss_name out;

    memset(&out, 0, sizeof(out));
    if (text[0] != '\0')
        assert_true(ss_name_from_text(&out, text, strlen(text)));
    return out;
}

static struct ss_memory_key
key_of(const char *domain, const char *relay, uint16_t port)
{
    struct ss_memory_key key;

    memset(&key, 0, sizeof(key));
    key.domain = name(domain);
    key.relay = name(relay);
    key.port = port;
    return key;
}

/* ---- What comes out ---- */

static char text[600 * 1024];

static int
keep_line(void *arg, const char *line)
{
    (void)arg;
    assert_true(strlen(text) + strlen(line) + 2 < sizeof(text));
    strcat(text, line);
    strcat(text, "\n");
    return 0;
}

static bool
export_entry(enum ss_store_table table, const struct ss_buf *key, const struct ss_buf *value)
{
    struct ss_bytes k = {key->data, key->len}, v = {value->data, value->len};
    bool damaged = false;

    text[0] = '\0';
    assert_int_equal(ss_export_entry(table, k, v, keep_line, NULL, &damaged), 0);
    return damaged;
}

static void
export_record(const struct ss_record *record)
{
    struct ss_buf key, value;

    ss_buf_init(&key, 4096);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    ss_memory_key_write(&key, &record->key);
    ss_record_write(&value, record);
    assert_true(ss_buf_ok(&key) && ss_buf_ok(&value));
    assert_false(export_entry(SS_TABLE_CLAIMS, &key, &value));
    ss_buf_free(&key);
    ss_buf_free(&value);
}

static struct ss_claim *
add(struct ss_record *record, int32_t kind, const char *host)
{
    struct ss_name of = name(host);
    struct ss_claim *claim = ss_record_add(record, kind, &of);

    assert_non_null(claim);
    claim->first_seen = T;
    claim->last_seen = T + SS_DAY;
    claim->counted = T + SS_DAY;
    claim->days = 2;
    return claim;
}

static void
dane_claim_is_shown(void **state)
{
    struct ss_memory_key key = key_of("d.test", "", 25);
    struct ss_record record;
    struct ss_claim *claim;

    (void)state;
    ss_record_init(&record, &key);
    record.mx_inception = T - 5;
    record.mx_expiration = T + 5;
    record.mx_zone = 2;
    record.unsigned_since = T + 1;
    record.unsigned_seen = T + 2;
    claim = add(&record, SMTPSEC_CLAIM_DANE, "mx.d.test");
    claim->expires = T + 7;
    claim->inception = T - 9;
    claim->signature_expiration = T + 9;
    claim->zone = 1;
    claim->unsigned_since = T + 3;
    claim->unsigned_seen = T + 4;
    claim->tlsa_digest[0] = 0xab;
    claim->spki_digest[SS_CLAIM_DIGEST - 1] = 1;
    export_record(&record);
    assert_string_equal(
        text,
        "destination domain=d.test route=mx port=25 mx_inception=1799999995 "
        "mx_expiration=1800000005 mx_zone=d.test unsigned_since=1800000001 unsigned_seen=1800000002\n"
        "claim domain=d.test route=mx port=25 kind=dane host=mx.d.test first_seen=1800000000 "
        "last_seen=1800086400 counted=1800086400 days=2 expires=1800000007 inception=1799999991 "
        "expiration=1800000009 zone=test unsigned_since=1800000003 unsigned_seen=1800000004 "
        "tlsa=ab00000000000000 "
        "spki=0000000000000001\n");
    ss_record_free(&record);
}

static void
what_is_not_known_is_left_out(void **state)
{
    struct ss_memory_key key = key_of("relay.test", "relay.test", 587);
    struct ss_record record;

    (void)state;
    ss_record_init(&record, &key);
    record.refused_since = T;
    record.held_until = T + 1;
    strcpy(add(&record, SMTPSEC_CLAIM_MTA_STS, "")->sts_id, "20260101");
    export_record(&record);
    assert_string_equal(
        text, "destination domain=relay.test route=relay relay=relay.test port=587 "
              "refused_since=1800000000 held_until=1800000001\n"
              "claim domain=relay.test route=relay relay=relay.test port=587 kind=mta-sts "
              "first_seen=1800000000 last_seen=1800086400 counted=1800086400 days=2 id=20260101\n");
    ss_record_free(&record);
}

static void
strangers_names_are_escaped(void **state)
{
    static const uint8_t wire[] = {4, 'a', ' ', '=', '\n', 4, 't', 'e', 's', 't', 0};
    struct ss_memory_key key = key_of("d.test", "", 25);
    struct ss_record record;
    struct ss_claim *claim;
    struct ss_name host;

    (void)state;
    ss_record_init(&record, &key);
    assert_true(ss_name_from_wire(&host, wire, sizeof(wire)));
    claim = ss_record_add(&record, SMTPSEC_CLAIM_ENCRYPTED, &host);
    assert_non_null(claim);
    claim->first_seen = claim->last_seen = claim->counted = T;
    claim->days = 1;
    export_record(&record);
    assert_non_null(strstr(text, " host=a\\032\\061\\010.test "));
    ss_record_free(&record);
}

/* ---- Policies ---- */

static bool
export_policy(struct ss_sts_entry *entry)
{
    struct ss_name domain = name("d.test");
    struct ss_buf key, value;
    bool damaged;

    ss_buf_init(&key, 4096);
    ss_buf_init(&value, SS_STORE_VALUE_MAX);
    ss_buf_put(&key, domain.wire, domain.len);
    ss_sts_entry_write(&value, (struct ss_bytes){ key.data, key.len }, entry);
    assert_true(ss_buf_ok(&value));
    damaged = export_entry(SS_TABLE_POLICIES, &key, &value);
    ss_buf_free(&key);
    ss_buf_free(&value);
    return damaged;
}

static void
policy_text_stays_on_one_line(void **state)
{
    uint8_t body[] = "mode: x\r\n\\\x00\xff~";
    struct ss_sts_entry entry;

    (void)state;
    ss_sts_entry_init(&entry);
    strcpy(entry.id, "1");
    strcpy(entry.failed_id, "2");
    entry.fetched = T;
    entry.max_age = 86400;
    entry.failed_at = T + 1;
    entry.attempted = T + 2;
    entry.first_used = T - 3;
    entry.used = T + 3;
    entry.failing_since = T + 4;
    entry.failed_why = SMTPSEC_FAILURE_HTTP_STATUS;
    entry.body = body;
    entry.len = sizeof(body) - 1;
    assert_false(export_policy(&entry));
    assert_string_equal(text, "policy domain=d.test id=1 fetched=1800000000 max_age=86400 "
                              "failed_id=2 "
                              "failed_at=1800000001 attempted=1800000002 first_used=1799999997 "
                              "used=1800000003 "
                              "failing_since=1800000004 failed_why=http-status "
                              "text=mode:\\x20x\\x0d\\x0a\\x5c\\x00\\xff~\n");
}

static void
failure_without_a_policy_is_shown(void **state)
{
    struct ss_sts_entry entry;

    (void)state;
    ss_sts_entry_init(&entry);
    entry.attempted = T;
    assert_false(export_policy(&entry));
    assert_string_equal(text, "policy domain=d.test attempted=1800000000\n");
}

static void
longest_policy_fits(void **state)
{
    struct ss_sts_entry entry;
    size_t len = SS_STORE_VALUE_MAX - 64;

    (void)state;
    ss_sts_entry_init(&entry);
    strcpy(entry.id, "1");
    entry.body = malloc(len);
    assert_non_null(entry.body);
    entry.len = len;
    memset(entry.body, '\n', len);
    assert_false(export_policy(&entry));
    assert_int_equal(strlen(text), strlen("policy domain=d.test id=1 text=\n") + 4 * len);
    free(entry.body);
}

/* ---- Damage ---- */

struct damage {
    const char *name;
    enum ss_store_table table;
    const char *key; /* hex */
    int version;     /* of a value that is whole; 0: a value that is not */
    const char *want;
};

static const struct damage damages[] = {
    {"a claim's value", SS_TABLE_CLAIMS, "0164047465737400" "00", 0,
     "# damaged entry table=claims key=016404746573740000\n"},
    {"a claim's key", SS_TABLE_CLAIMS, "ff", 1, "# damaged entry table=claims key=ff\n"},
    {"a policy's value", SS_TABLE_POLICIES, "0164047465737400", 0,
     "# damaged entry table=policies key=0164047465737400\n"},
    {"a policy's key", SS_TABLE_POLICIES, "05", 1, "# damaged entry table=policies key=05\n"},
    {"an empty key", SS_TABLE_POLICIES, "", 1, "# damaged entry table=policies key=\n"},
    {"a newer policy", SS_TABLE_POLICIES, "0164047465737400", 99,
     "# newer entry table=policies key=0164047465737400\n"},
};

static void
damage_is_a_comment(void **state)
{
    const struct damage *row = *state;
    uint8_t octets[64];
    struct ss_buf key, value;
    size_t start;

    ss_buf_init(&key, 64);
    ss_buf_init(&value, 64);
    assert_true(ss_hex_read(ss_text_of(row->key), octets, strlen(row->key) / 2));
    ss_buf_put(&key, octets, strlen(row->key) / 2);
    start = ss_codec_begin(&value, SS_CODEC_POLICY, (uint8_t)row->version);
    ss_codec_end(&value, start, (struct ss_bytes){ key.data, key.len });
    if (row->version == 0)
        value.data[value.len - 1] ^= 1;
    assert_true(export_entry(row->table, &key, &value));
    assert_string_equal(text, row->want);
    ss_buf_free(&key);
    ss_buf_free(&value);
}

static int
stop_at_once(void *arg, const char *line)
{
    (void)line;
    ++*(int *)arg;
    return 7;
}

static void
line_may_stop_it(void **state)
{
    struct ss_memory_key key = key_of("d.test", "", 25);
    struct ss_buf octets, value;
    struct ss_bytes k, v;
    struct ss_record record;
    int lines = 0;

    (void)state;
    ss_record_init(&record, &key);
    add(&record, SMTPSEC_CLAIM_ENCRYPTED, "a.test");
    ss_buf_init(&octets, 4096);
    ss_buf_init(&value, 4096);
    ss_memory_key_write(&octets, &key);
    ss_record_write(&value, &record);
    k = (struct ss_bytes){octets.data, octets.len};
    v = (struct ss_bytes){value.data, value.len};
    assert_int_equal(ss_export_entry(SS_TABLE_CLAIMS, k, v, stop_at_once, &lines, NULL), 7);
    assert_int_equal(lines, 1);
    ss_record_free(&record);
    ss_buf_free(&octets);
    ss_buf_free(&value);
}

int
main(void)
{
    struct ss_test_table table = SS_TABLE("export");

    ss_table_case(&table, "a DANE claim with all it rests on", dane_claim_is_shown);
    ss_table_case(&table, "what is not known is left out; a relay's route",
                  what_is_not_known_is_left_out);
    ss_table_case(&table, "a stranger's name cannot end a word", strangers_names_are_escaped);
    ss_table_case(&table, "a policy's text stays on one line", policy_text_stays_on_one_line);
    ss_table_case(&table, "a failure without a policy", failure_without_a_policy_is_shown);
    ss_table_case(&table, "the longest policy fits", longest_policy_fits);
    ss_table_case(&table, "who takes lines may stop", line_may_stop_it);
    SS_TABLE_ROWS(&table, damage_is_a_comment, damages);
    return ss_table_run(&table);
}
