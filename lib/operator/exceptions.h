/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operator's exceptions: dated, for one domain and kind of claim. What
 * they name only reports until then, or is not asked for. They live in the operator's own file or
 * calls, never in the store: nothing stored there lowers (DESIGN 6.11, PREC-08).
 */
#ifndef SS_OPERATOR_EXCEPTIONS_H
#define SS_OPERATOR_EXCEPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"

#define SS_EXCEPTIONS_MAX 1024
/* Room for a note and its end. */
#define SS_EXCEPTION_NOTE 200

/* What an exception may name beside the claims, all of which do not include these. */
enum {
    SS_EXCEPT_DANE_LIVE = 16,   /* DANE as the records of today ask for it */
    SS_EXCEPT_STS_LIVE = 17,    /* MTA-STS as the live policy asks for it */
    SS_EXCEPT_LEVEL = 18,       /* the rules for a domain of that kind, and their default */
    SS_EXCEPT_TLS_VERSION = 19,
    SS_EXCEPT_STS_TESTING = 20
};

struct ss_exception {
    struct ss_name domain;
    bool below;       /* the names below it, not itself */
    int32_t kind;     /* SMTPSEC_CLAIM_*; 0: all of them; SS_EXCEPT_* */
    int64_t until;    /* it counts through this second */
    uint32_t line;    /* of the file; 0: not from one */
    char note[SS_EXCEPTION_NOTE]; /* why; "" when nobody said */
};

/* A set of them. It does not change once shared, so lookups and threads may hold one. */
struct ss_exceptions;

/*
 * Add one; *table may be NULL, for none yet. A table that others hold too is
 * left to them, and *table becomes a copy. Returns 0, NOMEM, LIMIT; nothing
 * has changed then.
 */
int ss_exceptions_add(struct ss_exceptions **table, const struct ss_exception *exception);
/* Hold it once more; NULL is fine. */
struct ss_exceptions *ss_exceptions_ref(struct ss_exceptions *table);
void ss_exceptions_unref(struct ss_exceptions *table);
size_t ss_exceptions_count(const struct ss_exceptions *table);
/* The n-th in the order of their domains. */
const struct ss_exception *ss_exceptions_at(const struct ss_exceptions *table, size_t n);
/* The one for exactly this domain, scope and kind that lasts longest, whenever it ends; or NULL. */
const struct ss_exception *ss_exceptions_exact(const struct ss_exceptions *table,
                                               const struct ss_name *domain, bool below,
                                               int32_t kind);
/*
 * What lifts a kind of claim of a domain at `now`: the exception that lasts
 * longest of those for it, or for names below one of its parents; or NULL.
 */
const struct ss_exception *ss_exceptions_find(const struct ss_exceptions *table,
                                              const struct ss_name *domain, int32_t kind,
                                              int64_t now);

#endif
