/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A log with lines of strangers in it: each line alone, and all of them together. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "observe/line.h"
#include "observe/track.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(int holds)
{
    if (!holds)
        abort();
}

static int
inside(const struct log_span *span, const char *line, size_t len)
{
    return span->len == 0 || (span->at >= line && span->at + span->len <= line + len);
}

static void
check(const struct log_line *line, const char *text, size_t len)
{
    must(inside(&line->instance, text, len) && inside(&line->queue_id, text, len));
    must(inside(&line->host, text, len) && inside(&line->address, text, len));
    must(inside(&line->domain, text, len) && line->connection_ms >= 0);
    if (line->kind == LOG_OTHER)
        return;
    must(line->instance.len >= 7 && line->instance.len <= LOG_INSTANCE_MAX);
    must(line->queue_id.len <= LOG_QUEUE_ID_MAX && line->host.len <= LOG_NAME_MAX);
    must(line->domain.len <= LOG_NAME_MAX && line->address.len <= LOG_ADDRESS_MAX);
    must(line->kind == LOG_TLS || line->queue_id.len >= 5);
    must(line->kind != LOG_TLS || (line->host.len > 0 && line->port != 0));
    if (line->kind == LOG_DELIVERY && line->sent)
        must(line->host.len > 0 && line->port != 0 && line->domain.len > 0 && text[len - 1] == ')');
}

static void
check_told(enum track_result result, const struct log_line *line, const struct tracked *tracked,
           int64_t at)
{
    if (result == TRACK_NOTHING)
        return;
    must(line->kind == LOG_DELIVERY && line->sent && tracked->at == at);
    must(strlen(tracked->host) == line->host.len && strlen(tracked->domain) == line->domain.len);
    must(!line->reused || (result != TRACK_TLS && result != TRACK_PLAIN));
    must(line->tls != LOG_TLS_UNSURE || (result != TRACK_TLS && result != TRACK_PLAIN));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tracker *tracker = tracker_new();
    const uint8_t *end = data + size;
    int64_t at = INT64_C(1800000000);

    while (tracker != NULL && data < end) {
        const uint8_t *stop = memchr(data, '\n', (size_t)(end - data));
        size_t len = (size_t)((stop != NULL ? stop : end) - data);
        /* A copy of its own, so that a read past its end is seen. */
        char *text = malloc(len > 0 ? len : 1);
        struct log_line line;
        struct tracked tracked;

        if (text == NULL)
            break;
        memcpy(text, data, len);
        must(log_line_read(text, len, &line) == line.kind);
        check(&line, text, len);
        at += line.time.second;
        check_told(tracker_take(tracker, &line, at, &tracked), &line, &tracked, at);
        free(text);
        data += len + (stop != NULL);
    }
    tracker_free(tracker);
    return 0;
}
