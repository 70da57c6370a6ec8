/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/query.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpsec.h"

#define HEADER_LEN 12

int32_t
ss_query_socket_failure(int error_number)
{
    switch (error_number) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case EACCES:
    case EPERM:
        return SMTPSEC_FAILURE_UNREACHABLE;
    default:
        /* Too few descriptors or buffers: says nothing about the server. */
        return SMTPSEC_FAILURE_TIMEOUT;
    }
}

static socklen_t
socket_address(const struct ss_server *server, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof(*out));
    if (server->address.family == 4) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(server->port);
        memcpy(&v4->sin_addr, server->address.octets, 4);
        return sizeof(*v4);
    }
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(server->port);
    memcpy(&v6->sin6_addr, server->address.octets, 16);
    return sizeof(*v6);
}

/*
 * Connected, so that the kernel drops what comes from another address or
 * port and reports a server that is not there; unbound, so that it picks a
 * random port of its own for each try.
 */
bool
ss_server_reconnect(int fd, const struct ss_server *server)
{
    struct sockaddr_storage address;
    socklen_t len = socket_address(server, &address);

    return connect(fd, (const struct sockaddr *)&address, len) == 0 || errno == EINPROGRESS;
}

int
ss_server_connect(const struct ss_server *server, int type, int32_t *failure)
{
    int family = server->address.family == 4 ? AF_INET : AF_INET6;
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *failure = SMTPSEC_FAILURE_NONE;
    if (fd < 0) {
        *failure = ss_query_socket_failure(errno);
    } else if (!ss_server_reconnect(fd, server)) {
        *failure = ss_query_socket_failure(errno);
        close(fd);
        fd = -1;
    }
    return fd;
}

enum ss_reply_fit
ss_query_fit(const struct ss_query *query, const uint8_t *message, size_t len)
{
    /* The question stands right after the header: name, type, class. */
    return ss_dns_reply_fit(message, len, query->id,
                            query->sent + SS_TCP_PREFIX + HEADER_LEN,
                            (size_t)query->question.name.len + 4);
}

/* Look at one datagram; true when the query went on or ended, so that this try is no more. */
static bool
take_datagram(struct ss_query *query, const uint8_t *message, size_t len)
{
    switch (ss_query_fit(query, message, len)) {
    case SS_REPLY_FITS:
        ss_line_give(query);
        ss_query_replied(query, message, len);
        return true;
    case SS_REPLY_TRUNCATED:
        ss_line_give(query);
        ss_query_truncated(query);
        return true;
    default:
        if (++query->foreign < SS_RESOLVER_FOREIGN_LIMIT)
            return false;
        ss_query_finish(query, NULL, 0, SMTPSEC_FAILURE_TIMEOUT);
        return true;
    }
}

void
ss_line_ready(void *arg, int events)
{
    struct ss_line *line = arg;
    struct ss_query *query = line->query;
    uint8_t *datagram = line->resolver->datagram;
    ssize_t len;
    int reads;

    (void)events;
    for (reads = 0; reads < SS_RESOLVER_READS_A_CALL; reads++) {
        len = recv(line->fd, datagram, sizeof(line->resolver->datagram), 0);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0 && errno == EAGAIN)
            return;
        if (len < 0) {
            ss_query_try_failed(query, ss_query_socket_failure(errno));
            return;
        }
        /* The line may serve another question already: nothing of it is touched after this. */
        if (take_datagram(query, datagram, (size_t)len))
            return;
    }
}

int32_t
ss_query_udp(struct ss_query *query)
{
    size_t len = query->sent_len - SS_TCP_PREFIX;
    int32_t failure = ss_line_take(query);

    if (failure != SMTPSEC_FAILURE_NONE)
        return failure;
    if (send(query->line->fd, query->sent + SS_TCP_PREFIX, len, MSG_NOSIGNAL) != (ssize_t)len)
        return ss_query_socket_failure(errno);
    return SMTPSEC_FAILURE_NONE;
}
