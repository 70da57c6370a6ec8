/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "print_json.h"
#include "text.h"

struct tool_event {
    int32_t kind;
    int64_t time;
    char *domain;
    char *text;
    int told;
};

static char *
copy(const char *text)
{
    char *kept = strdup(text != NULL ? text : "");

    if (kept == NULL)
        tool_out_of_memory();
    return kept;
}

void
events_take(struct tool_events *events, struct smtpsec_context *context)
{
    while (smtpsec_event_next(context) == 1) {
        struct tool_event *list =
            realloc(events->list, (events->count + 1) * sizeof(*events->list));

        if (list == NULL)
            tool_out_of_memory();
        events->list = list;
        list += events->count++;
        list->kind = smtpsec_event_kind(context);
        list->time = smtpsec_event_time(context);
        list->domain = copy(smtpsec_event_domain(context));
        list->text = copy(smtpsec_event_text(context));
        list->told = 0;
    }
}

json_t *
events_json(struct tool_events *events, const char *domain)
{
    json_t *array = json_new_array();
    size_t i;

    for (i = 0; i < events->count; i++) {
        struct tool_event *event = &events->list[i];
        json_t *object = NULL;

        if (event->told || (event->domain[0] != '\0' && strcmp(event->domain, domain) != 0))
            continue;
        object = json_new_object();
        json_put_text(object, "kind", smtpsec_event_name(event->kind));
        json_put_number(object, "time", event->time);
        json_put_text(object, "domain", event->domain);
        json_put_text(object, "text", event->text);
        json_append(array, object);
        event->told = 1;
    }
    return array;
}

void
events_say(struct tool_events *events)
{
    size_t i;

    for (i = 0; i < events->count; i++) {
        struct tool_event *event = &events->list[i];

        if (!event->told)
            tool_say("event %s%s%s: %s", smtpsec_event_name(event->kind),
                     event->domain[0] != '\0' ? " " : "", event->domain, event->text);
        event->told = 1;
    }
}

void
events_free(struct tool_events *events)
{
    size_t i;

    for (i = 0; i < events->count; i++) {
        free(events->list[i].domain);
        free(events->list[i].text);
    }
    free(events->list);
    memset(events, 0, sizeof(*events));
}
