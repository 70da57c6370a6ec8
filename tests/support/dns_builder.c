/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns_builder.h"

#include <arpa/inet.h>
#include <ldns/sha1.h>
#include <stdlib.h>
#include <string.h>

/* Rdata under construction. */
struct rdata {
    size_t len;
    uint8_t octets[65535];
};

static void
put(uint8_t *octets, size_t *at, const void *data, size_t len)
{
    if (len > 65535 - *at)
        abort();
    if (len > 0)
        memcpy(octets + *at, data, len);
    *at += len;
}

static void
put16(uint8_t *octets, size_t *at, uint16_t v)
{
    uint8_t two[2] = { (uint8_t)(v >> 8), (uint8_t)(v & 0xff) };

    put(octets, at, two, 2);
}

static void
put32(uint8_t *octets, size_t *at, uint32_t v)
{
    put16(octets, at, (uint16_t)(v >> 16));
    put16(octets, at, (uint16_t)(v & 0xffff));
}

static void
put_name(uint8_t *octets, size_t *at, const char *name)
{
    size_t len;
    uint8_t head;

    while (*name != '\0' && strcmp(name, ".") != 0) {
        len = strcspn(name, ".");
        if (len == 0 || len > 63)
            abort();
        head = (uint8_t)len;
        put(octets, at, &head, 1);
        put(octets, at, name, len);
        name += len + (name[len] == '.' ? 1 : 0);
    }
    put(octets, at, "", 1);
}

struct dns_builder *
dns_builder_new(uint16_t id, const char *name, uint16_t type, uint16_t flags, unsigned rcode)
{
    struct dns_builder *b = calloc(1, sizeof(*b));

    if (b == NULL || rcode > 15)
        abort();
    put16(b->octets, &b->len, id);
    put16(b->octets, &b->len, (uint16_t)(flags | rcode));
    put16(b->octets, &b->len, 1);
    b->len = 12;
    put_name(b->octets, &b->len, name);
    put16(b->octets, &b->len, type);
    put16(b->octets, &b->len, 1);
    return b;
}

void
dns_builder_section(struct dns_builder *b, enum dns_builder_section section)
{
    if (section < b->section)
        abort();
    b->section = section;
}

void
dns_builder_count(struct dns_builder *b, unsigned which, uint16_t count)
{
    size_t at = 4 + 2 * (size_t)which;

    if (which > 3)
        abort();
    put16(b->octets, &at, count);
}

void
dns_builder_raw(struct dns_builder *b, const void *octets, size_t len, unsigned records)
{
    size_t at = 6 + 2 * (size_t)b->section;
    unsigned count = (unsigned)b->octets[at] << 8 | b->octets[at + 1];

    put(b->octets, &b->len, octets, len);
    put16(b->octets, &at, (uint16_t)(count + records));
}

void
dns_builder_rr(struct dns_builder *b, const char *owner, uint16_t type, uint16_t rr_class,
               uint32_t ttl, const void *rdata, size_t len)
{
    put_name(b->octets, &b->len, owner);
    put16(b->octets, &b->len, type);
    put16(b->octets, &b->len, rr_class);
    put32(b->octets, &b->len, ttl);
    put16(b->octets, &b->len, (uint16_t)len);
    dns_builder_raw(b, rdata, len, 1);
}

static void
add(struct dns_builder *b, const char *owner, uint16_t type, uint32_t ttl,
    const struct rdata *rdata)
{
    dns_builder_rr(b, owner, type, 1, ttl, rdata->octets, rdata->len);
}

void
dns_builder_a(struct dns_builder *b, const char *owner, uint32_t ttl, const char *address)
{
    uint8_t octets[4];

    if (inet_pton(AF_INET, address, octets) != 1)
        abort();
    dns_builder_rr(b, owner, 1, 1, ttl, octets, sizeof(octets));
}

