/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The socket has its mode from its first moment on (umask), and is given away
 * afterwards. Two who start at once are kept apart by a lock on the directory,
 * which leaves no file behind; a socket that nobody answers at is removed.
 */
#include "listen_unix.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "../text.h"

/* Tries to lock the directory, 50 ms apart. */
#define LOCK_TRIES 100

static int
say_error(const char *path, const char *what)
{
    tool_say("unix:%s: %s: %s", path, what, strerror(errno));
    return TOOL_CANNOT_CREATE;
}

/* "USER" or "USER:GROUP"; the group of the user when none is named. */
static int
read_owner(const char *text, uid_t *uid, gid_t *gid)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    const struct passwd *user;
    const struct group *group;
    char name[64];

    if (len == 0 || len >= sizeof(name))
        return -1;
    memcpy(name, text, len);
    name[len] = '\0';
    user = getpwnam(name);
    if (user == NULL)
        return -1;
    *uid = user->pw_uid;
    *gid = user->pw_gid;
    if (colon == NULL)
        return 0;
    group = getgrnam(colon + 1);
    if (group == NULL)
        return -1;
    *gid = group->gr_gid;
    return 0;
}

/* Open the directory of the path, and hold its lock. Returns the descriptor or -1 (said). */
static int
lock_directory(const char *path)
{
    const struct timespec pause = {0, 50000000};
    const char *slash = strrchr(path, '/');
    char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int fd, tries;

    if (slash == NULL)
        snprintf(directory, sizeof(directory), ".");
    else
        snprintf(directory, sizeof(directory), "%.*s", slash == path ? 1 : (int)(slash - path),
                 path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        say_error(path, "its directory");
        return -1;
    }
    for (tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK || tries == LOCK_TRIES) {
            say_error(path, "its directory's lock");
            close(fd);
            return -1;
        }
        nanosleep(&pause, NULL);
    }
    return fd;
}

static int
bind_with_mode(int fd, const struct sockaddr_un *address, unsigned int mode)
{
    mode_t before = umask(0777 & ~(mode_t)mode);
    int rc = bind(fd, (const struct sockaddr *)address, sizeof(*address));
    int error = errno;

    umask(before);
    errno = error;
    return rc;
}

/* Remove what stands at the path if it is a socket that nobody listens at. Returns an exit code. */
static int
remove_stale(const struct sockaddr_un *address)
{
    const char *path = address->sun_path;
    struct stat st;
    int fd, rc;

    if (lstat(path, &st) != 0)
        return say_error(path, "lstat");
    if (!S_ISSOCK(st.st_mode)) {
        tool_say("unix:%s: something else stands there", path);
        return TOOL_CANNOT_CREATE;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return say_error(path, "socket");
    rc = connect(fd, (const struct sockaddr *)address, sizeof(*address));
    if (rc == 0 || errno != ECONNREFUSED) {
        tool_say("unix:%s: somebody listens there already", path);
        close(fd);
        return TOOL_UNAVAILABLE;
    }
    close(fd);
    return unlink(path) == 0 ? TOOL_OK : say_error(path, "cannot remove the stale socket");
}

static int
bind_there(int fd, const struct sockaddr_un *address, unsigned int mode)
{
    int code;

    if (bind_with_mode(fd, address, mode) == 0)
        return TOOL_OK;
    if (errno != EADDRINUSE)
        return say_error(address->sun_path, "bind");
    code = remove_stale(address);
    if (code == TOOL_OK && bind_with_mode(fd, address, mode) != 0)
        code = say_error(address->sun_path, "bind");
    return code;
}

/* Under the lock: bind, listen, so that it answers from now on, give away, know it again. */
static int
make(int fd, const struct serve_settings *settings, const struct sockaddr_un *address, uid_t uid,
     gid_t gid, struct serve_socket *out)
{
    int code = bind_there(fd, address, settings->socket_mode);
    struct stat st;

    if (code != TOOL_OK)
        return code;
    if (settings->socket_owner != NULL && lchown(address->sun_path, uid, gid) != 0)
        code = say_error(address->sun_path, "cannot give it to its owner");
    else if (listen(fd, 1) != 0 || lstat(address->sun_path, &st) != 0)
        code = say_error(address->sun_path, "listen");
    if (code != TOOL_OK) {
        unlink(address->sun_path);
        return code;
    }
    out->device = st.st_dev;
    out->inode = st.st_ino;
    return TOOL_OK;
}

int
serve_listen_unix(const struct serve_settings *settings, const char *path,
                  struct serve_socket *out)
{
    struct sockaddr_un address;
    uid_t uid = 0;
    gid_t gid = 0;
    int directory = -1, fd = -1;
    int code = TOOL_CANNOT_CREATE;

    memset(&address, 0, sizeof(address));
    address.sun_family = AF_UNIX;
    if (path[0] == '\0' || strlen(path) >= sizeof(address.sun_path)) {
        tool_say("unix: wants a path of at most %zu octets", sizeof(address.sun_path) - 1);
        return TOOL_USAGE;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (settings->socket_owner != NULL && read_owner(settings->socket_owner, &uid, &gid) != 0) {
        tool_say("--socket-owner: no such user or group");
        return TOOL_USAGE;
    }
    directory = lock_directory(path);
    if (directory < 0)
        return code;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    code = fd < 0 ? say_error(path, "socket") : make(fd, settings, &address, uid, gid, out);
    close(directory); /* and its lock */
    if (code != TOOL_OK) {
        if (fd >= 0)
            close(fd);
        return code;
    }
    out->fd = fd;
    out->is_unix = 1;
    out->path = path;
    return TOOL_OK;
}
