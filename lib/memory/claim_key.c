/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Keys and host names as octets.
 *
 * Key:     domain (wire name, its root ends it), route u8, [port be16], [relay]
 * Host:    length u8, octets, without the policy domain when it is below it
 */
#include <string.h>

#include "memory/claim_octets.h"

enum { ROUTE_RELAY = 1, ROUTE_RELAY_IS_DOMAIN = 2, ROUTE_PORT = 4, ROUTE_KNOWN = 7 };

/* The domain comes first, so that all routes to it stand together. */
void
ss_memory_key_write(struct ss_buf *out, const struct ss_memory_key *key)
{
    uint8_t route = 0;

    if (key->relay.len > 0)
        route = ss_name_equal(&key->relay, &key->domain) ? ROUTE_RELAY_IS_DOMAIN : ROUTE_RELAY;
    if (key->port != 25)
        route |= ROUTE_PORT;
    ss_buf_put(out, key->domain.wire, key->domain.len);
    ss_buf_u8(out, route);
    if (route & ROUTE_PORT)
        ss_buf_be16(out, key->port);
    if (route & ROUTE_RELAY)
        ss_buf_put(out, key->relay.wire, key->relay.len);
}

/* The length of the wire name that begins here, 0 when it does not end. */
static size_t
wire_length(struct ss_bytes bytes)
{
    size_t at = 0;

    while (at < bytes.len && at < SS_NAME_WIRE) {
        if (bytes.data[at] == 0)
            return at + 1;
        if (bytes.data[at] > 63)
            return 0;
        at += (size_t)bytes.data[at] + 1;
    }
    return 0;
}

/* Exactly this wire name, in the case that we write. */
static bool
read_name(struct ss_name *name, const uint8_t *wire, size_t len)
{
    return ss_name_from_wire(name, wire, len) && memcmp(name->wire, wire, len) == 0;
}

static bool
read_route(struct ss_memory_key *key, struct ss_rd *rd)
{
    uint8_t route = ss_rd_u8(rd);
    const uint8_t *relay;
    size_t len;

    if ((route & ~ROUTE_KNOWN) != 0 || (route & 3) == 3)
        return false;
    key->port = route & ROUTE_PORT ? ss_rd_be16(rd) : 25;
    if (route & ROUTE_PORT && key->port == 25)
        return false;
    if (route & ROUTE_RELAY_IS_DOMAIN)
        key->relay = key->domain;
    if (route & ROUTE_RELAY) {
        len = rd->left;
        relay = ss_rd_take(rd, len);
        if (relay == NULL || !read_name(&key->relay, relay, len))
            return false;
        if (ss_name_equal(&key->relay, &key->domain))
            return false;
    }
    return ss_rd_done(rd);
}

bool
ss_memory_key_read(struct ss_memory_key *key, struct ss_bytes bytes)
{
    size_t len = wire_length(bytes);
    struct ss_rd rd;

    memset(key, 0, sizeof(*key));
    if (len == 0 || !read_name(&key->domain, bytes.data, len))
        return false;
    ss_rd_init(&rd, bytes.data + len, bytes.len - len);
    return read_route(key, &rd);
}

bool
ss_host_below(const struct ss_name *host, const struct ss_name *domain, size_t *prefix)
{
    size_t at = 0, want;

    if (domain->len == 0 || host->len < domain->len)
        return false;
    want = (size_t)host->len - domain->len;
    while (at < want)
        at += (size_t)host->wire[at] + 1;
    if (at != want || memcmp(host->wire + want, domain->wire, domain->len) != 0)
        return false;
    *prefix = want;
    return true;
}

void
ss_claim_host_write(struct ss_buf *out, const struct ss_claim *claim,
                    const struct ss_name *domain)
{
    size_t len = claim->host.len;

    if (len == 0)
        return;
    (void)ss_host_below(&claim->host, domain, &len);
    ss_buf_u8(out, (uint8_t)len);
    ss_buf_put(out, claim->host.wire, len);
}

bool
ss_claim_host_read(struct ss_claim *claim, struct ss_rd *rd, bool is_below,
                   const struct ss_name *domain)
{
    uint8_t wire[2 * SS_NAME_WIRE];
    size_t len = ss_rd_u8(rd), all = len, prefix;
    const uint8_t *octets = ss_rd_take(rd, len);

    if (octets == NULL)
        return false;
    memcpy(wire, octets, len);
    if (is_below) {
        memcpy(wire + len, domain->wire, domain->len);
        all += domain->len;
    }
    if (all > SS_NAME_WIRE || !read_name(&claim->host, wire, all))
        return false;
    return ss_host_below(&claim->host, domain, &prefix) == is_below;
}
