/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the rules share: lives, holds, and who is known. */
#ifndef SS_MEMORY_LIFE_H
#define SS_MEMORY_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "memory/rules.h"

/* Two answers signed within this time are of one age (DESIGN 6.5, PREC-11). */
#define SS_REPLAY_SKEW (2 * 3600)
/* No replay is held against longer than this. */
#define SS_REPLAY_HOLD (14 * SS_DAY)

/*
 * A denial of DS stands in the parent zone, whose signatures have times of
 * their own. It is held against the last proof that the zone was signed, and a
 * resolver may have drawn that proof from a DS a day old.
 */
#define SS_DS_SKEW (SS_DAY + SS_REPLAY_SKEW)
/* Where the DS cannot be denied (opt-out): unsigned answers for so long are believed. */
#define SS_UNSIGNED_HOLD (72 * 3600)
/* Sightings with more than this between them are not one count. */
#define SS_UNSIGNED_GAP SS_DAY
/* And no more often is one written. */
#define SS_UNSIGNED_WRITE (6 * 3600)
/* No TTL counts for more (RFC 8767 section 4): a day's hijack must not plant a month. */
#define SS_TTL_MAX (7 * SS_DAY)

/* Sum that stops at the end of the number range. */
int64_t ss_time_add(int64_t time, int64_t more);

/* Binds at `now`, whatever its kind asks for on top. */
bool ss_claim_alive(const struct ss_claim *claim, const struct ss_memory_settings *settings,
                    int64_t now);
/* The claim as it stands at `now`: times after now count as now. */
struct ss_claim ss_claim_as_of(const struct ss_claim *claim, int64_t now);
/* A soft claim that has been earned: on 7 distinct days over 14. */
bool ss_claim_earned(const struct ss_claim *claim);
/* Nobody has seen it for so long that it proves nothing and votes no more. */
bool ss_claim_faded(const struct ss_claim *claim, const struct ss_memory_settings *settings,
                    int64_t now);
/* An accepted delivery of this host is remembered. */
bool ss_host_known(const struct ss_record *record, const struct ss_memory_settings *settings,
                   const struct ss_name *host, int64_t now);

/* When the present hold by soft claims ends; 0 when there is none. */
int64_t ss_hold_until(const struct ss_record *record, const struct ss_memory_settings *settings,
                      int64_t now);
/* A hold was there and is over: soft claims refuse no more. */
bool ss_hold_ended(const struct ss_record *record, const struct ss_memory_settings *settings,
                   int64_t now);

enum ss_pass {
    SS_PASS_ENFORCED, /* kinds in mode ENFORCE */
    SS_PASS_HARD,     /* of those, what outlasts a hold */
    SS_PASS_REPORTED  /* REPORT as if it were ENFORCE */
};

/*
 * The floor by the claims on hosts, the domain-wide policy left out. host
 * NULL: the minimum over the known hosts.
 */
void ss_floor_by_hosts(const struct ss_record *record, const struct ss_memory_settings *settings,
                       const struct ss_name *host, bool mx_secure, int64_t now, enum ss_pass pass,
                       struct ss_floor *floor);

#endif
