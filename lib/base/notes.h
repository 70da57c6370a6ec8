/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trace of a decision: faults in what strangers sent and rules that
 * applied, in order, in bounded memory. Losing a note never changes a
 * decision, so writing one cannot fail.
 */
#ifndef SS_BASE_NOTES_H
#define SS_BASE_NOTES_H

#include <stdbool.h>
#include <stddef.h>

#define SS_NOTES_MAX 512

struct ss_note {
    const char *rule; /* matrix row, static: "TLSA-11" */
    const char *rfc;  /* RFC and section, static; "" when none */
    char *text;
};

struct ss_notes {
    struct ss_note *list;
    size_t count;
    size_t cap;
    bool lost; /* some did not fit */
};

void ss_notes_free(struct ss_notes *notes);
/* Add one; notes may be NULL. rule, rfc: static. Text is cut at 511 octets and escaped. */
void ss_note(struct ss_notes *notes, const char *rule, const char *rfc, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Copy all; false without memory (then out is empty). */
bool ss_notes_copy(struct ss_notes *out, const struct ss_notes *notes);

#endif
