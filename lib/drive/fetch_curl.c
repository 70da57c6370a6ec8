/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The HTTPS module: transfers of libcurl driven by the library's loop.
 *
 * A fetch waits in the queue for a place, runs, is done. `done` is called only at the end
 * of a turn, outside of libcurl, when the fetch is already off every list; so
 * `done` may start, cancel and close what it likes.
 */
#include "drive/fetch_curl.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "smtpsec.h"

/*
 * A handshake takes a millisecond of the caller's thread; more at once would
 * stall its loop. Who takes longer than any handshake only waits, and costs
 * nothing: a few policy hosts that never reply must not keep all others from
 * being asked, for a policy not fetched is mail without it (RFC 8461 5.1).
 */
#define PLACES 4
#define PLACE_MS 500
/* The most that an address gets to connect while there are others to try. */
#define CONNECT_MAX_MS 5000

static int64_t
monotonic_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- one fetch ---- */

static void
fetch_free(struct ss_fetch *fetch)
{
    size_t i;

    ss_transfer_close(&fetch->transfer);
    for (i = 0; i < fetch->address_count; i++)
        free(fetch->addresses[i]);
    free(fetch->addresses);
    free(fetch->host);
    free(fetch->path);
    free(fetch);
}

static void
list_append(struct ss_fetcher *fetcher, struct ss_fetch *fetch)
{
    fetch->previous = fetcher->last;
    fetch->next = NULL;
    if (fetcher->last != NULL)
        fetcher->last->next = fetch;
    else
        fetcher->first = fetch;
    fetcher->last = fetch;
    fetch->listed = true;
}

static void
list_remove(struct ss_fetch *fetch)
{
    struct ss_fetcher *fetcher = fetch->fetcher;

    if (fetch->previous != NULL)
        fetch->previous->next = fetch->next;
    else
        fetcher->first = fetch->next;
    if (fetch->next != NULL)
        fetch->next->previous = fetch->previous;
    else
        fetcher->last = fetch->previous;
    fetch->listed = false;
}

static void
leave_place(struct ss_fetch *fetch)
{
    if (!fetch->holds_place)
        return;
    fetch->fetcher->host.untimer(&fetch->place);
    fetch->holds_place = false;
    fetch->fetcher->starting--;
}

/* Not while libcurl is on the stack. */
static void
stop_running(struct ss_fetch *fetch)
{
    if (!fetch->running)
        return;
    curl_multi_remove_handle(fetch->fetcher->multi, fetch->transfer.easy);
    fetch->running = false;
    leave_place(fetch);
}

/* Take it off everything. */
static void
detach(struct ss_fetch *fetch)
{
    fetch->fetcher->host.untimer(&fetch->timer);
    list_remove(fetch);
    stop_running(fetch);
}

/* The end of a fetch: the last that is heard of it. */
static void
finish(struct ss_fetch *fetch, int32_t failure)
{
    const struct ss_fetch_request *request = &fetch->transfer.request;
    const struct ss_reply *reply = &fetch->transfer.reply;
    bool good = failure == SMTPSEC_FAILURE_NONE;
    bool body = good && reply->status == 200;

    detach(fetch);
    if (!fetch->cancelled)
        request->done(request->arg, failure, good ? reply->status : 0,
                      good && reply->has_type ? reply->type : NULL,
                      body && reply->body_len > 0 ? reply->body : (const uint8_t *)"",
                      body ? reply->body_len : 0);
    fetch_free(fetch);
}

/* Without memory for the timer it keeps the place until its end. */
static void
take_place(struct ss_fetch *fetch)
{
    const struct ss_fetch_host *host = &fetch->fetcher->host;

    fetch->holds_place = true;
    fetch->fetcher->starting++;
    host->timer(host->loop, &fetch->place, PLACE_MS);
}

/*
 * Try the present address. While there are others it gets a fair part of what
 * is left and not more than a few seconds; the last gets all. (libcurl can
 * walk a list of addresses itself, but 7.88 sleeps after the first dead one
 * until the time of the second has passed, too.)
 */
static bool
attempt(struct ss_fetch *fetch)
{
    struct ss_transfer *transfer = &fetch->transfer;
    size_t others = transfer->request.address_count - transfer->address - 1;
    int64_t left_ms = fetch->end_ms - monotonic_ms();
    int64_t connect_ms = left_ms;

    if (others > 0)
        connect_ms = left_ms / (int64_t)(others + 2);
    if (others > 0 && connect_ms > CONNECT_MAX_MS)
        connect_ms = CONNECT_MAX_MS;
    if (!ss_transfer_open(transfer, fetch, left_ms, connect_ms) ||
        curl_multi_add_handle(fetch->fetcher->multi, transfer->easy) != CURLM_OK)
        return false;
    fetch->running = true;
    take_place(fetch);
    return true;
}

static void
begin(struct ss_fetch *fetch)
{
    if (!attempt(fetch))
        finish(fetch, SMTPSEC_FAILURE_UNREACHABLE);
}

