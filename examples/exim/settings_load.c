/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static ssize_t
read_all(int fd, char *out, size_t room)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < room && (got = read(fd, out + len, room - len)) > 0)
        len += (size_t)got;
    return got < 0 ? -1 : (ssize_t)len;
}

/* Whoever can write it could switch everything off. */
static int
is_ours_alone(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 022) == 0 &&
           (st.st_uid == 0 || st.st_uid == geteuid());
}

int
exim_settings_load(struct exim_settings *settings, const char *path, char *wrong, size_t room)
{
    char *text = malloc(EXIM_SETTINGS_OCTETS);
    ssize_t len = -1;
    int status = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (text == NULL || fd < 0) {
        snprintf(wrong, room, "the settings cannot be read");
        goto out;
    }
    if (!is_ours_alone(fd)) {
        snprintf(wrong, room, "the settings are no file, or others may write them");
        goto out;
    }
    len = read_all(fd, text, EXIM_SETTINGS_OCTETS);
    if (len < 0 || len == EXIM_SETTINGS_OCTETS) {
        snprintf(wrong, room, "the settings cannot be read, or are too long");
        goto out;
    }
    status = exim_settings_read(settings, text, (size_t)len, wrong, room);

out:
    if (fd >= 0)
        close(fd);
    free(text);
    return status;
}
