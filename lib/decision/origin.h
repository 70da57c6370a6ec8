/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each reason with the matrix row that it comes from, and with whose word it rests on. */
#ifndef SS_DECISION_ORIGIN_H
#define SS_DECISION_ORIGIN_H

#include <stdint.h>

struct ss_reason_origin {
    int32_t reason;
    const char *rule;
    const char *source; /* as in ss_origin; "session": what the host did or showed */
};

/* Never NULL; rule and source of an unknown reason are "". */
const struct ss_reason_origin *ss_reason_origin(int32_t reason);

#endif
