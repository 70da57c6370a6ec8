/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How libcurl meets the loop: its descriptors become watches, its timer a timer. */
#include <stdlib.h>

#include "drive/fetch_curl.h"

/* One descriptor of libcurl's; freed as soon as libcurl lets it go: the loop forgets at once. */
struct fetch_socket {
    struct ss_fetcher *fetcher;
    struct ss_watch watch;
};

static void
socket_ready(void *arg, int events)
{
    struct fetch_socket *one = arg;
    int mask = 0;

    if (events & SS_LOOP_READ)
        mask |= CURL_CSELECT_IN;
    if (events & SS_LOOP_WRITE)
        mask |= CURL_CSELECT_OUT;
    /* The turn may free the socket, and close the fetcher. */
    ss_fetcher_turn(one->fetcher, one->watch.fd, mask);
}

static struct fetch_socket *
socket_new(struct ss_fetcher *fetcher, curl_socket_t fd, int events)
{
    struct fetch_socket *one = calloc(1, sizeof(*one));

    if (one == NULL)
        return NULL;
    one->fetcher = fetcher;
    one->watch.ready = socket_ready;
    one->watch.arg = one;
    if (fetcher->host.watch(fetcher->host.loop, &one->watch, fd, events) != 0 ||
        curl_multi_assign(fetcher->multi, fd, one) != CURLM_OK) {
        fetcher->host.unwatch(&one->watch);
        free(one);
        return NULL;
    }
    return one;
}

static int
loop_events(int what)
{
    return (what & CURL_POLL_IN ? SS_LOOP_READ : 0) | (what & CURL_POLL_OUT ? SS_LOOP_WRITE : 0);
}

/* Returning an error here would end every transfer, so only the one concerned is marked. */
static int
want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *assigned)
{
    struct ss_fetcher *fetcher = arg;
    struct fetch_socket *one = assigned;
    struct ss_fetch *fetch = NULL;
    bool ok;

    if (what == CURL_POLL_REMOVE) {
        if (one != NULL)
            fetcher->host.unwatch(&one->watch);
        free(one);
        return 0;
    }
    if (one != NULL)
        ok = fetcher->host.rewatch(&one->watch, loop_events(what)) == 0;
    else
        ok = socket_new(fetcher, fd, loop_events(what)) != NULL;
    if (!ok && curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch) == CURLE_OK && fetch != NULL)
        fetch->socket_failed = true;
    return 0;
}

/* Without memory for the timer each fetch still has its own. */
static int
want_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct ss_fetcher *fetcher = arg;

    (void)multi;
    if (timeout_ms < 0 || fetcher->closed)
        fetcher->host.untimer(&fetcher->curl_timer);
    else
        fetcher->host.timer(fetcher->host.loop, &fetcher->curl_timer, timeout_ms);
    return 0;
}

static void
curl_is_due(void *arg)
{
    ss_fetcher_turn(arg, CURL_SOCKET_TIMEOUT, 0);
}

bool
ss_fetcher_join_loop(struct ss_fetcher *fetcher)
{
    fetcher->curl_timer.fire = curl_is_due;
    fetcher->curl_timer.arg = fetcher;
    fetcher->multi = curl_multi_init();
    return fetcher->multi != NULL &&
           curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
           curl_multi_setopt(fetcher->multi, CURLMOPT_SOCKETDATA, fetcher) == CURLM_OK &&
           curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERFUNCTION, want_timer) == CURLM_OK &&
           curl_multi_setopt(fetcher->multi, CURLMOPT_TIMERDATA, fetcher) == CURLM_OK;
}
