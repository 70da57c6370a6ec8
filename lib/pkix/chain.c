/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/chain.h"

#include <stdlib.h>
#include <string.h>

#include "pkix/certificate.h"
#include "pkix/der.h"

static bool
same_octets(const struct ss_certificate *a, const struct ss_certificate *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->der, b->der, a->len) == 0);
}

static bool
within_limits(const struct ss_bytes *certificates, size_t count)
{
    size_t octets = 0;
    size_t i;

    if (count > SS_CHAIN_CERTIFICATES)
        return false;
    for (i = 0; i < count; i++) {
        if (certificates[i].len > SS_CHAIN_OCTETS - octets)
            return false;
        octets += certificates[i].len;
    }
    return true;
}

/* A chain, the first so that it can be freed by itself, and the list that it is a view of. */
struct kept {
    struct ss_chain chain;
    struct ss_bytes octets[SS_CHAIN_CERTIFICATES];
};

int
ss_chain_init(struct ss_chain *chain, const struct ss_bytes *certificates, size_t count)
{
    bool fits = within_limits(certificates, count);

    chain->count = fits ? count : 0;
    chain->octets = certificates;
    chain->list = NULL;
    return fits ? 0 : SMTPSEC_E_LIMIT;
}

void
ss_chain_clear(struct ss_chain *chain)
{
    size_t i;

    for (i = 0; chain->list != NULL && i < chain->count; i++) {
        if (chain->list[i].crt != NULL)
            gnutls_x509_crt_deinit(chain->list[i].crt);
        gnutls_free(chain->list[i].issuer.data);
    }
    free(chain->list);
    chain->list = NULL;
    chain->count = 0;
}

int
ss_chain_new(const struct ss_bytes *certificates, size_t count, struct ss_chain **out)
{
    struct kept *kept;
    size_t i;

    *out = NULL;
    if (!within_limits(certificates, count))
        return SMTPSEC_E_LIMIT;
    kept = malloc(sizeof(*kept));
    if (kept == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < count; i++)
        kept->octets[i] = certificates[i];
    *out = &kept->chain;
    return ss_chain_init(&kept->chain, kept->octets, count);
}

void
ss_chain_free(struct ss_chain *chain)
{
    if (chain != NULL)
        ss_chain_clear(chain);
    free(chain);
}

size_t
ss_chain_count(const struct ss_chain *chain)
{
    return chain->count;
}

struct ss_bytes
ss_chain_certificate(const struct ss_chain *chain, size_t n)
{
    struct ss_bytes der = {NULL, 0};

    if (n < chain->count)
        der = chain->octets[n];
    return der;
}

bool
ss_chain_spki(const struct ss_chain *chain, size_t n, struct ss_bytes *spki)
{
    return ss_der_spki(ss_chain_certificate(chain, n), spki);
}

int
ss_certificate_import(struct ss_bytes der, gnutls_x509_crt_t *out)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.data, (unsigned)der.len};
    gnutls_x509_crt_t crt = NULL;
    int code;

    *out = NULL;
    if (!ss_der_is_certificate(der))
        return SMTPSEC_E_FORMAT;
    if (gnutls_x509_crt_init(&crt) != 0)
        return SMTPSEC_E_NOMEM;
    code = gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER);
    if (code != 0) {
        gnutls_x509_crt_deinit(crt);
        return code == GNUTLS_E_MEMORY_ERROR ? SMTPSEC_E_NOMEM : SMTPSEC_E_FORMAT;
    }
    *out = crt;
    return 0;
}

int
ss_certificate_parses(struct ss_bytes der, bool *parses)
{
    gnutls_x509_crt_t crt;
    int code = ss_certificate_import(der, &crt);

    *parses = code == 0;
    if (code == 0)
        gnutls_x509_crt_deinit(crt);
    return code == SMTPSEC_E_NOMEM ? code : 0;
}

static bool
stands_earlier(const struct ss_certificate *list, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        if (same_octets(&list[i], &list[n]))
            return true;
    return false;
}

static int
make_list(struct ss_chain *chain)
{
    struct ss_certificate *list;
    size_t i;

    if (chain->list != NULL)
        return 0;
    list = calloc(chain->count, sizeof(*list));
    if (list == NULL)
        return SMTPSEC_E_NOMEM;
    for (i = 0; i < chain->count; i++) {
        list[i].der = (uint8_t *)(uintptr_t)chain->octets[i].data;
        list[i].len = chain->octets[i].len;
        list[i].repeated = stands_earlier(list, i);
    }
    chain->list = list;
    return 0;
}

