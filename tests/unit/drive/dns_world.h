/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Servers for the tests of the resolver: dns_server.py as a and b, and as c
 * without TCP; d is an address where nobody listens.
 */
#ifndef SS_TEST_DNS_WORLD_H
#define SS_TEST_DNS_WORLD_H

#include "drive/loop.h"
#include "drive/resolver.h"

/* Longer than any timeout in the tests: reached only when the resolver hangs. */
#define HANG_MS 20000

/* What came of a question. */
struct told {
    struct ss_question question;
    struct ss_query *query;
    int calls;
    int32_t failure;
    bool trusted;
    char text[128]; /* first record, "no-data", "no-name" or "failed"; " secure" behind it */
    size_t count;   /* records */
};

/* Start and stop the servers; the first exits when it cannot. */
void world_start(const char *script);
void world_stop(void);
/* The port of a server: 'a' to 'd'. */
uint16_t world_port(char letter);

/* Servers as letters, each followed by "!" when it is trusted. */
struct ss_resolver_config world_config(const char *servers, int32_t timeout_ms);
struct ss_resolver *world_resolver(struct ss_loop *loop, const char *servers, int32_t timeout_ms);
struct ss_loop *world_loop(void);
/* A number that no other question had, for a "tNNN" label. */
unsigned world_token(void);

void told_init(struct told *told, uint16_t type, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The ss_query_done of a told. */
void told_done(void *arg, const uint8_t *message, size_t len, bool trusted, int32_t failure);
/* Ask, and demand that nothing is called back. */
void told_ask(struct told *told, struct ss_resolver *resolver);
/* Run until all were told. */
void told_wait(struct told *told, size_t count, struct ss_loop *loop);
/* Ask one server alone and take its answer; for its counts. */
void world_ask_text(char server, const char *behaviour, unsigned token, char *out, size_t room);

#endif
