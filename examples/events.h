/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of the library, taken out of the context and kept until they are told. */
#ifndef TOOL_EVENTS_H
#define TOOL_EVENTS_H

#include <jansson.h>

#include <smtpsec.h>

struct tool_event;

struct tool_events {
    struct tool_event *list;
    size_t count;
};

/* Take all that wait in the context. */
void events_take(struct tool_events *events, struct smtpsec_context *context);
/* An array of those of a domain and of no domain, each given out once. */
json_t *events_json(struct tool_events *events, const char *domain);
/* Say on stderr what nobody has given out yet. */
void events_say(struct tool_events *events);
void events_free(struct tool_events *events);

#endif
