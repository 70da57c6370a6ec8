/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The framing of a DNS message (RFC 1035 section 4.1): header, question, and
 * where each resource record lies. Everything is checked against the octets
 * that are there; the counts of the header are only claims.
 */
#ifndef SS_DNS_FRAME_H
#define SS_DNS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"

#define SS_DNS_HEADER 12
#define SS_DNS_CLASS_IN 1
#define SS_RR_OPT 41
/* More jumps than a name can have labels serve nobody. */
#define SS_DNS_HOP_LIMIT 127
/* Records of a reply that are framed without asking for memory; most have less. */
#define SS_DNS_FRAMES_FEW 12

enum ss_dns_section { SS_DNS_ANSWER, SS_DNS_AUTHORITY, SS_DNS_ADDITIONAL };

enum {
    SS_DNS_QR = 0x8000,
    SS_DNS_OPCODE = 0x7800,
    SS_DNS_TC = 0x0200,
    SS_DNS_RD = 0x0100,
    SS_DNS_RA = 0x0080,
    SS_DNS_AD = 0x0020,
    SS_DNS_CD = 0x0010,
    SS_DNS_RCODE = 0x000f
};

/* One record, by its places in the message. */
struct ss_dns_frame {
    uint16_t owner_at;
    uint16_t type;
    uint16_t rr_class;
    uint16_t rdata_at;
    uint16_t rdlen;
    uint32_t ttl; /* as it stands there; of OPT it is something else */
    enum ss_dns_section section;
};

/* Not to be copied: it points into itself. */
struct ss_dns_frames {
    const uint8_t *octets; /* the message; the caller keeps it */
    size_t len;
    uint16_t flags;
    struct ss_name question;
    uint16_t question_type;
    uint16_t question_class;
    size_t count;
    struct ss_dns_frame *list; /* owned; `few`, or more of them than fit there */
    const struct ss_dns_frame *opt; /* EDNS, one of the list, or NULL */
    struct ss_dns_frame few[SS_DNS_FRAMES_FEW];
};

/*
 * Frame a message. Returns 0, SMTPSEC_E_FORMAT, or SMTPSEC_E_NOMEM; frames are
 * empty unless 0 came back.
 */
int ss_dns_frames_read(struct ss_dns_frames *frames, const uint8_t *message, size_t len);
void ss_dns_frames_free(struct ss_dns_frames *frames);

/*
 * Read a name at *at, compressed or not, and move *at behind it. A pointer must
 * lead backwards, to before the part it stands in, and not into the header.
 */
bool ss_dns_name_read(const uint8_t *message, size_t len, size_t *at, struct ss_name *name);

/* Name of a framed record; it was read before, so this does not fail. */
void ss_dns_frame_owner(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                        struct ss_name *owner);

/* RCODE with the upper bits of EDNS (RFC 6891 6.1.3): 0 to 4095. */
uint16_t ss_dns_frames_rcode(const struct ss_dns_frames *frames);
/*
 * Extended error (RFC 8914), or -1. Of several, one that speaks of DNSSEC goes
 * first: the others only tell how the resolver came to it.
 */
int ss_dns_frames_extended_error(const struct ss_dns_frames *frames);
bool ss_dns_extended_error_is_bogus(int code);

#endif
