/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the receiving side. */
#include "requiretls/receive.h"

#include "smtpsec.h"

int32_t
smtpsec_requiretls_receive(int inside_tls, int offered, const char *value)
{
    return ss_requiretls_receive(inside_tls != 0, offered != 0, value != NULL);
}

const char *
smtpsec_requiretls_receive_text(int32_t code)
{
    return ss_requiretls_receive_text(code);
}

size_t
smtpsec_limit_requiretls_octets(void)
{
    return SS_REQUIRETLS_OCTETS;
}
