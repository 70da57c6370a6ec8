/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator chose, as plain values; copied into each lookup. */
#ifndef SS_DECISION_SETTINGS_H
#define SS_DECISION_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"
#include "memory/rules.h"

/* Most own names that cut an MX list (RES-03). */
#define SS_OWN_NAMES 8

struct ss_settings {
    int32_t dane;         /* SMTPSEC_MODE_OFF, _REPORT (judge, tell, ask for TLS alone), _ENFORCE */
    bool tlsa_sha256;     /* digests in use (TLSA-22) */
    bool tlsa_sha512;
    bool mx_alias;        /* MX hosts may be aliases (RES-31) */
    size_t own_name_count;
    struct ss_name own_names[SS_OWN_NAMES];
    bool mta_sts;
    bool sts_async;       /* no evaluation waits for a policy (STSF-16) */
    bool dane_over_sts;   /* DANE alone beside MTA-STS enforce (PREC-02) */
    int32_t insecure_mx;  /* level that TLSA of a host on an unsigned MX asks for (RES-23) */
    int32_t minimum;      /* level that the operator asks of every destination */
    uint16_t tls_version; /* least version where an identity is required (DANE-EE-12) */
    struct ss_memory_settings memory;
};

void ss_settings_init(struct ss_settings *settings);
/*
 * Bring the parts to agree, the last step of choosing: what is not judged any
 * more cannot be asked for by the memory either (TLSA-22).
 */
void ss_settings_settle(struct ss_settings *settings);

#endif
