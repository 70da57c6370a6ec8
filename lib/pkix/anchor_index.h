/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust anchors by subject, for the files of this room that search paths.
 */
#ifndef SS_PKIX_ANCHOR_INDEX_H
#define SS_PKIX_ANCHOR_INDEX_H

#include <stddef.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "smtpsec.h"

struct ss_anchor {
    gnutls_x509_crt_t crt;
    gnutls_datum_t subject; /* raw DN, owned */
};

/* Anchors sorted by subject; a view that owns nothing. */
struct ss_anchor_index {
    const struct ss_anchor *list;
    size_t count;
};

/* Take over crt. Returns 0 or SMTPSEC_E_NOMEM, SMTPSEC_E_FORMAT; then crt is still the caller's. */
int ss_anchor_init(struct ss_anchor *anchor, gnutls_x509_crt_t crt);
void ss_anchor_release(struct ss_anchor *anchor);
void ss_anchor_sort(struct ss_anchor *list, size_t count);
/* Those with that subject: how many, and where the first stands. */
size_t ss_anchor_find(const struct ss_anchor_index *index, const gnutls_datum_t *subject,
                      size_t *first);
struct ss_anchor_index ss_anchors_index(const struct smtpsec_anchors *anchors);

#endif
