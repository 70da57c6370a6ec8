/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "requiretls/receive.h"

int32_t
ss_requiretls_receive(bool inside_tls, bool offered, bool has_value)
{
    if (!inside_tls)
        return 530; /* RFC 8689 section 2: TLS must have been negotiated; RFC 3207 section 4 */
    if (!offered)
        return 555; /* RFC 5321 section 4.1.1.11: an extension that was not offered */
    if (has_value)
        return 501; /* the keyword alone is the parameter */
    return 250;
}

const char *
ss_requiretls_receive_text(int32_t code)
{
    switch (code) {
    case 250:
        return "2.1.0 Sender accepted, TLS required";
    case 501:
        return "5.5.4 REQUIRETLS takes no value";
    case 530:
        return "5.7.0 REQUIRETLS is for sessions under TLS, say STARTTLS first";
    case 555:
        return "5.5.4 REQUIRETLS is not offered here";
    default:
        return "";
    }
}
