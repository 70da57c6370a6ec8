/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of grammar that the record and the policy share. */
#ifndef SS_STS_GRAMMAR_H
#define SS_STS_GRAMMAR_H

#include <stdbool.h>

#include "base/text.h"

/* The name of an extension field (RFC 8461 3.1 and 3.2): 1 to 32 of A-Z a-z 0-9 _ - . */
bool ss_sts_is_extension_name(struct ss_text name);
/* Well-formed UTF-8 (RFC 3629). */
bool ss_sts_is_utf8(struct ss_text t);
/* How much of a stranger's text a note shows, as a precision for printf. */
int ss_sts_shown(struct ss_text t);

#endif
