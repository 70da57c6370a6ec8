/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection of a socketmap client. Requests are pipelined: so many are taken
 * at once, and answered in their order. An idle connection is never closed by
 * us (Postfix then defers mail); half a request, and replies that nobody reads,
 * have their time.
 */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#include <sys/socket.h>

#include "server.h"

/* Take over an accepted descriptor. It is closed when there is no room for it. */
void serve_client_accept(struct serve_server *server, int fd, int is_unix,
                         const struct sockaddr *from);
/* No client may say more; each is answered what it has asked, then closed. */
void serve_clients_finish(struct serve_server *server);
/* Close all at once. */
void serve_clients_end(struct serve_server *server);

#endif
