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

/* Put one label behind what there is of a name; room for the root must be left. */
static bool
put_label(struct ss_name *name, size_t *wrote, const uint8_t *label, size_t len)
{
    if (*wrote + 1 + len + 1 > SS_NAME_WIRE)
        return false;
    name->wire[(*wrote)++] = (uint8_t)len;
    ss_name_fold(name->wire + *wrote, label, len);
    *wrote += len;
    return true;
}

bool
ss_dns_name_read(const uint8_t *message, size_t len, size_t *at, struct ss_name *name)
{
    size_t part = *at; /* where the part that is being read begins */
    size_t here = *at;
    size_t behind = 0; /* the place after the part that stands at *at */
    size_t wrote = 0, hops = 0, first;

    name->len = 0;
    while (here < len && message[here] != 0) {
        first = message[here++];
        /* 01 and 10 were never put to lasting use (RFC 6891 section 5). */
        if ((first & 0xc0) != 0 && (first & 0xc0) != 0xc0)
            return false;
        if (first < 0x40) {
            if (first > len - here || !put_label(name, &wrote, message + here, first))
                return false;
            here += first;
            continue;
        }
        if (here == len)
            return false;
        first = (first & 0x3f) << 8 | message[here++];
        if (behind == 0)
            behind = here;
        /* Each jump leads before the part it came from, so that no loop is possible. */
        if (first >= part || first < SS_DNS_HEADER || ++hops > SS_DNS_HOP_LIMIT)
            return false;
        part = here = first;
    }
    if (here >= len)
        return false;
    name->wire[wrote++] = 0;
    name->len = (uint8_t)wrote;
    *at = behind != 0 ? behind : here + 1;
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
    frames->list = frames->few;
    if (total > SS_DNS_FRAMES_FEW)
        frames->list = calloc(total, sizeof(*frames->list));
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
    if (frames->list != frames->few)
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
