/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tlsrpt.h"

#include "text.h"

struct smtpsec_report *
tlsrpt_begin(const struct tool_options *options, const struct smtpsec_plan *plan)
{
    struct smtpsec_report *report = NULL;

    if (options->tlsrpt_socket != NULL)
        tool_need(smtpsec_report_new(plan, &report));
    return report;
}

void
tlsrpt_add(struct smtpsec_report *report, const struct smtpsec_requirement *requirement,
           const struct visit *visit)
{
    int rc;

    if (report == NULL || visit->verdict == NULL)
        return;
    rc = smtpsec_report_add_session(report, requirement, visit->session, visit->verdict,
                                    visit->client.own, visit->address, visit->client.ehlo);
    if (rc != 0)
        tool_say("a session was not reported: %s", smtpsec_strerror(rc));
}

void
tlsrpt_end(const struct tool_options *options, struct smtpsec_report *report)
{
    int rc;

    if (report == NULL)
        return;
    rc = smtpsec_report_send(report, options->tlsrpt_socket);
    if (rc != 0)
        tool_say("the report was lost: %s: %s", options->tlsrpt_socket, smtpsec_strerror(rc));
    smtpsec_report_free(report);
}
