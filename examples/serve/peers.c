/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t
serve_peer_share(size_t bound)
{
    size_t share = bound - bound / 4;

    return share > 0 ? share : 1;
}

/* There are never more peers than connections and flights, and mostly one. */
struct serve_peer *
serve_peers_get(struct serve_peers *peers, const char *name)
{
    struct serve_peer *peer;

    for (peer = peers->first; peer != NULL; peer = peer->next) {
        if (strcmp(peer->name, name) == 0)
            return peer;
    }
    peer = calloc(1, sizeof(*peer));
    if (peer == NULL)
        return NULL;
    snprintf(peer->name, sizeof(peer->name), "%s", name);
    peer->next = peers->first;
    peers->first = peer;
    return peer;
}

void
serve_peers_settle(struct serve_peers *peers, struct serve_peer *peer)
{
    struct serve_peer **link = &peers->first;

    if (peer->connections > 0 || peer->flights > 0)
        return;
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;
    free(peer);
}

void
serve_peers_free(struct serve_peers *peers)
{
    while (peers->first != NULL) {
        struct serve_peer *next = peers->first->next;

        free(peers->first);
        peers->first = next;
    }
}
