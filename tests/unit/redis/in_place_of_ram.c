/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The stories of tests/scenarios with their memory in Redis: who asks for one in
 * RAM gets a new one here (the linker's --wrap).
 */
#include <stdio.h>
#include <stdlib.h>

#include "server.h"

int __wrap_ss_store_ram_open(struct ss_store **out);

static struct server server;

static void
end(void)
{
    server_end(&server);
}

int
__wrap_ss_store_ram_open(struct ss_store **out)
{
    static int stores;
    char prefix[16];

    if (server.pid == 0) {
        server_start(&server);
        atexit(end);
    }
    snprintf(prefix, sizeof(prefix), "t%d", stores++);
    *out = server_store(&server, prefix, 5000);
    return 0;
}
