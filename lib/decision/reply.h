/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a reply of the server means for the message. */
#ifndef SS_DECISION_REPLY_H
#define SS_DECISION_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "decision/requirement.h"
#include "decision/verify.h"

/* True where a session without TLS, or with anybody's certificate, is refused. */
bool ss_requirement_demands(const struct smtpsec_requirement *requirement);
/* Of a requirement left unmet: this fault, or DOWNGRADE where the memory alone demands. */
int32_t ss_requirement_unmet(const struct smtpsec_requirement *requirement, int32_t fault);

/*
 * verdict: NULL before there is one. *reason: NONE but for NEXT_HOST.
 * Returns SMTPSEC_REPLY_*.
 */
int32_t ss_reply_classify(const struct smtpsec_requirement *requirement,
                          const struct smtpsec_verdict *verdict, int32_t stage, int32_t code,
                          int32_t *reason);

#endif
