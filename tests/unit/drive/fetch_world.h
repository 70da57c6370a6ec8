/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A test server in a process of its own, a loop, a fetcher, and what fetches told. */
#ifndef SS_TEST_FETCH_WORLD_H
#define SS_TEST_FETCH_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drive/fetch.h"

#define WORLD_HOST "mta-sts.d.test"
#define BODY_MAX 65536

/* What the server counted; see https_server.py. */
struct server_stats {
    int accepted, closed, octets, requests, most;
    char sni[256], host[256], path[256];
};

/* One fetch and all it told. */
struct told {
    struct world *world;
    struct ss_fetch *fetch;
    int32_t verify_says;   /* what the judge is to return */
    int verify_calls;
    bool verify_cancels;   /* the judge cancels its own fetch */
    bool session_is_live;  /* it had a peer certificate and TLS 1.2 or better */
    int done_calls;
    int order;             /* of the end among all of this world, from 1 */
    int32_t failure;
    int32_t status;
    char type[256];        /* "(none)" for NULL */
    size_t len;
    uint8_t head[16];      /* of the body */
    void (*in_done)(struct told *told);
    void *in_done_arg;
};

struct world {
    struct ss_loop *loop;
    const struct ss_fetch_module *module;
    struct ss_fetcher *fetcher;
    int ended;
};

/* Start the server. Returns 0, 77 when it cannot run here. */
int server_start(const char *python, const char *script);
void server_stop(void);
/* The port of that name; 0: not there. */
uint16_t server_port(const char *name);
void server_reset(void);
void server_open_gate(void);
/* Wait until so many requests have come since the reset. */
void server_wait_requests(int count);
/* Wait until so many connections have come and gone; tell what was seen. */
void server_stats(int wait_closed, struct server_stats *stats);

void world_open(struct world *world);
void world_close(struct world *world);
void told_init(struct told *told, struct world *world);
/* Start a fetch from 127.0.0.1. Returns what start() does. */
int world_fetch(struct told *told, const char *port, const char *path, int64_t timeout_ms);
int world_fetch_from(struct told *told, const char *port, const char *path, int64_t timeout_ms,
                     const char *const *addresses, size_t count);
/* Run the loop until so many fetches of the world have ended. */
void world_run(struct world *world, int ended);
/* Run what is ready and wait a little, so many times. */
void world_idle(struct world *world, int turns);
/* Run the loop until the server has so many requests. */
void world_run_to_requests(struct world *world, int count);

#endif
