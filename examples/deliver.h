/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The mail transaction: MAIL, RCPT, DATA, and what became of each recipient. */
#ifndef TOOL_DELIVER_H
#define TOOL_DELIVER_H

#include <stddef.h>

#include <smtpsec.h>

#include "options.h"
#include "visit.h"

enum { RECIPIENT_PENDING, RECIPIENT_DELIVERED, RECIPIENT_DEFERRED, RECIPIENT_FAILED };

struct recipient {
    const char *address; /* of argv */
    int status;
    int in_group; /* the domain being sent to */
    int taken;    /* RCPT was accepted in the present transaction */
    char reply[256];
};

struct delivery {
    const char *from; /* of argv */
    struct recipient recipients[TOOL_RECIPIENTS];
    size_t recipient_count;
    char *data; /* what follows 354 */
    size_t data_len;
    int eight_bit;
};

/* Returns 0, or -1 without memory. */
int delivery_init(struct delivery *delivery, const struct tool_options *options,
                  const char *message, size_t len);
void delivery_free(struct delivery *delivery);

/* Begin with the next domain that has pending recipients; NULL when there is none. */
const char *delivery_next_group(struct delivery *delivery);
/* 1 while a recipient of the group is pending. */
int delivery_pending(const struct delivery *delivery);
/* Give the pending ones of the group an end; a reply said before about one of them is kept. */
void delivery_settle(struct delivery *delivery, int status, const char *enhanced,
                     const char *text);
/* Run the transaction on a visit that is ready. Returns 1 when the server took the message. */
int deliver(struct delivery *delivery, struct visit *visit,
            const struct smtpsec_requirement *requirement);

/* "delivered", "deferred", "failed", "pending" */
const char *recipient_status_name(int status);

#endif
