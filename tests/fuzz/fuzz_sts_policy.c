/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy body: whatever is valid keeps the promises of the header, and its own hosts fit. */
#include <stdlib.h>
#include <string.h>

#include "sts/sts_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A host made from the pattern must fit the policy. */
static void
check_pattern(const struct ss_sts_policy *policy, const struct ss_sts_pattern *pattern)
{
    struct ss_name host = pattern->name;

    if (pattern->text == NULL || (pattern->text[0] == '*') != pattern->wildcard)
        abort();
    if (pattern->name.len == 0)
        return;
    if (pattern->wildcard && !ss_name_prepend(&host, "a", &pattern->name))
        return;
    if (!ss_sts_policy_fits(policy, &host))
        abort();
}

static void
check_policy(const struct ss_sts_policy *policy)
{
    size_t i;

    if (policy->mode < SMTPSEC_STS_NONE || policy->mode > SMTPSEC_STS_ENFORCE)
        abort();
    if (policy->max_age < 0 || policy->max_age > SS_STS_MAX_AGE)
        abort();
    if (policy->mx_count > SS_STS_MX_MAX)
        abort();
    if ((policy->mx_count == 0) != (policy->mode == SMTPSEC_STS_NONE))
        abort();
    for (i = 0; i < policy->mx_count; i++)
        check_pattern(policy, &policy->mx[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_bytes body = {data, size};
    struct ss_sts_policy policy;
    struct ss_notes notes = {0};
    bool valid = false;

    if (ss_sts_policy_read(&policy, body, &valid, &notes) != 0)
        return 0;
    if (valid)
        check_policy(&policy);
    else if (policy.mode != SMTPSEC_STS_ABSENT || policy.mx_count != 0)
        abort();
    ss_sts_policy_free(&policy);
    ss_notes_free(&notes);
    return 0;
}
