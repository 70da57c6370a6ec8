/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the last commit left, so that the next first opener need not read the
 * whole file to know that nobody else had a hand on it since: size, times,
 * inode and transaction, of this boot, in open.lock.
 *
 * It is only left where the file was, before the commit, as the signature
 * before said: so a chain leads back to a first opener that read every page.
 * Where the chain breaks (a writer killed between commit and signature, a
 * writer of an earlier version, another hand), nobody mends it but the next
 * first opener, by reading every page again.
 *
 * The kernel stamps a file with a clock that moves a few milliseconds at a
 * time: two writes in one step cannot be told apart by it. So the file is
 * given a time between two steps, which no later write can give it.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "memory/store_lmdb.h"
#include "memory/store_lmdb_page.h"

#define MARK "smtpsec1"
#define MARK_LEN 8
/* Behind the octet that says that a memory was begun. */
#define OFFSET 16
#define SIGNATURE_LEN (MARK_LEN + SS_LMDB_BOOT_LEN + 8 * 8)

void
ss_lmdb_boot_read(struct ss_lmdb_env *env)
{
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

    env->boot_known = false;
    if (fd == -1)
        return;
    env->boot_known = read(fd, env->boot, sizeof(env->boot)) == (ssize_t)sizeof(env->boot);
    close(fd);
}

static uint8_t *
put64(uint8_t *at, uint64_t v)
{
    size_t i;

    for (i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> 8 * i);
    return at + 8;
}

static void
write_signature(const struct ss_lmdb_env *env, const struct stat *st, uint64_t txn,
                uint8_t out[SIGNATURE_LEN])
{
    uint8_t *at = out + MARK_LEN + SS_LMDB_BOOT_LEN;

    memcpy(out, MARK, MARK_LEN);
    memcpy(out + MARK_LEN, env->boot, SS_LMDB_BOOT_LEN);
    at = put64(at, (uint64_t)st->st_dev);
    at = put64(at, (uint64_t)st->st_ino);
    at = put64(at, (uint64_t)st->st_size);
    at = put64(at, (uint64_t)st->st_mtim.tv_sec);
    at = put64(at, (uint64_t)st->st_mtim.tv_nsec);
    at = put64(at, (uint64_t)st->st_ctim.tv_sec);
    at = put64(at, (uint64_t)st->st_ctim.tv_nsec);
    put64(at, txn);
}

/* Is this what stands in open.lock? */
static bool
stands(const struct ss_lmdb_env *env, const struct stat *st, uint64_t txn)
{
    uint8_t wanted[SIGNATURE_LEN], found[SIGNATURE_LEN];

    if (!ss_lmdb_pread(env->open_lock, found, sizeof(found), OFFSET))
        return false;
    write_signature(env, st, txn, wanted);
    return memcmp(wanted, found, sizeof(wanted)) == 0;
}

bool
ss_lmdb_signed(const struct ss_lmdb_env *env, int fd)
{
    struct ss_lmdb_meta newest;
    struct stat st;

    return env->boot_known && env->open_lock != -1 && fstat(fd, &st) == 0 &&
           ss_lmdb_newest_meta(fd, &newest) == SS_LMDB_GOOD && stands(env, &st, newest.txn);
}

bool
ss_lmdb_signed_now(const struct ss_lmdb_env *env)
{
    MDB_envinfo info;
    struct stat st;
    int fd;

    return env->boot_known && env->open_lock != -1 && mdb_env_get_fd(env->mdb, &fd) == 0 &&
           mdb_env_info(env->mdb, &info) == 0 && fstat(fd, &st) == 0 &&
           stands(env, &st, info.me_last_txnid);
}

/* Only its owner may give a file a time (of a group's memory, one process in two). */
bool
ss_lmdb_touch(int fd, struct stat *st)
{
    struct timespec times[2] = { { 0, UTIME_OMIT }, { 0, 0 } }, step;

    if (clock_gettime(CLOCK_REALTIME_COARSE, &step) != 0 ||
        clock_gettime(CLOCK_REALTIME, &times[1]) != 0)
        return false;
    /* The present step itself is what a write of just now may have left. */
    if (times[1].tv_nsec == step.tv_nsec)
        times[1].tv_nsec += times[1].tv_nsec > 0 ? -1 : 1;
    if (futimens(fd, times) != 0 || fstat(fd, st) != 0)
        return false;
    /* A file system that rounds cannot tell two writes apart. */
    return st->st_mtim.tv_sec == times[1].tv_sec && st->st_mtim.tv_nsec == times[1].tv_nsec;
}

void
ss_lmdb_unsign(const struct ss_lmdb_env *env)
{
    static const uint8_t nothing[SIGNATURE_LEN];

    if (env->open_lock != -1 && !env->read_only)
        (void)!pwrite(env->open_lock, nothing, sizeof(nothing), OFFSET);
}

void
ss_lmdb_sign(const struct ss_lmdb_env *env)
{
    uint8_t octets[SIGNATURE_LEN];
    MDB_envinfo info;
    struct stat st;
    int fd;

    if (!env->boot_known || env->open_lock == -1 || mdb_env_get_fd(env->mdb, &fd) != 0 ||
        mdb_env_info(env->mdb, &info) != 0 || !ss_lmdb_touch(fd, &st))
        return;
    write_signature(env, &st, info.me_last_txnid, octets);
    /* Where this fails the file is not as the old one says: it is read whole next time. */
    (void)!pwrite(env->open_lock, octets, sizeof(octets), OFFSET);
}
