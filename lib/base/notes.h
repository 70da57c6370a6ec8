/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trace of a decision: faults in what strangers sent and rules that
 * applied, in order, in bounded memory. Losing a note never changes a
 * decision, so writing one cannot fail.
 */
#ifndef SS_BASE_NOTES_H
#define SS_BASE_NOTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define SS_NOTES_MAX 512
/* The last places are kept for what refuses, so that no flood of records hides it. */
#define SS_NOTES_KEPT 32
/* The age of what is of no age, or of one that nobody knows. */
#define SS_AGE_UNKNOWN (-1)

/* What a rule did to what is asked of a destination. */
enum ss_effect {
    SS_INFORMS,
    SS_RAISES,
    SS_LOWERS,
    SS_SKIPS,   /* a record, a host or an answer is left out */
    SS_REFUSES,
    SS_REPORTS  /* it would refuse, and only tells */
};

/* What a note was drawn from. */
struct ss_origin {
    const char *source;    /* static: "dns", "https", "cache", "memory", "operator", "message"; "" */
    int64_t age;           /* seconds when used, or SS_AGE_UNKNOWN */
    struct ss_bytes input; /* a stranger's octets as they are; copied */
};

struct ss_note {
    const char *rule; /* matrix row, static: "TLSA-11" */
    const char *rfc;  /* RFC and section, static; "" when none */
    const char *source;
    const char *input; /* never NULL; lies behind the text */
    int64_t age;
    enum ss_effect effect;
    char *text;
    bool lent; /* text and input belong to other notes */
};

struct ss_notes {
    struct ss_note *list;
    size_t count;
    size_t cap;
    bool lost; /* some did not fit */
};

void ss_notes_free(struct ss_notes *notes);
const char *ss_effect_name(enum ss_effect effect);
/* Add one; notes may be NULL. rule, rfc: static. Text is cut at 511 octets and escaped. */
void ss_note(struct ss_notes *notes, enum ss_effect effect, const char *rule, const char *rfc,
             const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same, with whose word it is and nothing more; source: static, as in ss_origin. */
void ss_note_by(struct ss_notes *notes, const char *source, enum ss_effect effect, const char *rule,
                const char *rfc, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The same, of something; its octets are escaped and cut like the text. */
void ss_note_from(struct ss_notes *notes, const struct ss_origin *origin, enum ss_effect effect,
                  const char *rule, const char *rfc, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
void ss_note_list(struct ss_notes *notes, const struct ss_origin *origin, enum ss_effect effect,
                  const char *rule, const char *rfc, const char *format, va_list args)
    __attribute__((format(printf, 6, 0)));
/* Copy all; false without memory (then out is empty). */
bool ss_notes_copy(struct ss_notes *out, const struct ss_notes *notes);
/* The same with the texts of the others, which must stay as long. */
bool ss_notes_borrow(struct ss_notes *out, const struct ss_notes *notes);

#endif
