/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Stored values: what the readers accept must come out of the writers octet
 * by octet, and the rules must be able to live with it. The first octet
 * chooses; for 2 and 3 the checksum is made right, or nothing would get past it.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory/claim.h"
#include "memory/codec.h"
#include "memory/rules.h"
#include "memory/store.h"
#include "memory/sts_entry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
same(const struct ss_buf *written, struct ss_bytes value)
{
    if (!ss_buf_ok(written) || written->len != value.len ||
        memcmp(written->data, value.data, value.len) != 0)
        abort();
}

static void
live_with(struct ss_record *record)
{
    struct ss_observation seen = { .what = SS_OBSERVED_DELIVERY, .at = INT64_C(1750000000),
                                   .tls = true };
    struct ss_memory_settings settings;
    struct ss_floors floors;
    struct ss_record again;
    struct ss_buf out;
    enum ss_observed what;
    bool changed;

    ss_memory_settings_init(&settings);
    ss_floors_for_domain(record, &settings, seen.at, &floors);
    if (record->count > 0)
        seen.host = record->claims[record->count - 1].host;
    ss_floors_for_host(record, &settings, &seen.host, false, seen.at, &floors);
    for (what = SS_OBSERVED_TLSA; what <= SS_OBSERVED_SIGNED; what++) {
        seen.what = what;
        seen.expires = seen.at + 3600;
        seen.inception = seen.at - 3600;
        if (ss_record_observe(record, &settings, &seen, &changed) != 0)
            return;
    }
    seen.what = SS_OBSERVED_DELIVERY;
    if (ss_record_observe(record, &settings, &seen, &changed) != 0)
        return;
    /* What the rules make of a good record must be good too. */
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_record_write(&out, record);
    if (ss_record_read(&again, &record->key, (struct ss_bytes){ out.data, out.len }) != 0)
        abort();
    ss_record_free(&again);
    ss_buf_free(&out);
}

static void
survives(const struct ss_buf *written, const struct ss_record *record)
{
    struct ss_bytes bytes = { written->data, written->len };
    struct ss_record again;
    int code = ss_buf_ok(written) ? ss_record_read(&again, &record->key, bytes) : SMTPSEC_E_NOMEM;

    if (code == SMTPSEC_E_NOMEM)
        return;
    if (code != 0 || again.count != record->count ||
        (again.count > 0 && memcmp(again.claims, record->claims,
                                   again.count * sizeof(*again.claims)) != 0))
        abort();
    ss_record_free(&again);
}

/* Written as the present version writes it, or as an older one did? */
static bool
of_this_version(struct ss_bytes value, const struct ss_buf *written)
{
    return ss_buf_ok(written) && value.data[1] == written->data[1];
}

static void
try_record(struct ss_bytes value, const struct ss_memory_key *key)
{
    struct ss_record record;
    struct ss_buf out;

    if (ss_record_read(&record, key, value) != 0)
        return;
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_record_write(&out, &record);
    if (of_this_version(value, &out))
        same(&out, value);
    else
        survives(&out, &record);
    ss_buf_free(&out);
    live_with(&record);
    ss_record_free(&record);
}

static void
entry_survives(const struct ss_buf *written)
{
    const struct ss_bytes none = { NULL, 0 }, bytes = { written->data, written->len };
    struct ss_sts_entry again;
    struct ss_buf out;
    int code = ss_buf_ok(written) ? ss_sts_entry_read(&again, none, bytes) : SMTPSEC_E_NOMEM;

    if (code == SMTPSEC_E_NOMEM)
        return;
    if (code != 0)
        abort();
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_sts_entry_write(&out, none, &again);
    same(&out, bytes);
    ss_buf_free(&out);
    ss_sts_entry_free(&again);
}

static void
try_entry(struct ss_bytes value)
{
    struct ss_sts_entry entry;
    struct ss_buf out;

    if (ss_sts_entry_read(&entry, (struct ss_bytes){ NULL, 0 }, value) != 0)
        return;
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_sts_entry_write(&out, (struct ss_bytes){ NULL, 0 }, &entry);
    if (of_this_version(value, &out))
        same(&out, value);
    else if (entry.len <= SS_STORE_VALUE_MAX)
        entry_survives(&out);
    (void)ss_sts_entry_live(&entry, 1750000000);
    ss_buf_free(&out);
    ss_sts_entry_free(&entry);
}

static void
try_key(struct ss_bytes octets)
{
    struct ss_memory_key key;
    struct ss_buf out;

    if (!ss_memory_key_read(&key, octets))
        return;
    ss_buf_init(&out, SIZE_MAX / 2);
    ss_memory_key_write(&out, &key);
    same(&out, octets);
    ss_buf_free(&out);
}

/* The value with a checksum that is right. */
static void
seal(struct ss_buf *out, struct ss_bytes value, const struct ss_memory_key *key)
{
    struct ss_buf octets;

    ss_buf_init(&octets, 600);
    if (key != NULL)
        ss_memory_key_write(&octets, key);
    ss_buf_init(out, SIZE_MAX / 2);
    ss_buf_put(out, value.data, value.len);
    ss_codec_end(out, 0, (struct ss_bytes){ octets.data, octets.len });
    ss_buf_free(&octets);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_memory_key key = { .port = 25 };
    struct ss_bytes rest;
    struct ss_buf sealed;

    if (size < 2 || !ss_name_from_text(&key.domain, "d.test", 6))
        return 0;
    rest = (struct ss_bytes){ data + 1, size - 1 };
    switch (data[0]) {
    case 0:
        try_record(rest, &key);
        break;
    case 1:
        try_entry(rest);
        break;
    case 2:
        seal(&sealed, rest, &key);
        try_record((struct ss_bytes){ sealed.data, sealed.len }, &key);
        ss_buf_free(&sealed);
        break;
    case 3:
        seal(&sealed, rest, NULL);
        try_entry((struct ss_bytes){ sealed.data, sealed.len });
        ss_buf_free(&sealed);
        break;
    default:
        try_key(rest);
        break;
    }
    return 0;
}