int
ss_chain_parse(struct ss_chain *chain, size_t n)
{
    gnutls_datum_t issuer = {NULL, 0};
    struct ss_certificate *own;
    gnutls_x509_crt_t crt;
    int code = make_list(chain);

    if (code != 0)
        return code;
    own = &chain->list[n];
    if (own->tried)
        return 0;
    code = ss_certificate_import(ss_chain_certificate(chain, n), &crt);
    if (code == SMTPSEC_E_NOMEM)
        return code;
    if (code == 0) {
        code = gnutls_x509_crt_get_raw_issuer_dn(crt, &issuer);
        if (code < 0)
            gnutls_x509_crt_deinit(crt);
        if (code == GNUTLS_E_MEMORY_ERROR)
            return SMTPSEC_E_NOMEM;
        if (code >= 0) {
            own->crt = crt;
            own->issuer = issuer;
        }
    }
    own->tried = true;
    return 0;
}

bool
ss_certificate_self_issued(gnutls_x509_crt_t crt)
{
    return gnutls_x509_crt_check_issuer(crt, crt) != 0;
}

/* What no path at all means where anchors come from a store. */
static int32_t
why_not_trusted(const struct ss_chain *chain)
{
    return ss_certificate_self_issued(chain->list[0].crt) ? SMTPSEC_REASON_SELF_SIGNED
                                                          : SMTPSEC_REASON_NOT_TRUSTED;
}

/* The leaf must be there and parse before any path begins. */
static int
check_leaf(struct ss_chain *chain, int32_t *reason)
{
    int code;

    *reason = SMTPSEC_REASON_NO_CERTIFICATE;
    if (chain->count == 0)
        return 0;
    code = ss_chain_parse(chain, 0);
    *reason = code == 0 && chain->list[0].crt != NULL ? SMTPSEC_REASON_NONE
                                                      : SMTPSEC_REASON_BAD_CERTIFICATE;
    return code;
}

/* NAME-12 */
int
ss_chain_verify(struct ss_chain *chain, const struct smtpsec_anchors *anchors, int64_t now,
                int32_t *reason)
{
    struct ss_path_result result;
    struct ss_anchor_index index;
    int code = check_leaf(chain, reason);

    if (code != 0 || *reason != SMTPSEC_REASON_NONE)
        return code;
    if (anchors == NULL) {
        *reason = SMTPSEC_REASON_NO_TRUST_ANCHORS;
        return 0;
    }
    index = ss_anchors_index(anchors);
    if (index.count == 0) {
        *reason = SMTPSEC_REASON_NO_TRUST_ANCHORS;
        return 0;
    }
    code = ss_path_find(chain, &index, now, &result);
    if (code == 0)
        *reason = result.reason == SMTPSEC_REASON_NOT_TRUSTED ? why_not_trusted(chain)
                                                              : result.reason;
    return code;
}

/* Search a path to one certificate; the anchor index borrows crt. */
static int
find_path_under(struct ss_chain *chain, gnutls_x509_crt_t crt, int64_t now,
                struct ss_path_result *result)
{
    struct ss_anchor anchor;
    struct ss_anchor_index index = {&anchor, 1};
    int code = ss_anchor_init(&anchor, crt);

    if (code == SMTPSEC_E_NOMEM)
        return code;
    if (code == SMTPSEC_E_FORMAT) {
        result->reason = SMTPSEC_REASON_BAD_CERTIFICATE;
        result->open = false;
        return 0;
    }
    code = ss_path_find(chain, &index, now, result);
    gnutls_free(anchor.subject.data);
    return code;
}

/*
 * DANE-TA-14: a chain that ends in some other root is not the server of this
 * anchor, whatever was put behind it. DANE_TA_NO_PATH is for a chain that
 * wants an issuer.
 */
int
ss_chain_verify_under_sent(struct ss_chain *chain, size_t n, int64_t now, int32_t *reason)
{
    struct ss_path_result result = {SMTPSEC_REASON_NONE, false};
    int code = check_leaf(chain, reason);

    if (code != 0 || *reason != SMTPSEC_REASON_NONE)
        return code;
    if (n >= chain->count) {
        *reason = SMTPSEC_REASON_DANE_NO_MATCH;
        return 0;
    }
    /* DANE-TA-12: RFC 7671 5.2 asks for an issuer; a leaf sent twice is still the leaf. */
    if (n == 0 || same_octets(&chain->list[0], &chain->list[n])) {
        *reason = SMTPSEC_REASON_DANE_TA_LEAF;
        return 0;
    }
    code = ss_chain_parse(chain, n);
    if (code != 0)
        return code;
    if (chain->list[n].crt == NULL) {
        *reason = SMTPSEC_REASON_BAD_CERTIFICATE;
        return 0;
    }
    code = find_path_under(chain, chain->list[n].crt, now, &result);
    *reason = result.reason;
    if (result.reason == SMTPSEC_REASON_NOT_TRUSTED)
        *reason = result.open ? SMTPSEC_REASON_DANE_TA_NO_PATH : SMTPSEC_REASON_DANE_NO_MATCH;
    return code;
}

