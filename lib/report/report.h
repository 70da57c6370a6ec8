/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is to be told of one delivery, in the shape in which a collector counts
 * it: policies, and entries under them. One entry is one session, or what
 * failed of a policy before any; the collector counts each entry once, as a
 * success or as a failure, and each of its failure details once.
 */
#ifndef SS_REPORT_REPORT_H
#define SS_REPORT_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "smtpsec.h"

/* Most octets of the strings, and of the patterns, of one policy; what would pass it is left out. */
#define SS_REPORT_POLICY_OCTETS 8192
/* Most octets of the failure details of one entry. */
#define SS_REPORT_ENTRY_OCTETS 32768
#define SS_REPORT_DOMAIN 256

/* One policy that was considered; its lists are kept as they will be written. */
struct ss_report_policy {
    int32_t type; /* SMTPSEC_POLICY_* */
    char domain[SS_REPORT_DOMAIN];
    struct ss_buf strings;
    struct ss_buf patterns;
};

struct ss_report_entry {
    size_t policy;
    size_t failures;
    struct ss_buf details;
};

struct ss_report {
    char domain[SS_REPORT_DOMAIN];
    char *record;
    size_t policy_count;
    struct ss_report_policy *policies;
    size_t entry_count;
    struct ss_report_entry *entries;
};

/* Detail of a failure; a text that is NULL or "" is not known. */
struct ss_report_failure {
    int32_t result; /* SMTPSEC_RESULT_* */
    const char *sending_ip;
    const char *receiving_host;
    const char *receiving_helo;
    const char *receiving_ip;
    const char *reason;
};

/* Returns 0 or NOMEM; so do all below. */
int ss_report_init(struct ss_report *report, const char *domain, const char *record);
void ss_report_clear(struct ss_report *report);
/* The policy of this type and domain, made when it is not there yet. */
int ss_report_policy(struct ss_report *report, int32_t type, const char *domain, size_t *index);
/* Add a policy string (octets as published), an mx-host pattern. */
int ss_report_add_string(struct ss_report *report, size_t policy, struct ss_bytes string);
int ss_report_add_pattern(struct ss_report *report, size_t policy, const char *pattern);
/* Begin an entry under a policy: a success until a failure is added. */
int ss_report_begin(struct ss_report *report, size_t policy, size_t *index);
int ss_report_fail(struct ss_report *report, size_t entry, const struct ss_report_failure *failure);

#endif
