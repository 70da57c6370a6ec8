/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One case: a chain as sent, a TLSA RRset, the names asked for, and the time. */
#ifndef SS_DIFF_TRIAL_H
#define SS_DIFF_TRIAL_H

#include <stdio.h>

#include "pool.h"

#define TRIAL_CHAIN 14
#define TRIAL_RECORDS 4
#define TRIAL_NAMES 3

/* How a record's octets differ from what would match. */
enum harm {
    HARM_NONE,
    HARM_FLIPPED, /* one bit */
    HARM_CUT,     /* some octets lost at the end */
    HARM_MORE,    /* an octet more */
    HARM_EMPTY,   /* no data */
    HARM_SHORT,   /* RDATA of fewer than three octets */
    HARM_NOISE    /* random octets in place of the data */
};

struct trial_record {
    unsigned usage, selector, matching;
    enum harm harm;
    const struct pool_cert *of;
    struct ss_bytes rdata; /* lives as long as the pool's certificates */
};

struct trial {
    uint64_t seed, number;
    size_t chain_count;
    const struct pool_cert *chain[TRIAL_CHAIN];
    size_t record_count;
    struct trial_record records[TRIAL_RECORDS];
    size_t name_count;
    const char *names[TRIAL_NAMES];
    int64_t now;
};

void trial_make(struct trial *trial, const struct pool *pool, uint64_t seed, uint64_t number);
void trial_print(const struct trial *trial, bool with_pem, FILE *out);

#endif
