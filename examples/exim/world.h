/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The library's objects, made from the settings. */
#ifndef EXIM_WORLD_H
#define EXIM_WORLD_H

#include <stddef.h>

#include <smtpsec.h>

#include "settings.h"

struct exim_world {
    struct smtpsec_anchors *anchors; /* NULL when made for recording */
    struct smtpsec_context *context;
};

enum { EXIM_WORLD_RECORD = 0, EXIM_WORLD_EVALUATE = 1 };

/* Returns a SMTPSEC_E_*, with one line in wrong. */
int exim_world_open(struct exim_world *world, const struct exim_settings *settings, int purpose,
                    char *wrong, size_t room);
void exim_world_close(struct exim_world *world);
/* Write the events that wait in the context to the log. */
void exim_world_tell(const struct exim_world *world);

/*
 * Evaluate a domain for a message.
 *
 * sender:  "" for the null sender.
 * headers: of the message, for TLS-Required.
 * Returns a SMTPSEC_E_*, with one line in wrong.
 */
int exim_world_evaluate(const struct exim_world *world, const struct exim_settings *settings,
                        const char *domain, const char *sender, const char *headers,
                        struct smtpsec_plan **out, char *wrong, size_t room);

#endif
