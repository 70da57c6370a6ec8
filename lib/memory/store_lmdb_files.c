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
#define MODE_SHARED 0660
#define MODE_DIRECTORY 0700
#define MODE_DIRECTORY_SHARED 0770
/* More than LMDB asks for with 4096 readers; it then takes as many as fit. */
#define LOCK_FILE_SIZE (4160 * 64)
/* Kept of those that were set aside; the last of them is replaced. */
#define ASIDE_MAX 9
#define WAIT_STEP_MS 1
#define WAIT_END_MS 1000
/* Between a file's making and its being given to the group, the group cannot open it. */
#define WAIT_GIVEN_STEPS 50

/* Root shares with nobody. */
static bool
is_shared(const struct ss_store_lmdb_options *options)
{
    return options->shared && geteuid() != 0;
}

/* Pages that someone else can write are worse than no memory. */
static bool
owner_ok(const struct stat *st, const struct ss_store_lmdb_options *options, const char *what,
         struct ss_error *error)
{
    bool shared = is_shared(options);

    if ((st->st_mode & S_IWOTH) != 0) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s can be written by anyone", what);
        return false;
    }
    if (st->st_uid != geteuid() && !(shared && st->st_gid == options->group)) {
        ss_error_set(error, SMTPSEC_E_MEMORY,
                     "%s belongs to uid %lu and group %lu, this process runs as %lu", what,
                     (unsigned long)st->st_uid, (unsigned long)st->st_gid,
                     (unsigned long)geteuid());
        return false;
    }
    if (options->shared && (st->st_mode & S_IWGRP) != 0 &&
        !(shared && st->st_gid == options->group)) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s can be written by group %lu", what,
                     (unsigned long)st->st_gid);
        return false;
    }
    return true;
}

int
ss_lmdb_directory_open(const char *path, const struct ss_store_lmdb_options *options,
                       struct ss_error *error)
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
    } else if (owner_ok(&st, options, path, error)) {
        return fd;
    }
    close(fd);
    return -1;
}

/* Just made, and nobody else's yet. */
static bool
give_directory(int fd, const struct ss_store_lmdb_options *options)
{
    if (!is_shared(options))
        return fchmod(fd, MODE_DIRECTORY) == 0;
    return fchown(fd, (uid_t)-1, options->group) == 0 && fchmod(fd, MODE_DIRECTORY_SHARED) == 0;
}

int
ss_lmdb_plans_directory_open(int memory, const struct ss_store_lmdb_options *options,
                             struct ss_error *error)
{
    static const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    bool made = false;
    struct stat st;
    int fd = openat(memory, SS_LMDB_PLANS, flags);

    if (fd == -1 && errno == ENOENT && !options->read_only) {
        made = mkdirat(memory, SS_LMDB_PLANS, MODE_DIRECTORY) == 0;
        fd = openat(memory, SS_LMDB_PLANS, flags);
    }
    if (fd == -1 || (made && !give_directory(fd, options)) || fstat(fd, &st) != 0)
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s: %s", SS_LMDB_PLANS, strerror(errno));
    else if (owner_ok(&st, options, SS_LMDB_PLANS, error))
        return fd;
    if (fd != -1)
        close(fd);
    /* It would keep out those whom it is for. */
    if (made)
        unlinkat(memory, SS_LMDB_PLANS, AT_REMOVEDIR);
    return -1;
}

bool
ss_lmdb_directory_writable(int directory)
{
    struct stat st;

    if (fstat(directory, &st) != 0)
        return false;
    if (geteuid() == 0)
        return true;
    /* It is our own or our group's. */
    return (st.st_mode & (st.st_uid == geteuid() ? S_IWUSR : S_IWGRP)) != 0;
}

int64_t
ss_lmdb_monotonic_ms(void)
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

/* The umask may have taken from the mode what we need, and the group is that of the process. */
static bool
give(const struct ss_lmdb_env *env, int fd)
{
    if (!is_shared(&env->options))
        return fchmod(fd, MODE) == 0;
    return fchown(fd, (uid_t)-1, env->options.group) == 0 && fchmod(fd, MODE_SHARED) == 0;
}

static int
open_given(const struct ss_lmdb_env *env, const char *name, int flags)
{
    int i, fd = openat(env->directory, name, flags);

    for (i = 0; fd == -1 && errno == EACCES && is_shared(&env->options) && i < WAIT_GIVEN_STEPS;
         i++) {
        sleep_ms(WAIT_STEP_MS);
        fd = openat(env->directory, name, flags);
    }
    return fd;
}

int
ss_lmdb_file_open(const struct ss_lmdb_env *env, const char *name, int flags, bool make)
{
    int fd, problem;

    flags |= O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
    fd = open_given(env, name, flags);
    if (fd != -1 || errno != ENOENT || !make)
        return fd;
    fd = openat(env->directory, name, flags | O_CREAT | O_EXCL, MODE);
    if (fd == -1)
        return errno == EEXIST ? open_given(env, name, flags) : -1;
    if (give(env, fd))
        return fd;
    problem = errno;
    close(fd);
    /* Nobody but us can have opened it, and it would keep out those whom it is for. */
    if (is_shared(&env->options))
        unlinkat(env->directory, name, 0);
    errno = problem;
    return -1;
}

bool
ss_lmdb_file_ours(const struct ss_lmdb_env *env, int fd, const char *name, struct ss_error *error)
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
    return owner_ok(&st, &env->options, name, error);
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
            end = ss_lmdb_monotonic_ms() + timeout_ms;
        if (ss_lmdb_monotonic_ms() >= end)
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

/*
 * Does another process have the database open? LMDB then holds the first octet
 * of its lock file. Who is the first by open.lock finds this only when that was
 * taken away and made anew: it would judge a file that is being written.
 */
static bool
is_in_use(int fd)
{
    int64_t end = ss_lmdb_monotonic_ms() + WAIT_END_MS;
    struct flock lock;

    /* One that was killed lets go of its files one by one. */
    do {
        lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
        if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK)
            return false;
        sleep_ms(WAIT_STEP_MS);
    } while (ss_lmdb_monotonic_ms() < end);
    return true;
}

bool
ss_lmdb_lock_file_make(const struct ss_lmdb_env *env, struct ss_error *error)
{
    int fd = ss_lmdb_file_open(env, SS_LMDB_LOCK, O_RDWR, true);
    int rc = 0;

    if (fd == -1) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s: %s", SS_LMDB_LOCK, strerror(errno));
        return false;
    }
    if (!ss_lmdb_file_ours(env, fd, SS_LMDB_LOCK, error)) {
        close(fd);
        return false;
    }
    if (is_in_use(fd)) {
        ss_error_set(error, SMTPSEC_E_MEMORY, "%s was taken away while another has it open",
                     SS_LMDB_OPEN_LOCK);
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
