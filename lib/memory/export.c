/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A line is words with one space between: what it is, then name=value in a
 * fixed order. What is zero or not known is left out. No value holds a space,
 * so that a line can be cut at spaces whatever strangers put into it.
 */
#include "memory/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/name.h"
#include "base/text.h"

#include "memory/claim.h"
#include "memory/sts_entry.h"

/* Every octet of a value may become four. */
#define LONGEST_LINE (4 * SS_STORE_VALUE_MAX + 16384)

static void
put(struct ss_buf *line, const char *text)
{
    ss_buf_put(line, text, strlen(text));
}

static void
begin(struct ss_buf *line, const char *word)
{
    line->len = 0;
    put(line, word);
}

static void
put_word(struct ss_buf *line, const char *name, const char *value)
{
    if (value[0] == '\0')
        return;
    put(line, " ");
    put(line, name);
    put(line, "=");
    put(line, value);
}

static void
put_number(struct ss_buf *line, const char *name, int64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRId64, value);
    put_word(line, name, text);
}

static void
put_time(struct ss_buf *line, const char *name, int64_t time)
{
    if (time != 0)
        put_number(line, name, time);
}

static void
put_name(struct ss_buf *line, const char *name, const struct ss_name *value)
{
    char text[SS_NAME_TEXT];

    ss_name_to_text(value, text);
    put_word(line, name, text);
}

/* Kept as a count of labels, which would tell nobody much. */
static void
put_zone(struct ss_buf *line, const char *name, const struct ss_name *below, uint8_t depth)
{
    struct ss_name zone;

    if (ss_zone_name(below, depth, &zone))
        put_name(line, name, &zone);
}

static void
put_digest(struct ss_buf *line, const char *name, const uint8_t digest[SS_CLAIM_DIGEST])
{
    static const uint8_t zero[SS_CLAIM_DIGEST];
    char hex[2 * SS_CLAIM_DIGEST + 1];

    if (memcmp(digest, zero, sizeof(zero)) == 0)
        return;
    ss_hex_write(hex, digest, SS_CLAIM_DIGEST);
    put_word(line, name, hex);
}

/* Printable ASCII but space and backslash as it is, all else as \xNN. */
static void
put_octets(struct ss_buf *line, const uint8_t *data, size_t len)
{
    char escaped[5];
    size_t i;

    for (i = 0; i < len; i++) {
        if (data[i] > 0x20 && data[i] < 0x7f && data[i] != '\\') {
            ss_buf_u8(line, data[i]);
            continue;
        }
        snprintf(escaped, sizeof(escaped), "\\x%02x", (unsigned)data[i]);
        put(line, escaped);
    }
}

static int
give(struct ss_buf *line, ss_export_line each, void *arg)
{
    ss_buf_u8(line, 0);
    if (!ss_buf_ok(line))
        return SMTPSEC_E_NOMEM;
    return each(arg, (const char *)line->data);
}

/* ---- Claims ---- */

static void
put_key(struct ss_buf *line, const struct ss_memory_key *key)
{
    put_name(line, "domain", &key->domain);
    put_word(line, "route", key->relay.len > 0 ? "relay" : "mx");
    put_name(line, "relay", &key->relay);
    put_number(line, "port", key->port);
}

static void
put_destination(struct ss_buf *line, const struct ss_record *record)
{
    begin(line, "destination");
    put_key(line, &record->key);
    put_time(line, "mx_inception", record->mx_inception);
    put_time(line, "mx_expiration", record->mx_expiration);
    put_zone(line, "mx_zone", &record->key.domain, record->mx_zone);
    put_time(line, "unsigned_since", record->unsigned_since);
    put_time(line, "unsigned_seen", record->unsigned_seen);
    put_time(line, "refused_since", record->refused_since);
    put_time(line, "held_until", record->held_until);
}

static void
put_claim(struct ss_buf *line, const struct ss_record *record, const struct ss_claim *claim)
{
    begin(line, "claim");
    put_key(line, &record->key);
    put_word(line, "kind", smtpsec_claim_name(claim->kind));
    put_name(line, "host", &claim->host);
    put_number(line, "first_seen", claim->first_seen);
    put_number(line, "last_seen", claim->last_seen);
    put_number(line, "counted", claim->counted);
    put_number(line, "days", claim->days);
    put_time(line, "expires", claim->expires);
    put_time(line, "inception", claim->inception);
    put_time(line, "expiration", claim->signature_expiration);
    put_zone(line, "zone", &claim->host, claim->zone);
    put_time(line, "unsigned_since", claim->unsigned_since);
    put_time(line, "unsigned_seen", claim->unsigned_seen);
    put_digest(line, "tlsa", claim->tlsa_digest);
    put_digest(line, "spki", claim->spki_digest);
    put_word(line, "id", claim->sts_id);
}

