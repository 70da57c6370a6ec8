/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * DNS messages (RFC 1035 section 4). The framing is ours; ldns decodes one
 * signature at a time, because its whole-packet parser leaks and its record
 * parser does not move to the end of the rdata. See doc/decisions.md.
 */
#ifndef SS_DNS_MESSAGE_H
#define SS_DNS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "dns/answer.h"

/* Largest UDP reply asked for by EDNS (the value of DNS flag day 2020). */
#define SS_DNS_UDP_PAYLOAD 1232
#define SS_DNS_MESSAGE_MAX 65535

/*
 * Write a query: RD, AD (RFC 6840 5.7), one question, EDNS with DO as the
 * question says; checking_disabled sets CD.
 */
void ss_dns_query_write(struct ss_buf *out, uint16_t id, const struct ss_question *question,
                        bool checking_disabled);

/* Is this message the reply to that query? */
enum ss_reply_fit {
    SS_REPLY_FITS,
    SS_REPLY_FOREIGN,  /* another id or question, not a reply, too short: go on waiting */
    SS_REPLY_TRUNCATED /* ours, with TC: nothing in it may be used */
};

/* question_wire/question_len: the question section as it was sent, compared octet by octet. */
enum ss_reply_fit ss_dns_reply_fit(const uint8_t *message, size_t len, uint16_t id,
                                   const uint8_t *question_wire, size_t question_len);

/* RCODE of a message that fits (0 to 15), and its extended error code (RFC 8914), or -1. */
int ss_dns_reply_rcode(const uint8_t *message, size_t len);
int ss_dns_reply_extended_error(const uint8_t *message, size_t len);

/*
 * Read a whole reply to a question into an answer.
 *
 * trusted: the path is trusted, so AD is believed (RFC 7672 2.1.1).
 * The question section is compared without regard to case or id. Everything
 * wrong in the message, TC included, ends as a failed answer.
 * Returns 0 or SMTPSEC_E_NOMEM; the answer is initialised either way.
 */
int ss_dns_reply_read(const struct ss_question *question, const uint8_t *message, size_t len,
                      bool trusted, struct ss_answer *answer);

#endif
