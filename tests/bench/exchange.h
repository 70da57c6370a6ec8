/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an evaluation asks, learnt from one that was driven by hand, and the
 * floor that it is measured against: the same octets sent in the same waves,
 * each over a connected socket of its own, with nothing done with the replies.
 */
#ifndef BENCH_EXCHANGE_H
#define BENCH_EXCHANGE_H

#include <stddef.h>
#include <stdint.h>

#include <smtpsec.h>

#define EXCHANGE_WAVES 8
#define EXCHANGE_QUERIES 64
#define EXCHANGE_OCTETS 320

struct exchange_query {
    uint8_t octets[EXCHANGE_OCTETS];
    size_t len;
};

struct exchange {
    size_t wave_count;
    size_t in_wave[EXCHANGE_WAVES];
    size_t count; /* of all waves, one behind the other */
    struct exchange_query queries[EXCHANGE_QUERIES];
};

/* Evaluate by hand and note what was asked. */
void exchange_learn(struct exchange *exchange, struct smtpsec_context *context, const char *domain,
                    uint16_t port, int64_t now);
/* Ask it all again, and throw the replies away. */
void exchange_run(const struct exchange *exchange, uint16_t port);
/* Ask the first of it so often, one after another. */
void exchange_repeat(const struct exchange *exchange, uint16_t port, size_t times);

#endif
