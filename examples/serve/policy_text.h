/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Postfix 3.10 and later reports of a domain's MTA-STS policy (RFC 8460), as attributes. */
#ifndef SERVE_POLICY_TEXT_H
#define SERVE_POLICY_TEXT_H

#include "serve/needs.h"
#include "serve/reply_text.h"

/* Is there a policy, or a failure of one, to be told at this level? */
int serve_policy_tells(const struct smtpsec_plan *plan, int level);
/* Add the attributes; they demand nothing that the reply does not demand. */
void serve_policy_add(struct serve_text *text, const struct smtpsec_plan *plan, int level,
                      const struct serve_needs *needs);

#endif
