/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drive/uptime.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BOOT_ID "/proc/sys/kernel/random/boot_id"
/* Hexadecimal digits and hyphens. */
#define BOOT_ID_LEN 36

uint64_t
ss_uptime_boot(void)
{
    uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a: there is nothing to keep secret */
    char text[BOOT_ID_LEN];
    ssize_t len;
    size_t i;
    int fd = open(BOOT_ID, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return 0;
    len = read(fd, text, sizeof(text));
    close(fd);
    if (len != BOOT_ID_LEN)
        return 0;
    for (i = 0; i < sizeof(text); i++)
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
    return hash;
}

void
ss_uptime_read(uint64_t boot, int64_t now, struct ss_clock_reading *out)
{
    int64_t system = (int64_t)time(NULL);
    struct timespec up;

    memset(out, 0, sizeof(*out));
    out->now = now;
    if (boot == 0 || now < system - SS_UPTIME_NEAR || now > system + SS_UPTIME_NEAR ||
        clock_gettime(CLOCK_BOOTTIME, &up) != 0)
        return;
    out->boot = boot;
    out->uptime = (int64_t)up.tv_sec;
}
