/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "decision/trace.h"

#include <string.h>

void
ss_trace_start(struct ss_trace *trace)
{
    trace->count = 0;
    trace->used = 0;
}

void
ss_trace_add(struct ss_trace *trace, enum ss_effect effect, const char *rule, const char *rfc,
             const char *source, const char *input, const char *text)
{
    struct ss_step *step;

    if (trace->count >= SS_TRACE_MAX)
        return;
    step = &trace->steps[trace->count++];
    step->rule = rule;
    step->rfc = rfc;
    step->text = text;
    step->source = source;
    step->effect = effect;
    step->input = input;
}

char *
ss_trace_room(struct ss_trace *trace, size_t len)
{
    char *room = trace->room + trace->used;

    if (len >= SS_TRACE_ROOM - trace->used)
        return NULL;
    trace->used += len + 1;
    room[len] = '\0';
    return room;
}

const char *
ss_trace_keep(struct ss_trace *trace, const char *text)
{
    size_t len = strlen(text);
    char *room = ss_trace_room(trace, len);

    if (room == NULL)
        return "";
    memcpy(room, text, len);
    return room;
}
