/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy file is the operator's own, but may be half written, or not one at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/date.h"
#include "operator/policy.h"
#include "smtpsec.h"

#define NOW INT64_C(1800000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_faults(const struct smtpsec_faults *faults, size_t size)
{
    size_t i, k;

    if (faults->count > SS_FAULTS_MAX)
        abort();
    for (i = 0; i < faults->count; i++) {
        const struct ss_fault *fault = &faults->list[i];

        if (fault->line == 0 || fault->line > size)
            abort();
        if (i > 0 && fault->line < faults->list[i - 1].line)
            abort();
        for (k = 0; fault->text[k] != '\0'; k++)
            if (fault->text[k] < 0x20 || fault->text[k] >= 0x7f)
                abort();
        if (k == 0)
            abort();
    }
}

/* What came out is within the bounds that the manual page states. */
static void
check_policy(const struct ss_operator_policy *policy)
{
    static const struct ss_name name = { 6, "\4test" }; /* a parent and a domain of the seeds */
    const struct ss_exception *found;
    int32_t kind;

    for (kind = SMTPSEC_CLAIM_DANE; kind <= SMTPSEC_CLAIM_DNSSEC; kind++) {
        if (policy->mode[kind] < SS_UNSAID || policy->mode[kind] > SMTPSEC_MODE_ENFORCE)
            abort();
        found = ss_exceptions_find(policy->exceptions, &name, kind, NOW);
        if (found != NULL && (found->until < NOW || found->until > NOW + 733 * INT64_C(86400)))
            abort();
    }
    if (policy->hold < SMTPSEC_HOLD_EARNED || policy->hold > SS_HOLD_MOST)
        abort();
    if (policy->cap != 0 && (policy->cap < SS_CAP_LEAST || policy->cap > SS_CAP_MOST))
        abort();
    if (policy->canary_count > SS_POLICY_CANARIES ||
        ss_exceptions_count(policy->exceptions) > SS_EXCEPTIONS_MAX)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtpsec_faults faults;
    struct ss_operator_policy policy;
    struct ss_bytes text = { data, size };

    memset(&faults, 0, sizeof(faults));
    if (ss_operator_policy_read(&policy, text, NOW, &faults) == 0) {
        check_faults(&faults, size);
        check_policy(&policy);
    }
    ss_operator_policy_free(&policy);
    return 0;
}
