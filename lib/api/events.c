/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"

int
ss_events_init(struct ss_events *events)
{
    memset(events, 0, sizeof(*events));
    events->ring = calloc(SS_EVENTS_MAX + 1, sizeof(*events->ring));
    return events->ring == NULL ? SMTPSEC_E_NOMEM : 0;
}

void
ss_events_free(struct ss_events *events)
{
    free(events->ring);
    memset(events, 0, sizeof(*events));
}

void
ss_events_add(struct ss_events *events, int32_t kind, int64_t time, const char *domain,
              const char *format, ...)
{
    struct ss_event *event;
    va_list args;

    if (events->count == SS_EVENTS_MAX) {
        events->first = (events->first + 1) % SS_EVENTS_MAX;
        events->count--;
        events->dropped++;
    }
    event = &events->ring[(events->first + events->count++) % SS_EVENTS_MAX];
    event->kind = kind;
    event->time = time;
    snprintf(event->domain, sizeof(event->domain), "%s", domain != NULL ? domain : "");
    va_start(args, format);
    vsnprintf(event->text, sizeof(event->text), format, args);
    va_end(args);
}

int
smtpsec_event_next(struct smtpsec_context *context)
{
    struct ss_events *events;
    struct ss_event *present;

    if (context == NULL)
        return 0;
    events = &context->events;
    present = &events->ring[SS_EVENTS_MAX];
    if (events->dropped > 0) {
        present->kind = SMTPSEC_EVENT_DROPPED;
        present->time = events->count > 0 ? events->ring[events->first].time : 0;
        present->domain[0] = '\0';
        snprintf(present->text, sizeof(present->text), "%zu older events were lost", events->dropped);
        events->dropped = 0;
        return 1;
    }
    if (events->count == 0) {
        memset(present, 0, sizeof(*present));
        return 0;
    }
    *present = events->ring[events->first];
    events->first = (events->first + 1) % SS_EVENTS_MAX;
    events->count--;
    return 1;
}

int32_t
smtpsec_event_kind(const struct smtpsec_context *context)
{
    return context == NULL ? 0 : context->events.ring[SS_EVENTS_MAX].kind;
}

int64_t
smtpsec_event_time(const struct smtpsec_context *context)
{
    return context == NULL ? 0 : context->events.ring[SS_EVENTS_MAX].time;
}

const char *
smtpsec_event_domain(const struct smtpsec_context *context)
{
    return context == NULL ? NULL : context->events.ring[SS_EVENTS_MAX].domain;
}

const char *
smtpsec_event_text(const struct smtpsec_context *context)
{
    return context == NULL ? NULL : context->events.ring[SS_EVENTS_MAX].text;
}
