/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "memory/many.h"

#include <string.h>

#include "memory/codec.h"
#include "smtpsec.h"

#define VERSION 1

static const char key_text[] = "refusals";

/* Times after now are of a clock that was set back: they say nothing. */
static bool
within(int64_t at, int64_t now, int64_t time)
{
    return at > 0 && at <= now && now - at < time;
}

bool
ss_many_news(const struct ss_many *many, uint32_t domain, int64_t now)
{
    size_t i;

    for (i = 0; i < many->count; i++) {
        if (many->list[i].domain == domain)
            return !within(many->list[i].at, now, SS_MANY_WITHIN);
    }
    return true;
}

/* Where a refusal is noted: the domain's own place, one that says nothing, a new one, or the oldest. */
static struct ss_refusal *
place(struct ss_many *many, uint32_t domain, int64_t now)
{
    struct ss_refusal *oldest = &many->list[0];
    struct ss_refusal *empty = NULL;
    size_t i;

    for (i = 0; i < many->count; i++) {
        if (many->list[i].domain == domain)
            return &many->list[i];
        if (many->list[i].at > now)
            empty = &many->list[i];
        if (many->list[i].at < oldest->at)
            oldest = &many->list[i];
    }
    if (empty != NULL)
        return empty;
    return many->count < SS_MANY_KEPT ? &many->list[many->count++] : oldest;
}

size_t
ss_many_add(struct ss_many *many, uint32_t domain, int64_t now)
{
    struct ss_refusal *refusal;
    size_t distinct = 0;
    size_t i;

    if (now <= 0 || !ss_many_news(many, domain, now))
        return 0;
    refusal = place(many, domain, now);
    refusal->domain = domain;
    refusal->at = now;
    for (i = 0; i < many->count; i++)
        distinct += within(many->list[i].at, now, SS_MANY_WITHIN) ? 1 : 0;
    if (distinct < SS_MANY || within(many->told, now, SS_MANY_EVERY))
        return 0;
    many->told = now;
    return distinct;
}

struct ss_bytes
ss_many_key(void)
{
    struct ss_bytes key = {(const uint8_t *)key_text, sizeof(key_text) - 1};

    return key;
}

void
ss_many_write(struct ss_buf *out, const struct ss_many *many)
{
    size_t start = ss_codec_begin(out, SS_CODEC_REFUSALS, VERSION);
    size_t i;

    ss_buf_put(out, many->key, sizeof(many->key));
    ss_codec_time_write(out, many->told);
    ss_buf_u8(out, (uint8_t)many->count);
    for (i = 0; i < many->count; i++) {
        ss_buf_le32(out, many->list[i].domain);
        ss_codec_time_write(out, many->list[i].at);
    }
    ss_codec_end(out, start, ss_many_key());
}

int
ss_many_read(struct ss_many *many, struct ss_bytes value)
{
    const uint8_t *key;
    struct ss_rd rd;
    size_t i;
    int r;

    memset(many, 0, sizeof(*many));
    r = ss_codec_open(&rd, value, SS_CODEC_REFUSALS, VERSION, ss_many_key());
    if (r != 0)
        return r;
    key = ss_rd_take(&rd, sizeof(many->key));
    if (key != NULL)
        memcpy(many->key, key, sizeof(many->key));
    many->told = ss_codec_time_read(&rd);
    many->count = ss_rd_u8(&rd);
    for (i = 0; i < many->count && i < SS_MANY_KEPT; i++) {
        many->list[i].domain = ss_rd_le32(&rd);
        many->list[i].at = ss_codec_time_read(&rd);
    }
    if (many->count <= SS_MANY_KEPT && ss_rd_done(&rd))
        return 0;
    memset(many, 0, sizeof(*many));
    return SMTPSEC_E_FORMAT;
}
