/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/collector.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpsec.h"

int
ss_collector_send(const char *path, struct ss_bytes datagram)
{
    struct sockaddr_un address;
    size_t len = strlen(path);
    ssize_t sent;
    int fd;

    if (len == 0)
        return SMTPSEC_E_INVALID;
    if (len >= sizeof(address.sun_path))
        return SMTPSEC_E_LIMIT;
    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, path, len);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return SMTPSEC_E_SYSTEM;
    sent = sendto(fd, datagram.data, datagram.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                  (const struct sockaddr *)&address, sizeof(address));
    close(fd);
    return sent == (ssize_t)datagram.len ? 0 : SMTPSEC_E_SYSTEM;
}
