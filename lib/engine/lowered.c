/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "engine/lowered.h"

void
ss_lowered_note(struct ss_lowered *lowered, const struct ss_record *before,
                const struct ss_record *after, const struct ss_memory_settings *settings,
                const struct ss_observation *seen, int64_t now)
{
    size_t i;

    for (i = 0; i < before->count; i++) {
        const struct ss_claim *claim = &before->claims[i];
        struct ss_lowered_claim *to;

        if (!ss_claim_in_force(claim, settings, now) ||
            ss_record_find(after, claim->kind, claim->host.len > 0 ? &claim->host : NULL) != NULL)
            continue;
        if (lowered->count >= SS_LOWERED_MAX) {
            lowered->count++;
            continue;
        }
        to = &lowered->list[lowered->count++];
        to->kind = claim->kind;
        to->host = claim->host;
        to->by = seen->what;
        to->sts_mode = seen->sts_mode;
    }
}

const char *
ss_lowered_proof(const struct ss_lowered_claim *claim)
{
    switch (claim->by) {
    case SS_OBSERVED_NO_TLSA:
        return "a signed denial of TLSA records";
    case SS_OBSERVED_MX_SET:
        return "a signed MX set without the host";
    case SS_OBSERVED_POLICY:
        return claim->sts_mode == SMTPSEC_STS_TESTING ? "a policy in mode testing"
                                                      : "a policy in mode none";
    default:
        return "a proof";
    }
}
