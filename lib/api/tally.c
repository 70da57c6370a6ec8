/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/tally.h"

int
smtpsec_tally_new(const struct smtpsec_plan *plan, struct smtpsec_tally **out)
{
    if (plan == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    return ss_tally_new(plan, out);
}

void
smtpsec_tally_free(struct smtpsec_tally *tally)
{
    ss_tally_free(tally);
}

int
smtpsec_tally_add(struct smtpsec_tally *tally, size_t host, int32_t reason)
{
    return tally == NULL ? SMTPSEC_E_INVALID : ss_tally_add(tally, host, reason);
}

int32_t
smtpsec_tally_verdict(const struct smtpsec_tally *tally)
{
    return tally == NULL ? SMTPSEC_VERDICT_DEFER : tally->verdict;
}

int32_t
smtpsec_tally_reason(const struct smtpsec_tally *tally)
{
    return tally == NULL ? SMTPSEC_REASON_NONE : tally->reason;
}

const char *
smtpsec_tally_enhanced(const struct smtpsec_tally *tally)
{
    return tally == NULL ? NULL : tally->enhanced;
}

const char *
smtpsec_tally_text(const struct smtpsec_tally *tally)
{
    return tally == NULL ? NULL : tally->text;
}
