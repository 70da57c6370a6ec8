/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The same case judged twice: by this library, and by OpenSSL's DANE code. */
#ifndef SS_DIFF_VERDICTS_H
#define SS_DIFF_VERDICTS_H

#include <openssl/ssl.h>

#include "smtpsec.h"
#include "trial.h"

struct our_verdict {
    bool usable[TRIAL_RECORDS]; /* each record; one dropped for a stronger digest counts */
    bool any_usable;
    bool accepted;
    int32_t reason;
    bool torn;                  /* the verifier and the public function differ: always a fault */
};

struct their_verdict {
    bool usable[TRIAL_RECORDS];
    bool any_usable;
    bool accepted;
    int error;                         /* X509_V_* */
    int depth;
    const struct pool_cert *error_cert; /* NULL: none, or not of this pool */
};

/*
 * Errors to be overlooked, to see that nothing else is behind them. Two are
 * overlooked only where they are the known difference: INVALID_PURPOSE for
 * anyExtendedKeyUsage, CERT_HAS_EXPIRED in the very second of notAfter.
 */
struct leniency {
    size_t count;
    int errors[8];
};

/* All that OpenSSL keeps from case to case. */
struct oracle {
    SSL_CTX *ssl;
    X509_STORE *store; /* empty: DANE alone */
};

void oracle_open(struct oracle *oracle);
void oracle_close(struct oracle *oracle);
/* NULL for leniency: none, as in use. */
void oracle_judge(struct oracle *oracle, const struct pool *pool, const struct trial *trial,
                  struct leniency *leniency, struct their_verdict *verdict);
void library_judge(const struct trial *trial, struct our_verdict *verdict);

#endif
