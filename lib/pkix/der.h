/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cutting DER without a certificate parser: DANE compares exact octets, and
 * must work for certificates that no library wants to parse (RFC 6698 2.1.4).
 */
#ifndef SS_PKIX_DER_H
#define SS_PKIX_DER_H

#include <stdbool.h>

#include "base/bytes.h"

/*
 * Find the SubjectPublicKeyInfo in a certificate: the whole TLV, algorithm
 * included. False when it is not a certificate's shape.
 */
bool ss_der_spki(struct ss_bytes certificate, struct ss_bytes *spki);
/* Likewise the subject: the whole Name, octet by octet. */
bool ss_der_subject(struct ss_bytes certificate, struct ss_bytes *subject);
/*
 * True when it is exactly one certificate / one SubjectPublicKeyInfo and
 * nothing follows (matrix TLSA-18).
 */
bool ss_der_is_certificate(struct ss_bytes der);
bool ss_der_is_spki(struct ss_bytes der);

/*
 * The next element: its tag, its content and the whole of it. Only single-octet
 * tags and definite lengths in their shortest form; anything else, or too few
 * octets, makes the reader bad and gives false.
 */
bool ss_der_next(struct ss_rd *rd, uint8_t *tag, struct ss_bytes *content, struct ss_bytes *whole);

#endif
