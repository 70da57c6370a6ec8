/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operator's policy file: octets to settings, or to faults with line
 * numbers. One directive a line, its first word saying which; the grammar
 * stands in smtpsec-policy(5).
 */
#ifndef SS_OPERATOR_POLICY_H
#define SS_OPERATOR_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "operator/exceptions.h"
#include "operator/faults.h"
#include "operator/rules.h"

#define SS_POLICY_OCTETS (1 << 20)
#define SS_POLICY_LINE 4096
#define SS_POLICY_CANARIES 2

/* Bounds of settings, wherever they are set. */
#define SS_HOLD_MOST (30 * INT64_C(86400))
#define SS_CAP_LEAST INT64_C(86400)
#define SS_CAP_MOST (366 * INT64_C(86400))

#define SS_UNSAID (-1)

struct ss_operator_policy {
    int32_t mode[5];            /* by claim kind: SMTPSEC_MODE_*, or UNSAID */
    int32_t soft_certificates;  /* SMTPSEC_MODE_*, or UNSAID */
    bool has_hold;
    int64_t hold;               /* seconds, or SMTPSEC_HOLD_* */
    int64_t cap;                /* 0: not said */
    int32_t plan_cache;         /* 0, 1, or UNSAID */
    size_t canary_count;
    struct ss_name canaries[SS_POLICY_CANARIES];
    struct ss_exceptions *exceptions; /* NULL: none that is still to be used */
    struct ss_rules *rules;           /* NULL: none */
};

void ss_operator_policy_free(struct ss_operator_policy *policy);
/*
 * Read a whole file. What is wrong is added to faults; then nothing of it may
 * be used. Returns 0 (faulty or not), NOMEM, LIMIT (longer than SS_POLICY_OCTETS).
 * Free the policy in any case.
 */
int ss_operator_policy_read(struct ss_operator_policy *policy, struct ss_bytes text, int64_t now,
                            struct smtpsec_faults *faults);
/* Nothing is said yet; nothing is held. */
void ss_operator_policy_begin(struct ss_operator_policy *policy);
/*
 * Read one line, without its end, on top of a policy that was begun; it may hold
 * tables, which others that hold them too keep as they are. Returns 0 (faulty
 * or not), NOMEM. Faults have line 0.
 */
int ss_operator_policy_line(struct ss_operator_policy *policy, struct ss_bytes text, int64_t now,
                            struct smtpsec_faults *faults);

#endif
