/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A TCP socket, bound. */
#ifndef SERVE_LISTEN_INET_H
#define SERVE_LISTEN_INET_H

#include "listen.h"

/* text: "ADDRESS:PORT", "[ADDRESS]:PORT" or "localhost:PORT". Returns an exit code. */
int serve_listen_inet(const char *text, int allow_remote, struct serve_socket *out);

#endif
