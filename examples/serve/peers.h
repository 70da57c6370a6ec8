/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is connected, and what share each has. A peer is a user on this machine
 * (unix socket) or an address. Nobody has more than three quarters of anything,
 * so that a program run wild, or a hostile one, leaves room for the others. Pure.
 */
#ifndef SERVE_PEERS_H
#define SERVE_PEERS_H

#include <stddef.h>

#define SERVE_PEER_NAME 64

struct serve_peer {
    struct serve_peer *next;
    size_t connections;
    size_t flights; /* running and queued */
    size_t running;
    char name[SERVE_PEER_NAME]; /* "uid 104", "192.0.2.1" */
};

struct serve_peers {
    struct serve_peer *first;
};

/* What one peer may have of a bound, at least 1. */
size_t serve_peer_share(size_t bound);
/* The peer of that name, made when there is none. NULL without memory. */
struct serve_peer *serve_peers_get(struct serve_peers *peers, const char *name);
/* Forget the peer if nothing is its own any more. */
void serve_peers_settle(struct serve_peers *peers, struct serve_peer *peer);
void serve_peers_free(struct serve_peers *peers);

#endif
