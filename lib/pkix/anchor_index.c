/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/anchor_index.h"

#include <stdlib.h>
#include <string.h>

#include "pkix/certificate.h"
#include "pkix/der.h"

static void
set(struct ss_anchor *anchor, gnutls_x509_crt_t crt, gnutls_datum_t subject, struct ss_bytes der)
{
    atomic_init(&anchor->crt, crt);
    atomic_init(&anchor->refused, false);
    anchor->subject = subject;
    anchor->der = der;
}

int
ss_anchor_init(struct ss_anchor *anchor, gnutls_x509_crt_t crt)
{
    gnutls_datum_t subject = {NULL, 0};
    struct ss_bytes none = {NULL, 0};
    int code = gnutls_x509_crt_get_raw_dn(crt, &subject);

    if (code < 0)
        return code == GNUTLS_E_MEMORY_ERROR ? SMTPSEC_E_NOMEM : SMTPSEC_E_FORMAT;
    set(anchor, crt, subject, none);
    return 0;
}

void
ss_anchor_release(struct ss_anchor *anchor)
{
    struct ss_bytes none = {NULL, 0};
    gnutls_datum_t nobody = {NULL, 0};

    ss_anchor_release_der(anchor);
    gnutls_free(anchor->subject.data);
    set(anchor, NULL, nobody, none);
}

bool
ss_anchor_init_der(struct ss_anchor *anchor, struct ss_bytes der)
{
    gnutls_datum_t name = {NULL, 0};
    struct ss_bytes subject;

    if (!ss_der_subject(der, &subject))
        return false;
    name.data = (unsigned char *)(uintptr_t)subject.data;
    name.size = (unsigned)subject.len;
    set(anchor, NULL, name, der);
    return true;
}

void
ss_anchor_release_der(struct ss_anchor *anchor)
{
    gnutls_x509_crt_t crt = atomic_load_explicit(&anchor->crt, memory_order_relaxed);

    if (crt != NULL)
        gnutls_x509_crt_deinit(crt);
    atomic_store_explicit(&anchor->crt, NULL, memory_order_relaxed);
}

/* Two threads may parse it at once; the first to hand in its copy has made the one that stays. */
static int
parse(struct ss_anchor *anchor, gnutls_x509_crt_t *out)
{
    gnutls_x509_crt_t first = NULL;
    gnutls_x509_crt_t crt;
    int code = ss_certificate_import(anchor->der, &crt);

    if (code == SMTPSEC_E_NOMEM)
        return code;
    if (code != 0) {
        atomic_store_explicit(&anchor->refused, true, memory_order_relaxed);
        return 0;
    }
    if (atomic_compare_exchange_strong_explicit(&anchor->crt, &first, crt, memory_order_acq_rel,
                                                memory_order_acquire)) {
        *out = crt;
    } else {
        gnutls_x509_crt_deinit(crt);
        *out = first;
    }
    return 0;
}

int
ss_anchor_certificate(struct ss_anchor *anchor, gnutls_x509_crt_t *out)
{
    *out = atomic_load_explicit(&anchor->crt, memory_order_acquire);
    if (*out != NULL || atomic_load_explicit(&anchor->refused, memory_order_relaxed))
        return 0;
    return parse(anchor, out);
}

/* RFC 5280 7.1 would compare normalised names; like GnuTLS and OpenSSL's hash we take octets. */
static int
compare_names(const gnutls_datum_t *a, const gnutls_datum_t *b)
{
    size_t least = a->size < b->size ? a->size : b->size;
    int order = least > 0 ? memcmp(a->data, b->data, least) : 0;

    if (order != 0)
        return order;
    return (a->size > b->size) - (a->size < b->size);
}

static int
compare_anchors(const void *a, const void *b)
{
    const struct ss_anchor *left = a;
    const struct ss_anchor *right = b;

    return compare_names(&left->subject, &right->subject);
}

void
ss_anchor_sort(struct ss_anchor *list, size_t count)
{
    if (count > 1)
        qsort(list, count, sizeof(*list), compare_anchors);
}

size_t
ss_anchor_find(const struct ss_anchor_index *index, const gnutls_datum_t *subject, size_t *first)
{
    size_t low = 0;
    size_t high = index->count;
    size_t end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (compare_names(&index->list[middle].subject, subject) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (end = low; end < index->count; end++)
        if (compare_names(&index->list[end].subject, subject) != 0)
            break;
    *first = low;
    return end - low;
}
