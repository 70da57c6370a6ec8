/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/pem.h"

#include <string.h>

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

enum { PAD = 64, BLANK = 65, WRONG = 66 };

static void
drop(struct ss_bytes *text, const uint8_t *to)
{
    text->len -= (size_t)(to - text->data);
    text->data = to;
}

bool
ss_pem_next(struct ss_bytes *text, struct ss_bytes *base64)
{
    const uint8_t *mark;

    if (text->data == NULL)
        return false;
    mark = memmem(text->data, text->len, begin_mark, sizeof(begin_mark) - 1);
    if (mark == NULL)
        return false;
    drop(text, mark + sizeof(begin_mark) - 1);
    mark = memmem(text->data, text->len, end_mark, sizeof(end_mark) - 1);
    if (mark == NULL)
        return false;
    base64->data = text->data;
    base64->len = (size_t)(mark - text->data);
    drop(text, mark + sizeof(end_mark) - 1);
    return true;
}

size_t
ss_pem_room(size_t characters)
{
    return characters / 4 * 3 + 3;
}

/* Of the 128 characters: without a jump for each, since a bundle has a quarter of a million. */
static const uint8_t values[128] = {
    WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, BLANK, BLANK, BLANK, BLANK,
    BLANK, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG,
    WRONG, WRONG, WRONG, WRONG, WRONG, WRONG, BLANK, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG,
    WRONG, WRONG, WRONG, WRONG, 62, WRONG, WRONG, WRONG, 63, 52, 53, 54, 55, 56, 57, 58, 59, 60,
    61, WRONG, WRONG, WRONG, PAD, WRONG, WRONG, WRONG, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, WRONG, WRONG, WRONG, WRONG, WRONG, WRONG,
    26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
    50, 51, WRONG, WRONG, WRONG, WRONG, WRONG,
};

static unsigned
value_of(uint8_t c)
{
    return c < sizeof(values) ? values[c] : WRONG;
}

/* What has been read of a group of four characters. */
struct group {
    uint32_t bits;
    unsigned count;
    unsigned pads;
};

/* True while all is well; a character after the pads is not. */
static bool
take(struct group *group, unsigned value)
{
    if (value == BLANK)
        return true;
    if (value == WRONG || (value == PAD ? group->count < 2 : group->pads > 0))
        return false;
    group->pads += value == PAD;
    group->bits = group->bits << 6 | (value & 63);
    group->count++;
    return true;
}

static uint8_t *
put(uint8_t *out, const struct group *group)
{
    out[0] = (uint8_t)(group->bits >> 16);
    out[1] = (uint8_t)(group->bits >> 8);
    out[2] = (uint8_t)group->bits;
    return out + 3 - group->pads;
}

/* Whole groups without blanks or pads, as long as there are any: most of a text. */
static size_t
put_plain(struct ss_bytes text, uint8_t **out)
{
    uint8_t *at = *out;
    size_t i;

    for (i = 0; i + 4 <= text.len; i += 4) {
        const uint8_t *c = text.data + i;
        unsigned a = value_of(c[0]), b = value_of(c[1]), d = value_of(c[2]), e = value_of(c[3]);

        if ((a | b | d | e) >= PAD)
            break;
        *at++ = (uint8_t)(a << 2 | b >> 4);
        *at++ = (uint8_t)(b << 4 | d >> 2);
        *at++ = (uint8_t)(d << 6 | e);
    }
    *out = at;
    return i;
}

bool
ss_pem_decode(struct ss_bytes base64, uint8_t *out, size_t *len)
{
    struct group group = {0, 0, 0};
    uint8_t *at = out;

    while (base64.len > 0) {
        bool whole = group.count == 0;
        size_t plain = whole && group.pads == 0 ? put_plain(base64, &at) : 0;

        drop(&base64, base64.data + plain);
        if (base64.len == 0)
            break;
        /* Only blanks may follow the pads. */
        if ((whole && group.pads > 0 && value_of(base64.data[0]) != BLANK) ||
            !take(&group, value_of(base64.data[0])))
            return false;
        drop(&base64, base64.data + 1);
        if (group.count == 4) {
            at = put(at, &group);
            group.count = 0;
            group.bits = 0;
        }
    }
    *len = (size_t)(at - out);
    return group.count == 0;
}
