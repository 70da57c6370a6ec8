/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An HTTP reply: lines until a head has ended, then body, in pieces; limits hold whatever comes. */
#include <stdlib.h>
#include <string.h>

#include "drive/fetch_reply.h"
#include "smtpsec.h"

#define BODY_MAX 4096
#define PIECE 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ss_reply *reply, bool more)
{
    if (reply->body_len > BODY_MAX || reply->head_octets > SS_REPLY_HEAD_MAX ||
        reply->head_lines > SS_REPLY_LINES_MAX)
        abort();
    if (strnlen(reply->type, sizeof(reply->type)) > SS_REPLY_TYPE_MAX)
        abort();
    if (reply->body_len > 0 && reply->status != 200)
        abort();
    if (more == (reply->failure != SMTPSEC_FAILURE_NONE || reply->stopped))
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_reply reply;
    const uint8_t *end;
    size_t len;
    bool more = true;

    ss_reply_init(&reply, BODY_MAX);
    while (more && size > 0) {
        end = memchr(data, '\n', size);
        len = end != NULL ? (size_t)(end - data) + 1 : size;
        if (reply.head_done) {
            len = size < PIECE ? size : PIECE;
            more = ss_reply_body(&reply, data, len);
        } else {
            more = ss_reply_line(&reply, (const char *)data, len);
        }
        check(&reply, more);
        data += len;
        size -= len;
    }
    ss_reply_free(&reply);
    return 0;
}
