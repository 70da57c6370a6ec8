/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/fetch_reply.h"

#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

/* A view of one header's value. The module links no room below it, so it cuts its own text. */
struct value {
    const char *at;
    size_t len;
};

void
ss_reply_init(struct ss_reply *reply, size_t body_max)
{
    memset(reply, 0, sizeof(*reply));
    reply->body_max = body_max;
}

void
ss_reply_free(struct ss_reply *reply)
{
    free(reply->body);
    reply->body = NULL;
}

static bool
refuse(struct ss_reply *reply, int32_t failure)
{
    if (reply->failure == SMTPSEC_FAILURE_NONE)
        reply->failure = failure;
    return false;
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_word(struct value value, const char *word)
{
    size_t i;

    if (value.len != strlen(word))
        return false;
    for (i = 0; i < value.len; i++)
        if (lower(value.at[i]) != word[i])
            return false;
    return true;
}

static struct value
trim(struct value value)
{
    while (value.len > 0 && is_blank(value.at[0])) {
        value.at++;
        value.len--;
    }
    while (value.len > 0 && is_blank(value.at[value.len - 1]))
        value.len--;
    return value;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1.x" SP 3DIGIT (RFC 9112 section 4); 0 when it is not one. */
static int32_t
status_of(struct value line)
{
    const char *c = line.at;

    if (line.len < 12 || memcmp(c, "HTTP/1.", 7) != 0 || !is_digit(c[7]) || c[8] != ' ')
        return 0;
    if (!is_digit(c[9]) || !is_digit(c[10]) || !is_digit(c[11]) || (line.len > 12 && c[12] != ' '))
        return 0;
    return (c[9] - '0') * 100 + (c[10] - '0') * 10 + (c[11] - '0');
}

static bool
begin_head(struct ss_reply *reply, struct value line)
{
    reply->status = status_of(line);
    reply->in_head = true;
    reply->has_type = false;
    if (reply->status < 100)
        return refuse(reply, SMTPSEC_FAILURE_HTTP_BROKEN);
    return true;
}

/* Interim replies (1xx) are followed by another head; 101 is not, and is no 200 either. */
static bool
end_head(struct ss_reply *reply)
{
    reply->in_head = false;
    if (reply->status < 200 && reply->status != 101)
        return true;
    reply->head_done = true;
    reply->stopped = reply->status != 200;
    return !reply->stopped;
}

/*
 * Which of two different types the sender meant cannot be known, so neither
 * counts (RFC 9110 section 8.3); the same one twice is harmless.
 */
static bool
take_type(struct ss_reply *reply, struct value value)
{
    size_t i;

    if (value.len > SS_REPLY_TYPE_MAX)
        return refuse(reply, SMTPSEC_FAILURE_HTTP_TYPE);
    for (i = 0; i < value.len; i++)
        if ((value.at[i] < ' ' && value.at[i] != '\t') || value.at[i] > '~')
            return refuse(reply, SMTPSEC_FAILURE_HTTP_TYPE);
    if (reply->has_type &&
        (strlen(reply->type) != value.len || memcmp(reply->type, value.at, value.len) != 0))
        return refuse(reply, SMTPSEC_FAILURE_HTTP_TYPE);
    memcpy(reply->type, value.at, value.len);
    reply->type[value.len] = '\0';
    reply->has_type = true;
    return true;
}

/* Encodings matter only for a reply whose body would be read. */
static bool
take_header(struct ss_reply *reply, struct value name, struct value value)
{
    if (is_word(name, "content-type"))
        return reply->status != 200 || take_type(reply, value);
    if (reply->status != 200)
        return true;
    /* STSF-09: nothing was asked for, so nothing is decoded. */
    if (is_word(name, "content-encoding") && value.len > 0 && !is_word(value, "identity"))
        return refuse(reply, SMTPSEC_FAILURE_HTTP_ENCODING);
    /* libcurl would decode a compressed transfer on its own account. */
    if (is_word(name, "transfer-encoding") && !is_word(value, "chunked"))
        return refuse(reply, SMTPSEC_FAILURE_HTTP_ENCODING);
    return true;
}

static bool
take_line(struct ss_reply *reply, struct value line)
{
    const char *colon;
    struct value name, value;

    /* A continued line (obs-fold, RFC 9112 section 5.2) may hide anything. */
    if (is_blank(line.at[0]))
        return refuse(reply, SMTPSEC_FAILURE_HTTP_BROKEN);
    colon = memchr(line.at, ':', line.len);
    if (colon == NULL)
        return refuse(reply, SMTPSEC_FAILURE_HTTP_BROKEN);
    name.at = line.at;
    name.len = (size_t)(colon - line.at);
    value.at = colon + 1;
    value.len = line.len - name.len - 1;
    /* A blank before the colon: RFC 9112 section 5.1 wants it refused or removed. */
    return take_header(reply, trim(name), trim(value));
}

bool
ss_reply_line(struct ss_reply *reply, const char *line, size_t len)
{
    struct value value = {line, len};

    if (len > SS_REPLY_HEAD_MAX - reply->head_octets || reply->head_lines == SS_REPLY_LINES_MAX)
        return refuse(reply, SMTPSEC_FAILURE_HTTP_SIZE);
    reply->head_octets += len;
    reply->head_lines++;
    if (reply->head_done) /* trailers say nothing that we believe */
        return reply->failure == SMTPSEC_FAILURE_NONE;
    while (value.len > 0 && (value.at[value.len - 1] == '\n' || value.at[value.len - 1] == '\r'))
        value.len--;
    if (!reply->in_head)
        return begin_head(reply, value);
    return value.len == 0 ? end_head(reply) : take_line(reply, value);
}

static bool
grow(struct ss_reply *reply, size_t need)
{
    size_t room = reply->body_room > 0 ? reply->body_room : 1024;
    uint8_t *body;

    if (need <= reply->body_room)
        return true;
    if (need > SIZE_MAX / 2)
        return false;
    while (room < need)
        room *= 2;
    body = realloc(reply->body, room);
    if (body == NULL)
        return false;
    reply->body = body;
    reply->body_room = room;
    return true;
}

bool
ss_reply_body(struct ss_reply *reply, const void *data, size_t len)
{
    if (!reply->head_done || reply->stopped)
        return refuse(reply, SMTPSEC_FAILURE_HTTP_BROKEN);
    if (len > reply->body_max - reply->body_len)
        return refuse(reply, SMTPSEC_FAILURE_HTTP_SIZE);
    if (!grow(reply, reply->body_len + len))
        return refuse(reply, SMTPSEC_FAILURE_HTTP_BROKEN);
    if (len > 0)
        memcpy(reply->body + reply->body_len, data, len);
    reply->body_len += len;
    return true;
}
