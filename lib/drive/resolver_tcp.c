/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/query.h"

#include <errno.h>
#include <sys/socket.h>

#include "smtpsec.h"

static bool
would_block(void)
{
    return errno == EAGAIN || errno == EINTR;
}

/* Octets still to come: of the prefix, then of the message it announces. 0: all is there. */
static size_t
missing(const struct ss_buf *got)
{
    size_t whole = SS_TCP_PREFIX;

    if (got->len >= SS_TCP_PREFIX)
        whole += (size_t)got->data[0] << 8 | got->data[1];
    return whole - got->len;
}

static void
take_message(struct ss_query *query)
{
    const uint8_t *message = query->got.data + SS_TCP_PREFIX;
    size_t len = query->got.len - SS_TCP_PREFIX;

    /* Truncated again, or the answer to something else: this server has no whole reply for us. */
    if (ss_query_fit(query, message, len) == SS_REPLY_FITS)
        ss_query_replied(query, message, len);
    else
        ss_query_try_failed(query, SMTPSEC_FAILURE_TRUNCATED);
}

static void
tcp_readable(void *arg, int events)
{
    struct ss_query *query = arg;
    uint8_t chunk[4096];
    size_t want;
    ssize_t len;
    int reads;

    (void)events;
    for (reads = 0; reads < SS_RESOLVER_READS_A_CALL; reads++) {
        /* Never read beyond the message: nothing more was asked for. */
        want = missing(&query->got);
        len = recv(query->fd, chunk, want < sizeof(chunk) ? want : sizeof(chunk), 0);
        if (len < 0 && would_block())
            return;
        if (len > 0)
            ss_buf_put(&query->got, chunk, (size_t)len);
        if (len <= 0 || !ss_buf_ok(&query->got)) {
            ss_query_try_failed(query, SMTPSEC_FAILURE_TRUNCATED);
            return;
        }
        if (missing(&query->got) == 0) {
            take_message(query);
            return;
        }
    }
}

static void
tcp_writable(void *arg, int events)
{
    struct ss_query *query = arg;
    size_t left = query->sent_len - query->written;
    ssize_t len;

    (void)events;
    /* The first send also tells how the connecting ended. */
    len = send(query->fd, query->sent + query->written, left, MSG_NOSIGNAL);
    if (len < 0 && would_block())
        return;
    if (len < 0) {
        ss_query_try_failed(query, SMTPSEC_FAILURE_TRUNCATED);
        return;
    }
    query->written += (size_t)len;
    if (query->written < query->sent_len)
        return;
    query->watch.ready = tcp_readable;
    if (ss_loop_rewatch(&query->watch, SS_LOOP_READ) != 0)
        ss_query_try_failed(query, SMTPSEC_FAILURE_TRUNCATED);
}

int32_t
ss_query_tcp(struct ss_query *query)
{
    int32_t failure;

    query->fd = ss_server_connect(&query->resolver->config.servers[query->server], SOCK_STREAM,
                                  &failure);
    if (failure != SMTPSEC_FAILURE_NONE)
        return failure;
    query->written = 0;
    ss_buf_free(&query->got);
    ss_buf_init(&query->got, SS_TCP_PREFIX + SS_DNS_MESSAGE_MAX);
    query->watch.ready = tcp_writable;
    query->watch.arg = query;
    if (ss_loop_watch(query->resolver->loop, &query->watch, query->fd, SS_LOOP_WRITE) != 0)
        return SMTPSEC_FAILURE_TIMEOUT;
    return SMTPSEC_FAILURE_NONE;
}
