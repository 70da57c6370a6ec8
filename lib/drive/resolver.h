/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Asks questions of recursive resolvers: UDP from a connected socket of its
 * own port for each question, random id, octet-for-octet question match; TCP
 * on truncation; retries over several servers; after SERVFAIL a second look
 * with CD to tell bogus from dead (matrix RES-05).
 *
 * Servers are asked in their order. Once a trusted one has failed, by silence
 * or by what it says, untrusted ones are not asked any more: else blocking a
 * zone would turn "bogus" or "no answer" into "insecure". Only when nobody
 * listens at a trusted address does an untrusted one take its place.
 */
#ifndef SS_DRIVE_RESOLVER_H
#define SS_DRIVE_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "dns/answer.h"
#include "drive/loop.h"

#define SS_RESOLVER_SERVERS 8

struct ss_server {
    struct ss_address address;
    uint16_t port;
    bool trusted; /* its AD bit is believed */
};

struct ss_resolver_config {
    struct ss_server servers[SS_RESOLVER_SERVERS];
    size_t count;
    int32_t timeout_ms; /* for one question, all tries together */
};

struct ss_resolver;
struct ss_query;

/*
 * The end of a question. message is a whole reply that fits it (NOERROR or
 * NXDOMAIN), or NULL with a failure (SMTPSEC_FAILURE_*; BOGUS when the second
 * look says so). It is valid until the callback returns or frees the resolver.
 * Called only from ss_loop_process(); the query is gone by then.
 */
typedef void (*ss_query_done)(void *arg, const uint8_t *message, size_t len, bool trusted,
                              int32_t failure);

/*
 * config is copied; no server at all is allowed and makes every question fail
 * as UNREACHABLE. Returns 0, NOMEM, INVALID (too many servers, no time).
 */
int ss_resolver_new(struct ss_loop *loop, const struct ss_resolver_config *config,
                    struct ss_resolver **out);
/* Frees it and its queries without calling back. */
void ss_resolver_free(struct ss_resolver *resolver);
/*
 * Ask. Never calls back before returning. At most 256 questions are on their
 * way at a time, the others wait in order; the time of each counts from here.
 * Returns 0, NOMEM; trouble with sockets ends as a failure later.
 */
int ss_resolver_ask(struct ss_resolver *resolver, const struct ss_question *question,
                    ss_query_done done, void *arg, struct ss_query **out);
/* Stop; never called back after this. */
void ss_query_cancel(struct ss_query *query);

/* Read "ADDR", "ADDR#PORT", "[ADDR]#PORT". A loopback address is trusted. False when it is none. */
bool ss_server_from_text(struct ss_server *server, const char *text, bool trusted);
/*
 * Add the servers of a resolv.conf text, as far as there is room: `nameserver`
 * lines; `options trust-ad` trusts all of them.
 */
void ss_servers_from_resolv_conf(struct ss_resolver_config *config, const char *text, size_t len);

#endif
