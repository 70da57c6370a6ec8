/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Refreshes of cached policies in the loop, and fetches that no evaluation waits for. */
#ifndef SS_API_REFRESH_H
#define SS_API_REFRESH_H

#include "engine/refresh.h"
#include "smtpsec.h"

/* Fetches apart from evaluations at one time; beyond that the next mail asks again. */
#define SS_BACKGROUND_MAX 64

struct ss_background;

/* A lookup that refreshes the policy of a destination. Returns 0, NOMEM. */
int ss_context_refresh_lookup(struct smtpsec_context *context,
                              const struct smtpsec_destination *destination,
                              struct ss_lookup **out);
/* Store what it found, and tell who listens to events. Returns 0, NOMEM. */
int ss_context_refreshed(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                         enum ss_refreshed *what);
/*
 * STSF-16: fetch the policy of a destination apart from its evaluation. What
 * cannot be begun is left to the next mail.
 */
void ss_background_start(struct smtpsec_context *context,
                         const struct smtpsec_destination *destination);
/* End all without callbacks; their jobs are gone already. */
void ss_refreshings_free(struct smtpsec_context *context);

#endif
