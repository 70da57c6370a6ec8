/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes DNS messages for tests, record by record. Anything that cannot be
 * built is a mistake of the test and aborts.
 *
 *   struct dns_builder *b = dns_builder_new(7, "d.test", 15, DNS_BUILDER_REPLY, 0);
 *   dns_builder_mx(b, "d.test", 300, 10, "mx.d.test");
 *   dns_builder_section(b, DNS_BUILDER_ADDITIONAL);
 *   dns_builder_opt(b, 0, -1);
 *   ... b->octets, b->len ...
 *   free(b);
 *
 * Names are written without compression; a label holds any octet but the dot.
 */
#ifndef SS_TEST_DNS_BUILDER_H
#define SS_TEST_DNS_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DNS_BUILDER_QR = 0x8000,
    DNS_BUILDER_AA = 0x0400,
    DNS_BUILDER_TC = 0x0200,
    DNS_BUILDER_RD = 0x0100,
    DNS_BUILDER_RA = 0x0080,
    DNS_BUILDER_AD = 0x0020,
    DNS_BUILDER_CD = 0x0010,
    DNS_BUILDER_REPLY = 0x8180 /* what a resolver sets: QR, RD, RA */
};

enum dns_builder_section { DNS_BUILDER_ANSWER, DNS_BUILDER_AUTHORITY, DNS_BUILDER_ADDITIONAL };

struct dns_builder {
    enum dns_builder_section section;
    size_t len;
    uint8_t octets[65535];
};

/* A message with one question of class IN and no records yet; to be given to free(). */
struct dns_builder *dns_builder_new(uint16_t id, const char *name, uint16_t type, uint16_t flags,
                                    unsigned rcode);
/* The section of the records that follow; answer at first, and never backwards. */
void dns_builder_section(struct dns_builder *b, enum dns_builder_section section);

void dns_builder_a(struct dns_builder *b, const char *owner, uint32_t ttl, const char *address);
void dns_builder_aaaa(struct dns_builder *b, const char *owner, uint32_t ttl, const char *address);
void dns_builder_mx(struct dns_builder *b, const char *owner, uint32_t ttl, uint16_t preference,
                    const char *exchange);
void dns_builder_cname(struct dns_builder *b, const char *owner, uint32_t ttl, const char *target);
void dns_builder_dname(struct dns_builder *b, const char *owner, uint32_t ttl, const char *target);
/* One record of several strings, each of at most 255 characters. */
void dns_builder_txt(struct dns_builder *b, const char *owner, uint32_t ttl,
                     const char *const *strings, size_t count);
void dns_builder_tlsa(struct dns_builder *b, const char *owner, uint32_t ttl, uint8_t usage,
                      uint8_t selector, uint8_t matching, const uint8_t *data, size_t len);
/* The signature is a few octets of nothing: nobody here verifies it. */
void dns_builder_rrsig(struct dns_builder *b, const char *owner, uint32_t ttl, uint16_t covered,
                       uint32_t inception, uint32_t expiration);
/* The same, of that many labels and by that zone; the other one is by "test", of all labels. */
void dns_builder_rrsig_by(struct dns_builder *b, const char *owner, uint32_t ttl, uint16_t covered,
                          uint32_t inception, uint32_t expiration, uint8_t labels,
                          const char *signer);
/* Types are told as "A MX TLSA RRSIG"; those that are unknown abort. */
void dns_builder_nsec(struct dns_builder *b, const char *owner, uint32_t ttl, const char *next,
                      const char *types);
/*
 * The NSEC3 record of a name (its salt is "ab"), or one whose interval covers
 * the name's hash narrowly. Returns its owner, for the signature; valid until
 * the next call.
 */
const char *dns_builder_nsec3(struct dns_builder *b, const char *name, const char *zone,
                              uint32_t ttl, unsigned iterations, bool covering, const char *types);
void dns_builder_soa(struct dns_builder *b, const char *zone, uint32_t ttl, uint32_t minimum);
/* EDNS: upper bits of the rcode, and an extended error (RFC 8914) or -1. */
void dns_builder_opt(struct dns_builder *b, uint8_t upper_rcode, int extended_error);
/* Any record, with its rdata as it is. */
void dns_builder_rr(struct dns_builder *b, const char *owner, uint16_t type, uint16_t rr_class,
                    uint32_t ttl, const void *rdata, size_t len);
/* Octets as they are, to count as so many records of the present section. */
void dns_builder_raw(struct dns_builder *b, const void *octets, size_t len, unsigned records);
/* Set a count of the header: 0 question, 1 answer, 2 authority, 3 additional. */
void dns_builder_count(struct dns_builder *b, unsigned which, uint16_t count);

#endif
