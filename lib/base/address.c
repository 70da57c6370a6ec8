/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

struct range {
    uint8_t prefix[4];
    uint8_t bits;
};

/*
 * The special-purpose IPv4 registry (RFC 6890) as far as something of ours, or
 * nothing at all, can stand behind it. The documentation blocks are left out:
 * they lead nowhere.
 */
static const struct range inside4[] = {
    { { 0, 0, 0, 0 }, 8 },        /* this network, unspecified */
    { { 10, 0, 0, 0 }, 8 },       /* RFC 1918 */
    { { 100, 64, 0, 0 }, 10 },    /* RFC 6598 */
    { { 127, 0, 0, 0 }, 8 },      /* loopback */
    { { 169, 254, 0, 0 }, 16 },   /* link-local, RFC 3927 */
    { { 172, 16, 0, 0 }, 12 },    /* RFC 1918 */
    { { 192, 0, 0, 0 }, 24 },     /* IETF protocol assignments, RFC 6890 */
    { { 192, 168, 0, 0 }, 16 },   /* RFC 1918 */
    { { 198, 18, 0, 0 }, 15 },    /* benchmarking, RFC 2544 */
    { { 224, 0, 0, 0 }, 4 },      /* multicast */
    { { 240, 0, 0, 0 }, 4 },      /* reserved, broadcast */
};

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t nat64[12] = { 0, 0x64, 0xff, 0x9b };

bool
ss_address_from_text(struct ss_address *address, const char *text)
{
    struct ss_address made = { 0 };

    memset(address, 0, sizeof(*address));
    if (text == NULL)
        return false;
    if (inet_pton(AF_INET, text, made.octets) == 1)
        made.family = 4;
    else if (inet_pton(AF_INET6, text, made.octets) == 1)
        made.family = 6;
    else
        return false;
    *address = made;
    return true;
}

/* As inet_ntop() does, which takes printf() for it. */
static void
write_v4(const uint8_t octets[4], char *out)
{
    size_t i, at = 0;

    for (i = 0; i < 4; i++) {
        if (octets[i] >= 100)
            out[at++] = (char)('0' + octets[i] / 100);
        if (octets[i] >= 10)
            out[at++] = (char)('0' + octets[i] / 10 % 10);
        out[at++] = (char)('0' + octets[i] % 10);
        out[at++] = i < 3 ? '.' : '\0';
    }
}

static size_t
write_group(uint16_t group, char *out)
{
    static const char digits[] = "0123456789abcdef";
    int shift = 12;
    size_t at = 0;

    while (shift > 0 && group >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        out[at++] = digits[group >> shift & 15];
    return at;
}

/* RFC 5952 section 4: the first of the longest runs of two or more zeros becomes "::". */
static void
write_v6(const uint8_t octets[16], char *out)
{
    size_t i, k, at = 0, run = 8, run_len = 1;

    for (i = 0; i < 8; i = k + 1) {
        for (k = i; k < 8 && octets[2 * k] == 0 && octets[2 * k + 1] == 0; k++)
            continue;
        if (k - i > run_len) {
            run = i;
            run_len = k - i;
        }
    }
    for (i = 0; i < 8; i++) {
        if (i == run) {
            out[at++] = ':';
            i += run_len - 1;
            if (i == 7)
                out[at++] = ':';
            continue;
        }
        if (i > 0)
            out[at++] = ':';
        at += write_group((uint16_t)(octets[2 * i] << 8 | octets[2 * i + 1]), out + at);
    }
    out[at] = '\0';
}

void
ss_address_to_text(const struct ss_address *address, char out[SS_ADDRESS_TEXT])
{
    out[0] = '\0';
    if (address->family == 4)
        write_v4(address->octets, out);
    else if (address->family == 6 && memcmp(address->octets, mapped, 10) != 0)
        write_v6(address->octets, out);
    else if (address->family == 6) /* an IPv4 address may stand in it */
        (void)inet_ntop(AF_INET6, address->octets, out, SS_ADDRESS_TEXT);
}

static bool
is_loopback4(const uint8_t octets[4])
{
    return octets[0] == 127;
}

bool
ss_address_is_loopback(const struct ss_address *address)
{
    static const uint8_t one[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

    if (address->family == 4)
        return is_loopback4(address->octets);
    if (address->family != 6)
        return false;
    if (memcmp(address->octets, mapped, sizeof(mapped)) == 0)
        return is_loopback4(address->octets + 12);
    return memcmp(address->octets, one, sizeof(one)) == 0;
}

static bool
in_range(const uint8_t octets[4], const struct range *range)
{
    uint32_t a = (uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
                 (uint32_t)octets[2] << 8 | octets[3];
    uint32_t b = (uint32_t)range->prefix[0] << 24 | (uint32_t)range->prefix[1] << 16 |
                 (uint32_t)range->prefix[2] << 8 | range->prefix[3];

    return (a ^ b) >> (32 - range->bits) == 0;
}

static bool
is_inside4(const uint8_t octets[4])
{
    size_t i;

    for (i = 0; i < sizeof(inside4) / sizeof(inside4[0]); i++)
        if (in_range(octets, &inside4[i]))
            return true;
    return false;
}

static bool
is_inside6(const uint8_t octets[16])
{
    if (memcmp(octets, mapped, sizeof(mapped)) == 0 || memcmp(octets, nat64, sizeof(nat64)) == 0)
        return is_inside4(octets + 12);
    /* Global unicast is 2000::/3 (RFC 4291 2.4); loopback, ULA, link-local, multicast are not. */
    if ((octets[0] & 0xe0) != 0x20)
        return true;
    /* 6to4, RFC 3056. */
    if (octets[0] == 0x20 && octets[1] == 0x02)
        return is_inside4(octets + 2);
    /* 2001::/23, protocol assignments (RFC 2928): Teredo, benchmarking, ORCHID. */
    return octets[0] == 0x20 && octets[1] == 0x01 && (octets[2] & 0xfe) == 0;
}

bool
ss_address_is_inside(const struct ss_address *address)
{
    if (address->family == 4)
        return is_inside4(address->octets);
    /* What is no address leads nowhere we want to go. */
    return address->family != 6 || is_inside6(address->octets);
}

int
ss_address_compare(const struct ss_address *a, const struct ss_address *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->octets, b->octets, a->family == 4 ? 4 : sizeof(a->octets));
}
