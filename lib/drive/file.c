/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpsec.h"

/* Not blocking, so that a FIFO put in a file's place cannot hold the process at open. */
static int
open_regular(const char *path, int *out, size_t *size, struct ss_error *error)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return ss_error_set(error, SMTPSEC_E_SYSTEM, "%s: %s", path, strerror(errno));
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return ss_error_set(error, SMTPSEC_E_SYSTEM, "%s: not a regular file", path);
    }
    *out = fd;
    *size = status.st_size > 0 ? (size_t)status.st_size : 0;
    return 0;
}

static int
read_all(int fd, const char *path, struct ss_buf *buf, struct ss_error *error)
{
    char chunk[16384];
    ssize_t len;

    do {
        len = read(fd, chunk, sizeof(chunk));
        if (len > 0)
            ss_buf_put(buf, chunk, (size_t)len);
        else if (len < 0 && errno != EINTR)
            return ss_error_set(error, SMTPSEC_E_SYSTEM, "%s: %s", path, strerror(errno));
    } while (len != 0 && ss_buf_ok(buf));
    if (buf->nomem)
        return ss_error_set(error, SMTPSEC_E_NOMEM, "%s: out of memory", path);
    if (buf->full)
        return ss_error_set(error, SMTPSEC_E_LIMIT, "%s: longer than %zu octets", path,
                            buf->limit);
    return 0;
}

int
ss_file_read(const char *path, struct ss_buf *buf, struct ss_error *error)
{
    size_t size = 0;
    int fd = -1;
    int result = open_regular(path, &fd, &size, error);

    if (result != 0)
        return result;
    /* One piece, that can be given back whole: pieces that grow leave holes in the heap. */
    ss_buf_expect(buf, size);
    result = read_all(fd, path, buf, error);
    close(fd);
    return result;
}
