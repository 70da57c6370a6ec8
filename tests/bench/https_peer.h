/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A policy host in a process of its own, and the floor of a fetch: GnuTLS on
 * plain sockets and nothing else.
 */
#ifndef SS_BENCH_HTTPS_PEER_H
#define SS_BENCH_HTTPS_PEER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/bytes.h"

#define PEER_HOST "mta-sts.d.test"
#define PEER_PATH "/.well-known/mta-sts.txt"

#define PEER_CHAIN 2

/* Serve on a port of 127.0.0.1 until peer_stop(); a chain, leaf first, and the leaf's key in DER. */
pid_t peer_start(const struct ss_bytes *chain, size_t count, struct ss_bytes key, uint16_t *port);
void peer_stop(pid_t peer);

struct raw_client;
/* A client that trusts this one certificate. */
struct raw_client *raw_client_new(struct ss_bytes root);
void raw_client_free(struct raw_client *client);
/* Connect, shake hands, verify, ask, read to the end, say goodbye. Octets of the reply. */
size_t raw_client_fetch(struct raw_client *client, uint16_t port);

#endif
