/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Destinations that nobody has, always the same: what a memory of so many would hold. */
#ifndef SS_BENCH_POPULATION_H
#define SS_BENCH_POPULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/name.h"
#include "memory/store.h"

#define POPULATION_T0 INT64_C(1800000000)

enum population { POPULATION_ENCRYPTED, POPULATION_DANE, POPULATION_STS, POPULATION_KINDS };

const char *population_name(enum population kind);
enum ss_store_table population_table(enum population kind);
/* The n-th domain: as long as names are, 7 to 18 letters before the end. */
void population_domain(uint64_t n, char text[64]);
void population_domain_name(uint64_t n, struct ss_name *name);
/* Key and value of the n-th; so many hosts, or 0: one or two. */
void population_entry(enum population kind, uint64_t n, size_t hosts, struct ss_buf *key,
                      struct ss_buf *value);
/* Numbers of so many destinations, in the order of their keys; to be freed. */
uint64_t *population_sorted(uint64_t count);
/* And in no order, which is the same each time. */
uint64_t *population_shuffled(uint64_t count, uint64_t seed);

#endif
