/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One line of a policy file, cut into words at blanks. Double quotes keep
 * blanks; `#` where a word would begin starts a comment.
 */
#ifndef SS_OPERATOR_LINE_H
#define SS_OPERATOR_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "operator/faults.h"

/* More than any directive takes. */
#define SS_LINE_WORDS 8

struct ss_line_word {
    struct ss_text text; /* printable ASCII; without its quotes */
    bool quoted;
};

struct ss_line {
    uint32_t number;
    size_t count; /* 0: nothing is said here */
    struct ss_line_word words[SS_LINE_WORDS];
};

/* Read one; its number is set. False: faulty, and said. */
bool ss_line_read(struct ss_line *line, struct ss_text text, struct smtpsec_faults *faults);

#endif
