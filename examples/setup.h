/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the command line to the library's objects. What goes wrong is said on stderr. */
#ifndef TOOL_SETUP_H
#define TOOL_SETUP_H

#include <stdint.h>

#include <smtpsec.h>

#include "options.h"

/* What a context is for. */
enum {
    SETUP_EVALUATE = 0,    /* resolvers, trust anchors, memory */
    SETUP_BY_HAND = 1,     /* the same, without resolvers */
    SETUP_MEMORY_READ = 2, /* the memory alone */
    SETUP_MEMORY_WRITE = 3,
    SETUP_REHEARSE = 4     /* as EVALUATE, and nothing is learnt */
};

/* Load --ca-file or the system's CAs; never goes on without any. Returns an exit code. */
int setup_anchors(const struct tool_options *options, struct smtpsec_anchors **out);
/* anchors may be NULL for the memory. The options must outlive the context: --now is its clock. */
int setup_context(struct tool_options *options, int purpose, struct smtpsec_anchors *anchors,
                  struct smtpsec_context **out);
/* For `prepare` of a command that ends soon: most are answered without the HTTPS part. */
int setup_once(struct smtpsec_options *to);
/* Apply --relay, --port and --minimum. Returns a SMTPSEC_E_*; NAME for a domain that is none. */
int setup_destination(const struct tool_options *options, const char *domain,
                      struct smtpsec_destination **out);
/* What the message asks for. Returns a SMTPSEC_E_*. */
int setup_message(const struct tool_options *options, int null_sender,
                  struct smtpsec_message **out);
/* Replace a plan by the one for the message. Returns a SMTPSEC_E_*. */
int setup_plan_for_message(const struct smtpsec_message *message, struct smtpsec_plan **plan);
/* --now, or the system's clock. */
int64_t setup_now(const struct tool_options *options);

#endif
