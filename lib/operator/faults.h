/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is wrong, or odd, in a policy file, by lines. */
#ifndef SS_OPERATOR_FAULTS_H
#define SS_OPERATOR_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SS_FAULTS_MAX 64

struct ss_fault {
    uint32_t line;
    bool harmless; /* the file can be used all the same */
    char text[240];
};

/* Zero-initialise. */
struct smtpsec_faults {
    size_t count;
    struct ss_fault list[SS_FAULTS_MAX];
};

/*
 * Add one. When there is no room a harmless one gives way to one that is not:
 * a list of harmless ones alone always means a file that can be used.
 */
void ss_fault_add(struct smtpsec_faults *faults, uint32_t line, bool harmless, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));
/* The first that is not harmless; NULL: the file can be used. */
const struct ss_fault *ss_faults_first(const struct smtpsec_faults *faults);

#endif
