/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The shape of all rdata that has one is checked here first. Behind that,
 * addresses, names and plain octets need no decoder: with one, an answer of
 * three records would cost more for memory than for all the rest. ldns decodes
 * signatures, of that shape alone: it takes short rdata for whole, does not
 * mind octets that are left over, follows pointers wherever they lead, and when
 * memory runs out it leaves fields away without a word. With the shape known,
 * fewer fields than it has can mean the last of these alone.
 */
#include "dns/record.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

/* Rdata: octets, names, octets. */
struct shape {
    uint16_t type;
    uint16_t before;
    uint16_t names;
    uint16_t after;
    bool open; /* any number of octets more */
};

#define RRSIG_FIELDS 9 /* in ldns */

static const struct shape shapes[] = {
    { SS_RR_A, 4, 0, 0, false },
    { SS_RR_AAAA, 16, 0, 0, false },
    { SS_RR_CNAME, 0, 1, 0, false },
    { SS_RR_MX, 2, 1, 0, false },
    { SS_RR_SOA, 0, 2, 20, false },
    { SS_RR_RRSIG, 18, 1, 1, true },
};

static const struct shape *
shape_of(uint16_t type)
{
    size_t i;

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        if (shapes[i].type == type)
            return &shapes[i];
    return NULL;
}

/* Is it exactly what its type asks for? name receives the last name in it. */
static bool
has_shape(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
          struct ss_name *name)
{
    const struct shape *shape = shape_of(frame->type);
    size_t at = frame->rdata_at;
    size_t end = at + frame->rdlen;
    size_t i;

    name->len = 0;
    if (shape == NULL || end - at < shape->before)
        return false;
    at += shape->before;
    for (i = 0; i < shape->names; i++)
        if (!ss_dns_name_read(frames->octets, end, &at, name))
            return false;
    return shape->open ? end - at >= shape->after : end - at == shape->after;
}

/* The fields of a signature; the caller frees them with ldns_rr_free(). */
static int
decode(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame, struct ss_name *signer,
       ldns_rr **out)
{
    size_t end = (size_t)frame->rdata_at + frame->rdlen;
    size_t at = (size_t)frame->rdata_at - 2;
    ldns_status status;
    ldns_rr *rr;

    *out = NULL;
    if (frame->type != SS_RR_RRSIG || !has_shape(frames, frame, signer))
        return SMTPSEC_E_FORMAT;
    rr = ldns_rr_new();
    if (rr == NULL)
        return SMTPSEC_E_NOMEM;
    ldns_rr_set_type(rr, (ldns_rr_type)frame->type);
    status = ldns_wire2rdf(rr, frames->octets, end, &at);
    if (status == LDNS_STATUS_OK && at == end && ldns_rr_rd_count(rr) == RRSIG_FIELDS) {
        *out = rr;
        return 0;
    }
    ldns_rr_free(rr);
    if (status == LDNS_STATUS_MEM_ERR || (status == LDNS_STATUS_OK && at == end))
        return SMTPSEC_E_NOMEM;
    return SMTPSEC_E_FORMAT;
}

/* A, AAAA, CNAME, MX. */
static int
read_shaped(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame, struct ss_rr *rr)
{
    const uint8_t *rdata = frames->octets + frame->rdata_at;

    if (!has_shape(frames, frame, &rr->name))
        return SMTPSEC_E_FORMAT;
    if (frame->type == SS_RR_MX) {
        rr->preference = (uint16_t)(rdata[0] << 8 | rdata[1]);
    } else if (frame->type != SS_RR_CNAME) {
        rr->address.family = frame->type == SS_RR_A ? 4 : 6;
        memcpy(rr->address.octets, rdata, frame->rdlen);
    }
    return 0;
}

static int
read_octets(const uint8_t *data, size_t len, struct ss_rr *rr)
{
    if (len == 0)
        return 0;
    rr->data = malloc(len);
    if (rr->data == NULL)
        return SMTPSEC_E_NOMEM;
    memcpy(rr->data, data, len);
    rr->len = len;
    return 0;
}

/* RFC 8461 3.1: the strings of one record are joined with nothing between (STSD-07). */
static int
read_strings(const uint8_t *data, size_t len, struct ss_rr *rr)
{
    struct ss_rd rd;
    const uint8_t *string;
    uint8_t size;

    if (len == 0)
        return SMTPSEC_E_FORMAT;
    rr->data = malloc(len);
    if (rr->data == NULL)
        return SMTPSEC_E_NOMEM;
    ss_rd_init(&rd, data, len);
    while (rd.left > 0) {
        size = ss_rd_u8(&rd);
        string = ss_rd_take(&rd, size);
        if (string == NULL)
            return SMTPSEC_E_FORMAT;
        memcpy(rr->data + rr->len, string, size);
        rr->len += size;
    }
    return 0;
}

int
ss_dns_record_read(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                   struct ss_rr *rr)
{
    const uint8_t *rdata = frames->octets + frame->rdata_at;
    int code;

    memset(rr, 0, sizeof(*rr));
    rr->type = frame->type;
    switch (frame->type) {
    case SS_RR_A:
    case SS_RR_AAAA:
    case SS_RR_CNAME:
    case SS_RR_MX:
        code = read_shaped(frames, frame, rr);
        break;
    case SS_RR_TXT:
        code = read_strings(rdata, frame->rdlen, rr);
        break;
    default:
        /* A TLSA record too short to mean anything still says that DANE is there (TLSA-17). */
        code = read_octets(rdata, frame->rdlen, rr);
        break;
    }
    if (code != 0) {
        free(rr->data);
        memset(rr, 0, sizeof(*rr));
    }
    return code;
}

int
ss_dns_rrsig_read(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                  struct ss_rrsig *rrsig)
{
    ldns_rr *rr = NULL;
    int code;

    memset(rrsig, 0, sizeof(*rrsig));
    code = decode(frames, frame, &rrsig->signer, &rr);
    if (code != 0)
        return code;
    rrsig->covered = (uint16_t)ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr));
    rrsig->expiration = (int64_t)ldns_rdf2native_int32(ldns_rr_rrsig_expiration(rr));
    rrsig->inception = (int64_t)ldns_rdf2native_int32(ldns_rr_rrsig_inception(rr));
    rrsig->labels = ldns_rdf2native_int8(ldns_rr_rrsig_labels(rr));
    ldns_rr_free(rr);
    return 0;
}

int
ss_dns_soa_minimum(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                   uint32_t *minimum)
{
    struct ss_name mailbox;
    struct ss_rd rd;

    *minimum = 0;
    if (frame->type != SS_RR_SOA || !has_shape(frames, frame, &mailbox))
        return SMTPSEC_E_FORMAT;
    /* The last of five numbers (RFC 1035 3.3.13). */
    ss_rd_init(&rd, frames->octets + frame->rdata_at + frame->rdlen - 4, 4);
    *minimum = ss_rd_be32(&rd);
    return 0;
}
