/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The daemon as a whole: one thread, one loop, and what hangs in it. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include <stdint.h>

#include <event2/event.h>
#include <event2/listener.h>

#include <smtpsec.h>

#include "../options.h"
#include "flights.h"
#include "listen.h"
#include "metrics.h"
#include "peers.h"
#include "plans.h"

struct serve_client;
struct serve_page;

/* How long a stop waits for evaluations under way, and then for replies to be read. */
#define SERVE_STOP_S 5
#define SERVE_STOP_FLUSH_S 2

struct serve_server {
    struct tool_options *options;
    struct event_base *base;

    /* engine.c: what evaluates */
    struct serve_engine {
        struct smtpsec_context *context;
        struct event *ready; /* the context's descriptor */
        struct event *timer; /* the context's time-out */
    } engine;

    /* who asks */
    struct serve_sockets sockets;
    struct serve_listener {
        struct serve_server *server;
        const struct serve_socket *socket;
        struct evconnlistener *listener;
    } listeners[SERVE_LISTENERS + 1];
    struct event *listen_again; /* after descriptors ran out */
    struct serve_client *clients;
    size_t client_count;
    struct serve_page *pages;
    size_t page_count;
    struct serve_peers peers;

    struct serve_flights flights;
    struct serve_plans plans;
    struct serve_figures figures;

    /* upkeep.c */
    struct event *upkeep_timer;
    struct event *child_signal;
    struct smtpsec_refreshing *refreshing;
    uint64_t upkeep_rounds;
    int prune_pid; /* 0: none runs */

    /* life.c */
    struct event *signals[3];
    struct event *tick;
    struct event *stop_timer;
    int stopping; /* 1: evaluations may end; 2: replies may be read */
};

/* Times that never step back. */
int64_t serve_up_us(void);
int64_t serve_up_ms(void);
int64_t serve_up_s(void);

#endif
