/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/considered.h"
#include "drive/collector.h"
#include "report/datagram.h"

int
smtpsec_report_new(const struct smtpsec_plan *plan, struct smtpsec_report **out)
{
    if (plan == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    return ss_considered_new(plan, out);
}

void
smtpsec_report_free(struct smtpsec_report *report)
{
    ss_considered_free(report);
}

int
smtpsec_report_add_session(struct smtpsec_report *report,
                           const struct smtpsec_requirement *requirement,
                           const struct smtpsec_session *session,
                           const struct smtpsec_verdict *verdict, const char *sending_ip,
                           const char *receiving_ip, const char *helo)
{
    struct ss_session_place place = {sending_ip, receiving_ip, helo};

    if (report == NULL || requirement == NULL || session == NULL || verdict == NULL)
        return SMTPSEC_E_INVALID;
    return ss_considered_session(report, requirement, session, verdict, &place);
}

int
smtpsec_report_datagram(const struct smtpsec_report *report, uint8_t **data, size_t *len)
{
    struct ss_buf buf;
    int r;

    if (report == NULL || data == NULL || len == NULL)
        return SMTPSEC_E_INVALID;
    *data = NULL;
    *len = 0;
    r = ss_datagram_write(&report->told, &buf);
    if (r != 0) {
        ss_buf_free(&buf);
        return r;
    }
    *data = buf.data;
    *len = buf.len;
    return 0;
}

int
smtpsec_report_send(const struct smtpsec_report *report, const char *socket_path)
{
    struct ss_bytes datagram;
    uint8_t *data;
    size_t len;
    int r;

    if (report == NULL || socket_path == NULL)
        return SMTPSEC_E_INVALID;
    r = smtpsec_report_datagram(report, &data, &len);
    if (r != 0 || len == 0)
        return r;
    datagram.data = data;
    datagram.len = len;
    r = ss_collector_send(socket_path, datagram);
    smtpsec_bytes_free(data);
    return r;
}
