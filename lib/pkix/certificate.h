/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The inside of a chain, for the files of this room.
 */
#ifndef SS_PKIX_CERTIFICATE_H
#define SS_PKIX_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "base/bytes.h"
#include "pkix/anchor_index.h"
#include "pkix/chain.h"

struct ss_certificate {
    uint8_t *der;          /* the chain's, not changed */
    size_t len;
    bool repeated;         /* the same octets stand earlier in the chain */
    bool tried;            /* to parse it */
    gnutls_x509_crt_t crt; /* NULL: not tried, or no certificate */
    gnutls_datum_t issuer; /* raw DN, owned */
};

/* Import one certificate. Returns 0, SMTPSEC_E_NOMEM, SMTPSEC_E_FORMAT. */
int ss_certificate_import(struct ss_bytes der, gnutls_x509_crt_t *out);
/*
 * Parse the n-th, once; NULL in crt when it is none. The chain's list is there
 * from the first call on. Returns 0 or SMTPSEC_E_NOMEM.
 */
int ss_chain_parse(struct ss_chain *chain, size_t n);
/* True when subject and issuer are the same name. */
bool ss_certificate_self_issued(gnutls_x509_crt_t crt);

/* How a search ended. */
struct ss_path_result {
    int32_t reason; /* NONE, or the most telling one; NOT_TRUSTED: nothing leads to an anchor */
    bool open;      /* an issuer is missing: the chain does not end in a self-issued one */
};

/*
 * Search a path from the leaf to one of the anchors and judge it at now: one
 * good path suffices. Returns 0 or SMTPSEC_E_NOMEM.
 */
int ss_path_find(struct ss_chain *chain, const struct ss_anchor_index *anchors, int64_t now,
                 struct ss_path_result *result);

/*
 * Write a certificate around a bare key, to be an anchor under that name.
 * Returns 0, SMTPSEC_E_NOMEM, SMTPSEC_E_FORMAT (no such key is known).
 */
int ss_bare_key_anchor(const gnutls_datum_t *name, struct ss_bytes spki, gnutls_x509_crt_t *out);

#endif
