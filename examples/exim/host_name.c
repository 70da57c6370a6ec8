/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host_name.h"

#include <string.h>

int
exim_is_host_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len < 254 && name[0] != '-' && name[0] != '.' &&
           strspn(name, "0123456789.") < len &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-._") == len;
}
