/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sts/sts_grammar.h"

/*
 * Octets that follow a leading octet; *low and *high bound the first of them,
 * which is where overlong forms, surrogates and values above U+10FFFF show
 * (RFC 3629 section 4). -1 for an octet that cannot lead.
 */
static int
followers(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0x80)
        return 0;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 1;
    if (lead >= 0xE0 && lead <= 0xEF)
        return 2;
    if (lead >= 0xF0 && lead <= 0xF4)
        return 3;
    return -1;
}

bool
ss_sts_is_utf8(struct ss_text t)
{
    unsigned char low, high, c;
    size_t i = 0;
    int more;

    while (i < t.len) {
        more = followers((unsigned char)t.at[i++], &low, &high);
        if (more < 0)
            return false;
        for (; more > 0; more--) {
            if (i == t.len)
                return false;
            c = (unsigned char)t.at[i++];
            if (c < low || c > high)
                return false;
            low = 0x80;
            high = 0xBF;
        }
    }
    return true;
}
