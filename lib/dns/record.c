/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ldns decodes the rdata, but only rdata whose shape was checked here first:
 * it takes short rdata for whole, does not mind octets that are left over,
 * follows pointers wherever they lead, and when memory runs out it leaves
 * fields away without a word. With the shape known, fewer fields than it has
 * can mean the last of these alone. TXT and TLSA are plain octets and need no
 * decoder; for TXT it would also allocate twice for each string of one octet.
 */
#include "dns/record.h"

#include <ldns/ldns.h>
#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

/* Rdata: octets, names, octets; and so many fields in ldns. */
struct shape {
    uint16_t type;
    uint16_t before;
    uint16_t names;
    uint16_t after;
    bool open; /* any number of octets more */
    size_t fields;
};

static const struct shape shapes[] = {
    { SS_RR_A, 4, 0, 0, false, 1 },
    { SS_RR_AAAA, 16, 0, 0, false, 1 },
    { SS_RR_CNAME, 0, 1, 0, false, 1 },
    { SS_RR_MX, 2, 1, 0, false, 2 },
    { SS_RR_SOA, 0, 2, 20, false, 7 },
    { SS_RR_RRSIG, 18, 1, 1, true, 9 },
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

static bool
has_shape(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
          const struct shape *shape)
{
    size_t at = frame->rdata_at;
    size_t end = at + frame->rdlen;
    struct ss_name name;
    size_t i;

    if (end - at < shape->before)
        return false;
    at += shape->before;
    for (i = 0; i < shape->names; i++)
        if (!ss_dns_name_read(frames->octets, end, &at, &name))
            return false;
    return shape->open ? end - at >= shape->after : end - at == shape->after;
}

/* The fields of a record; the caller frees them with ldns_rr_free(). */
static int
decode(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame, ldns_rr **out)
{
    const struct shape *shape = shape_of(frame->type);
    size_t end = (size_t)frame->rdata_at + frame->rdlen;
    size_t at = (size_t)frame->rdata_at - 2;
    ldns_status status;
    ldns_rr *rr;

    *out = NULL;
    if (shape == NULL || !has_shape(frames, frame, shape))
        return SMTPSEC_E_FORMAT;
    rr = ldns_rr_new();
    if (rr == NULL)
        return SMTPSEC_E_NOMEM;
    ldns_rr_set_type(rr, (ldns_rr_type)frame->type);
    status = ldns_wire2rdf(rr, frames->octets, end, &at);
    if (status == LDNS_STATUS_OK && at == end && ldns_rr_rd_count(rr) == shape->fields) {
        *out = rr;
        return 0;
    }
    ldns_rr_free(rr);
    if (status == LDNS_STATUS_MEM_ERR || (status == LDNS_STATUS_OK && at == end))
        return SMTPSEC_E_NOMEM;
    return SMTPSEC_E_FORMAT;
}

static bool
field_name(const ldns_rr *rr, size_t n, struct ss_name *name)
{
    const ldns_rdf *field = ldns_rr_rdf(rr, n);

    return ss_name_from_wire(name, ldns_rdf_data(field), ldns_rdf_size(field));
}

static bool
field_address(const ldns_rr *rr, uint8_t family, struct ss_address *address)
{
    const ldns_rdf *field = ldns_rr_rdf(rr, 0);
    size_t len = family == 4 ? 4 : 16;

    if (ldns_rdf_size(field) != len)
        return false;
    address->family = family;
    memcpy(address->octets, ldns_rdf_data(field), len);
    return true;
}

static bool
take_fields(const ldns_rr *fields, struct ss_rr *rr)
{
    switch (rr->type) {
    case SS_RR_A:
        return field_address(fields, 4, &rr->address);
    case SS_RR_AAAA:
        return field_address(fields, 6, &rr->address);
    case SS_RR_CNAME:
        return field_name(fields, 0, &rr->name);
    case SS_RR_MX:
        rr->preference = ldns_rdf2native_int16(ldns_rr_rdf(fields, 0));
        return field_name(fields, 1, &rr->name);
    default:
        return false;
    }
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

static int
read_decoded(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
             struct ss_rr *rr)
{
    ldns_rr *fields = NULL;
    int code = decode(frames, frame, &fields);

    if (code == 0 && !take_fields(fields, rr))
        code = SMTPSEC_E_FORMAT;
    if (fields != NULL)
        ldns_rr_free(fields);
    return code;
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
        code = read_decoded(frames, frame, rr);
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
    int code = decode(frames, frame, &rr);

    memset(rrsig, 0, sizeof(*rrsig));
    if (code != 0)
        return code;
    rrsig->covered = (uint16_t)ldns_rdf2rr_type(ldns_rr_rrsig_typecovered(rr));
    rrsig->expiration = (int64_t)ldns_rdf2native_int32(ldns_rr_rrsig_expiration(rr));
    rrsig->inception = (int64_t)ldns_rdf2native_int32(ldns_rr_rrsig_inception(rr));
    rrsig->labels = ldns_rdf2native_int8(ldns_rr_rrsig_labels(rr));
    if (!field_name(rr, 7, &rrsig->signer))
        code = SMTPSEC_E_FORMAT;
    ldns_rr_free(rr);
    return code;
}

int
ss_dns_soa_minimum(const struct ss_dns_frames *frames, const struct ss_dns_frame *frame,
                   uint32_t *minimum)
{
    ldns_rr *rr = NULL;
    int code = decode(frames, frame, &rr);

    *minimum = 0;
    if (code != 0)
        return code;
    *minimum = ldns_rdf2native_int32(ldns_rr_rdf(rr, 6));
    ldns_rr_free(rr);
    return 0;
}
