/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trace of a judgement. A session is judged in a microsecond, so its trace
 * is made of sentences that stand ready; the few octets that are drawn from the
 * session or its requirement are copied into one line of the trace.
 */
#ifndef SS_DECISION_TRACE_H
#define SS_DECISION_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "base/notes.h"

#define SS_TRACE_MAX 12
#define SS_TRACE_ROOM 1024

struct ss_step {
    const char *rule; /* all static */
    const char *rfc;
    const char *text;
    const char *source;
    enum ss_effect effect;
    const char *input; /* static, or inside the trace's room */
};

struct ss_trace {
    size_t count;
    size_t used;
    struct ss_step steps[SS_TRACE_MAX];
    char room[SS_TRACE_ROOM];
};

/* Make it empty, without touching its room. */
void ss_trace_start(struct ss_trace *trace);
/* Add a step whose input is static. What does not fit is left out. */
void ss_trace_add(struct ss_trace *trace, enum ss_effect effect, const char *rule, const char *rfc,
                  const char *source, const char *input, const char *text);
/* Copy text that does not live as long as the trace; returns "" when it has no room. */
const char *ss_trace_keep(struct ss_trace *trace, const char *text);
/* Room for that many octets and their end; NULL when there is none. */
char *ss_trace_room(struct ss_trace *trace, size_t len);

#endif
