/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Envelope (codec.h) around: flags le16, [id], [failed id], [why u8], the times
 * that flags name, length le32, body. As for claims there is one form for each
 * entry, and the reader refuses others. Version 2 did not say why a fetch
 * failed; version 1 had flags of one octet, no day of the first use, and a
 * checksum without the key.
 */
#include "memory/sts_entry.h"

#include <stdlib.h>
#include <string.h>

#include "memory/codec.h"
#include "memory/store.h"
#include "smtpsec.h"

#define ENTRY_VERSION 3

enum {
    HAS_ID = 1,
    HAS_FAILED_ID = 2,
    HAS_FETCHED = 4,
    HAS_MAX_AGE = 8,
    HAS_FAILED_AT = 16,
    HAS_ATTEMPTED = 32,
    HAS_USED = 64,
    HAS_FAILING_SINCE = 128,
    HAS_FIRST_USED = 256,
    HAS_FAILED_WHY = 512
};

void
ss_sts_entry_init(struct ss_sts_entry *entry)
{
    memset(entry, 0, sizeof(*entry));
}

void
ss_sts_entry_free(struct ss_sts_entry *entry)
{
    if (entry == NULL)
        return;
    free(entry->body);
    entry->body = NULL;
    entry->len = 0;
}

int
ss_sts_entry_copy(struct ss_sts_entry *out, const struct ss_sts_entry *entry)
{
    uint8_t *body = NULL;

    ss_sts_entry_init(out);
    if (entry->len > 0) {
        body = malloc(entry->len);
        if (body == NULL)
            return SMTPSEC_E_NOMEM;
        memcpy(body, entry->body, entry->len);
    }
    *out = *entry;
    out->body = body;
    return 0;
}

bool
ss_sts_entry_live(const struct ss_sts_entry *entry, int64_t now)
{
    if (entry->id[0] == '\0' || entry->len == 0)
        return false;
    /* STSA-12, RFC 8461 3.2: the life counts from the fetch; a clock set back must not end it. */
    if (entry->fetched >= now)
        return true;
    return (uint64_t)now - (uint64_t)entry->fetched <=
           (uint64_t)(entry->max_age > 0 ? entry->max_age : 0);
}

void
ss_sts_entry_use(struct ss_sts_entry *entry, int64_t day)
{
    if (entry->first_used == 0)
        entry->first_used = entry->used != 0 ? entry->used : day;
    entry->used = day;
}

static unsigned
flags_of(const struct ss_sts_entry *entry)
{
    unsigned flags = 0;

    flags |= entry->id[0] != '\0' ? HAS_ID : 0;
    flags |= entry->failed_id[0] != '\0' ? HAS_FAILED_ID : 0;
    flags |= entry->failed_why != 0 ? HAS_FAILED_WHY : 0;
    flags |= ss_codec_time_flag(entry->fetched, HAS_FETCHED);
    flags |= ss_codec_time_flag(entry->max_age, HAS_MAX_AGE);
    flags |= ss_codec_time_flag(entry->failed_at, HAS_FAILED_AT);
    flags |= ss_codec_time_flag(entry->attempted, HAS_ATTEMPTED);
    flags |= ss_codec_time_flag(entry->used, HAS_USED);
    flags |= ss_codec_time_flag(entry->failing_since, HAS_FAILING_SINCE);
    flags |= ss_codec_time_flag(entry->first_used, HAS_FIRST_USED);
    return flags;
}

void
ss_sts_entry_write(struct ss_buf *out, struct ss_bytes key, const struct ss_sts_entry *entry)
{
    const int64_t times[] = { entry->fetched, entry->max_age, entry->failed_at, entry->attempted,
                              entry->used, entry->failing_since, entry->first_used };
    unsigned flags = flags_of(entry);
    size_t start = ss_codec_begin(out, SS_CODEC_POLICY, ENTRY_VERSION);
    size_t i;

    ss_buf_le16(out, (uint16_t)flags);
    if (flags & HAS_ID)
        ss_codec_id_write(out, entry->id);
    if (flags & HAS_FAILED_ID)
        ss_codec_id_write(out, entry->failed_id);
    if (flags & HAS_FAILED_WHY)
        ss_buf_u8(out, (uint8_t)entry->failed_why);
    for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        if (times[i] > 0)
            ss_codec_time_write(out, times[i]);
    }
    if (entry->len > SS_STORE_VALUE_MAX)
        out->full = true;
    ss_buf_le32(out, (uint32_t)entry->len);
    ss_buf_put(out, entry->body, entry->len);
    ss_codec_end(out, start, key);
}

static int
read_policy(struct ss_sts_entry *entry, struct ss_rd *rd)
{
    size_t len = ss_rd_le32(rd);
    const uint8_t *body = ss_rd_take(rd, len);

    if (body == NULL || !ss_rd_done(rd))
        return SMTPSEC_E_FORMAT;
    if (len == 0)
        return 0;
    entry->body = malloc(len);
    if (entry->body == NULL)
        return SMTPSEC_E_NOMEM;
    memcpy(entry->body, body, len);
    entry->len = len;
    return 0;
}

static int
read_entry(struct ss_sts_entry *entry, struct ss_rd *rd, unsigned version)
{
    unsigned flags = version == 1 ? ss_rd_u8(rd) : ss_rd_le16(rd);
    unsigned most = version < 3 ? HAS_FIRST_USED : HAS_FAILED_WHY;

    if (flags > (most << 1) - 1)
        return SMTPSEC_E_FORMAT;
    if (flags & HAS_ID)
        ss_codec_id_read(rd, entry->id);
    if (flags & HAS_FAILED_ID)
        ss_codec_id_read(rd, entry->failed_id);
    if (flags & HAS_FAILED_WHY) {
        entry->failed_why = ss_rd_u8(rd);
        rd->bad = rd->bad || entry->failed_why == 0;
    }
    entry->fetched = ss_codec_time_read_if(rd, flags, HAS_FETCHED);
    entry->max_age = ss_codec_time_read_if(rd, flags, HAS_MAX_AGE);
    entry->failed_at = ss_codec_time_read_if(rd, flags, HAS_FAILED_AT);
    entry->attempted = ss_codec_time_read_if(rd, flags, HAS_ATTEMPTED);
    entry->used = ss_codec_time_read_if(rd, flags, HAS_USED);
    entry->failing_since = ss_codec_time_read_if(rd, flags, HAS_FAILING_SINCE);
    entry->first_used = ss_codec_time_read_if(rd, flags, HAS_FIRST_USED);
    return read_policy(entry, rd);
}

int
ss_sts_entry_read(struct ss_sts_entry *entry, struct ss_bytes key, struct ss_bytes bytes)
{
    struct ss_rd rd;
    int rc;

    ss_sts_entry_init(entry);
    if (bytes.len > 1 && bytes.data[1] == 1)
        key.len = 0;
    rc = ss_codec_open(&rd, bytes, SS_CODEC_POLICY, ENTRY_VERSION, key);
    if (rc == 0)
        rc = read_entry(entry, &rd, bytes.data[1]);
    if (rc != 0) {
        ss_sts_entry_free(entry);
        ss_sts_entry_init(entry);
    }
    return rc;
}
