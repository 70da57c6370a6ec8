/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is kept for TLS reports beside a plan: the record that asks for them,
 * and the policy as its text stood. No part of it ever changes a decision, and
 * nobody waits for it.
 */
#ifndef SS_DECISION_TLSRPT_FACTS_H
#define SS_DECISION_TLSRPT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/notes.h"
#include "decision/evidence.h"
#include "decision/sts_view.h"
#include "report/tlsrpt_record.h"

/* Most octets kept of a policy; what is beyond would find no room in a report. */
#define SS_POLICY_TEXT_MAX 8192

struct ss_policy_text {
    uint8_t *data; /* owned; NULL when len is 0 */
    size_t len;
};

struct ss_tlsrpt_facts {
    char record[SS_TLSRPT_TEXT + 1]; /* "": no reports are wanted, or nobody asked */
    struct ss_policy_text policy;    /* the MTA-STS policy that applies */
    struct ss_policy_text faulty;    /* what was fetched and breaks the grammar (RPT-22) */
    bool refresh_failed;             /* the cached policy could not be fetched anew (RPT-18) */
    int32_t refresh_why;             /* as the cached policy says it (sts_entry.h); 0: not known */
};

/* Want the record, as long as something else is wanted: it never makes mail wait. */
void ss_tlsrpt_want(const struct ss_evidence *evidence, struct ss_wants *wants);
/* Fill it from the evidence. Returns 0 or NOMEM. */
int ss_tlsrpt_facts_read(const struct ss_evidence *evidence, const struct ss_sts_view *view,
                         struct ss_notes *notes, struct ss_tlsrpt_facts *out);
/* Returns 0, or NOMEM with out empty. */
int ss_tlsrpt_facts_copy(struct ss_tlsrpt_facts *out, const struct ss_tlsrpt_facts *facts);
void ss_tlsrpt_facts_free(struct ss_tlsrpt_facts *facts);

#endif
