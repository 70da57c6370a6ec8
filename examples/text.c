/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <smtpsec.h>

void
tool_say(const char *format, ...)
{
    va_list list;

    fputs("smtpsec: ", stderr);
    va_start(list, format);
    vfprintf(stderr, format, list);
    va_end(list);
    fputc('\n', stderr);
}

void
tool_out_of_memory(void)
{
    tool_say("out of memory");
    exit(TOOL_SYSTEM);
}

void
tool_need(int error)
{
    if (error == SMTPSEC_OK)
        return;
    tool_say("%s", smtpsec_strerror(error));
    exit(tool_exit_of_error(error));
}

int
tool_exit_of_error(int error)
{
    switch (error) {
    case SMTPSEC_OK:
        return TOOL_OK;
    case SMTPSEC_E_INVALID:
    case SMTPSEC_E_NAME:
        return TOOL_USAGE;
    case SMTPSEC_E_FORMAT:
    case SMTPSEC_E_SEAL:
    case SMTPSEC_E_VERSION:
    case SMTPSEC_E_LIMIT:
        return TOOL_DATA;
    case SMTPSEC_E_TRUST:
        return TOOL_NO_INPUT;
    case SMTPSEC_E_RESOLVER:
        return TOOL_CONFIG;
    case SMTPSEC_E_FETCH:
    case SMTPSEC_E_MEMORY:
        return TOOL_UNAVAILABLE;
    case SMTPSEC_E_NOMEM:
    case SMTPSEC_E_SYSTEM:
        return TOOL_SYSTEM;
    case SMTPSEC_E_NOT_FOUND:
        return TOOL_FAIL;
    default:
        return TOOL_SOFTWARE;
    }
}

static int
rank(int code)
{
    switch (code) {
    case TOOL_OK:
        return 0;
    case TOOL_DEFER:
        return 1;
    case TOOL_FAIL:
        return 2;
    default:
        return 3;
    }
}

int
tool_worse(int one, int other)
{
    return rank(other) > rank(one) ? other : one;
}

void
text_escape(char *out, size_t room, const char *in, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t used = 0;
    size_t i;

    if (room == 0)
        return;
    for (i = 0; i < len; i++) {
        unsigned char c = (unsigned char)in[i];
        int plain = c >= 0x20 && c < 0x7f && c != '\\';

        if (used + (plain ? 1 : 4) >= room)
            break;
        if (plain) {
            out[used++] = (char)c;
            continue;
        }
        out[used++] = '\\';
        out[used++] = 'x';
        out[used++] = digits[c >> 4];
        out[used++] = digits[c & 15];
    }
    out[used] = '\0';
}

void
text_hex(char *out, size_t room, const uint8_t *in, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;

    if (room == 0)
        return;
    for (i = 0; i < len && 2 * i + 2 < room; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * i] = '\0';
}

static int
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int
text_same(const char *one, const char *other)
{
    while (*one != '\0' && lower(*one) == lower(*other)) {
        one++;
        other++;
    }
    return lower(*one) == lower(*other);
}

int
text_number(const char *text, int64_t least, int64_t most, int64_t *out)
{
    long long value = 0;
    char *end = NULL;

    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
        return -1;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0' || value < least || value > most)
        return -1;
    *out = value;
    return 0;
}

/* Read to the end in steps that double. */
static int
read_all(int fd, size_t limit, char **out, size_t *len)
{
    size_t room = 4096;
    size_t used = 0;
    char *data = malloc(room);

    while (data != NULL) {
        ssize_t n = read(fd, data + used, room - used - 1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || used + (size_t)n > limit) {
            errno = n < 0 ? errno : EFBIG;
            free(data);
            return -1;
        }
        used += (size_t)n;
        if (n == 0) {
            data[used] = '\0';
            *out = data;
            *len = used;
            return 0;
        }
        if (room - used <= 1) {
            char *more = realloc(data, room * 2);

            if (more == NULL)
                free(data);
            data = more;
            room *= 2;
        }
    }
    tool_out_of_memory();
}

int
text_read_file(const char *path, size_t limit, char **out, size_t *len)
{
    int is_stdin = strcmp(path, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? -1 : read_all(fd, limit, out, len);

    if (rc != 0)
        tool_say("cannot read %s: %s", is_stdin ? "standard input" : path, strerror(errno));
    if (fd >= 0 && !is_stdin)
        close(fd);
    return rc;
}

int
text_write_file(const char *path, const uint8_t *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t done = 0;
    int rc = fd < 0 ? -1 : 0;

    while (rc == 0 && done < len) {
        ssize_t n = write(fd, data + done, len - done);

        if (n < 0 && errno != EINTR)
            rc = -1;
        if (n > 0)
            done += (size_t)n;
    }
    if (fd >= 0 && close(fd) != 0)
        rc = -1;
    if (rc != 0)
        tool_say("cannot write %s: %s", path, strerror(errno));
    return rc;
}
