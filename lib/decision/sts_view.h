/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which MTA-STS policy applies now: the TXT record, the cached policy, and
 * the fetched body, weighed as RFC 8461 sections 3.1, 3.3 and 5.1 say.
 */
#ifndef SS_DECISION_STS_VIEW_H
#define SS_DECISION_STS_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/notes.h"
#include "decision/evidence.h"
#include "decision/resolve.h"
#include "decision/settings.h"
#include "sts/sts_policy.h"
#include "sts/sts_record.h"

/* No second fetch of an id that failed, for five minutes (STSF-13); none of any id for one. */
#define SS_STS_RETRY_SAME 300
#define SS_STS_RETRY_ANY 60

struct ss_sts_view {
    bool pending;
    struct ss_sts_policy policy; /* mode ABSENT: none applies */
    int32_t source;              /* SMTPSEC_STS_SOURCE_* */
    char id[SS_STS_ID_MAX + 1];
    int64_t expires;             /* end of the policy's life */
    int32_t error;               /* RFC 8460 result type of what failed, or NONE */
    int32_t failure;             /* SMTPSEC_FAILURE_* behind a fetch error */
    char error_text[160];
    bool unsure;                 /* record or policy could not be looked up: there may be one */
    bool held_back;              /* a fetch is wanted, and it is too early for one */
    bool attempted;              /* a fetch was tried for wanted_id */
    char wanted_id[SS_STS_ID_MAX + 1];
    const struct ss_https_fact *fetched; /* the body that became the policy; belongs to the evidence */
};

/*
 * Read the evidence; what is unknown goes to wants. The hosts tell whether a
 * cached policy must be looked at anew (STSA-09). Returns 0 or NOMEM.
 */
int ss_sts_view_read(const struct ss_evidence *evidence, const struct ss_settings *settings,
                     const struct ss_resolution *resolution, int64_t now, struct ss_wants *wants, struct ss_notes *notes,
                     struct ss_sts_view *view);
void ss_sts_view_free(struct ss_sts_view *view);

/* RPT-14, RPT-16: what RFC 8460 calls a fetch that failed. */
int32_t ss_sts_fetch_result(int32_t failure);

/* The policy host: mta-sts.<domain>. False when that name gets too long. */
bool ss_sts_policy_host(const struct ss_name *domain, struct ss_name *host);

#endif
