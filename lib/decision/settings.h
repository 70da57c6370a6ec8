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
#include "operator/rules.h"

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
    bool tlsrpt_transient; /* report look-ups that failed and may yet succeed, too (RPT-10) */
    bool sts_async;       /* no evaluation waits for a policy (STSF-16) */
    bool dane_over_sts;   /* DANE alone beside MTA-STS enforce (PREC-02) */
    int32_t insecure_mx;  /* level that TLSA of a host on an unsigned MX asks for (RES-23) */
    int32_t minimum;      /* level that the operator asks of every destination */
    uint16_t tls_version; /* least version where an identity is required (DANE-EE-12) */
    bool sts_strict;      /* a testing policy is enforced (PREC-08) */
    bool dane_reports;    /* an exception: what live DANE asks only reports, but for REQUIRETLS */
    bool sts_reports;     /* the same of a live MTA-STS policy */
    int64_t lowered_until; /* the first end of the exceptions that count; INT64_MAX: none does */
    struct ss_memory_settings memory;
    struct ss_exceptions *exceptions; /* NULL: none; held by whoever keeps the settings */
    struct ss_rules *rules;           /* likewise */
};

void ss_settings_init(struct ss_settings *settings);
/*
 * Bring the parts to agree, the last step of choosing: what is not judged any
 * more cannot be asked for by the memory either (TLSA-22).
 */
void ss_settings_settle(struct ss_settings *settings);

/*
 * What the memory may do for one domain at `now`: the settings, and where an
 * exception of the operator's counts, REPORT in place of ENFORCE (PREC-08): one
 * for the kind of claim, or for what is asked live of that kind. memory: receives
 * them; may be the settings' own. lifted: by claim kind, receives the
 * exception that counts, or NULL; may be NULL itself.
 */
void ss_settings_for(const struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                     struct ss_memory_settings *memory, const struct ss_exception *lifted[5]);
/*
 * Put the operator's rules for a domain in place of the settings, told in the
 * notes, which may be NULL. What is asked of the DNS follows from the result.
 */
void ss_settings_rules(struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                       struct ss_notes *notes);
/* Tell of a rule that was used; whom: the host it was used for, or NULL. */
void ss_settings_tell_rule(const struct ss_rule *rule, const char *whom, struct ss_notes *notes);
/*
 * Settle the settings of one decision: all of the above, told in the notes. The
 * tables are left behind, so the result may outlive them. Returns the kinds that
 * an exception lifts, as bits (1 << kind).
 */
int32_t ss_settings_decide(struct ss_settings *settings, const struct ss_name *domain, int64_t now,
                           struct ss_notes *notes);

#endif
