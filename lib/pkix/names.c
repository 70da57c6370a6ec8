/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whom does a certificate name? (RFC 9525 6.3, RFC 7672 3.2.3) */
#include <string.h>

#include "pkix/certificate.h"
#include "pkix/der.h"

enum {
    TAG_SEQUENCE = 0x30,
    TAG_DNS_NAME = 0x82 /* [2] IMPLICIT IA5String in GeneralName */
};

static const char subject_alt_name[] = "2.5.29.17";

/* The references, and what was found so far. */
struct match {
    const struct ss_name *names;
    size_t count;
    bool matched;
    bool has_dns_id;
};

/* NAME-03: the star stands for the first label, whole, and for no other. */
static bool
fits_below(const struct ss_name *reference, const struct ss_name *parent)
{
    size_t first;

    if (ss_name_labels(reference) < 2)
        return false;
    first = (size_t)reference->wire[0] + 1;
    return reference->len - first == parent->len &&
           memcmp(reference->wire + first, parent->wire, parent->len) == 0;
}

/*
 * A presented name that is no plain name or wildcard names nobody: a NUL,
 * octets above 127, a star elsewhere (NAME-05, NAME-09) are refused by the
 * reader of names. A final dot it would take, but a dNSName has none
 * (RFC 5280 4.2.1.6, the preferred name syntax of RFC 1034 3.5).
 */
static void
match_presented(struct match *match, const char *text, size_t len)
{
    bool wildcard = len > 2 && text[0] == '*' && text[1] == '.';
    struct ss_name presented;
    size_t i;

    if (wildcard) {
        text += 2;
        len -= 2;
    }
    if (len == 0 || text[len - 1] == '.' || !ss_name_from_text(&presented, text, len))
        return;
    for (i = 0; i < match->count && !match->matched; i++)
        match->matched = wildcard ? fits_below(&match->names[i], &presented)
                                  : ss_name_equal(&match->names[i], &presented);
}

/* GeneralNames ::= SEQUENCE OF GeneralName; other kinds of names are no match (NAME-08). */
static void
match_alt_names(struct match *match, const gnutls_datum_t *extension)
{
    struct ss_bytes content, whole;
    struct ss_rd rd;
    uint8_t tag;

    ss_rd_init(&rd, extension->data, extension->size);
    if (!ss_der_next(&rd, &tag, &content, &whole) || tag != TAG_SEQUENCE || !ss_rd_done(&rd))
        return;
    ss_rd_init(&rd, content.data, content.len);
    while (!rd.bad && rd.left > 0)
        if (ss_der_next(&rd, &tag, &content, &whole) && tag == TAG_DNS_NAME) {
            match->has_dns_id = true;
            match_presented(match, (const char *)content.data, content.len);
        }
}

/*
 * The CN, when there is just one: with several it is unclear which of them is
 * meant as a name (RFC 6125 6.4.4 speaks of one).
 */
static void
match_common_name(struct match *match, gnutls_x509_crt_t crt)
{
    char text[256];
    size_t len = sizeof(text);
    char other[1];
    size_t other_len = sizeof(other);

    if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 1, 0, other, &other_len) !=
        GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return;
    if (gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, text, &len) < 0)
        return;
    match_presented(match, text, len);
}

int
ss_chain_match_names(struct ss_chain *chain, const struct ss_name *names, size_t count,
                     bool common_name, int32_t *reason)
{
    struct match match = {names, count, false, false};
    gnutls_datum_t extension = {NULL, 0};
    unsigned critical = 0;
    int code;

    *reason = SMTPSEC_REASON_NO_CERTIFICATE;
    if (chain->count == 0)
        return 0;
    code = ss_chain_parse(chain, 0);
    *reason = SMTPSEC_REASON_BAD_CERTIFICATE;
    if (code != 0 || chain->list[0].crt == NULL)
        return code;
    code = gnutls_x509_crt_get_extension_by_oid2(chain->list[0].crt, subject_alt_name, 0,
                                                 &extension, &critical);
    if (code == GNUTLS_E_MEMORY_ERROR)
        return SMTPSEC_E_NOMEM;
    if (code < 0 && code != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return 0;
    if (code >= 0)
        match_alt_names(&match, &extension);
    gnutls_free(extension.data);
    /* NAME-06: any DNS-ID, fitting or not, keeps the CN out; other kinds do not. */
    if (!match.has_dns_id && common_name)
        match_common_name(&match, chain->list[0].crt);
    *reason = match.matched ? SMTPSEC_REASON_NONE : SMTPSEC_REASON_NAME_MISMATCH;
    return 0;
}
