/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets to listen on. What goes wrong is said on stderr. */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stddef.h>
#include <sys/types.h>

#include "settings.h"

struct serve_socket {
    int fd;
    int is_unix;
    int metrics; /* figures, not answers */
    /* Of a unix socket that we made, to remove it again; else path is NULL. */
    const char *path;
    dev_t device;
    ino_t inode;
};

struct serve_sockets {
    struct serve_socket list[SERVE_LISTENERS + 1];
    size_t count;
};

/* Take what systemd hands over, then make what the settings name. Returns an exit code. */
int serve_listen(const struct serve_settings *settings, struct serve_sockets *sockets);
/* Close them, and remove the unix sockets that are still ours. */
void serve_listen_end(struct serve_sockets *sockets);

#endif
