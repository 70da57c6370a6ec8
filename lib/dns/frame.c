/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dns/frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "dns/message.h"
#include "smtpsec.h"

/* The least a record takes: root, type, class, TTL, length. */
#define RECORD_LEAST 11

#define OPTION_EXTENDED_ERROR 15
#define ERROR_INDETERMINATE 5

/* One label or pointer of a name. */
enum piece { PIECE_BAD, PIECE_LABEL, PIECE_POINTER, PIECE_END };

static enum piece
read_piece(struct ss_rd *rd, struct ss_buf *wire, uint16_t *target)
{
    uint8_t first = ss_rd_u8(rd);
    const uint8_t *label;

    switch (first & 0xc0) {
    case 0x00:
        label = ss_rd_take(rd, first);
        ss_buf_u8(wire, first);
        if (label != NULL)
            ss_buf_put(wire, label, first);
        if (rd->bad || label == NULL)
            return PIECE_BAD;
        return first == 0 ? PIECE_END : PIECE_LABEL;
    case 0xc0:
        *target = (uint16_t)((first & 0x3f) << 8 | ss_rd_u8(rd));
        return rd->bad ? PIECE_BAD : PIECE_POINTER;
    default:
        /* 01 and 10 were never put to lasting use (RFC 6891 section 5). */
        return PIECE_BAD;
    }
}

/* Follow a name from `start`; *behind becomes the place after its part that stands at start. */
static bool
walk_name(const uint8_t *message, size_t len, size_t start, struct ss_buf *wire, size_t *behind)
{
    struct ss_rd rd;
    size_t part = start; /* where the part that is being read begins */
    size_t hops = 0;
    uint16_t target = 0;
    enum piece piece;

    *behind = 0;
    ss_rd_init(&rd, message + start, len - start);
    for (;;) {
        piece = read_piece(&rd, wire, &target);
        if (piece == PIECE_BAD || !ss_buf_ok(wire))
            return false;
        if (piece == PIECE_LABEL)
            continue;
        if (*behind == 0)
            *behind = len - rd.left;
        if (piece == PIECE_END)
            return true;
        /* Each jump leads before the part it came from, so that no loop is possible. */
        if (target >= part || target < SS_DNS_HEADER || ++hops > SS_DNS_HOP_LIMIT)
            return false;
        part = target;
        ss_rd_init(&rd, message + part, len - part);
    }
}

bool
ss_dns_name_read(const uint8_t *message, size_t len, size_t *at, struct ss_name *name)
{
    uint8_t octets[SS_NAME_WIRE];
    struct ss_buf wire;
    size_t behind;

    name->len = 0;
    if (*at >= len)
        return false;
    /* A buffer on the stack: at its limit from the start, so that it never grows. */
    ss_buf_init(&wire, sizeof(octets));
    wire.data = octets;
    wire.cap = sizeof(octets);
    if (!walk_name(message, len, *at, &wire, &behind) ||
        !ss_name_from_wire(name, wire.data, wire.len))
        return false;
    *at = behind;
    return true;
}

static bool
read_question(struct ss_dns_frames *frames, size_t *at)
{
    struct ss_rd rd;

    if (!ss_dns_name_read(frames->octets, frames->len, at, &frames->question))
        return false;
    ss_rd_init(&rd, frames->octets + *at, frames->len - *at);
    frames->question_type = ss_rd_be16(&rd);
    frames->question_class = ss_rd_be16(&rd);
    *at = frames->len - rd.left;
    return !rd.bad;
}

static bool
read_record(const struct ss_dns_frames *frames, size_t *at, struct ss_dns_frame *frame)
{
    struct ss_name owner;
    struct ss_rd rd;

    frame->owner_at = (uint16_t)*at;
    if (!ss_dns_name_read(frames->octets, frames->len, at, &owner))
        return false;
    ss_rd_init(&rd, frames->octets + *at, frames->len - *at);
    frame->type = ss_rd_be16(&rd);
    frame->rr_class = ss_rd_be16(&rd);
    frame->ttl = ss_rd_be32(&rd);
    frame->rdlen = ss_rd_be16(&rd);
    frame->rdata_at = (uint16_t)(frames->len - rd.left);
    (void)ss_rd_take(&rd, frame->rdlen);
    *at = frames->len - rd.left;
    /* OPT belongs to the root (RFC 6891 6.1.2). */
    return !rd.bad && (frame->type != SS_RR_OPT || ss_name_is_root(&owner));
}

