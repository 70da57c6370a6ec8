/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/anchor_index.h"

#include <stdlib.h>
#include <string.h>

int
ss_anchor_init(struct ss_anchor *anchor, gnutls_x509_crt_t crt)
{
    gnutls_datum_t subject = {NULL, 0};
    int code = gnutls_x509_crt_get_raw_dn(crt, &subject);

    if (code < 0)
        return code == GNUTLS_E_MEMORY_ERROR ? SMTPSEC_E_NOMEM : SMTPSEC_E_FORMAT;
    anchor->crt = crt;
    anchor->subject = subject;
    return 0;
}

void
ss_anchor_release(struct ss_anchor *anchor)
{
    if (anchor->crt != NULL)
        gnutls_x509_crt_deinit(anchor->crt);
    gnutls_free(anchor->subject.data);
    anchor->crt = NULL;
    anchor->subject.data = NULL;
    anchor->subject.size = 0;
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