/* Where those octets stand first in the chain; its count: nowhere. */
static size_t
place_of(const struct ss_chain *chain, struct ss_bytes der)
{
    size_t n;

    for (n = 0; n < chain->count; n++)
        if (chain->octets[n].len == der.len &&
            (der.len == 0 || memcmp(chain->octets[n].data, der.data, der.len) == 0))
            break;
    return n;
}

/* One that was sent along is not parsed again. own: to be freed; crt: NULL when it is none. */
static int
anchor_of(struct ss_chain *chain, struct ss_bytes der, gnutls_x509_crt_t *crt,
          gnutls_x509_crt_t *own)
{
    size_t n = place_of(chain, der);
    int code;

    if (n < chain->count) {
        code = ss_chain_parse(chain, n);
        *crt = code == 0 ? chain->list[n].crt : NULL;
        return code;
    }
    code = ss_certificate_import(der, own);
    *crt = *own;
    return code == SMTPSEC_E_NOMEM ? code : 0;
}

/* DANE-TA-04: the record carries the anchor, the handshake need not. */
int
ss_chain_verify_under_certificate(struct ss_chain *chain, struct ss_bytes anchor, int64_t now,
                                  int32_t *reason)
{
    struct ss_path_result result = {SMTPSEC_REASON_NONE, false};
    gnutls_x509_crt_t crt = NULL, own = NULL;
    int code = check_leaf(chain, reason);

    if (code != 0 || *reason != SMTPSEC_REASON_NONE)
        return code;
    if (place_of(chain, anchor) == 0) {
        *reason = SMTPSEC_REASON_DANE_TA_LEAF;
        return 0;
    }
    code = anchor_of(chain, anchor, &crt, &own);
    if (code != 0)
        return code;
    if (crt == NULL) {
        *reason = SMTPSEC_REASON_BAD_CERTIFICATE;
        return 0;
    }
    code = find_path_under(chain, crt, now, &result);
    *reason = result.reason == SMTPSEC_REASON_NOT_TRUSTED ? SMTPSEC_REASON_DANE_NO_MATCH
                                                          : result.reason;
    if (own != NULL)
        gnutls_x509_crt_deinit(own);
    return code;
}

static bool
has_name(const struct ss_anchor *list, size_t count, const gnutls_datum_t *name)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (list[i].subject.size == name->size &&
            memcmp(list[i].subject.data, name->data, name->size) == 0)
            return true;
    return false;
}

/* One anchor of that key for each name that the chain gives as an issuer. */
static int
anchors_of_key(struct ss_chain *chain, struct ss_bytes spki, struct ss_anchor *list, size_t *count)
{
    gnutls_x509_crt_t crt;
    size_t i;
    int code;

    for (i = 0; i < chain->count; i++) {
        const struct ss_certificate *own = &chain->list[i];

        code = ss_chain_parse(chain, i);
        if (code != 0)
            return code;
        if (own->crt == NULL || has_name(list, *count, &own->issuer))
            continue;
        code = ss_bare_key_anchor(&own->issuer, spki, &crt);
        if (code == SMTPSEC_E_FORMAT)
            continue;
        if (code == 0)
            code = ss_anchor_init(&list[*count], crt);
        if (code != 0)
            return code;
        (*count)++;
    }
    ss_anchor_sort(list, *count);
    return 0;
}

/* DANE-TA-06: RFC 7671 5.2.3, "2 1 0" with the CA certificate left out. */
int
ss_chain_verify_under_key(struct ss_chain *chain, struct ss_bytes spki, int64_t now,
                          int32_t *reason)
{
    struct ss_path_result result = {SMTPSEC_REASON_NOT_TRUSTED, false};
    struct ss_anchor list[SS_CHAIN_CERTIFICATES];
    struct ss_anchor_index index = {list, 0};
    struct ss_bytes own;
    int code = check_leaf(chain, reason);

    if (code != 0 || *reason != SMTPSEC_REASON_NONE)
        return code;
    if (ss_chain_spki(chain, 0, &own) && own.len == spki.len &&
        memcmp(own.data, spki.data, own.len) == 0) {
        *reason = SMTPSEC_REASON_DANE_TA_LEAF;
        return 0;
    }
    code = anchors_of_key(chain, spki, list, &index.count);
    if (code == 0 && index.count > 0)
        code = ss_path_find(chain, &index, now, &result);
    /* A signature by another key means that this key is not the anchor, no more. */
    *reason = result.reason == SMTPSEC_REASON_NOT_TRUSTED ||
                      result.reason == SMTPSEC_REASON_BAD_SIGNATURE
                  ? SMTPSEC_REASON_DANE_NO_MATCH
                  : result.reason;
    while (index.count > 0)
        ss_anchor_release(&list[--index.count]);
    return code;
}
