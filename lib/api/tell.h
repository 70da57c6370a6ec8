/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of plans, sessions and writes becomes an event: one line, that says what to do. */
#ifndef SS_API_TELL_H
#define SS_API_TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "api/clock.h"
#include "decision/outcome.h"
#include "decision/plan.h"
#include "engine/lowered.h"

/* One thing is told once in this time by a context. */
#define SS_TELL_EVERY 3600
#define SS_TOLD 256

/* What was told of late. Two things that meet in a place are told more often, never less. */
struct ss_told {
    uint64_t what[SS_TOLD];
    int64_t at[SS_TOLD];
};

void ss_tell_plan(struct smtpsec_context *context, const struct smtpsec_plan *plan, int64_t now);
/* A session that the memory refused, or would have. */
void ss_tell_session(struct smtpsec_context *context, const struct smtpsec_outcome *outcome,
                     int64_t now);
/* Claims that a proof has ended. */
void ss_tell_lowered(struct smtpsec_context *context, const struct ss_name *domain,
                     const struct ss_lowered *lowered, int64_t now);
/* The store was not written: r says why. domain: "" when it is about none. */
void ss_tell_write_failed(struct smtpsec_context *context, int64_t now, const char *domain, int r);

#endif
