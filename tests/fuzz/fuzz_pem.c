/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bundle of trust anchors: what is taken from it is cut again and parsed. */
#include <stdlib.h>

#include "pkix/anchor_index.h"
#include "pkix/anchors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each has a subject, stands in order, and is found under its name. */
static void
check(struct ss_anchor_index index)
{
    gnutls_x509_crt_t crt;
    size_t first, found, i;

    for (i = 0; i < index.count; i++) {
        found = ss_anchor_find(&index, &index.list[i].subject, &first);
        if (found == 0 || first > i || i >= first + found)
            abort();
        if (ss_anchor_certificate(&index.list[i], &crt) != 0 ||
            (crt == NULL) != index.list[i].refused)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtpsec_anchors *anchors;
    struct ss_bytes pem = {data, size};
    int code;

    if (ss_anchors_new(&anchors) != 0)
        abort();
    code = ss_anchors_add_pem(anchors, pem);
    if ((code == 0) != (ss_anchors_count(anchors) > 0))
        abort();
    check(ss_anchors_index(anchors));
    ss_anchors_unref(anchors);
    return 0;
}
