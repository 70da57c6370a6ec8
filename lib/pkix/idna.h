/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Internationalised domain names (RFC 5890), by the library that GnuTLS wraps. */
#ifndef SS_PKIX_IDNA_H
#define SS_PKIX_IDNA_H

#include "base/name.h"

/*
 * Read a name as a person wrote it, UTF-8 allowed, into A-labels.
 * Returns 0, SMTPSEC_E_NAME, SMTPSEC_E_NOMEM.
 */
int ss_idna_name(struct ss_name *name, const char *utf8);

#endif
