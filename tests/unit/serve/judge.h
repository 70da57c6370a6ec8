/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Is a reply never weaker than a plan? Tried out on every session that there
 * can be at every host: where Postfix would go on, the plan must agree.
 */
#ifndef SERVE_TEST_JUDGE_H
#define SERVE_TEST_JUDGE_H

#include "decision/plan.h"
#include "postfix_model.h"

/* The first session that is let through and should not be. */
struct judged {
    bool weaker;
    size_t host;
    struct postfix_session session;
};

/* What Postfix would do by this reply, against the plan. */
struct judged judge_reply(const struct smtpsec_plan *plan, const char *reply, int release);
/* How many of the used hosts can mail still go to, in a session that the plan accepts there? */
size_t judge_reached(const struct smtpsec_plan *plan, const char *reply, int release);

/* One of a list of candidates: written by this file, from the plan. names: hosts, 1 << index. */
enum judge_kind { JUDGE_NOTFOUND, JUDGE_ENCRYPT, JUDGE_SECURE, JUDGE_DANE_ONLY };
void judge_candidate(const struct smtpsec_plan *plan, int kind, uint32_t names, char *out,
                     size_t room);
/* Can the name stand in a reply? */
bool judge_sayable(const char *name);

#endif
