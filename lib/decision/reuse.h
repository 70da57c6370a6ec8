/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* May a connection that is open serve another message (PREC-12)? */
#ifndef SS_DECISION_REUSE_H
#define SS_DECISION_REUSE_H

#include <stdbool.h>
#include <stdint.h>

#include "decision/requirement.h"
#include "decision/session.h"

/* True when every session that `opened` accepts is one that `wanted` accepts, at the same time. */
bool ss_requirement_covers(const struct smtpsec_requirement *opened,
                           const struct smtpsec_requirement *wanted);
/* Keep what must be known later of the requirement that a session was opened under. */
void ss_session_open_under(struct smtpsec_session *session,
                           const struct smtpsec_requirement *requirement);
/* Returns 0 or NOMEM; *fits receives the answer. */
int ss_session_satisfies(const struct smtpsec_anchors *anchors,
                         const struct smtpsec_requirement *requirement,
                         const struct smtpsec_session *session, int64_t now, bool *fits);

#endif