/* Read the records of one section; false when one is malformed. */
static bool
read_section(struct ss_dns_frames *frames, enum ss_dns_section section, size_t count, size_t *at)
{
    struct ss_dns_frame *frame;

    for (; count > 0; count--) {
        frame = &frames->list[frames->count];
        frame->section = section;
        if (!read_record(frames, at, frame))
            return false;
        frames->count++;
        if (frame->type != SS_RR_OPT || section != SS_DNS_ADDITIONAL)
            continue;
        /* RFC 6891 6.1.1: more than one is a format error. */
        if (frames->opt != NULL)
            return false;
        frames->opt = frame;
    }
    return true;
}

static int
read_all(struct ss_dns_frames *frames)
{
    struct ss_rd rd;
    size_t counts[4];
    size_t total;
    size_t at = SS_DNS_HEADER;
    int i;

    ss_rd_init(&rd, frames->octets, frames->len);
    (void)ss_rd_be16(&rd);
    frames->flags = ss_rd_be16(&rd);
    for (i = 0; i < 4; i++)
        counts[i] = ss_rd_be16(&rd);
    if (rd.bad || counts[0] != 1 || !read_question(frames, &at))
        return SMTPSEC_E_FORMAT;
    /* The counts are believed only as far as there are octets for them. */
    total = counts[1] + counts[2] + counts[3];
    if (total > (frames->len - at) / RECORD_LEAST)
        return SMTPSEC_E_FORMAT;
    frames->list = calloc(total > 0 ? total : 1, sizeof(*frames->list));
    if (frames->list == NULL)
        return SMTPSEC_E_NOMEM;
    if (!read_section(frames, SS_DNS_ANSWER, counts[1], &at) ||
        !read_section(frames, SS_DNS_AUTHORITY, counts[2], &at) ||
        !read_section(frames, SS_DNS_ADDITIONAL, counts[3], &at) || at != frames->len)
        return SMTPSEC_E_FORMAT;
    return 0;
}

int
ss_dns_frames_read(struct ss_dns_frames *frames, const uint8_t *message, size_t len)
{
    int code;

    memset(frames, 0, sizeof(*frames));
    if (message == NULL || len > SS_DNS_MESSAGE_MAX)
        return SMTPSEC_E_FORMAT;
    frames->octets = message;
    frames->len = len;
    code = read_all(frames);
    if (code != 0)
        ss_dns_frames_free(frames);
    return code;
}

void
ss_dns_frames_free(struct ss_dns_frames *frames)
{
    free(frames->list);
    memset(frames, 0, sizeof(*frames));
}

void
ss_dns_frame_owner(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                   struct ss_name *owner)
{
    size_t at = frame->owner_at;

    (void)ss_dns_name_read(frames->octets, frames->len, &at, owner);
}

uint16_t
ss_dns_frames_rcode(const struct ss_dns_frames *frames)
{
    uint32_t upper = frames->opt != NULL ? frames->opt->ttl >> 24 : 0;

    return (uint16_t)(upper << 4 | (frames->flags & SS_DNS_RCODE));
}

bool
ss_dns_extended_error_is_bogus(int code)
{
    /* 6 bogus, 7 and 8 signature dates, 9 to 12 keys, signatures or denials missing. */
    return code >= 6 && code <= 12;
}

int
ss_dns_frames_extended_error(const struct ss_dns_frames *frames)
{
    const uint8_t *value;
    struct ss_rd rd;
    uint16_t option;
    uint16_t len;
    int found = -1;
    int code;

    if (frames->opt == NULL)
        return -1;
    ss_rd_init(&rd, frames->octets + frames->opt->rdata_at, frames->opt->rdlen);
    while (rd.left > 0) {
        option = ss_rd_be16(&rd);
        len = ss_rd_be16(&rd);
        value = ss_rd_take(&rd, len);
        if (value == NULL)
            break;
        if (option != OPTION_EXTENDED_ERROR || len < 2)
            continue;
        code = value[0] << 8 | value[1];
        if (ss_dns_extended_error_is_bogus(code))
            return code;
        if (found == -1 || code == ERROR_INDETERMINATE)
            found = code;
    }
    return found;
}
