/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For static builds: the HTTPS module is linked in. */
#include "base/error.h"
#include "drive/fetch.h"
#include "smtpsec.h"

extern const struct ss_fetch_module smtpsec_fetch_module;

int
ss_fetch_module_find(const struct ss_fetch_module **out, struct ss_error *error)
{
    *out = NULL;
    if (smtpsec_fetch_module.version != SS_FETCH_VERSION)
        return ss_error_set(error, SMTPSEC_E_FETCH, "the HTTPS module is of another version");
    *out = &smtpsec_fetch_module;
    return 0;
}
