/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Trust anchors by subject, for the files of this room that search paths.
 *
 * A process may carry all public CAs and meet two of them, so an anchor is
 * octets until a chain names it as issuer; then it is parsed, once.
 */
#ifndef SS_PKIX_ANCHOR_INDEX_H
#define SS_PKIX_ANCHOR_INDEX_H

#include <stdatomic.h>
#include <stddef.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/bytes.h"
#include "smtpsec.h"

struct ss_anchor {
    _Atomic(gnutls_x509_crt_t) crt; /* NULL: not parsed yet, or refused */
    atomic_bool refused;            /* GnuTLS does not want it: as if it were not there */
    gnutls_datum_t subject;         /* raw DN */
    struct ss_bytes der;            /* of one that is parsed when wanted; else none */
};

/* Anchors sorted by subject; a view that owns nothing. */
struct ss_anchor_index {
    struct ss_anchor *list;
    size_t count;
};

/*
 * Make an anchor of a certificate, and take that over; its subject is the
 * anchor's own. Returns 0 or SMTPSEC_E_NOMEM, SMTPSEC_E_FORMAT; then crt is
 * still the caller's.
 */
int ss_anchor_init(struct ss_anchor *anchor, gnutls_x509_crt_t crt);
void ss_anchor_release(struct ss_anchor *anchor);
/* Make an anchor of octets that live longer. False: not a certificate's shape. */
bool ss_anchor_init_der(struct ss_anchor *anchor, struct ss_bytes der);
void ss_anchor_release_der(struct ss_anchor *anchor);
/*
 * The certificate, parsed now when it was not yet; NULL when GnuTLS refuses
 * it. Any number of threads may ask. Returns 0 or SMTPSEC_E_NOMEM.
 */
int ss_anchor_certificate(struct ss_anchor *anchor, gnutls_x509_crt_t *out);
void ss_anchor_sort(struct ss_anchor *list, size_t count);
/* Those with that subject: how many, and where the first stands. */
size_t ss_anchor_find(const struct ss_anchor_index *index, const gnutls_datum_t *subject,
                      size_t *first);
struct ss_anchor_index ss_anchors_index(const struct smtpsec_anchors *anchors);

#endif
