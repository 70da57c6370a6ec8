/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec explain: the trace of a plan for people. */
#ifndef TOOL_EXPLAIN_H
#define TOOL_EXPLAIN_H

#include <smtpsec.h>

#include "visit.h"

/* visits: one a host, NULL where there was none; text or one line of JSON. */
void explain_plan(const struct smtpsec_plan *plan, struct visit *const *visits);
void explain_plan_json(const struct smtpsec_plan *plan, struct visit *const *visits);

#endif
