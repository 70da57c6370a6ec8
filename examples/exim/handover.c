/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SWEEP_FILES 500
#define A_DAY 86400

/* The directory, when it is ours and nobody else can put anything there. */
static int
open_spool(const char *spool)
{
    struct stat st;
    int fd = open(spool, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & 077) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int
write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;

    while (len > 0) {
        ssize_t done = write(fd, at, len);

        if (done <= 0)
            return -1;
        at += done;
        len -= (size_t)done;
    }
    return 0;
}

/* Under another name first: whoever reads it finds it whole. */
static int
write_file(int spool, const char *name, const char *line, size_t line_len, const uint8_t *data,
           size_t len)
{
    char new_name[EXIM_HANDOVER_NAME + 4];
    int fd;
    int status = -1;

    snprintf(new_name, sizeof(new_name), "%s.new", name);
    fd = openat(spool, new_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (write_all(fd, line, line_len) == 0 && write_all(fd, data, len) == 0)
        status = 0;
    if (close(fd) != 0)
        status = -1;
    if (status == 0)
        status = renameat(spool, new_name, spool, name);
    if (status != 0)
        unlinkat(spool, new_name, 0);
    return status;
}

int
exim_handover_put(const char *spool, const struct exim_handover *whose, const uint8_t *data,
                  size_t len)
{
    char name[EXIM_HANDOVER_NAME];
    char line[1024];
    size_t line_len = exim_handover_line(whose, line, sizeof(line));
    int fd = -1;
    int status;

    if (exim_handover_name(whose, name, sizeof(name)) != 0 || line_len == 0 ||
        len > EXIM_HANDOVER_OCTETS - line_len || (fd = open_spool(spool)) < 0)
        return -1;
    status = write_file(fd, name, line, line_len, data, len);
    close(fd);
    return status;
}

static ssize_t
read_file(int spool, const char *name, uint8_t *out, size_t room)
{
    int fd = openat(spool, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    size_t len = 0;
    ssize_t got = -1;

    if (fd < 0)
        return -1;
    while (len < room && (got = read(fd, out + len, room - len)) > 0)
        len += (size_t)got;
    close(fd);
    return got == 0 ? (ssize_t)len : -1;
}

int
exim_handover_take(const char *spool, const struct exim_handover *whose, uint8_t **data,
                   size_t *len)
{
    char name[EXIM_HANDOVER_NAME];
    char line[1024];
    size_t line_len = exim_handover_line(whose, line, sizeof(line));
    uint8_t *whole = malloc(EXIM_HANDOVER_OCTETS + 1);
    ssize_t got = -1;
    int fd = -1;

    if (whole == NULL || line_len == 0 || exim_handover_name(whose, name, sizeof(name)) != 0 ||
        (fd = open_spool(spool)) < 0)
        goto out;
    got = read_file(fd, name, whole, EXIM_HANDOVER_OCTETS + 1);
    unlinkat(fd, name, 0);

out:
    if (fd >= 0)
        close(fd);
    if (got < (ssize_t)line_len || line_len == 0 || memcmp(whole, line, line_len) != 0) {
        free(whole);
        return -1;
    }
    *len = (size_t)got - line_len;
    memmove(whole, whole + line_len, *len);
    *data = whole;
    return 0;
}

int
exim_handover_waits(const char *spool, const struct exim_handover *whose)
{
    char name[EXIM_HANDOVER_NAME];
    char path[1024];
    struct stat st;

    if (exim_handover_name(whose, name, sizeof(name)) != 0 ||
        snprintf(path, sizeof(path), "%s/%s", spool, name) >= (int)sizeof(path))
        return 0;
    return lstat(path, &st) == 0;
}

void
exim_handover_drop(const char *spool, const struct exim_handover *whose)
{
    char name[EXIM_HANDOVER_NAME];
    int fd = -1;

    if (exim_handover_name(whose, name, sizeof(name)) != 0 || (fd = open_spool(spool)) < 0)
        return;
    unlinkat(fd, name, 0);
    close(fd);
}

void
exim_handover_sweep(const char *spool, int64_t now)
{
    int fd = open_spool(spool);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    const struct dirent *entry;
    int seen;

    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    for (seen = 0; seen < SWEEP_FILES && (entry = readdir(folder)) != NULL; seen++) {
        struct stat st;

        if (exim_handover_is_name(entry->d_name) &&
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode) && (int64_t)st.st_mtime < now - A_DAY)
            unlinkat(fd, entry->d_name, 0);
    }
    closedir(folder);
}
