/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A whole answer ends with this: a child that dies has not answered. */
#define END_OF_ANSWER '\n'

static int
become(const char *name)
{
    const struct passwd *who = NULL;

    if (getuid() != 0 && geteuid() != 0)
        return 0;
    who = getpwnam(name);
    if (who == NULL || who->pw_uid == 0 || initgroups(name, who->pw_gid) != 0 ||
        setresgid(who->pw_gid, who->pw_gid, who->pw_gid) != 0 ||
        setresuid(who->pw_uid, who->pw_uid, who->pw_uid) != 0)
        return -1;
    return setresuid((uid_t)-1, 0, (uid_t)-1) == 0 ? -1 : 0; /* there must be no way back */
}

static void
child(const char *name, exim_work work, void *user, int fd)
{
    char answer[EXIM_ANSWER] = "";
    size_t len;

    signal(SIGALRM, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    if (become(name) != 0 || work(user, answer, sizeof(answer) - 1) != 0)
        _exit(1);
    len = strlen(answer);
    answer[len++] = END_OF_ANSWER;
    _exit(write(fd, answer, len) == (ssize_t)len ? 0 : 1);
}

static int64_t
milliseconds(void)
{
    struct timespec now = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Read until the child is done, or time is up. Returns the length, or -1. */
static ssize_t
listen_to(int fd, int64_t until, char *answer, size_t room)
{
    size_t len = 0;

    for (;;) {
        struct pollfd wanted = {fd, POLLIN, 0};
        int64_t left = until - milliseconds();
        ssize_t got = 0;

        if (left <= 0 || len >= room)
            return -1;
        if (poll(&wanted, 1, (int)left) <= 0)
            continue;
        got = read(fd, answer + len, room - len);
        if (got == 0)
            return (ssize_t)len;
        if (got < 0 && errno != EINTR)
            return -1;
        len += got > 0 ? (size_t)got : 0;
    }
}

static int
take_answer(int fd, int32_t timeout_ms, char *out, size_t room)
{
    char answer[EXIM_ANSWER];
    ssize_t len = listen_to(fd, milliseconds() + timeout_ms, answer, sizeof(answer));

    if (len < 1 || answer[len - 1] != END_OF_ANSWER || (size_t)len > room ||
        memchr(answer, '\0', (size_t)len) != NULL)
        return -1;
    memcpy(out, answer, (size_t)len - 1);
    out[len - 1] = '\0';
    return 0;
}

int
exim_helper(const char *name, int32_t timeout_ms, exim_work work, void *user, char *out,
            size_t room)
{
    int ends[2];
    pid_t pid;
    int status;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        child(name, work, user, ends[1]);
    }
    close(ends[1]);
    status = pid < 0 ? -1 : take_answer(ends[0], timeout_ms, out, room);
    close(ends[0]);
    if (pid > 0 && status != 0)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
