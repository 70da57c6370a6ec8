/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The insides of the HTTPS module: its fetcher, its fetches, and how libcurl meets the loop. */
#ifndef SS_DRIVE_FETCH_CURL_H
#define SS_DRIVE_FETCH_CURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "drive/fetch.h"
#include "drive/fetch_transfer.h"

struct ss_fetcher {
    struct ss_fetch_host host;
    CURLM *multi;
    pid_t owner;                /* the process that made it; another one must not touch it */
    struct ss_timer curl_timer; /* when libcurl wants to be called */
    struct ss_timer kick;       /* looks at the queue */
    struct ss_fetch *first;     /* all fetches, in order of their start */
    struct ss_fetch *last;
    size_t starting;            /* fetches that hold a place */
    unsigned turns;             /* of ours that are on the stack */
    bool in_curl;
    bool closed;
};

struct ss_fetch {
    struct ss_fetcher *fetcher;
    struct ss_fetch *next;
    struct ss_fetch *previous;
    struct ss_transfer transfer;
    struct ss_timer timer; /* the end of its time */
    int64_t end_ms;        /* the same on the monotonic clock */
    bool listed;           /* on the fetcher's list */
    struct ss_timer place; /* when it must give up its place */
    bool running;
    bool holds_place;      /* runs, and not for long yet */
    bool cancelled;        /* while libcurl was on the stack: to be dropped in silence */
    bool socket_failed;    /* a descriptor could not be watched */
    char *host;
    char *path;
    char **addresses;
    size_t address_count;
};

/* Make a multi handle whose descriptors and timer are the loop's. False: no memory. */
bool ss_fetcher_join_loop(struct ss_fetcher *fetcher);
/* Let libcurl work on a descriptor or on its timer, tell what ended. May free the fetcher. */
void ss_fetcher_turn(struct ss_fetcher *fetcher, curl_socket_t fd, int mask);

#endif
