/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a plan and its sessions to a report: which policies were considered
 * (RFC 8460 4.4), and what each session did to each of them.
 */
#ifndef SS_DECISION_CONSIDERED_H
#define SS_DECISION_CONSIDERED_H

#include <stdbool.h>
#include <stddef.h>

#include "decision/plan.h"
#include "decision/session.h"
#include "decision/verify.h"
#include "report/report.h"

/* Most sessions of one delivery. */
#define SS_REPORT_SESSIONS 64

/* The policies of one host, as indices of the report's. */
struct ss_considered_host {
    char name[SS_HOST_TEXT];
    bool tlsa;         /* there is a TLSA RRset, usable or not */
    bool usable;
    size_t tlsa_policy;
};

struct smtpsec_report {
    bool silent;       /* nothing is to be told: nobody asks for it, or it must not be */
    size_t sessions;
    bool sts;          /* a policy of mode enforce or testing is live */
    size_t sts_policy;
    char domain[SS_HOST_TEXT];
    size_t host_count;
    struct ss_considered_host *hosts;
    struct ss_report told;
};

/* Where a session ran, as text; NULL: not known. */
struct ss_session_place {
    const char *sending_ip;
    const char *receiving_ip;
    const char *helo;
};

/* Returns 0 or NOMEM. */
int ss_considered_new(const struct smtpsec_plan *plan, struct smtpsec_report **out);
void ss_considered_free(struct smtpsec_report *report);
/* Returns 0, NOMEM, INVALID (no such host), LIMIT. */
int ss_considered_session(struct smtpsec_report *report,
                          const struct smtpsec_requirement *requirement,
                          const struct smtpsec_session *session,
                          const struct smtpsec_verdict *verdict,
                          const struct ss_session_place *place);

#endif
