/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * UDP sockets. Making and closing one costs more than asking a question by it,
 * so one that was answered is kept while other questions are on their way; but
 * only the socket, never its port. Between two questions it is disconnected,
 * which gives the port back and lets nothing more in, and connecting it anew has
 * the kernel draw another one, as for a new socket (RFC 5452 section 9.2). What
 * came in before that stays in it: a socket that holds anything is closed.
 */
#include "drive/query.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpsec.h"

/* Give its port back; nothing reaches it from here on. */
static bool
disconnect(const struct ss_line *line)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    return connect(line->fd, &nowhere, sizeof(nowhere)) == 0;
}

void
ss_line_close(struct ss_line *line)
{
    if (line == NULL)
        return;
    ss_loop_unwatch(&line->watch);
    close(line->fd);
    free(line);
}

static struct ss_line *
pop_idle(struct ss_resolver *resolver)
{
    struct ss_line *line = resolver->idle;

    if (line == NULL)
        return NULL;
    resolver->idle = line->next;
    resolver->idle_count--;
    return line;
}

void
ss_lines_close(struct ss_resolver *resolver)
{
    while (resolver->idle != NULL)
        ss_line_close(pop_idle(resolver));
}

/* What an idle line still has to read came behind the reply that was awaited. */
static void
idle_ready(void *arg, int events)
{
    struct ss_line *line = arg;
    struct ss_line **at = &line->resolver->idle;

    (void)events;
    while (*at != line)
        at = &(*at)->next;
    *at = line->next;
    line->resolver->idle_count--;
    ss_line_close(line);
}

static struct ss_line *
open_line(struct ss_resolver *resolver, const struct ss_server *server, int32_t *failure)
{
    struct ss_line *line = calloc(1, sizeof(*line));

    *failure = SMTPSEC_FAILURE_TIMEOUT; /* no memory: says nothing about the server */
    if (line == NULL)
        return NULL;
    line->fd = ss_server_connect(server, SOCK_DGRAM, failure);
    if (line->fd < 0) {
        free(line);
        return NULL;
    }
    line->resolver = resolver;
    line->family = server->address.family;
    line->watch.arg = line;
    if (ss_loop_watch(resolver->loop, &line->watch, line->fd, SS_LOOP_READ) != 0) {
        *failure = SMTPSEC_FAILURE_TIMEOUT;
        ss_line_close(line);
        return NULL;
    }
    return line;
}

/*
 * Neither a datagram nor an error lies in it: what one server sent too much, or
 * somebody in its name, must not be read as the reply to the next question, nor
 * count against the server of that one.
 */
static bool
is_empty(const struct ss_line *line)
{
    uint8_t octet;

    return recv(line->fd, &octet, sizeof(octet), MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/* An idle line that could be connected to the server, or NULL. */
static struct ss_line *
wake_line(struct ss_resolver *resolver, const struct ss_server *server)
{
    struct ss_line *line;

    while ((line = pop_idle(resolver)) != NULL) {
        if (line->family == server->address.family && is_empty(line) &&
            ss_server_reconnect(line->fd, server))
            return line;
        ss_line_close(line);
    }
    return NULL;
}

int32_t
ss_line_take(struct ss_query *query)
{
    struct ss_resolver *resolver = query->resolver;
    const struct ss_server *server = &resolver->config.servers[query->server];
    int32_t failure = SMTPSEC_FAILURE_NONE;
    struct ss_line *line = wake_line(resolver, server);

    if (line == NULL)
        line = open_line(resolver, server, &failure);
    if (line == NULL)
        return failure;
    line->query = query;
    line->watch.ready = ss_line_ready;
    query->line = line;
    return SMTPSEC_FAILURE_NONE;
}

void
ss_line_give(struct ss_query *query)
{
    struct ss_resolver *resolver = query->resolver;
    struct ss_line *line = query->line;

    query->line = NULL;
    if (resolver->idle_count == SS_LINES_IDLE || !disconnect(line)) {
        ss_line_close(line);
        return;
    }
    line->query = NULL;
    line->watch.ready = idle_ready;
    line->next = resolver->idle;
    resolver->idle = line;
    resolver->idle_count++;
}
