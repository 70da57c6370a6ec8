/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of every public constant and the facts of every reason, in one
 * place. The public smtpsec_*_name() functions are defined in words.c itself and
 * smtpsec_reason_*() in reasons.c and remedies.c: the core may call them, and so may users.
 */
#ifndef SS_BASE_WORDS_H
#define SS_BASE_WORDS_H

#include <stddef.h>
#include <stdint.h>

/* All reasons, to be walked by tests and documents. */
struct ss_reason {
    int32_t code;
    const char *name;     /* "mx-bogus" */
    const char *text;     /* one sentence */
    const char *enhanced; /* "4.4.3"; "" when it never leads to a reply */
    const char *rfc;      /* "RFC 7672 2.1.1"; "" when ours alone */
    int32_t result;       /* RFC 8460 result type */
};

size_t ss_reason_count(void);
const struct ss_reason *ss_reason_at(size_t n);

#endif
