/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "handover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* FNV-1a: it only has to spread; the first line of the file decides. */
static uint64_t
spread(uint64_t hash, const char *text)
{
    size_t i = 0;

    do {
        hash = (hash ^ (uint8_t)text[i]) * UINT64_C(1099511628211);
    } while (text[i++] != '\0');
    return hash;
}

/* It becomes part of a path. */
static int
is_message_id(const char *text)
{
    size_t len = strnlen(text, 33);

    return len > 0 && len <= 32 &&
           strspn(text, "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == len;
}

int
exim_handover_name(const struct exim_handover *whose, char *out, size_t room)
{
    uint64_t hash = spread(spread(UINT64_C(14695981039346656037), whose->domain), whose->address);
    int len;

    if (!is_message_id(whose->message))
        return -1;
    len = snprintf(out, room, "%s.%016" PRIx64, whose->message, hash);
    return len > 0 && (size_t)len < room ? 0 : -1;
}

int
exim_handover_is_name(const char *name)
{
    size_t id = strcspn(name, ".");
    const char *rest = name + id;
    char message[33] = "";

    if (id >= sizeof(message) || rest[0] != '.' || strspn(rest + 1, "0123456789abcdef") != 16)
        return 0;
    memcpy(message, name, id);
    return is_message_id(message) && (rest[17] == '\0' || strcmp(rest + 17, ".new") == 0);
}

size_t
exim_handover_line(const struct exim_handover *whose, char *out, size_t room)
{
    int len = snprintf(out, room, "%s %s %s\n", whose->message, whose->domain, whose->address);

    return len > 0 && (size_t)len < room ? (size_t)len : 0;
}
