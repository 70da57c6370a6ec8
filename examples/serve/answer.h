/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a plan to one line for Postfix. The line serves every MX host of the
 * domain, and Postfix makes its own look-ups: so it is never weaker than the
 * plan for any host that Postfix may meet. What cannot be said is a TEMP.
 * doc/postfix-socketmap.md has the table. Pure: no I/O, no clock.
 */
#ifndef SERVE_ANSWER_H
#define SERVE_ANSWER_H

#include "smtpsec.h"

/* A socketmap client of Postfix reads no more. */
#define SERVE_REPLY_MAX 100000

/*
 * The reply of a dialect (question.h) to a plan: "NOTFOUND ", "OK encrypt ...",
 * "TEMP reason". *reply is malloc'ed, at most SERVE_REPLY_MAX octets.
 * It serves no longer than the plan does: see smtpsec_plan_expires().
 * Returns: 0, SMTPSEC_E_NOMEM.
 */
int serve_answer(const struct smtpsec_plan *plan, int dialect, char **reply);

/* "TEMP reason" for an evaluation that ended in an error code. Static. */
const char *serve_answer_error(int status);

/*
 * Set what keeps plans within what Postfix can be told: DANE alone beside
 * MTA-STS, and TLS alone for TLSA records behind an unsigned MX set. Call it
 * before the operator's policy file is read, which may say otherwise.
 * Returns: 0, or what smtpsec_options_set_*() gave.
 */
int serve_answer_options(struct smtpsec_options *options);

#endif
