/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies of the memory that are due to be refreshed, or to be removed. */
#ifndef SS_API_DUE_H
#define SS_API_DUE_H

#include "base/name.h"
#include "decision/requirement.h"
#include "engine/refresh.h"
#include "smtpsec.h"

struct ss_due_item {
    struct ss_reference domain;
    struct ss_refresh refresh;
};

struct smtpsec_due {
    size_t count;
    size_t cap;
    struct ss_due_item *list;
};

/* List at most `most` for an action, the longest due first. Returns 0, NOMEM, MEMORY, INVALID. */
int ss_due_list(struct smtpsec_context *context, enum ss_refresh_action action, size_t most,
                struct smtpsec_due **out);

#endif
