/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reading of a policy file under way: shared by the files that take its directives. */
#ifndef SS_OPERATOR_READING_H
#define SS_OPERATOR_READING_H

#include "operator/line.h"
#include "operator/policy.h"

#define SS_WORD_SHOWN 48

struct ss_reading {
    struct ss_operator_policy *policy;
    struct smtpsec_faults *faults;
    int64_t now;
    struct ss_line line;
    /* Where each setting was made; 0: not yet. */
    uint32_t mode_line[5];
    uint32_t soft_line;
    uint32_t hold_line;
    uint32_t cap_line, plan_cache_line;
    bool nomem;
};

#define FAULT(reading, ...) \
    ss_fault_add((reading)->faults, (reading)->line.number, false, __VA_ARGS__)

/* A word for a fault's text, cut where it is long; the line reader let nothing odd pass. */
struct ss_word_shown {
    char text[SS_WORD_SHOWN];
};

struct ss_word_shown ss_word_show(struct ss_text word);
/* The n-th word of the line; 0 is the directive. */
struct ss_text ss_reading_word(const struct ss_reading *reading, size_t n);
/* Read DOMAIN, or .DOMAIN for the names below it; says nothing where it is neither. */
bool ss_reading_name(struct ss_text word, struct ss_name *name, bool *below);

/* The directives that make rules. */
void ss_take_level(struct ss_reading *reading);
void ss_take_tls_version(struct ss_reading *reading);
void ss_take_sts_testing(struct ss_reading *reading);
void ss_take_insecure_mx(struct ss_reading *reading);
void ss_take_dane_alone(struct ss_reading *reading);
void ss_take_mx(struct ss_reading *reading);
void ss_take_relay(struct ss_reading *reading);
/* Of the rules from the n-th on: what asks for less than a wider one is a fault (PREC-08). */
void ss_check_rules(struct ss_reading *reading, size_t n);

#endif
