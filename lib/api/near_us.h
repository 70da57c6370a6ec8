/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many domains refused at once, by all processes of one memory (memory/many.h). */
#ifndef SS_API_NEAR_US_H
#define SS_API_NEAR_US_H

#include <stdint.h>

#include "base/name.h"
#include "memory/many.h"

struct smtpsec_context;

struct ss_near_us {
    struct ss_many own; /* while the list in the store cannot be read or written */
    int64_t failed;     /* the last write that failed; 0: none */
};

/* A domain was refused by the memory: note it, and tell when they are many. */
void ss_near_us(struct smtpsec_context *context, const struct ss_name *domain, int64_t now);

#endif
