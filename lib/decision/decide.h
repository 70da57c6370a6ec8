/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Evidence to plan. */
#ifndef SS_DECISION_DECIDE_H
#define SS_DECISION_DECIDE_H

#include <stdbool.h>

#include "decision/evidence.h"
#include "decision/plan.h"
#include "decision/settings.h"

/*
 * List what to ask next; all of it may be asked at once. Nothing wanted means
 * that ss_decide() has all it can get.
 */
int ss_missing(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
               struct ss_wants *wants);

/*
 * Decide. What is still unknown counts as failed, so it may be called at any
 * time. The plan is for a message without options; ss_plan_for() derives others.
 * Returns 0 or NOMEM.
 */
int ss_decide(const struct ss_evidence *evidence, const struct ss_settings *settings, int64_t now,
              struct smtpsec_plan **out);

/* Apply a message's options to the facts of a plan (apply.c). Returns 0 or NOMEM. */
int ss_plan_apply(struct smtpsec_plan *plan, const struct smtpsec_message *message);

#endif
