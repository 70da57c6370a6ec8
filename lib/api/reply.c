/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/reply.h"

#include <stddef.h>

int32_t
smtpsec_classify_reply(const struct smtpsec_requirement *requirement,
                       const struct smtpsec_verdict *verdict, int32_t stage, int32_t code,
                       int32_t *reason)
{
    int32_t why = SMTPSEC_REASON_CONNECT_FAILED;
    int32_t reply = SMTPSEC_REPLY_NEXT_HOST; /* a wrong call loses no message */

    if (requirement != NULL && stage >= SMTPSEC_STAGE_GREETING && stage <= SMTPSEC_STAGE_END)
        reply = ss_reply_classify(requirement, verdict, stage, code, &why);
    if (reason != NULL)
        *reason = why;
    return reply;
}
