/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A memory with a kept plan for each destination of the population, and questions to it. */
#ifndef SS_BENCH_PLANS_H
#define SS_BENCH_PLANS_H

#include <stddef.h>
#include <stdint.h>

#include "smtpsec.h"

/* The table of plans, for LMDB by itself: a directory in the memory's, and a name in it. */
#define PLANS_DIRECTORY "plans"
#define PLANS_TABLE "plans"

struct asker {
    struct smtpsec_context *context;
    struct smtpsec_cached *cached;
};

/* Load the trust anchors, which is not part of opening a memory (see bench_context.c). */
void asker_prepare(void);
/* A context on this memory, as a mail server has it. */
void asker_open(struct asker *asker, const char *directory, uint64_t plans);
void asker_close(struct asker *asker);
/* Domain in, requirement of every host out; returns something of what was read. */
uint64_t asker_ask(struct asker *asker, const char *domain);

/*
 * A memory with so many plans, of so many hosts with DANE each, and with so
 * many remembered domains. NULL where there is no room for it. It is left to
 * the next run and to other benchmarks: who changes it has a tag of its own.
 */
const char *plans_directory(const char *tag, uint64_t count, size_t hosts, uint64_t remembered);
/* Of PLANS_DIRECTORY in it; to be freed. */
char *plans_path(const char *directory);
/* Of this program's child, "fill DIRECTORY COUNT HOSTS FINGERPRINT". */
void plans_fill(char **arguments);

#endif
