/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/settings.h"

void
ss_settings_init(struct ss_settings *settings)
{
    settings->dane = true;
    settings->mta_sts = true;
    settings->dane_over_sts = false;
    settings->insecure_mx = SMTPSEC_LEVEL_DANE;
    settings->tls_version = 0x0303;
    ss_memory_settings_init(&settings->memory);
}
