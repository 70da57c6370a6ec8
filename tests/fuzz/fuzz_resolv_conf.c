/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A resolv.conf is the operator's own, but may be half written or not one at all. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drive/resolver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out must be a server that can be connected to, and read back as text. */
static void
check_server(const struct ss_server *server)
{
    char text[SS_ADDRESS_TEXT];
    struct ss_server again;

    if (server->address.family != 4 && server->address.family != 6)
        abort();
    if (server->port == 0)
        abort();
    if (ss_address_is_loopback(&server->address) && !server->trusted)
        abort();
    ss_address_to_text(&server->address, text);
    if (!ss_server_from_text(&again, text, server->trusted) ||
        ss_address_compare(&again.address, &server->address) != 0)
        abort();
}

static void
fuzz_server_text(const uint8_t *data, size_t size)
{
    struct ss_server server;
    char *text = malloc(size + 1);

    if (text == NULL)
        return;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (ss_server_from_text(&server, text, false))
        check_server(&server);
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ss_resolver_config config;
    size_t i;

    memset(&config, 0, sizeof(config));
    ss_servers_from_resolv_conf(&config, (const char *)data, size);
    if (config.count > SS_RESOLVER_SERVERS)
        abort();
    for (i = 0; i < config.count; i++)
        check_server(&config.servers[i]);
    fuzz_server_text(data, size);
    return 0;
}
