/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "decision/decide.h"
#include "requiretls/header.h"

int
smtpsec_message_new(struct smtpsec_message **out)
{
    if (out == NULL)
        return SMTPSEC_E_INVALID;
    *out = calloc(1, sizeof(**out));
    return *out == NULL ? SMTPSEC_E_NOMEM : 0;
}

void
smtpsec_message_free(struct smtpsec_message *message)
{
    free(message);
}

int
smtpsec_message_set_requiretls(struct smtpsec_message *message, int on)
{
    if (message == NULL)
        return SMTPSEC_E_INVALID;
    message->requiretls = on != 0;
    return 0;
}

int
smtpsec_message_set_tls_required_no(struct smtpsec_message *message, int on)
{
    if (message == NULL)
        return SMTPSEC_E_INVALID;
    message->tls_required_no = on != 0;
    return 0;
}

int
smtpsec_message_set_null_sender(struct smtpsec_message *message, int on)
{
    if (message == NULL)
        return SMTPSEC_E_INVALID;
    message->null_sender = on != 0;
    return 0;
}

int
smtpsec_message_read_headers(struct smtpsec_message *message, const char *headers, size_t len)
{
    struct ss_text text = {headers, len};

    if (message == NULL || (headers == NULL && len > 0))
        return SMTPSEC_E_INVALID;
    message->tls_required_no = ss_tls_required_no(text);
    return 0;
}

int
smtpsec_message_tls_required_no(const struct smtpsec_message *message)
{
    return message == NULL ? 0 : message->tls_required_no;
}

int
smtpsec_message_set_tls_report(struct smtpsec_message *message, int on)
{
    if (message == NULL)
        return SMTPSEC_E_INVALID;
    message->tls_report = on != 0;
    return 0;
}

/* RTLS-17 */
int
smtpsec_message_bounce_requiretls(const struct smtpsec_message *message)
{
    return message == NULL ? 0 : message->requiretls;
}

/* RTLS-17: without a message to look at, the answer that gives less away. */
int
smtpsec_message_bounce_headers_only(const struct smtpsec_message *message)
{
    return message == NULL ? 1 : message->requiretls;
}

int
smtpsec_plan_for(const struct smtpsec_plan *plan, const struct smtpsec_message *message,
                 struct smtpsec_plan **out)
{
    struct smtpsec_plan *copy;
    int r;

    if (plan == NULL || message == NULL || out == NULL)
        return SMTPSEC_E_INVALID;
    r = ss_plan_copy_facts(plan, &copy);
    if (r != 0)
        return r;
    r = ss_plan_apply(copy, message);
    if (r != 0) {
        ss_plan_free(copy);
        return r;
    }
    *out = copy;
    return 0;
}
