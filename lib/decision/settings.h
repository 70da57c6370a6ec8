/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the operator chose, as plain values; copied into each lookup. */
#ifndef SS_DECISION_SETTINGS_H
#define SS_DECISION_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/name.h"
#include "base/notes.h"
#include "memory/rules.h"
#include "operator/exceptions.h"

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
    bool tlsrpt;          /* ask whether the domain wants TLS reports */
    bool sts_async;       /* no evaluation waits for a policy (STSF-16) */
    bool dane_over_sts;   /* DANE alone beside MTA-STS enforce (PREC-02) */
    int32_t insecure_mx;  /* level that TLSA of a host on an unsigned MX asks for (RES-23) */
    int32_t minimum;      /* level that the operator asks of every destination */
    uint16_t tls_version; /* least version where an identity is required (DANE-EE-12) */
    struct ss_memory_settings memory;
    struct ss_exceptions *exceptions; /* NULL: none; held by whoever keeps the settings */
};

void ss_settings_init(struct ss_settings *settings);
/*
 * Bring the parts to agree, the last step of choosing: what is not judged any
 * more cannot be asked for by the memory either (TLSA-22).
 */
void ss_settings_settle(struct ss_settings *settings);

/*
 * What the memory may do for one domain at `now`: the settings, and where an
 * exception of the operator's counts, REPORT in place of ENFORCE (PREC-08). It
 * lifts nothing else; live policies are not the memory's. memory: receives
 * them; may be the settings' own. lifted: by claim kind, receives the
 * exception that counts, or NULL; may be NULL itself.
 */
void ss_settings_for(const struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                     struct ss_memory_settings *memory, const struct ss_exception *lifted[5]);
/*
 * Settle the settings of one decision: as above, and told in the notes. The
 * table is left behind, so the result may outlive it. Returns the kinds that
 * an exception lifts, as bits (1 << kind).
 */
int32_t ss_settings_decide(struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                           struct ss_notes *notes);

#endif
