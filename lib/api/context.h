/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a context is made of. For the files of this room. */
#ifndef SS_API_CONTEXT_H
#define SS_API_CONTEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/canary.h"
#include "api/clock.h"
#include "api/counters.h"
#include "api/events.h"
#include "api/holds.h"
#include "api/near_us.h"
#include "api/tell.h"
#include "base/error.h"
#include "decision/seal.h"
#include "decision/settings.h"
#include "drive/resolver.h"
#include "drive/runner.h"
#include "engine/refresh.h"
#include "memory/store.h"
#include "smtpsec.h"

struct smtpsec_options {
    struct ss_settings settings;
    struct ss_resolver_config resolvers;
    struct smtpsec_anchors *anchors;
    int32_t fetch_timeout_ms;
    bool fetch_late;
    bool allow_private;
    struct ss_name canaries[SS_CANARIES];
    size_t canary_count;
    char *memory;         /* directory; NULL: none */
    bool memory_ram;
    bool memory_read_only;
    bool memory_shared;   /* with a group */
    uint32_t memory_group;
    uint64_t memory_limit; /* 0: as many as by default */
    bool plan_cache;
    uint64_t plan_cache_limit; /* plans; 0: as many as by default */
    struct ss_seal_key key;
    int64_t (*clock)(void *user);
    void *clock_user;
    struct ss_error error;
};

struct smtpsec_context {
    struct ss_settings settings;
    struct smtpsec_anchors *anchors;
    struct ss_seal_key key;
    struct ss_runner runner; /* its loop is NULL without resolvers */
    struct ss_store *store;  /* NULL: no memory was asked for */
    bool cannot_write;       /* it can only be read, against our will */
    bool plan_cache;         /* plans and answers are kept for all who use the memory */
    uint64_t fingerprint;    /* of those who may share them (fingerprint.h); 0: none may */
    struct ss_holds holds;   /* that could not be written */
    struct ss_memory_clock clock;
    struct ss_events events;
    struct ss_told told;
    struct ss_near_us near_us;
    struct ss_counters counters;
    struct ss_canary canary;
    uint8_t refresh_seed[SS_REFRESH_SEED]; /* so that nobody knows when a refresh comes */
    int32_t dns_timeout_ms;
    struct smtpsec_refreshing *refreshings;
    struct ss_background *backgrounds;
    pid_t pid;               /* who made it */
};

/* 0, or FORKED in a child of the process that made it. */
int ss_context_check(const struct smtpsec_context *context);
int64_t ss_context_now(const struct smtpsec_context *context);
int32_t ss_context_memory_state(const struct smtpsec_context *context);
/* Bound the memory that was opened; what is in force in this context never goes. */
void ss_context_bound_memory(struct smtpsec_context *context, uint64_t kept, uint64_t plans);
/*
 * Give a context that was made without a memory a store of another kind than
 * the library has, such as examples/redis. The context takes it over in any
 * case; its bounds are as ss_context_bound_memory() has them. Returns 0, or
 * INVALID: it has one already. For programs that link the
 * static archive of this source; not part of what the library promises.
 */
int ss_context_give_store(struct smtpsec_context *context, struct ss_store *store, uint64_t kept,
                          uint64_t plans);
/* Say that a new memory was begun, once. */
void ss_context_tell_begun(struct smtpsec_context *context, int64_t now);
/* The key for blobs; NULL without a context or key. */
const struct ss_seal_key *ss_context_key(const struct smtpsec_context *context);
/* Recall and start a lookup for a destination. Returns 0, NOMEM. */
int ss_context_lookup(struct smtpsec_context *context, const struct smtpsec_destination *destination,
                      struct ss_lookup **out);
/* Decide; nothing is told or learnt of it yet. Returns 0, NOMEM. */
int ss_context_decide(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                      struct smtpsec_plan **out);
/* Tell of a plan, and learn from it. */
void ss_context_accept(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                       const struct smtpsec_plan *plan);
/* Both; the lookup stays. Returns 0, NOMEM. */
int ss_context_conclude(struct smtpsec_context *context, struct ss_lookup *lookup, int64_t now,
                        struct smtpsec_plan **out);

#endif