static int
export_record(struct ss_buf *line, const struct ss_record *record, ss_export_line each, void *arg)
{
    size_t i;
    int r;

    put_destination(line, record);
    r = give(line, each, arg);
    for (i = 0; r == 0 && i < record->count; i++) {
        put_claim(line, record, &record->claims[i]);
        r = give(line, each, arg);
    }
    return r;
}

static int
read_and_export_record(struct ss_buf *line, struct ss_bytes octets, struct ss_bytes value,
                       ss_export_line each, void *arg, int *fault)
{
    struct ss_memory_key key;
    struct ss_record record;
    int r;

    if (!ss_memory_key_read(&key, octets)) {
        *fault = SMTPSEC_E_FORMAT;
        return 0;
    }
    r = ss_record_read(&record, &key, value);
    if (r == 0)
        r = export_record(line, &record, each, arg);
    else if (r != SMTPSEC_E_NOMEM) {
        *fault = r;
        r = 0;
    }
    ss_record_free(&record);
    return r;
}

/* ---- Policies ---- */

static const char *
why(int32_t failed_why)
{
    if (failed_why == 0)
        return "";
    return failed_why == SS_STS_FAILED_GRAMMAR ? "grammar" : smtpsec_failure_name(failed_why);
}

static void
put_policy(struct ss_buf *line, const struct ss_name *domain, const struct ss_sts_entry *entry)
{
    begin(line, "policy");
    put_name(line, "domain", domain);
    put_word(line, "id", entry->id);
    put_time(line, "fetched", entry->fetched);
    put_time(line, "max_age", entry->max_age);
    put_word(line, "failed_id", entry->failed_id);
    put_time(line, "failed_at", entry->failed_at);
    put_time(line, "attempted", entry->attempted);
    put_time(line, "first_used", entry->first_used);
    put_time(line, "used", entry->used);
    put_time(line, "failing_since", entry->failing_since);
    put_word(line, "failed_why", why(entry->failed_why));
    if (entry->len == 0)
        return;
    put(line, " text=");
    put_octets(line, entry->body, entry->len);
}

static int
read_and_export_policy(struct ss_buf *line, struct ss_bytes octets, struct ss_bytes value,
                       ss_export_line each, void *arg, int *fault)
{
    struct ss_sts_entry entry;
    struct ss_name domain;
    int r;

    if (!ss_name_from_wire(&domain, octets.data, octets.len)) {
        *fault = SMTPSEC_E_FORMAT;
        return 0;
    }
    r = ss_sts_entry_read(&entry, octets, value);
    if (r == 0) {
        put_policy(line, &domain, &entry);
        r = give(line, each, arg);
    } else if (r != SMTPSEC_E_NOMEM) {
        *fault = r;
        r = 0;
    }
    ss_sts_entry_free(&entry);
    return r;
}

/* ---- One entry ---- */

static void
put_damaged(struct ss_buf *line, enum ss_store_table table, struct ss_bytes key, int fault)
{
    char octet[3];
    size_t i;

    begin(line, fault == SMTPSEC_E_VERSION ? "# newer entry" : "# damaged entry");
    put_word(line, "table", table == SS_TABLE_POLICIES ? "policies" : "claims");
    put(line, " key=");
    for (i = 0; i < key.len; i++) {
        ss_hex_write(octet, key.data + i, 1);
        put(line, octet);
    }
}

int
ss_export_entry(enum ss_store_table table, struct ss_bytes key, struct ss_bytes value,
                ss_export_line line, void *arg, bool *damaged)
{
    struct ss_buf text;
    int fault = 0;
    int r;

    ss_buf_init(&text, LONGEST_LINE);
    if (table == SS_TABLE_POLICIES)
        r = read_and_export_policy(&text, key, value, line, arg, &fault);
    else
        r = read_and_export_record(&text, key, value, line, arg, &fault);
    if (damaged != NULL && fault != 0)
        *damaged = true;
    if (r == 0 && fault != 0) {
        put_damaged(&text, table, key, fault);
        r = give(&text, line, arg);
    }
    ss_buf_free(&text);
    return r;
}
