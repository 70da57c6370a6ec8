/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* IP addresses as plain values. */
#ifndef SS_BASE_ADDRESS_H
#define SS_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_ADDRESS_TEXT 48

struct ss_address {
    uint8_t family;    /* 4 or 6; 0: none */
    uint8_t octets[16];/* 4 of them used for IPv4 */
};

/* Read dotted-quad IPv4 or RFC 4291 IPv6 text; no zone, no brackets. */
bool ss_address_from_text(struct ss_address *address, const char *text);
void ss_address_to_text(const struct ss_address *address, char out[SS_ADDRESS_TEXT]);
bool ss_address_is_loopback(const struct ss_address *address);
/*
 * True for an address that a stranger's name must not lead us to: loopback,
 * private (RFC 1918, RFC 4193), link-local, shared (RFC 6598), unspecified,
 * multicast, reserved, and IPv6 forms that embed one of those (mapped,
 * NAT64, 6to4).
 */
bool ss_address_is_inside(const struct ss_address *address);
int ss_address_compare(const struct ss_address *a, const struct ss_address *b);

#endif
