/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/settings.h"

void
ss_settings_init(struct ss_settings *settings)
{
    settings->dane = SMTPSEC_MODE_ENFORCE;
    settings->tlsa_sha256 = true;
    settings->tlsa_sha512 = true;
    settings->mx_alias = true;
    settings->own_name_count = 0;
    settings->minimum = SMTPSEC_LEVEL_NONE;
    settings->mta_sts = true;
    settings->sts_async = false;
    settings->dane_over_sts = false;
    settings->insecure_mx = SMTPSEC_LEVEL_DANE;
    settings->tls_version = 0x0303;
    ss_memory_settings_init(&settings->memory);
}

void
ss_settings_settle(struct ss_settings *settings)
{
    int32_t *mode = settings->memory.mode;

    if (mode[SMTPSEC_CLAIM_DANE] > settings->dane)
        mode[SMTPSEC_CLAIM_DANE] = settings->dane;
    if (!settings->mta_sts)
        mode[SMTPSEC_CLAIM_MTA_STS] = SMTPSEC_MODE_OFF;
}
