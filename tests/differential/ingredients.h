/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a case is made of, read from its plan and not from the two verdicts. */
#ifndef SS_DIFF_INGREDIENTS_H
#define SS_DIFF_INGREDIENTS_H

#include "trial.h"

/* What a path may be made of: certificates sent or in records, reached by names from the leaf. */
struct candidates {
    size_t count;
    const struct pool_cert *list[TRIAL_CHAIN + TRIAL_RECORDS];
};

struct candidates candidates_of(const struct trial *trial);
bool same_octets(struct ss_bytes a, struct ss_bytes b);
/* By name, letters folded. */
bool can_issue(const struct pool_cert *issuer, const struct pool_cert *cert);
bool self_issued(const struct pool_cert *cert);
bool is_weak(const struct pool_cert *cert);
int64_t begin_of(const struct pool_cert *cert);
int64_t end_of(const struct pool_cert *cert);

/* A sound record of usage 2 in full, by that selector. */
bool is_own_anchor(const struct trial_record *record, unsigned selector);
/* Does a sound record of that usage name this certificate? */
bool names_it(const struct trial_record *record, unsigned usage, const struct pool_cert *cert);
bool named_by_any(const struct trial *trial, unsigned usage, const struct pool_cert *cert);

/* Among the certificates that this trial sends. */
bool is_on_path(const struct trial *path, const struct pool_cert *cert);

bool has_dns_id(const struct pool_cert *cert);
bool has_empty_name(const struct pool_cert *cert);
/* Over the leaf's dNSNames, or its CN where there is none. */
bool any_presented(const struct trial *trial,
                   bool (*is_such)(const struct trial *trial, const char *presented));
/* "*.test" for "d.test"; "*.d.test" for "_mx.d.test"; "mx.d.test."; case ignored. */
bool is_wide_star(const struct trial *trial, const char *presented);
bool is_star_over_underscore(const struct trial *trial, const char *presented);
bool is_dotted(const struct trial *trial, const char *presented);

#endif
