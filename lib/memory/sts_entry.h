/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A cached MTA-STS policy as it is stored (RFC 8461 3.3, 5.1), keyed by the
 * A-label policy domain.
 */
#ifndef SS_MEMORY_STS_ENTRY_H
#define SS_MEMORY_STS_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"

/* The policy was there and broke the grammar. */
#define SS_STS_FAILED_GRAMMAR 255

struct ss_sts_entry {
    char id[33];         /* of the policy that is held; "" when none is */
    int64_t fetched;     /* time of the HTTPS success; life counts from it */
    int64_t max_age;
    uint8_t *body;       /* as fetched; owned */
    size_t len;
    char failed_id[33];  /* the id whose fetch failed last */
    int64_t failed_at;   /* and when; 0: none since the last success */
    int64_t attempted;   /* the last attempt of any id */
    int64_t used;        /* the last day on which mail asked for it */
    int64_t first_used;  /* and the first, or the first that is known; 0: none */
    int64_t failing_since; /* the first failure since the last success; 0: none */
    int32_t failed_why;    /* SMTPSEC_FAILURE_* of the last one, or GRAMMAR; 0: not known */
};

void ss_sts_entry_init(struct ss_sts_entry *entry);
void ss_sts_entry_free(struct ss_sts_entry *entry);
int ss_sts_entry_copy(struct ss_sts_entry *out, const struct ss_sts_entry *entry);
/*
 * Live while now - fetched does not exceed max_age (matrix STSA-12); a time of
 * fetch after now counts as now.
 */
bool ss_sts_entry_live(const struct ss_sts_entry *entry, int64_t now);
/* Mail asked for it on this day. */
void ss_sts_entry_use(struct ss_sts_entry *entry, int64_t day);
/* key: the policy domain's, under which it is stored; the checksum covers it. */
void ss_sts_entry_write(struct ss_buf *out, struct ss_bytes key, const struct ss_sts_entry *entry);
/* Returns 0, NOMEM, FORMAT, VERSION. */
int ss_sts_entry_read(struct ss_sts_entry *entry, struct ss_bytes key, struct ss_bytes bytes);

#endif
