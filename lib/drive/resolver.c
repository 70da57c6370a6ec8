/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/resolver.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drive/query.h"
#include "smtpsec.h"

static void
list_append(struct ss_query_list *list, struct ss_query *query)
{
    query->next = NULL;
    query->previous = list->last;
    if (list->last != NULL)
        list->last->next = query;
    else
        list->first = query;
    list->last = query;
}

static void
list_remove(struct ss_query_list *list, struct ss_query *query)
{
    if (query->previous != NULL)
        query->previous->next = query->next;
    else
        list->first = query->next;
    if (query->next != NULL)
        query->next->previous = query->previous;
    else
        list->last = query->previous;
}

void
ss_query_close(struct ss_query *query)
{
    ss_line_close(query->line);
    query->line = NULL;
    ss_loop_unwatch(&query->watch);
    if (query->fd >= 0)
        close(query->fd);
    query->fd = -1;
}

static void
query_free(struct ss_query *query)
{
    struct ss_resolver *resolver = query->resolver;

    ss_query_close(query);
    ss_loop_untimer(&query->timer);
    if (query->in_flight)
        resolver->in_flight_count--;
    list_remove(query->in_flight ? &resolver->in_flight : &resolver->queued, query);
    ss_buf_free(&query->got);
    free(query);
}

/* The timer of a queued question stands at its deadline and is moved by the first try. */
static bool
query_start(struct ss_query *query)
{
    query->in_flight = true;
    query->resolver->in_flight_count++;
    list_append(&query->resolver->in_flight, query);
    return ss_query_try(query);
}

static void
start_queued(struct ss_resolver *resolver)
{
    struct ss_query *query;

    while (resolver->queued.first != NULL &&
           resolver->in_flight_count < SS_RESOLVER_IN_FLIGHT) {
        query = resolver->queued.first;
        list_remove(&resolver->queued, query);
        /* Its timer is set already, so that moving it needs no memory. */
        (void)query_start(query);
    }
}

/* With no question on its way nothing of us stays open. */
static void
rest(struct ss_resolver *resolver)
{
    if (resolver->in_flight_count == 0)
        ss_lines_close(resolver);
}

void
ss_query_finish(struct ss_query *query, const uint8_t *message, size_t len, int32_t failure)
{
    struct ss_resolver *resolver = query->resolver;
    const struct ss_resolver_config *config = &resolver->config;
    bool trusted = config->count > 0 && config->servers[query->server].trusted;
    ss_query_done done = query->done;
    void *arg = query->arg;
    struct ss_buf kept = query->got; /* the message may lie in it */
    bool freed = false;

    ss_buf_init(&query->got, 0);
    query_free(query);
    start_queued(resolver);
    /* The owner may ask again at once, or free the resolver. */
    resolver->freed = &freed;
    done(arg, message, len, trusted, failure);
    ss_buf_free(&kept);
    if (freed)
        return;
    resolver->freed = NULL;
    rest(resolver);
}

static void
query_timer(void *arg)
{
    struct ss_query *query = arg;
    int32_t failure = query->stillborn;

    query->stillborn = SMTPSEC_FAILURE_NONE;
    if (!query->in_flight)
        ss_query_finish(query, NULL, 0, SMTPSEC_FAILURE_TIMEOUT);
    else
        ss_query_try_failed(query, failure != SMTPSEC_FAILURE_NONE ? failure
                                                                   : SMTPSEC_FAILURE_TIMEOUT);
}

int
ss_resolver_new(struct ss_loop *loop, const struct ss_resolver_config *config,
                struct ss_resolver **out)
{
    struct ss_resolver *resolver;

    *out = NULL;
    if (config->count > SS_RESOLVER_SERVERS || config->timeout_ms <= 0)
        return SMTPSEC_E_INVALID;
    resolver = calloc(1, sizeof(*resolver));
    if (resolver == NULL)
        return SMTPSEC_E_NOMEM;
    resolver->loop = loop;
    resolver->config.count = config->count;
    resolver->config.timeout_ms = config->timeout_ms;
    memcpy(resolver->config.servers, config->servers, config->count * sizeof(config->servers[0]));
    *out = resolver;
    return 0;
}

void
ss_resolver_free(struct ss_resolver *resolver)
{
    if (resolver == NULL)
        return;
    if (resolver->freed != NULL)
        *resolver->freed = true;
    while (resolver->in_flight.first != NULL)
        query_free(resolver->in_flight.first);
    while (resolver->queued.first != NULL)
        query_free(resolver->queued.first);
    ss_lines_close(resolver);
    explicit_bzero(resolver->ids, sizeof(resolver->ids));
    free(resolver);
}

static struct ss_query *
query_new(struct ss_resolver *resolver, const struct ss_question *question, ss_query_done done,
          void *arg)
{
    struct ss_query *query = calloc(1, sizeof(*query));

    if (query == NULL)
        return NULL;
    query->resolver = resolver;
    query->question = *question;
    query->done = done;
    query->arg = arg;
    query->fd = -1;
    query->timer.fire = query_timer;
    query->timer.arg = query;
    query->deadline_ms = ss_loop_now_ms(resolver->loop) + resolver->config.timeout_ms;
    ss_buf_init(&query->got, 0);
    return query;
}

int
ss_resolver_ask(struct ss_resolver *resolver, const struct ss_question *question,
                ss_query_done done, void *arg, struct ss_query **out)
{
    struct ss_query *query = query_new(resolver, question, done, arg);
    bool ok;

    *out = NULL;
    if (query == NULL)
        return SMTPSEC_E_NOMEM;
    if (resolver->in_flight_count < SS_RESOLVER_IN_FLIGHT) {
        ok = query_start(query);
    } else {
        list_append(&resolver->queued, query);
        ok = ss_loop_timer(resolver->loop, &query->timer, resolver->config.timeout_ms) == 0;
    }
    if (!ok) {
        query_free(query);
        return SMTPSEC_E_NOMEM;
    }
    *out = query;
    return 0;
}

void
ss_query_cancel(struct ss_query *query)
{
    struct ss_resolver *resolver;

    if (query == NULL)
        return;
    resolver = query->resolver;
    query_free(query);
    start_queued(resolver);
    rest(resolver);
}
