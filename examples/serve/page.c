/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "page.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "accept.h"

#define REQUEST_OCTETS 8192
#define PAGE_S 10

struct serve_page {
    struct serve_server *server;
    struct serve_page *next;
    struct serve_page *previous;
    struct bufferevent *stream;
    struct event *late;
    int answered;
};

static void
page_free(struct serve_page *page)
{
    struct serve_server *server = page->server;

    if (page->next != NULL)
        page->next->previous = page->previous;
    if (page->previous != NULL)
        page->previous->next = page->next;
    else
        server->pages = page->next;
    bufferevent_free(page->stream);
    event_free(page->late);
    free(page);
    server->page_count--;
    serve_accept_more(server);
}

static void
take_gauges(const struct serve_server *server, struct serve_gauges *gauges)
{
    const struct smtpsec_context *context = server->engine.context;
    int32_t i;

    memset(gauges, 0, sizeof(*gauges));
    gauges->connections = server->client_count;
    gauges->flights_running = server->flights.running;
    gauges->flights_queued = server->flights.queued;
    gauges->plans = server->plans.count;
    gauges->joined = server->flights.joined;
    gauges->memory = smtpsec_context_memory_state(context);
    gauges->dnssec = smtpsec_context_dnssec(context);
    for (i = 1; i < SERVE_EVENT_KINDS; i++)
        gauges->counters[i] = smtpsec_context_counter(context, i);
}

static void
put(struct serve_page *page, const char *status, const char *type, const char *body, int with_body)
{
    struct evbuffer *output = bufferevent_get_output(page->stream);

    evbuffer_add_printf(output,
                        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                        "Connection: close\r\n\r\n%s",
                        status, type, strlen(body), with_body ? body : "");
}

static void
put_figures(struct serve_page *page, int with_body)
{
    struct serve_gauges gauges;
    char *text;

    take_gauges(page->server, &gauges);
    text = serve_figures_text(&page->server->figures, &gauges);
    if (text == NULL)
        put(page, "500 Internal Server Error", "text/plain", "out of memory\n", with_body);
    else
        put(page, "200 OK", "text/plain; version=0.0.4; charset=utf-8", text, with_body);
    free(text);
}

/* The whole head has come; only its first line matters. */
static void
answer(struct serve_page *page, const char *head)
{
    int get = strncmp(head, "GET ", 4) == 0;
    const char *path = strchr(head, ' ');

    page->answered = 1;
    if (!get && strncmp(head, "HEAD ", 5) != 0)
        put(page, "405 Method Not Allowed", "text/plain", "GET or HEAD\n", 1);
    else if (strncmp(path, " /metrics ", 10) != 0 && strncmp(path, " /metrics?", 10) != 0)
        put(page, "404 Not Found", "text/plain", "the figures are at /metrics\n", get);
    else
        put_figures(page, get);
    bufferevent_disable(page->stream, EV_READ);
}

static void
on_data(struct bufferevent *stream, void *arg)
{
    struct serve_page *page = arg;
    struct evbuffer *input = bufferevent_get_input(stream);
    char head[REQUEST_OCTETS + 1];
    ev_ssize_t len;

    if (page->answered)
        return;
    len = evbuffer_copyout(input, head, REQUEST_OCTETS);
    if (len < 0)
        return;
    head[len] = '\0';
    if (strlen(head) != (size_t)len || (len == REQUEST_OCTETS && strstr(head, "\r\n\r\n") == NULL))
        page_free(page);
    else if (strstr(head, "\r\n\r\n") != NULL)
        answer(page, head);
}

static void
on_sent(struct bufferevent *stream, void *arg)
{
    struct serve_page *page = arg;

    (void)stream;
    if (page->answered)
        page_free(page);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
    (void)stream;
    (void)what;
    page_free(arg);
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    page_free(arg);
}

void
serve_page_accept(struct serve_server *server, int fd)
{
    struct serve_page *page = server->page_count < SERVE_PAGES ? calloc(1, sizeof(*page)) : NULL;
    const struct timeval late = {PAGE_S, 0};

    if (page == NULL) {
        close(fd);
        return;
    }
    page->stream = bufferevent_socket_new(server->base, fd, BEV_OPT_CLOSE_ON_FREE);
    page->late = evtimer_new(server->base, on_late, page);
    if (page->stream == NULL || page->late == NULL) {
        if (page->stream != NULL)
            bufferevent_free(page->stream);
        else
            close(fd);
        if (page->late != NULL)
            event_free(page->late);
        free(page);
        return;
    }
    page->server = server;
    page->next = server->pages;
    if (page->next != NULL)
        page->next->previous = page;
    server->pages = page;
    server->page_count++;
    evtimer_add(page->late, &late);
    bufferevent_setwatermark(page->stream, EV_READ, 0, REQUEST_OCTETS);
    bufferevent_setcb(page->stream, on_data, on_sent, on_event, page);
    bufferevent_enable(page->stream, EV_READ | EV_WRITE);
}

void
serve_pages_end(struct serve_server *server)
{
    while (server->pages != NULL)
        page_free(server->pages);
}
