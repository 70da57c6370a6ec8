/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts with a memory, used through the public interface by hand; the clock is the test's. */
#ifndef SS_TEST_MEMORY_USE_H
#define SS_TEST_MEMORY_USE_H

#include "api/context.h"
#include "smtpsec.h"
#include "world.h"

#define USE_START INT64_C(1800000000)
#define USE_DAY INT64_C(86400)

extern int64_t use_now;
extern struct world use_world;

/* directory: NULL for a memory in RAM, "" for none. */
struct smtpsec_context *use_open(const char *directory, int read_only);
/* One fact as scenarios write them. */
void use_fact(const char *line);
/* An unsigned domain with one host, mx.DOMAIN. */
void use_domain(const char *domain);
/* Evaluate; the caller frees the plan. */
struct smtpsec_plan *use_evaluate(struct smtpsec_context *context, const char *domain);
/* Evaluate, connect to the first host with a self-signed certificate or without TLS, and record. */
int use_deliver(struct smtpsec_context *context, const char *domain, bool tls);
/* Take all events: how many were of this kind; text receives the last such one (1024 octets). */
unsigned use_events(struct smtpsec_context *context, int32_t kind, char *text);
uint64_t use_counter(const struct smtpsec_context *context, int32_t counter);

#endif
