/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "sts/sts_policy.h"

/*
 * Media type text/plain, with or without parameters: all are ignored, charset
 * included, since the body is read as octets (STSF-08).
 */
static bool
is_text_plain(const char *content_type)
{
    struct ss_text whole = ss_text_of(content_type);
    struct ss_text type, parameters;

    if (!ss_text_cut(whole, ';', &type, &parameters))
        type = whole;
    return ss_text_equal_nocase(ss_text_trim_blanks(ss_text_skip_blanks(type)), "text/plain");
}

int32_t
ss_sts_reply_check(int32_t status, const char *content_type)
{
    if (status != 200) /* STSF-05 */
        return SMTPSEC_FAILURE_HTTP_STATUS;
    if (content_type == NULL || !is_text_plain(content_type))
        return SMTPSEC_FAILURE_HTTP_TYPE;
    return SMTPSEC_FAILURE_NONE;
}
