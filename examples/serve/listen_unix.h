/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A unix socket with owner and mode, bound. */
#ifndef SERVE_LISTEN_UNIX_H
#define SERVE_LISTEN_UNIX_H

#include "listen.h"

/* Returns an exit code. */
int serve_listen_unix(const struct serve_settings *settings, const char *path,
                      struct serve_socket *out);

#endif