/* libcurl is done with the present address: the fetch ends, or goes on at the next. */
static void
attempt_ended(struct ss_fetch *fetch, CURLcode code)
{
    struct ss_transfer *transfer = &fetch->transfer;

    if (fetch->cancelled || !ss_transfer_next_address(transfer, code)) {
        finish(fetch, ss_transfer_result(transfer, code));
        return;
    }
    stop_running(fetch);
    ss_transfer_close(transfer);
    begin(fetch);
}

/* ---- a turn ---- */

static void
reap_done(struct ss_fetcher *fetcher)
{
    struct ss_fetch *fetch;
    struct CURLMsg *message;
    CURLcode code;
    int left;

    while (!fetcher->closed && (message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        code = message->data.result;
        fetch = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        attempt_ended(fetch, code);
    }
}

/* Begun anew after each find, since `done` may have changed the list. */
static struct ss_fetch *
find_marked(const struct ss_fetcher *fetcher)
{
    struct ss_fetch *fetch = fetcher->first;

    while (fetch != NULL && !fetch->cancelled && !fetch->socket_failed)
        fetch = fetch->next;
    return fetch;
}

static struct ss_fetch *
find_waiting(const struct ss_fetcher *fetcher)
{
    struct ss_fetch *fetch = fetcher->first;

    while (fetch != NULL && fetch->running)
        fetch = fetch->next;
    return fetch;
}

static void
fetcher_free(struct ss_fetcher *fetcher)
{
    struct ss_fetch *fetch;

    while ((fetch = fetcher->first) != NULL) {
        detach(fetch);
        fetch_free(fetch);
    }
    if (fetcher->multi != NULL)
        curl_multi_cleanup(fetcher->multi);
    fetcher->host.untimer(&fetcher->curl_timer);
    fetcher->host.untimer(&fetcher->kick);
    free(fetcher);
}

static void
leave(struct ss_fetcher *fetcher)
{
    fetcher->turns--;
    if (fetcher->closed && fetcher->turns == 0)
        fetcher_free(fetcher);
}

/* What has ended is told, and what waits takes its place. */
static void
settle(struct ss_fetcher *fetcher)
{
    struct ss_fetch *fetch;

    reap_done(fetcher);
    while (!fetcher->closed && (fetch = find_marked(fetcher)) != NULL)
        finish(fetch, SMTPSEC_FAILURE_UNREACHABLE);
    while (!fetcher->closed && fetcher->starting < PLACES &&
           (fetch = find_waiting(fetcher)) != NULL)
        begin(fetch);
}

void
ss_fetcher_turn(struct ss_fetcher *fetcher, curl_socket_t fd, int mask)
{
    int running;

    fetcher->turns++;
    fetcher->in_curl = true;
    curl_multi_socket_action(fetcher->multi, fd, mask, &running);
    fetcher->in_curl = false;
    settle(fetcher);
    leave(fetcher);
}

static void
look_at_queue(void *arg)
{
    struct ss_fetcher *fetcher = arg;

    fetcher->turns++;
    settle(fetcher);
    leave(fetcher);
}

static void
place_is_over(void *arg)
{
    struct ss_fetch *fetch = arg;

    leave_place(fetch);
    look_at_queue(fetch->fetcher);
}

/* STSF-10: one limit for all of it, the time in the queue included. */
static void
time_is_up(void *arg)
{
    struct ss_fetch *fetch = arg;
    struct ss_fetcher *fetcher = fetch->fetcher;

    fetcher->turns++;
    finish(fetch, SMTPSEC_FAILURE_TIMEOUT);
    settle(fetcher);
    leave(fetcher);
}

/* ---- the module's functions ---- */

static bool
curl_is_usable(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    const char *const *protocol;

    /* The judge is given GnuTLS sessions; "(GnuTLS/...)" is one that could be chosen but is not. */
    if (info->ssl_version == NULL || strncmp(info->ssl_version, "GnuTLS/", 7) != 0)
        return false;
    for (protocol = info->protocols; protocol != NULL && *protocol != NULL; protocol++)
        if (strcmp(*protocol, "https") == 0)
            return true;
    return false;
}

/*
 * libcurl is set up once and never torn down: others in the process may use
 * it, and the module stays loaded. Since 7.84 setting up is thread-safe.
 */
static int
fetcher_open(const struct ss_fetch_host *host, struct ss_fetcher **out)
{
    struct ss_fetcher *fetcher;

    *out = NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !curl_is_usable())
        return SMTPSEC_E_FETCH;
    fetcher = calloc(1, sizeof(*fetcher));
    if (fetcher == NULL)
        return SMTPSEC_E_NOMEM;
    fetcher->host = *host;
    fetcher->owner = getpid();
    fetcher->kick.fire = look_at_queue;
    fetcher->kick.arg = fetcher;
    if (!ss_fetcher_join_loop(fetcher)) {
        fetcher_free(fetcher);
        return SMTPSEC_E_NOMEM;
    }
    *out = fetcher;
    return 0;
}

