/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Taking connections: how many, and whose. */
#ifndef SERVE_ACCEPT_H
#define SERVE_ACCEPT_H

#include <sys/socket.h>

#include "server.h"

/* Begin to listen with what serve_listen() opened. Returns an exit code. */
int serve_accept_begin(struct serve_server *server);
void serve_accept_end(struct serve_server *server);
/* A connection has ended: is there room again? */
void serve_accept_more(struct serve_server *server);
/* Who is at the other end: a user of this machine, or an address. */
void serve_peer_name(int fd, int is_unix, const struct sockaddr *from, char name[SERVE_PEER_NAME]);

#endif
