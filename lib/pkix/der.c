/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/der.h"

/* Tags of X.690; no tag of a certificate's frame needs the long form. */
enum {
    TAG_INTEGER = 0x02,
    TAG_BIT_STRING = 0x03,
    TAG_OID = 0x06,
    TAG_SEQUENCE = 0x30,
    TAG_VERSION = 0xa0, /* [0] EXPLICIT in TBSCertificate */
    MORE_TAG_OCTETS = 0x1f
};

/*
 * A length of several octets: definite and in the fewest octets (X.690 10.1).
 * Four octets of it are more than any limit of ours, so that no sum can pass
 * the end of size_t.
 */
static bool
read_long_length(const uint8_t *at, size_t left, size_t *head, size_t *len)
{
    size_t octets = at[1] & 0x7f;
    size_t i;

    if (octets == 0 || octets > 4 || octets > left - 2 || at[2] == 0)
        return false;
    *len = 0;
    for (i = 0; i < octets; i++)
        *len = *len << 8 | at[2 + i];
    *head = 2 + octets;
    return *len >= 0x80;
}

/* By hand, without the reader's functions: a DANE match is little more than this and a hash. */
static inline bool
next(struct ss_rd *rd, uint8_t *tag, struct ss_bytes *content, struct ss_bytes *whole)
{
    const uint8_t *at = rd->at;
    size_t head = 2, len;

    if (rd->bad || rd->left < 2 || (at[0] & MORE_TAG_OCTETS) == MORE_TAG_OCTETS)
        goto bad;
    len = at[1];
    if (len >= 0x80 && !read_long_length(at, rd->left, &head, &len))
        goto bad;
    if (len > rd->left - head)
        goto bad;
    *tag = at[0];
    content->data = at + head;
    content->len = len;
    whole->data = at;
    whole->len = head + len;
    rd->at += whole->len;
    rd->left -= whole->len;
    return true;
bad:
    *tag = 0;
    rd->bad = true;
    return false;
}

bool
ss_der_next(struct ss_rd *rd, uint8_t *tag, struct ss_bytes *content, struct ss_bytes *whole)
{
    return next(rd, tag, content, whole);
}

/* The next element when it has this tag; marks the reader bad otherwise. */
static bool
expect(struct ss_rd *rd, uint8_t want, struct ss_bytes *content, struct ss_bytes *whole)
{
    uint8_t tag;

    if (!next(rd, &tag, content, whole) || tag != want) {
        rd->bad = true;
        return false;
    }
    return true;
}

static bool
skip(struct ss_rd *rd, uint8_t want)
{
    struct ss_bytes content, whole;

    return expect(rd, want, &content, &whole);
}

static bool
skip_bit_string(struct ss_rd *rd)
{
    struct ss_bytes content, whole;

    /* The first octet counts unused bits (X.690 8.6.2.2). */
    return expect(rd, TAG_BIT_STRING, &content, &whole) && content.len > 0 && content.data[0] <= 7;
}

/* Enter the one SEQUENCE that the octets are. */
static bool
enter_only(struct ss_bytes der, struct ss_rd *inside)
{
    struct ss_bytes content, whole;
    struct ss_rd rd;

    ss_rd_init(&rd, der.data, der.len);
    if (!expect(&rd, TAG_SEQUENCE, &content, &whole) || !ss_rd_done(&rd))
        return false;
    ss_rd_init(inside, content.data, content.len);
    return true;
}

/* AlgorithmIdentifier: an OID and whatever parameters. */
static bool
skip_algorithm(struct ss_rd *rd)
{
    struct ss_bytes content, whole;
    struct ss_rd inside;

    if (!expect(rd, TAG_SEQUENCE, &content, &whole))
        return false;
    ss_rd_init(&inside, content.data, content.len);
    return skip(&inside, TAG_OID);
}

bool
ss_der_is_spki(struct ss_bytes der)
{
    struct ss_rd rd;

    return enter_only(der, &rd) && skip_algorithm(&rd) && skip_bit_string(&rd) && ss_rd_done(&rd);
}

/* RFC 5280 4.1: version, serialNumber, signature, issuer, validity, subject, then the key. */
static bool
cut(struct ss_bytes tbs, struct ss_bytes *subject, struct ss_bytes *spki)
{
    struct ss_bytes content, name, whole;
    struct ss_rd rd;

    ss_rd_init(&rd, tbs.data, tbs.len);
    if (rd.left > 0 && rd.at[0] == TAG_VERSION && !skip(&rd, TAG_VERSION))
        return false;
    if (!skip(&rd, TAG_INTEGER) || !skip_algorithm(&rd) || !skip(&rd, TAG_SEQUENCE) ||
        !skip(&rd, TAG_SEQUENCE) || !expect(&rd, TAG_SEQUENCE, &content, &name) ||
        !expect(&rd, TAG_SEQUENCE, &content, &whole) || !ss_der_is_spki(whole))
        return false;
    *subject = name;
    *spki = whole;
    return true;
}

static bool
cut_certificate(struct ss_bytes certificate, struct ss_bytes *subject, struct ss_bytes *spki)
{
    struct ss_bytes tbs, whole;
    struct ss_rd rd;

    return enter_only(certificate, &rd) && expect(&rd, TAG_SEQUENCE, &tbs, &whole) &&
           cut(tbs, subject, spki) && skip_algorithm(&rd) && skip_bit_string(&rd) &&
           ss_rd_done(&rd);
}

bool
ss_der_spki(struct ss_bytes certificate, struct ss_bytes *spki)
{
    struct ss_bytes subject, found;

    if (!cut_certificate(certificate, &subject, &found))
        return false;
    *spki = found;
    return true;
}

bool
ss_der_subject(struct ss_bytes certificate, struct ss_bytes *subject)
{
    struct ss_bytes found, spki;

    if (!cut_certificate(certificate, &found, &spki))
        return false;
    *subject = found;
    return true;
}

/*
 * TLSA-18: the frame is enough here. What stands inside need not make sense to
 * any parser, since DANE-EE compares octets only (RFC 6698 2.1.4).
 */
bool
ss_der_is_certificate(struct ss_bytes der)
{
    struct ss_bytes spki;

    return ss_der_spki(der, &spki);
}
