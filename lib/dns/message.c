/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns/message.h"

#include <string.h>

#include "dns/frame.h"

#define EDNS_DO 0x00008000

void
ss_dns_query_write(struct ss_buf *out, uint16_t id, const struct ss_question *question,
                   bool checking_disabled)
{
    ss_buf_be16(out, id);
    ss_buf_be16(out, (uint16_t)(SS_DNS_RD | SS_DNS_AD | (checking_disabled ? SS_DNS_CD : 0)));
    ss_buf_be16(out, 1);
    ss_buf_be16(out, 0);
    ss_buf_be16(out, 0);
    ss_buf_be16(out, 1);
    ss_buf_put(out, question->name.wire, question->name.len);
    ss_buf_be16(out, question->type);
    ss_buf_be16(out, SS_DNS_CLASS_IN);
    /* OPT, RFC 6891 6.1.2: the class is the payload size, the TTL holds the flags. */
    ss_buf_u8(out, 0);
    ss_buf_be16(out, SS_RR_OPT);
    ss_buf_be16(out, SS_DNS_UDP_PAYLOAD);
    ss_buf_be32(out, question->dnssec ? EDNS_DO : 0);
    ss_buf_be16(out, 0);
}

enum ss_reply_fit
ss_dns_reply_fit(const uint8_t *message, size_t len, uint16_t id, const uint8_t *question_wire,
                 size_t question_len)
{
    struct ss_rd rd;
    const uint8_t *question;
    uint16_t reply_id;
    uint16_t flags;
    uint16_t questions;

    ss_rd_init(&rd, message, len);
    reply_id = ss_rd_be16(&rd);
    flags = ss_rd_be16(&rd);
    questions = ss_rd_be16(&rd);
    (void)ss_rd_take(&rd, 6);
    question = ss_rd_take(&rd, question_len);
    if (question == NULL || reply_id != id || questions != 1)
        return SS_REPLY_FOREIGN;
    if ((flags & SS_DNS_QR) == 0 || (flags & SS_DNS_OPCODE) != 0)
        return SS_REPLY_FOREIGN;
    if (question_len > 0 && memcmp(question, question_wire, question_len) != 0)
        return SS_REPLY_FOREIGN;
    return (flags & SS_DNS_TC) != 0 ? SS_REPLY_TRUNCATED : SS_REPLY_FITS;
}

int
ss_dns_reply_rcode(const uint8_t *message, size_t len)
{
    if (message == NULL || len < SS_DNS_HEADER)
        return -1;
    return message[3] & SS_DNS_RCODE;
}

int
ss_dns_reply_extended_error(const uint8_t *message, size_t len)
{
    struct ss_dns_frames frames;
    int code;

    if (ss_dns_frames_read(&frames, message, len) != 0)
        return -1;
    code = ss_dns_frames_extended_error(&frames);
    ss_dns_frames_free(&frames);
    return code;
}
