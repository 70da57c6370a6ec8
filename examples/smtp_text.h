/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The texts of SMTP: replies, what EHLO offers, the message for DATA. Pure: no socket, no clock. */
#ifndef TOOL_SMTP_TEXT_H
#define TOOL_SMTP_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* One line of a reply (RFC 5321 section 4.2), without its end. */
struct smtp_line {
    int code;
    int last; /* no hyphen after the code */
    const char *text;
    size_t text_len;
};

/* Returns 0, or -1 for what is no reply line. */
int smtp_line_parse(const char *line, size_t len, struct smtp_line *out);

/* What one EHLO offered; only the last one counts (RFC 3207 section 4.2). */
struct smtp_offers {
    int starttls;
    int requiretls;
    int eight_bit_mime;
};

/* Take one line of the reply to EHLO; the first one, the greeting, is not given here. */
void smtp_offers_add(struct smtp_offers *offers, const char *text, size_t len);

/* An address fit for MAIL and RCPT, without brackets: ASCII, with a domain; "" if empty_ok. */
int smtp_address_ok(const char *address, int empty_ok);
/* The part after the last "@"; "" when there is none. Belongs to the address. */
const char *smtp_address_domain(const char *address);

/* 1 when an octet has its eighth bit set. */
int smtp_message_eight_bit(const char *message, size_t len);
/*
 * Make the octets that follow 354: each line ends in CRLF, no CR or LF stands
 * alone, lines that begin with a dot have it doubled, and the final dot is
 * there (RFC 5321 sections 2.3.8, 4.5.2). Returns 0, or -1 without memory.
 */
int smtp_message_encode(const char *message, size_t len, char **out, size_t *out_len);

#endif
