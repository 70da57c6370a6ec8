/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <string.h>

#include "../text.h"

void
serve_settings_default(struct serve_settings *settings)
{
    memset(settings, 0, sizeof(*settings));
    settings->socket_mode = 0660;
    settings->connections = 1000;
    settings->evaluations = 100;
    settings->plans = 5000;
    settings->upkeep_s = 3600;
}

/* Octal, without bits that a socket has no use for. */
static int
read_mode(const char *value, unsigned int *out)
{
    unsigned int mode = 0;
    size_t i;

    for (i = 0; value[i] != '\0'; i++) {
        if (value[i] < '0' || value[i] > '7' || i == 4)
            return -1;
        mode = mode * 8 + (unsigned int)(value[i] - '0');
    }
    if (i < 3 || mode > 0777)
        return -1;
    *out = mode;
    return 0;
}

static int
read_size(const char *value, int64_t least, int64_t most, size_t *out)
{
    int64_t number = 0;

    if (text_number(value, least, most, &number) != 0)
        return -1;
    *out = (size_t)number;
    return 0;
}

static int
take_number(struct serve_settings *settings, int id, const char *value)
{
    size_t seconds = 0;

    switch (id) {
    case SERVE_OPT_CONNECTIONS:
        return read_size(value, 1, 100000, &settings->connections);
    case SERVE_OPT_EVALUATIONS:
        return read_size(value, 1, 10000, &settings->evaluations);
    case SERVE_OPT_PLANS:
        return read_size(value, 0, 1000000, &settings->plans);
    case SERVE_OPT_UPKEEP:
        if (read_size(value, 1, 86400, &seconds) != 0)
            return -1;
        settings->upkeep_s = (int32_t)seconds;
        return 0;
    default:
        return -1;
    }
}

int
serve_settings_take(struct serve_settings *settings, int id, const char *value)
{
    switch (id) {
    case SERVE_OPT_LISTEN:
        if (settings->listen_count >= SERVE_LISTENERS)
            return -1;
        settings->listen[settings->listen_count++] = value;
        return 0;
    case SERVE_OPT_SOCKET_MODE:
        return read_mode(value, &settings->socket_mode);
    case SERVE_OPT_SOCKET_OWNER:
        settings->socket_owner = value;
        return 0;
    case SERVE_OPT_METRICS:
        settings->metrics = value;
        return 0;
    case SERVE_OPT_USER:
        settings->user = value;
        return 0;
    case SERVE_OPT_ALLOW_REMOTE:
        settings->allow_remote = 1;
        return 0;
    case SERVE_OPT_TRY:
        settings->only_try = 1;
        return 0;
    default:
        return take_number(settings, id, value);
    }
}
