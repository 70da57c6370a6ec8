/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The certificates that tls:cert events hand over one by one, and what EHLO offered. */
#ifndef EXIM_CHAIN_H
#define EXIM_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#define EXIM_CHAIN_CERTIFICATES 16
#define EXIM_CERTIFICATE_OCTETS 65536

enum {
    EXIM_CHAIN_NONE = 0,  /* nothing came yet */
    EXIM_CHAIN_MORE = 1,  /* certificates of lower depth are to come */
    EXIM_CHAIN_WHOLE = 2, /* that of depth 0 is there */
    EXIM_CHAIN_BROKEN = 3 /* out of order, too many, too long, or no base64 */
};

struct exim_certificate {
    uint8_t *der;
    size_t len;
};

/* Indexed by depth: the server's own certificate is the first. */
struct exim_chain {
    int state;
    size_t count;
    size_t next; /* the depth that must come next, plus 1 */
    struct exim_certificate certificates[EXIM_CHAIN_CERTIFICATES];
};

void exim_chain_clear(struct exim_chain *chain);

/*
 * Take one event in: Exim raises them from the top of the chain down to depth 0.
 * depth:  decimal, the event's data.
 * base64: the certificate.
 * Returns the state after it. What is broken stays so until it is cleared.
 */
int exim_chain_add(struct exim_chain *chain, const char *depth, const char *base64);

/* The same for both in one text: "DEPTH BASE64". */
int exim_chain_add_event(struct exim_chain *chain, const char *data);

/* Decode all of a text. Returns 0; -1 when it is no base64, is empty, or finds no room. */
int exim_base64(const char *text, uint8_t *out, size_t room, size_t *len);

/* Does a reply to EHLO, lines "250-KEYWORD ...", offer the keyword? */
int exim_ehlo_offers(const char *reply, const char *keyword);

/* "TLS1.3" and the like as on the wire, 0x0304; 0 when not known. */
uint16_t exim_tls_version(const char *name);

#endif
