/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Folders, files and locks of the LMDB store (DESIGN 6.13: whose file). */
#include "memory/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MODE 0600
/* More than LMDB asks for with 4096 readers; it then takes as many as fit. */
#define LOCK_FILE_SIZE (4160 * 64)
/* Kept of those that were set aside; the last of them is replaced. */
#define ASIDE_MAX 9
#define WAIT_STEP_MS 1

/* Pages that someone else can write are worse than no memory. */
static bool
owner_ok(const struct stat *st, const char *what, struct ss_error *error)
{
    if (st->st_uid != geteuid()) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s belongs to uid %lu, this process runs as %lu",
                     what, (unsigned long)st->st_uid, (unsigned long)geteuid());
        return false;
    }
    if ((st->st_mode & S_IWOTH) != 0) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s can be written by anyone", what);
        return false;
    }
    return true;
}

int
ss_lmdb_directory_open(const char *path, struct ss_error *error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "cannot open the directory %s: %s", path,
                     strerror(errno));
        return -1;
    }
    if (fstat(fd, &st) != 0) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s: %s", path, strerror(errno));
    } else if (owner_ok(&st, path, error)) {
        return fd;
    }
    close(fd);
    return -1;
}

bool
ss_lmdb_directory_writable(int directory)
{
    struct stat st;

    if (fstat(directory, &st) != 0)
        return false;
    /* It is our own, so its owner's right is the one that counts; root needs none. */
    return geteuid() == 0 || (st.st_mode & S_IWUSR) != 0;
}

int
ss_lmdb_file_open(int directory, const char *name, int flags, bool make)
{
    int fd;

    flags |= O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    fd = openat(directory, name, flags);
    if (fd != -1 || errno != ENOENT || !make)
        return fd;
    fd = openat(directory, name, flags | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        return errno == EEXIST ? openat(directory, name, flags) : -1;
    /* The umask may have taken from the mode what we need. */
    if (fchmod(fd, MODE) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool
ss_lmdb_file_ours(int fd, const char *name, struct ss_error *error)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s: %s", name, strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s is not a plain file", name);
        return false;
    }
    return owner_ok(&st, name, error);
}

static int64_t
monotonic_ms(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return INT64_MAX; /* no clock: no waiting */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
sleep_ms(long ms)
{
    struct timespec pause = { 0, ms * 1000000 };

    nanosleep(&pause, NULL);
}

bool
ss_lmdb_lock(int fd, enum ss_lmdb_range range, short type, int timeout_ms)
{
    struct flock lock = { .l_type = type, .l_whence = SEEK_SET };
    int64_t end = 0;

    lock.l_start = range == SS_LMDB_TURN ? 1 : 0;
    lock.l_len = range == SS_LMDB_WHOLE ? 0 : 1;
    while (fcntl(fd, F_OFD_SETLK, &lock) != 0) {
        if ((errno != EAGAIN && errno != EACCES && errno != EINTR) || timeout_ms <= 0)
            return false;
        if (end == 0)
            end = monotonic_ms() + timeout_ms;
        if (monotonic_ms() >= end)
            return false;
        sleep_ms(WAIT_STEP_MS);
    }
    return true;
}

bool
ss_lmdb_set_aside(int directory, struct ss_error *error)
{
    char name[sizeof(SS_LMDB_DATA) + 16];
    struct stat st;
    int n;

    for (n = 1; n <= ASIDE_MAX; n++) {
        snprintf(name, sizeof(name), "%s.damaged-%d", SS_LMDB_DATA, n);
        if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
            break;
    }
    if (renameat(directory, SS_LMDB_DATA, directory, name) == 0)
        return true;
    ss_error_set(error, SMTPSEC_E_MEMORY, "%s is damaged and cannot be set aside: %s", SS_LMDB_DATA,
                 strerror(errno));
    return false;
}

bool
ss_lmdb_lock_file_make(int directory, struct ss_error *error)
{
    int fd = ss_lmdb_file_open(directory, SS_LMDB_LOCK, O_RDWR, true);
    int rc = 0;

    if (fd == -1) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s: %s", SS_LMDB_LOCK, strerror(errno));
        return false;
    }
    if (!ss_lmdb_file_ours(fd, SS_LMDB_LOCK, error)) {
        close(fd);
        return false;
    }
    rc = posix_fallocate(fd, 0, LOCK_FILE_SIZE);
    close(fd);
    /* A file system that cannot promise room leaves us no better choice than to go on. */
    if (rc == 0 || rc == EOPNOTSUPP || rc == EINVAL)
        return true;
    ss_error_set(error, SMTPSEC_E_MEMORY, "no room for %s: %s", SS_LMDB_LOCK, strerror(rc));
    return false;
}
