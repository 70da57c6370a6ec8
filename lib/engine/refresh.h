/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Proactive refresh of cached MTA-STS policies (RFC 8461 3.3, 10.2): which
 * entry is due, which may go, when somebody must be told. A refresh itself is
 * a lookup whose evidence says so; it asks for the TXT record and the policy.
 */
#ifndef SS_ENGINE_REFRESH_H
#define SS_ENGINE_REFRESH_H

#include "engine/lookup.h"
#include "memory/store.h"
#include "memory/sts_entry.h"

#define SS_REFRESH_SEED 32

/* STSA-15: about daily, and within half of a shorter life. */
#define SS_REFRESH_EVERY 86400
/* After a failure. */
#define SS_REFRESH_RETRY 3600
/* Policies of domains that nobody sends to are left to expire. */
#define SS_REFRESH_USED (30 * 86400)
/* A policy that expired is kept while a claim that rests on it may bind (claims bind 90 days). */
#define SS_REFRESH_KEPT (120 * 86400)
/* An entry that only tells of failed fetches. */
#define SS_REFRESH_KEPT_EMPTY (7 * 86400)
/* Failing for so long, or with less than a quarter of its life left: told. */
#define SS_REFRESH_ALARM (2 * 86400)

enum ss_refresh_action { SS_REFRESH_LEAVE, SS_REFRESH_FETCH, SS_REFRESH_REMOVE };

struct ss_refresh {
    enum ss_refresh_action action; /* what is to be done now */
    int32_t mode;                  /* SMTPSEC_STS_* of the policy */
    int64_t due;                   /* FETCH, or LEAVE: when it will be due; 0: never */
    int64_t expires;               /* end of the policy's life; 0: none held */
    int64_t failing_since;         /* 0: the last fetch was good */
    bool alarm;                    /* the refresh keeps failing, and the policy means something */
};

/*
 * Judge an entry. key: its key in the store. The seed makes the time within
 * the last quarter of the interval one that no stranger can foresee: who knew
 * it could block just then. Returns 0 or NOMEM.
 */
int ss_refresh_judge(const struct ss_sts_entry *entry, struct ss_bytes key,
                     const uint8_t seed[SS_REFRESH_SEED], int64_t now, struct ss_refresh *out);

/* Remove an entry if it still is to be removed. *removed tells. Returns 0, NOMEM, MEMORY. */
int ss_refresh_remove(struct ss_store *store, struct ss_bytes key, int64_t now, bool *removed);

enum ss_refreshed { SS_REFRESHED_NOT, SS_REFRESHED_YES, SS_REFRESHED_FAILED };

/*
 * Write what a lookup that refreshes found, and tell what came of it: NOT when
 * nothing was asked (another has just done so, or no record asks for a fetch).
 * Returns 0, NOMEM, MEMORY; *what is valid also when the store could not be written.
 */
int ss_learn_refresh(struct ss_store *store, const struct ss_lookup *lookup, int64_t now,
                     enum ss_refreshed *what);

#endif
