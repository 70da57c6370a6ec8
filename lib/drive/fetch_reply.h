/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Collects one HTTP reply line by line under limits; pure, sees no socket and
 * no libcurl. Belongs to the HTTPS module.
 */
#ifndef SS_DRIVE_FETCH_REPLY_H
#define SS_DRIVE_FETCH_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of all header lines together, those of interim replies and trailers included. */
#define SS_REPLY_HEAD_MAX 32768
#define SS_REPLY_LINES_MAX 200
#define SS_REPLY_TYPE_MAX 255

struct ss_reply {
    size_t body_max;
    size_t head_octets;
    size_t head_lines;
    bool in_head;        /* between a status line and the empty line */
    bool head_done;      /* the head of the final reply has ended */
    bool stopped;        /* it ended with another status than 200: no more is read */
    int32_t status;      /* of the latest status line, 0: none yet */
    bool has_type;
    char type[SS_REPLY_TYPE_MAX + 1];
    uint8_t *body;
    size_t body_len;
    size_t body_room;
    int32_t failure;     /* SMTPSEC_FAILURE_*: why it was refused */
};

void ss_reply_init(struct ss_reply *reply, size_t body_max);
void ss_reply_free(struct ss_reply *reply);
/* Take one line of a head or trailer with its line end. False: read no more. */
bool ss_reply_line(struct ss_reply *reply, const char *line, size_t len);
/* Take a piece of the body. False: read no more. */
bool ss_reply_body(struct ss_reply *reply, const void *data, size_t len);

#endif
