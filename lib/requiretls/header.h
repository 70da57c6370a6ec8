/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The header field TLS-Required (RFC 8689 section 3). */
#ifndef SS_REQUIRETLS_HEADER_H
#define SS_REQUIRETLS_HEADER_H

#include <stdbool.h>

#include "base/text.h"

/*
 * True when the header section has exactly one such field and its value is No.
 * headers: from the first line; the empty line, or the end, ends it.
 */
bool ss_tls_required_no(struct ss_text headers);

#endif
