/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Leases: a lock on one octet of fetch.lock, at a place given by the name. The
 * kernel ends it with the process, however that ends; nothing is ever written
 * there, so nothing can be left over. Each lease has an open file description
 * of its own, so that two contexts in one process exclude each other as well.
 */
#include "memory/store_lmdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct lock_lease {
    struct ss_lease lease;
    int fd;
    pid_t pid; /* who took it */
    struct flock lock;
};

static void
end_lock(struct ss_lease *lease)
{
    struct lock_lease *held = (struct lock_lease *)(void *)lease;

    /*
     * A child forked meanwhile holds the description open, so let go in so many
     * words; in such a child the lock is the parent's, and stays.
     */
    if (held->pid == getpid()) {
        held->lock.l_type = F_UNLCK;
        (void)fcntl(held->fd, F_OFD_SETLK, &held->lock);
    }
    close(held->fd);
    free(held);
}

int
ss_lmdb_lease(const struct ss_lmdb_env *env, uint64_t name, struct ss_error *error,
              struct ss_lease **out)
{
    struct lock_lease *held = calloc(1, sizeof(*held));
    int rc = SMTPSEC_E_MEMORY;

    if (held == NULL)
        return SMTPSEC_E_NOMEM;
    held->lease.refs = 1;
    held->lease.end = end_lock;
    held->pid = getpid();
    held->lock.l_type = F_WRLCK;
    held->lock.l_whence = SEEK_SET;
    held->lock.l_start = (off_t)(name >> 2); /* far from the end of what an offset can be */
    held->lock.l_len = 1;
    held->fd = ss_lmdb_file_open(env, SS_LMDB_FETCH_LOCK, O_RDWR, true);
    if (held->fd == -1) {
        ss_error_set(error, rc, "%s: %s", SS_LMDB_FETCH_LOCK, strerror(errno));
    } else if (!ss_lmdb_file_ours(env, held->fd, SS_LMDB_FETCH_LOCK, error)) {
        close(held->fd);
    } else if (fcntl(held->fd, F_OFD_SETLK, &held->lock) == 0) {
        *out = &held->lease;
        return 0;
    } else {
        if (errno == EAGAIN || errno == EACCES)
            rc = SMTPSEC_E_PENDING;
        close(held->fd);
    }
    free(held);
    return rc;
}