void
dns_builder_aaaa(struct dns_builder *b, const char *owner, uint32_t ttl, const char *address)
{
    uint8_t octets[16];

    if (inet_pton(AF_INET6, address, octets) != 1)
        abort();
    dns_builder_rr(b, owner, 28, 1, ttl, octets, sizeof(octets));
}

void
dns_builder_mx(struct dns_builder *b, const char *owner, uint32_t ttl, uint16_t preference,
               const char *exchange)
{
    struct rdata rdata = { 0 };

    put16(rdata.octets, &rdata.len, preference);
    put_name(rdata.octets, &rdata.len, exchange);
    add(b, owner, 15, ttl, &rdata);
}

void
dns_builder_cname(struct dns_builder *b, const char *owner, uint32_t ttl, const char *target)
{
    struct rdata rdata = { 0 };

    put_name(rdata.octets, &rdata.len, target);
    add(b, owner, 5, ttl, &rdata);
}

void
dns_builder_dname(struct dns_builder *b, const char *owner, uint32_t ttl, const char *target)
{
    struct rdata rdata = { 0 };

    put_name(rdata.octets, &rdata.len, target);
    add(b, owner, 39, ttl, &rdata);
}

void
dns_builder_txt(struct dns_builder *b, const char *owner, uint32_t ttl, const char *const *strings,
                size_t count)
{
    struct rdata rdata = { 0 };
    uint8_t head;
    size_t i;

    for (i = 0; i < count; i++) {
        if (strlen(strings[i]) > 255)
            abort();
        head = (uint8_t)strlen(strings[i]);
        put(rdata.octets, &rdata.len, &head, 1);
        put(rdata.octets, &rdata.len, strings[i], head);
    }
    add(b, owner, 16, ttl, &rdata);
}

void
dns_builder_tlsa(struct dns_builder *b, const char *owner, uint32_t ttl, uint8_t usage,
                 uint8_t selector, uint8_t matching, const uint8_t *data, size_t len)
{
    struct rdata rdata = { 0 };
    uint8_t head[3] = { usage, selector, matching };

    put(rdata.octets, &rdata.len, head, sizeof(head));
    put(rdata.octets, &rdata.len, data, len);
    add(b, owner, 52, ttl, &rdata);
}

void
dns_builder_rrsig_by(struct dns_builder *b, const char *owner, uint32_t ttl, uint16_t covered,
                     uint32_t inception, uint32_t expiration, uint8_t labels, const char *signer)
{
    struct rdata rdata = { 0 };
    const uint8_t algorithm_and_labels[2] = { 13, labels };
    const uint8_t signature[64] = { 1 };

    put16(rdata.octets, &rdata.len, covered);
    put(rdata.octets, &rdata.len, algorithm_and_labels, 2);
    put32(rdata.octets, &rdata.len, ttl);
    put32(rdata.octets, &rdata.len, expiration);
    put32(rdata.octets, &rdata.len, inception);
    put16(rdata.octets, &rdata.len, 12345);
    put_name(rdata.octets, &rdata.len, signer);
    put(rdata.octets, &rdata.len, signature, sizeof(signature));
    add(b, owner, 46, ttl, &rdata);
}

void
dns_builder_rrsig(struct dns_builder *b, const char *owner, uint32_t ttl, uint16_t covered,
                  uint32_t inception, uint32_t expiration)
{
    uint8_t labels = *owner != '\0' && strcmp(owner, ".") != 0;
    const char *at;

    for (at = owner; *at != '\0'; at++)
        labels = (uint8_t)(labels + (at[0] == '.' && at[1] != '\0'));
    dns_builder_rrsig_by(b, owner, ttl, covered, inception, expiration, labels, "test");
}

