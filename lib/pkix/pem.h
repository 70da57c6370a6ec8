/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Certificates in PEM text (RFC 7468), cut and decoded without an allocation
 * for each: a bundle of all public CAs has to be read before a chroot by every
 * process, most of which will never look at one of them.
 */
#ifndef SS_PKIX_PEM_H
#define SS_PKIX_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/*
 * The base64 between the next pair of marks, and what is left of the text.
 * False: no further certificate.
 */
bool ss_pem_next(struct ss_bytes *text, struct ss_bytes *base64);
/* Room that decoding so many characters may take. */
size_t ss_pem_room(size_t characters);
/* Decode. False: not base64, as far as RFC 7468 3 lets a parser be lax (blanks anywhere). */
bool ss_pem_decode(struct ss_bytes base64, uint8_t *out, size_t *len);

#endif
