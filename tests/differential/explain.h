/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The differences we know and want, each with its row of the conformance matrix. */
#ifndef SS_DIFF_EXPLAIN_H
#define SS_DIFF_EXPLAIN_H

#include "verdicts.h"

/* A case on which the verdicts differ. */
struct dispute {
    const struct trial *trial;
    const struct our_verdict *ours;
    const struct their_verdict *theirs;
    struct oracle *oracle; /* to ask again, the case changed in one point */
    const struct pool *pool;
    struct leniency leniency;
};

enum direction { OURS_ACCEPTS, THEIRS_ACCEPTS };

struct explanation {
    const char *row;          /* of the matrix */
    const char *sentence;
    enum direction direction; /* the only one that it explains */
    int error;                /* that OpenSSL gives; 0: fits asks it again in its own way */
    bool (*fits)(const struct dispute *dispute); /* Is the case made so? */
};

extern const struct explanation explanations[];
extern const size_t explanation_count;

/*
 * The index of the explanation, or -1. Where we alone accept, the ingredients
 * are not enough: OpenSSL must accept too once it overlooks just these errors.
 */
int explain(struct dispute *dispute);

/* TLSA-18: why only one of the two takes this record for usable; NULL: unknown. */
const char *explain_record(const struct trial_record *record, bool ours_usable);

#endif
