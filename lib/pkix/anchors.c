/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pkix/anchors.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "pkix/anchor_index.h"

/* No bundle comes near it; keeps a wrong file from eating the memory. */
#define MOST_ANCHORS 4096

struct smtpsec_anchors {
    atomic_uint references;
    struct ss_anchor *list; /* sorted by subject after each addition */
    size_t count;
    size_t room;
    struct ss_error error;
};

static const char begin_mark[] = "-----BEGIN CERTIFICATE-----";
static const char end_mark[] = "-----END CERTIFICATE-----";

int
ss_anchors_new(struct smtpsec_anchors **out)
{
    struct smtpsec_anchors *anchors = calloc(1, sizeof(*anchors));

    *out = anchors;
    if (anchors == NULL)
        return SMTPSEC_E_NOMEM;
    atomic_init(&anchors->references, 1);
    return 0;
}

struct smtpsec_anchors *
ss_anchors_ref(struct smtpsec_anchors *anchors)
{
    if (anchors != NULL)
        atomic_fetch_add_explicit(&anchors->references, 1, memory_order_relaxed);
    return anchors;
}

void
ss_anchors_unref(struct smtpsec_anchors *anchors)
{
    size_t i;

    if (anchors == NULL)
        return;
    if (atomic_fetch_sub_explicit(&anchors->references, 1, memory_order_acq_rel) != 1)
        return;
    for (i = 0; i < anchors->count; i++)
        ss_anchor_release(&anchors->list[i]);
    free(anchors->list);
    free(anchors);
}

size_t
ss_anchors_count(const struct smtpsec_anchors *anchors)
{
    return anchors != NULL ? anchors->count : 0;
}

struct ss_error *
ss_anchors_error(struct smtpsec_anchors *anchors)
{
    return &anchors->error;
}

struct ss_anchor_index
ss_anchors_index(const struct smtpsec_anchors *anchors)
{
    struct ss_anchor_index index = {anchors->list, anchors->count};

    return index;
}

static int
make_room(struct smtpsec_anchors *anchors)
{
    size_t room = anchors->room > 0 ? anchors->room * 2 : 64;
    struct ss_anchor *list;

    if (anchors->count < anchors->room)
        return 0;
    if (anchors->count >= MOST_ANCHORS)
        return SMTPSEC_E_LIMIT;
    list = realloc(anchors->list, room * sizeof(*list));
    if (list == NULL)
        return SMTPSEC_E_NOMEM;
    anchors->list = list;
    anchors->room = room;
    return 0;
}

/* Parse one certificate and put it at the end of the list; the caller sorts. */
static int
append(struct smtpsec_anchors *anchors, const gnutls_datum_t *der)
{
    gnutls_x509_crt_t crt = NULL;
    int code = make_room(anchors);

    if (code != 0)
        return code;
    if (gnutls_x509_crt_init(&crt) != 0)
        return SMTPSEC_E_NOMEM;
    code = gnutls_x509_crt_import(crt, der, GNUTLS_X509_FMT_DER);
    if (code == 0)
        code = ss_anchor_init(&anchors->list[anchors->count], crt);
    else
        code = code == GNUTLS_E_MEMORY_ERROR ? SMTPSEC_E_NOMEM : SMTPSEC_E_FORMAT;
    if (code != 0) {
        gnutls_x509_crt_deinit(crt);
        return code;
    }
    anchors->count++;
    return 0;
}

int
ss_anchors_add_der(struct smtpsec_anchors *anchors, struct ss_bytes der)
{
    gnutls_datum_t datum = {(unsigned char *)(uintptr_t)der.data, (unsigned)der.len};
    int code;

    if (der.data == NULL || der.len == 0 || der.len > 1 << 20)
        return ss_error_set(&anchors->error, SMTPSEC_E_FORMAT, "trust anchor is no certificate");
    code = append(anchors, &datum);
    if (code == 0) {
        ss_anchor_sort(anchors->list, anchors->count);
        return 0;
    }
    if (code == SMTPSEC_E_LIMIT)
        code = SMTPSEC_E_FORMAT;
    return ss_error_set(&anchors->error, code, code == SMTPSEC_E_NOMEM
                                                   ? "out of memory"
                                                   : "trust anchor is no certificate");
}

/* Decode the block and append it. One that no parser wants is passed over: a bundle is a list. */
static int
append_block(struct smtpsec_anchors *anchors, const uint8_t *block, size_t len)
{
    gnutls_datum_t pem = {(unsigned char *)(uintptr_t)block, (unsigned)len};
    gnutls_datum_t der = {NULL, 0};
    int code;

    if (len > 1 << 20)
        return SMTPSEC_E_FORMAT;
    code = gnutls_pem_base64_decode2("CERTIFICATE", &pem, &der);
    if (code != 0)
        return code == GNUTLS_E_MEMORY_ERROR ? SMTPSEC_E_NOMEM : SMTPSEC_E_FORMAT;
    code = append(anchors, &der);
    gnutls_free(der.data);
    return code;
}

int
ss_anchors_add_pem(struct smtpsec_anchors *anchors, struct ss_bytes pem)
{
    const uint8_t *at = pem.data;
    size_t left = pem.data != NULL ? pem.len : 0;
    size_t before = anchors->count;
    int code = 0;

    while (left > 0 && code != SMTPSEC_E_NOMEM && code != SMTPSEC_E_LIMIT) {
        const uint8_t *begin = memmem(at, left, begin_mark, sizeof(begin_mark) - 1);
        const uint8_t *end;

        if (begin == NULL)
            break;
        left -= (size_t)(begin - at);
        end = memmem(begin, left, end_mark, sizeof(end_mark) - 1);
        if (end == NULL)
            break;
        end += sizeof(end_mark) - 1;
        code = append_block(anchors, begin, (size_t)(end - begin));
        left -= (size_t)(end - begin);
        at = end;
    }
    ss_anchor_sort(anchors->list, anchors->count);
    if (code == SMTPSEC_E_NOMEM)
        return ss_error_set(&anchors->error, code, "out of memory");
    if (code == SMTPSEC_E_LIMIT)
        return ss_error_set(&anchors->error, SMTPSEC_E_TRUST, "more than %d trust anchors",
                            MOST_ANCHORS);
    if (anchors->count == before)
        return ss_error_set(&anchors->error, SMTPSEC_E_TRUST, "no certificate in the PEM text");
    return 0;
}
