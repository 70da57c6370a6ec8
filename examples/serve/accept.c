/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "accept.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../text.h"
#include "client.h"
#include "page.h"

/* Descriptors ran out: wait with accepting, for it would fail again at once. */
#define PAUSE_S 1

void
serve_peer_name(int fd, int is_unix, const struct sockaddr *from, char name[SERVE_PEER_NAME])
{
    char text[INET6_ADDRSTRLEN] = "?";
    struct ucred credentials;
    socklen_t len = sizeof(credentials);
    struct in6_addr network;

    snprintf(name, SERVE_PEER_NAME, "?");
    if (is_unix) {
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) == 0)
            snprintf(name, SERVE_PEER_NAME, "uid %lu", (unsigned long)credentials.uid);
        return;
    }
    if (from->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)from;

        /* All of 127/8 is this machine: no more than one share. */
        if ((ntohl(in->sin_addr.s_addr) >> 24) == 127)
            snprintf(text, sizeof(text), "127.0.0.1");
        else
            inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
    } else if (from->sa_family == AF_INET6) {
        /* Who has one address has all of its /64. */
        network = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
        if (!IN6_IS_ADDR_LOOPBACK(&network))
            memset(&network.s6_addr[8], 0, 8);
        inet_ntop(AF_INET6, &network, text, sizeof(text));
    }
    snprintf(name, SERVE_PEER_NAME, "%s", text);
}

/* A connection of a caller that vanished from the network is found out by the kernel. */
static void
keep_alive(int fd)
{
    const int on = 1;

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static void
pause_one(struct serve_server *server, int metrics, int on)
{
    size_t i;

    for (i = 0; i < server->sockets.count; i++) {
        struct serve_listener *listener = &server->listeners[i];

        if (listener->listener == NULL || listener->socket->metrics != metrics)
            continue;
        if (on)
            evconnlistener_disable(listener->listener);
        else
            evconnlistener_enable(listener->listener);
    }
}

void
serve_accept_more(struct serve_server *server)
{
    if (server->stopping || server->listen_again == NULL ||
        evtimer_pending(server->listen_again, NULL))
        return;
    if (server->client_count < server->options->serve.connections)
        pause_one(server, 0, 0);
    if (server->page_count < SERVE_PAGES)
        pause_one(server, 1, 0);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
          void *arg)
{
    const struct serve_listener *where = arg;
    struct serve_server *server = where->server;

    (void)listener;
    (void)len;
    if (!where->socket->is_unix)
        keep_alive(fd);
    if (where->socket->metrics)
        serve_page_accept(server, fd);
    else
        serve_client_accept(server, fd, where->socket->is_unix, from);
    /* At the bound the others wait in the kernel's queue; nobody who is there is sent away. */
    if (server->client_count >= server->options->serve.connections)
        pause_one(server, 0, 1);
    if (server->page_count >= SERVE_PAGES)
        pause_one(server, 1, 1);
}

static void
on_error(struct evconnlistener *listener, void *arg)
{
    const struct serve_listener *where = arg;
    const struct timeval after = {PAUSE_S, 0};

    (void)listener;
    tool_say("cannot accept: %s", strerror(errno));
    pause_one(where->server, 0, 1);
    pause_one(where->server, 1, 1);
    evtimer_add(where->server->listen_again, &after);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    serve_accept_more(arg);
}

int
serve_accept_begin(struct serve_server *server)
{
    size_t i;

    server->listen_again = evtimer_new(server->base, on_again, server);
    for (i = 0; server->listen_again != NULL && i < server->sockets.count; i++) {
        struct serve_listener *listener = &server->listeners[i];

        listener->server = server;
        listener->socket = &server->sockets.list[i];
        listener->listener = evconnlistener_new(server->base, on_accept, listener,
                                                LEV_OPT_CLOSE_ON_EXEC, 0, listener->socket->fd);
        if (listener->listener == NULL)
            break;
        evconnlistener_set_error_cb(listener->listener, on_error);
    }
    if (server->listen_again != NULL && i == server->sockets.count)
        return TOOL_OK;
    tool_say("out of memory");
    return TOOL_SYSTEM;
}

void
serve_accept_end(struct serve_server *server)
{
    size_t i;

    for (i = 0; i < server->sockets.count; i++) {
        if (server->listeners[i].listener != NULL)
            evconnlistener_free(server->listeners[i].listener);
        server->listeners[i].listener = NULL;
    }
    if (server->listen_again != NULL)
        event_free(server->listen_again);
    server->listen_again = NULL;
    serve_listen_end(&server->sockets);
}