/*
 * After a fork both processes hold the same TLS streams and the same epoll
 * set. Closing would say goodbye on the parent's connections and take the
 * parent's watches away, so the child leaves all as it is, memory included.
 */
static bool
is_inherited(const struct ss_fetcher *fetcher)
{
    return fetcher->owner != getpid();
}

static void
fetcher_close(struct ss_fetcher *fetcher)
{
    if (fetcher == NULL || is_inherited(fetcher))
        return;
    fetcher->closed = true;
    if (fetcher->turns == 0)
        fetcher_free(fetcher);
}

static bool
copy_addresses(struct ss_fetch *fetch, const struct ss_fetch_request *request)
{
    fetch->addresses = calloc(request->address_count, sizeof(*fetch->addresses));
    if (fetch->addresses == NULL)
        return false;
    for (; fetch->address_count < request->address_count; fetch->address_count++) {
        fetch->addresses[fetch->address_count] = strdup(request->addresses[fetch->address_count]);
        if (fetch->addresses[fetch->address_count] == NULL)
            return false;
    }
    return true;
}

static bool
copy_request(struct ss_fetch *fetch, const struct ss_fetch_request *request)
{
    struct ss_fetch_request *own = &fetch->transfer.request;

    fetch->host = strdup(request->host);
    fetch->path = strdup(request->path);
    if (fetch->host == NULL || fetch->path == NULL || !copy_addresses(fetch, request))
        return false;
    *own = *request;
    own->host = fetch->host;
    own->path = fetch->path;
    own->addresses = (const char *const *)fetch->addresses;
    return true;
}

/*
 * With a free place it begins at once: libcurl only takes it in, and works in
 * the loop. All else waits for the queue to be looked at, in the loop too; so
 * does a fetch that cannot begin, which ends there.
 */
static bool
begin_or_queue(struct ss_fetch *fetch)
{
    struct ss_fetcher *fetcher = fetch->fetcher;

    if (!fetcher->in_curl && fetcher->turns == 0 && fetcher->starting < PLACES &&
        find_waiting(fetcher) == fetch) {
        if (attempt(fetch))
            return true;
        ss_transfer_close(&fetch->transfer);
    }
    return fetcher->host.timer(fetcher->host.loop, &fetcher->kick, 0) == 0;
}

/* The end of its time, so that nothing later needs memory to come to an end. */
static bool
set_end(struct ss_fetch *fetch)
{
    const struct ss_fetch_host *host = &fetch->fetcher->host;
    int64_t timeout_ms = fetch->transfer.request.timeout_ms;

    if (timeout_ms < 0 || timeout_ms > INT32_MAX)
        timeout_ms = timeout_ms < 0 ? 0 : INT32_MAX;
    fetch->end_ms = monotonic_ms() + timeout_ms;
    fetch->timer.fire = time_is_up;
    fetch->timer.arg = fetch;
    return host->timer(host->loop, &fetch->timer, timeout_ms) == 0;
}

static int
fetch_start(struct ss_fetcher *fetcher, const struct ss_fetch_request *request,
            struct ss_fetch **out)
{
    struct ss_fetch *fetch;

    *out = NULL;
    if (fetcher->closed || is_inherited(fetcher) || !ss_transfer_is_request(request))
        return SMTPSEC_E_FETCH;
    fetch = calloc(1, sizeof(*fetch));
    if (fetch == NULL)
        return SMTPSEC_E_NOMEM;
    fetch->fetcher = fetcher;
    fetch->place.fire = place_is_over;
    fetch->place.arg = fetch;
    if (!copy_request(fetch, request) || !set_end(fetch)) {
        fetch_free(fetch);
        return SMTPSEC_E_NOMEM;
    }
    list_append(fetcher, fetch);
    if (!begin_or_queue(fetch)) {
        detach(fetch);
        fetch_free(fetch);
        return SMTPSEC_E_NOMEM;
    }
    *out = fetch;
    return 0;
}

/* Inside its own `done` a fetch is off the list and goes by itself. */
static void
fetch_cancel(struct ss_fetch *fetch)
{
    struct ss_fetcher *fetcher;

    if (fetch == NULL || is_inherited(fetch->fetcher) || !fetch->listed)
        return;
    fetcher = fetch->fetcher;
    fetch->cancelled = true;
    if (fetcher->in_curl)
        return;
    detach(fetch);
    fetch_free(fetch);
    if (find_waiting(fetcher) != NULL)
        fetcher->host.timer(fetcher->host.loop, &fetcher->kick, 0);
}

__attribute__((visibility("default"))) extern const struct ss_fetch_module smtpsec_fetch_module;

const struct ss_fetch_module smtpsec_fetch_module = {
    .version = SS_FETCH_VERSION,
    .backend = "libcurl/" LIBCURL_VERSION " GnuTLS",
    .open = fetcher_open,
    .close = fetcher_close,
    .start = fetch_start,
    .cancel = fetch_cancel,
};
