/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kept plan as octets: what a plan for a plain message says, so that whoever
 * asks again needs no query and no decision. It is read where it stands: one
 * check in bounds, then fields at fixed places and texts that end with a NUL.
 *
 * A mark may stand in its place: what is remembered of the domain was about to
 * be changed, and only a plan made of what it was changed to may be kept.
 *
 * All little-endian, in the envelope of codec.h, from its first octet on:
 *
 *   0 kind, 1 version, 2 what u8, 3 flags u8, 4 fingerprint u64, 12 stamp of
 *   the claims u32 u32, 20 of the policy u32 u32, 28 made i64, 36 expires i64
 *   a plan: 44 verdict u8, 45 level u8, 46 reason u16, 48 hosts u16, 50 its
 *   digest in hex and NUL, 115 NUL, 116 the hosts, then their texts and octets
 *   a host, 36 octets: 0 name u32, 4 digest u32, 8 addresses u32, 12 their
 *   octets u16, 14 count u8, 15 action u8, 16 requirement u32, 20 its octets
 *   u32, 24 preference u16, 26 reason u16, 28 level u8, 29 tls u8,
 *   30 identities u8, 31 sources u8, 32 octets of the name u16, 34 zero u16
 */
#ifndef SS_DECISION_KEPT_H
#define SS_DECISION_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "decision/evidence.h"
#include "decision/plan.h"

/* Of the octets; one of another version is as if not there. */
#define SS_KEPT_VERSION 1
/* A longer one is not kept; five hosts with DANE take some 3000. */
#define SS_KEPT_OCTETS 32768

/* Which value of the memory: its checksum and length. len 0: there is none. */
struct ss_stamp {
    uint32_t crc;
    uint32_t len;
};

struct ss_stamps {
    bool known;
    struct ss_stamp claims;
    struct ss_stamp policy;
};

struct ss_stamp ss_stamp_of(struct ss_bytes value);
bool ss_stamp_equal(struct ss_stamp a, struct ss_stamp b);

enum ss_kept_what { SS_KEPT_NOTHING = 0, SS_KEPT_PLAN = 1, SS_KEPT_MARK = 2 };

struct ss_kept_head {
    uint64_t fingerprint;
    struct ss_stamps stamps; /* of what it was made of; of a mark: what it will be */
    bool of_claims;          /* a mark: that part says something */
    bool of_policy;
    int64_t made;            /* a mark: when it was set */
    int64_t expires;         /* a plan is there before this second; a mark: 0 */
};

/* Views into the octets. */
struct ss_kept_host {
    const char *name;
    const char *digest; /* "" where the host is skipped */
    uint16_t preference;
    int32_t action;
    int32_t reason;
    int32_t level;
    int32_t tls;
    int32_t identities;
    int32_t sources;
    size_t address_count;
    struct ss_bytes addresses;   /* texts, each with its NUL */
    struct ss_bytes requirement; /* empty where the host is skipped */
};

/* A plan that was checked; the octets are the caller's, and stay. */
struct ss_kept {
    const uint8_t *octets;
    size_t len;   /* without the checksum */
    size_t hosts;
};

/* Write a plan for a plain message. Sets out->full for one that is too large. */
void ss_kept_write(struct ss_buf *out, struct ss_bytes key, const struct ss_kept_head *head,
                   const struct smtpsec_plan *plan);
void ss_kept_mark_write(struct ss_buf *out, struct ss_bytes key, const struct ss_kept_head *head);
/* What stands there: NOTHING for all that is damaged, of another version, or of no use. */
enum ss_kept_what ss_kept_head_read(struct ss_kept_head *head, struct ss_bytes value,
                                    struct ss_bytes key);

/*
 * Read a plan made under this fingerprint, for a use at `now`. False when there
 * is none; nothing outside of the octets is ever read, whatever they are.
 */
bool ss_kept_read(struct ss_kept *kept, struct ss_bytes value, struct ss_bytes key,
                  uint64_t fingerprint, int64_t now);
int32_t ss_kept_verdict(const struct ss_kept *kept);
int32_t ss_kept_reason(const struct ss_kept *kept);
int32_t ss_kept_level(const struct ss_kept *kept);
int64_t ss_kept_expires(const struct ss_kept *kept);
const char *ss_kept_digest(const struct ss_kept *kept);
/* The n-th; there must be one. */
void ss_kept_host(const struct ss_kept *kept, size_t n, struct ss_kept_host *host);
/* The n-th address of a host, or NULL. */
const char *ss_kept_address(const struct ss_kept_host *host, size_t n);

/*
 * May it be kept? It must rest on answers alone, negative ones among them: no
 * look-up that failed, nothing that the memory refused, held or lost, no
 * exception, no policy that is still to be had; and be for a plain message
 * by MX, with no level of its own.
 */
bool ss_plan_is_whole(const struct smtpsec_plan *plan, const struct ss_evidence *evidence);
/*
 * Until when, at most: the answers' TTLs, those that led to no record included,
 * the policy's life, and the end of each claim.
 */
int64_t ss_plan_kept_until(const struct smtpsec_plan *plan, const struct ss_evidence *evidence,
                           int64_t now);
/* Do two plans ask for the same of the same hosts? */
bool ss_plan_is_same(const struct smtpsec_plan *a, const struct smtpsec_plan *b);

/*
 * What goes first where room is needed: those that end first. Marks may not go, but
 * for those of more than an hour: no write takes so long.
 */
uint64_t ss_kept_rank(struct ss_bytes value, int64_t now);

#endif
