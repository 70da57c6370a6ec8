/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "smtpsec.h"

const char *
smtpsec_version(void)
{
    return SS_VERSION;
}

int
smtpsec_version_check(int32_t major, int32_t minor, int32_t patch)
{
    return major == SS_VERSION_MAJOR && minor == SS_VERSION_MINOR && patch <= SS_VERSION_PATCH;
}

int
smtpsec_has(const char *feature)
{
    static const char *const features[] = {"dane",   "mta-sts",     "requiretls",
                                           "memory", "memory-lmdb", "gnutls"};
    size_t i;

    for (i = 0; feature != NULL && i < sizeof(features) / sizeof(features[0]); i++)
        if (strcmp(feature, features[i]) == 0)
            return 1;
    return 0;
}