/* RFC 4034 4.1.2, window 0 alone. */
static void
put_types(struct rdata *rdata, const char *types)
{
    static const struct {
        const char *text;
        uint8_t type;
    } known[] = { { "A", 1 },   { "NS", 2 },  { "CNAME", 5 }, { "SOA", 6 },    { "MX", 15 },
                  { "TXT", 16 }, { "DS", 43 }, { "TLSA", 52 }, { "RRSIG", 46 } };
    uint8_t map[2 + 8] = { 0, 8 };
    size_t i, len;

    for (; *types != '\0'; types += len + (types[len] == ' ')) {
        len = strcspn(types, " ");
        for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
            if (strlen(known[i].text) == len && strncmp(known[i].text, types, len) == 0)
                break;
        if (i == sizeof(known) / sizeof(known[0]))
            abort();
        map[2 + known[i].type / 8] |= (uint8_t)(0x80 >> known[i].type % 8);
    }
    put(rdata->octets, &rdata->len, map, sizeof(map));
}

void
dns_builder_nsec(struct dns_builder *b, const char *owner, uint32_t ttl, const char *next,
                 const char *types)
{
    struct rdata rdata = { 0 };

    put_name(rdata.octets, &rdata.len, next);
    put_types(&rdata, types);
    add(b, owner, 47, ttl, &rdata);
}

static void
nsec3_hash(const char *name, unsigned iterations, uint8_t hash[20])
{
    uint8_t octets[65535];
    size_t len = 0;

    put_name(octets, &len, name);
    do {
        octets[len++] = 0xab;
        ldns_sha1(octets, (unsigned)len, hash);
        memcpy(octets, hash, 20);
        len = 20;
    } while (iterations-- > 0);
}

const char *
dns_builder_nsec3(struct dns_builder *b, const char *name, const char *zone, uint32_t ttl,
                  unsigned iterations, bool covering, const char *types)
{
    static char owner[300];
    const uint8_t salt[3] = { 1, 0xab, 20 };
    const uint8_t algorithm_and_flags[2] = { 1, 0 };
    struct rdata rdata = { 0 };
    uint8_t hash[20], next[20];
    unsigned bit, value;
    size_t i;

    nsec3_hash(name, iterations, hash);
    memcpy(next, hash, 20);
    next[19] = (uint8_t)(next[19] + 1); /* carries only matter where a hash ends in ff or 00 */
    if (covering)
        hash[19] = (uint8_t)(hash[19] - 1);
    for (i = 0; i < 32; i++) {
        for (value = 0, bit = 0; bit < 5; bit++)
            value = value << 1 | (hash[(i * 5 + bit) / 8] >> (7 - (i * 5 + bit) % 8) & 1u);
        owner[i] = "0123456789abcdefghijklmnopqrstuv"[value];
    }
    owner[32] = '.';
    strcpy(owner + 33, zone);
    put(rdata.octets, &rdata.len, algorithm_and_flags, 2);
    put16(rdata.octets, &rdata.len, (uint16_t)iterations);
    put(rdata.octets, &rdata.len, salt, 3);
    put(rdata.octets, &rdata.len, next, 20);
    put_types(&rdata, types);
    add(b, owner, 50, ttl, &rdata);
    return owner;
}

void
dns_builder_soa(struct dns_builder *b, const char *zone, uint32_t ttl, uint32_t minimum)
{
    struct rdata rdata = { 0 };

    put_name(rdata.octets, &rdata.len, "ns.test");
    put_name(rdata.octets, &rdata.len, "hostmaster.test");
    put32(rdata.octets, &rdata.len, 1);
    put32(rdata.octets, &rdata.len, 7200);
    put32(rdata.octets, &rdata.len, 3600);
    put32(rdata.octets, &rdata.len, 1209600);
    put32(rdata.octets, &rdata.len, minimum);
    add(b, zone, 6, ttl, &rdata);
}

void
dns_builder_opt(struct dns_builder *b, uint8_t upper_rcode, int extended_error)
{
    struct rdata rdata = { 0 };

    if (extended_error >= 0) {
        put16(rdata.octets, &rdata.len, 15);
        put16(rdata.octets, &rdata.len, 2);
        put16(rdata.octets, &rdata.len, (uint16_t)extended_error);
    }
    dns_builder_rr(b, ".", 41, 1232, (uint32_t)upper_rcode << 24, rdata.octets, rdata.len);
}
