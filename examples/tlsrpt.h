/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* smtpsec send --tlsrpt-socket: tell a TLSRPT collector what came of a delivery. */
#ifndef TOOL_TLSRPT_H
#define TOOL_TLSRPT_H

#include <smtpsec.h>

#include "options.h"
#include "visit.h"

/* Start a report; NULL when none is asked for. */
struct smtpsec_report *tlsrpt_begin(const struct tool_options *options,
                                    const struct smtpsec_plan *plan);
void tlsrpt_add(struct smtpsec_report *report, const struct smtpsec_requirement *requirement,
                const struct visit *visit);
/* Send it and free it. What fails here is said, and changes nothing. */
void tlsrpt_end(const struct tool_options *options, struct smtpsec_report *report);

#endif
