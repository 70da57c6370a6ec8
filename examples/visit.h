/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One host of a plan: connect, EHLO, STARTTLS, handshake, verdict. This is
 * the part of a mail server that asks the library, from the requirement to
 * the outcome; send.c and `check --connect` share it.
 */
#ifndef TOOL_VISIT_H
#define TOOL_VISIT_H

#include <jansson.h>
#include <stdint.h>

#include <smtpsec.h>

#include "options.h"
#include "smtp_client.h"

/* How hosts are visited. */
struct visit_way {
    const struct smtpsec_anchors *anchors;
    const struct tool_options *options;
    uint16_t port;
    char helo[256];
};

/* What came of one visit. */
struct visit {
    struct smtp_client client;
    struct smtpsec_session *session;
    struct smtpsec_verdict *verdict; /* NULL: there was no memory for one */
    const char *address;             /* that answered, else the last one tried; of the plan */
    int32_t starttls;                /* SMTPSEC_STARTTLS_* */
    int requiretls_offered;          /* in the second EHLO */
    int accepted;                    /* by the requirement, REQUIRETLS included */
    int ready;                       /* accepted, and the connection waits for MAIL */
    int32_t reason;                  /* why not accepted */
    int32_t reply;                   /* SMTPSEC_REPLY_*: what the reply that ended it means */
    int32_t why;                     /* SMTPSEC_REASON_* of that, for the tally */
    char tls[16];                    /* "TLS1.3"; "" without TLS */
    char said[256];                  /* the last reply, or what broke */
};

/* Fill in the way; --helo or this machine's name. */
void visit_way_init(struct visit_way *way, const struct tool_options *options,
                    const struct smtpsec_anchors *anchors, uint16_t port);
/* Visit a host that is to be used. Returns 0, or a SMTPSEC_E_*; visit_end() is due in any case. */
int visit_host(struct visit *visit, const struct visit_way *way, const struct smtpsec_host *host);
/* Record the outcome. message_accepted: 2yz after DATA. Returns as smtpsec_record(). */
int visit_record(const struct visit *visit, struct smtpsec_context *context,
                 const struct smtpsec_requirement *requirement, int message_accepted,
                 int null_sender);
/* What does this reply mean? It is noted in the visit, too. code: -1 when the connection broke. */
int32_t visit_classify(struct visit *visit, const struct smtpsec_requirement *requirement,
                       int32_t stage, int code);
/* Why the host did not take the message, for smtpsec_tally_add(). */
int32_t visit_failure(const struct visit *visit);

/* QUIT if still connected, and free. */
void visit_end(struct visit *visit);
/* The value of the key `connect`. */
json_t *visit_json(const struct visit *visit);

#endif
