/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t hard_now = HARD_NOW;

void
hard_die(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    fflush(NULL);
    _exit(2);
}

void
hard_figure(const char *name, uint64_t value)
{
    printf("%-52s %llu\n", name, (unsigned long long)value);
    fflush(stdout);
}

void
hard_skip(const char *what, const char *why)
{
    printf("%-52s skipped: %s\n", what, why);
    fflush(stdout);
}

int64_t
hard_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
hard_pause_us(long us)
{
    struct timespec t = { us / 1000000, us % 1000000 * 1000 };

    nanosleep(&t, NULL);
}

uint64_t
hard_number(int argc, char **argv, const char *option, uint64_t otherwise)
{
    int i;

    for (i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], option) == 0)
            return strtoull(argv[i + 1], NULL, 0);
    }
    return otherwise;
}

uint64_t
hard_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* ---- places ---- */

void
hard_directory(char path[64], bool fast)
{
    if (fast) {
        strcpy(path, "/dev/shm/ss-hard-XXXXXX");
        if (mkdtemp(path) != NULL)
            return;
    }
    strcpy(path, "/tmp/ss-hard-XXXXXX");
    if (mkdtemp(path) == NULL)
        hard_die("mkdtemp: %s", strerror(errno));
}

void
hard_remove(const char *directory)
{
    DIR *dir = opendir(directory);
    struct dirent *entry;

    if (dir == NULL)
        return;
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), entry->d_name, 0) != 0 &&
            unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) != 0)
            hard_remove(hard_path(directory, entry->d_name));
    }
    closedir(dir);
    rmdir(directory);
}

const char *
hard_path(const char *directory, const char *name)
{
    static char path[4][160];
    static unsigned next;
    char *out = path[next++ % 4];

    snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
    return out;
}

static bool
write_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool good = fd != -1 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd != -1)
        close(fd);
    return good;
}

bool
hard_may_mount(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        snprintf(map, sizeof(map), "0 %lu 1", (unsigned long)uid);
        if (!write_text("/proc/self/uid_map", map))
            return false;
        snprintf(map, sizeof(map), "0 %lu 1", (unsigned long)gid);
        if (!write_text("/proc/self/setgroups", "deny") || !write_text("/proc/self/gid_map", map))
            return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* ---- children ---- */

void *
hard_shared(size_t len)
{
    void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (map == MAP_FAILED)
        hard_die("mmap: %s", strerror(errno));
    return map;
}

pid_t
hard_fork(void)
{
    pid_t parent = getpid(), child = fork();

    if (child == -1)
        hard_die("fork: %s", strerror(errno));
    if (child == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
        _exit(3);
    return child;
}

int
hard_wait(pid_t child)
{
    struct pollfd end = { .fd = pidfd_open(child, 0), .events = POLLIN };
    int status = 0;

    if (end.fd == -1)
        hard_die("pidfd_open: %s", strerror(errno));
    if (poll(&end, 1, HARD_LIMIT_MS) != 1) {
        kill(child, SIGKILL);
        hard_die("process %d hangs", (int)child);
    }
    close(end.fd);
    if (waitpid(child, &status, 0) != child)
        hard_die("waitpid: %s", strerror(errno));
    return status;
}

void
hard_wait_good(pid_t child, const char *what)
{
    int status = hard_wait(child);

    if (WIFSIGNALED(status))
        hard_die("%s: ended by signal %d", what, WTERMSIG(status));
    if (WEXITSTATUS(status) != 0)
        hard_die("%s: exit status %d", what, WEXITSTATUS(status));
}

void
hard_kill(pid_t child)
{
    kill(child, SIGKILL);
    (void)hard_wait(child);
}
