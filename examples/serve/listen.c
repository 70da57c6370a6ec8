/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../text.h"
#include "listen_inet.h"
#include "listen_unix.h"

#define BACKLOG 512
#define FIRST_HANDED 3 /* sd_listen_fds(3) */

static int
add(struct serve_sockets *sockets, const struct serve_socket *socket)
{
    if (sockets->count == sizeof(sockets->list) / sizeof(sockets->list[0])) {
        tool_say("too many sockets");
        return TOOL_USAGE;
    }
    sockets->list[sockets->count++] = *socket;
    return TOOL_OK;
}

/* Is it a stream socket that listens? Fills is_unix. */
static int
fit_to_listen(int fd, int *is_unix)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);
    int type = 0, listens = 0;
    socklen_t type_len = sizeof(type), listens_len = sizeof(listens);

    if (getsockname(fd, (struct sockaddr *)&address, &len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) != 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &listens_len) != 0)
        return 0;
    *is_unix = address.ss_family == AF_UNIX;
    return type == SOCK_STREAM && listens;
}

/* Does the n-th name of "a:b:c" say that this socket is for figures? */
static int
named_metrics(const char *names, size_t n)
{
    size_t len;

    for (; names != NULL && n > 0; n--) {
        names = strchr(names, ':');
        names = names != NULL ? names + 1 : NULL;
    }
    len = names != NULL ? strcspn(names, ":") : 0;
    return len == strlen("metrics") && strncmp(names, "metrics", len) == 0;
}

static int
take_handed_one(struct serve_sockets *sockets, size_t n)
{
    struct serve_socket socket;

    memset(&socket, 0, sizeof(socket));
    socket.fd = FIRST_HANDED + (int)n;
    socket.metrics = named_metrics(getenv("LISTEN_FDNAMES"), n);
    if (!fit_to_listen(socket.fd, &socket.is_unix) ||
        fcntl(socket.fd, F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(socket.fd, F_SETFL, O_NONBLOCK) != 0) {
        tool_say("descriptor %d, handed over, is no socket that listens", socket.fd);
        return TOOL_USAGE;
    }
    return add(sockets, &socket);
}

/* systemd's socket activation, sd_listen_fds(3). */
static int
take_handed(struct serve_sockets *sockets)
{
    const char *pid = getenv("LISTEN_PID");
    const char *count = getenv("LISTEN_FDS");
    int64_t whose = 0, number = 0, i;
    int code = TOOL_OK;

    if (pid == NULL || count == NULL || text_number(pid, 1, INT32_MAX, &whose) != 0 ||
        whose != getpid() || text_number(count, 0, SERVE_LISTENERS, &number) != 0)
        return TOOL_OK;
    for (i = 0; code == TOOL_OK && i < number; i++)
        code = take_handed_one(sockets, (size_t)i);
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return code;
}

/* "unix:PATH" or "inet:ADDRESS:PORT". */
static int
make(const struct serve_settings *settings, const char *word, int metrics,
     struct serve_sockets *sockets)
{
    struct serve_socket made;
    int code;

    memset(&made, 0, sizeof(made));
    made.metrics = metrics;
    if (strncmp(word, "unix:", 5) == 0 && !metrics) {
        code = serve_listen_unix(settings, word + 5, &made);
    } else if (strncmp(word, "inet:", 5) == 0) {
        code = serve_listen_inet(word + 5, settings->allow_remote, &made);
    } else {
        tool_say("an address is unix:PATH (not for --metrics) or inet:ADDR:PORT");
        return TOOL_USAGE;
    }
    if (code != TOOL_OK)
        return code;
    if (listen(made.fd, BACKLOG) != 0) {
        tool_say("cannot listen: %s", strerror(errno));
        code = TOOL_SYSTEM;
    } else {
        code = add(sockets, &made);
    }
    if (code != TOOL_OK)
        close(made.fd);
    return code;
}

int
serve_listen(const struct serve_settings *settings, struct serve_sockets *sockets)
{
    int code;
    size_t i;

    memset(sockets, 0, sizeof(*sockets));
    code = take_handed(sockets);
    for (i = 0; code == TOOL_OK && i < settings->listen_count; i++)
        code = make(settings, settings->listen[i], 0, sockets);
    if (code == TOOL_OK && settings->metrics != NULL)
        code = make(settings, settings->metrics, 1, sockets);
    return code;
}

void
serve_listen_end(struct serve_sockets *sockets)
{
    size_t i;

    for (i = 0; i < sockets->count; i++) {
        const struct serve_socket *socket = &sockets->list[i];
        struct stat st;

        /*
         * Where somebody else's stands by now, it stays; without the right to,
         * ours stays, too. While ours is open nobody takes it for stale, and no
         * other file gets its number: so first remove, then close.
         */
        if (socket->path != NULL && lstat(socket->path, &st) == 0 &&
            st.st_dev == socket->device && st.st_ino == socket->inode)
            unlink(socket->path);
        close(socket->fd);
    }
    sockets->count = 0;
}
