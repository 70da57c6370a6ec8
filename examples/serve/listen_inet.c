/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listen_inet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../text.h"

union any_address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static int
read_address(const char *text, union any_address *address, socklen_t *len)
{
    memset(address, 0, sizeof(*address));
    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &address->in.sin_addr) == 1) {
        address->in.sin_family = AF_INET;
        *len = sizeof(address->in);
        return 0;
    }
    if (inet_pton(AF_INET6, text, &address->in6.sin6_addr) == 1) {
        address->in6.sin6_family = AF_INET6;
        *len = sizeof(address->in6);
        return 0;
    }
    return -1;
}

/* "ADDRESS:PORT"; the last colon parts them. */
static int
read_endpoint(const char *text, union any_address *address, socklen_t *len)
{
    const char *colon = strrchr(text, ':');
    size_t host_len = colon != NULL ? (size_t)(colon - text) : 0;
    int64_t port = 0;
    char host[64];

    if (host_len == 0 || text_number(colon + 1, 1, 65535, &port) != 0)
        return -1;
    if (text[0] == '[' && text[host_len - 1] == ']') {
        text++;
        host_len -= 2;
    }
    if (host_len >= sizeof(host))
        return -1;
    memcpy(host, text, host_len);
    host[host_len] = '\0';
    if (read_address(host, address, len) != 0)
        return -1;
    if (address->any.sa_family == AF_INET)
        address->in.sin_port = htons((uint16_t)port);
    else
        address->in6.sin6_port = htons((uint16_t)port);
    return 0;
}

static int
on_loopback(const union any_address *address)
{
    if (address->any.sa_family == AF_INET)
        return (ntohl(address->in.sin_addr.s_addr) >> 24) == 127;
    return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr);
}

int
serve_listen_inet(const char *text, int allow_remote, struct serve_socket *out)
{
    union any_address address;
    socklen_t len = 0;
    const int on = 1;
    int fd;

    if (read_endpoint(text, &address, &len) != 0) {
        tool_say("inet: wants ADDRESS:PORT, in numbers");
        return TOOL_USAGE;
    }
    /* Who can reach it can have domains looked up, and nothing tells one caller from another. */
    if (!on_loopback(&address) && !allow_remote) {
        tool_say("inet:%s is not on loopback; --allow-remote if that is meant", text);
        return TOOL_USAGE;
    }
    fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        (address.any.sa_family == AF_INET6 &&
         setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) != 0) ||
        bind(fd, &address.any, len) != 0) {
        tool_say("inet:%s: %s", text, strerror(errno));
        if (fd >= 0)
            close(fd);
        return TOOL_CANNOT_CREATE;
    }
    out->fd = fd;
    return TOOL_OK;
}
