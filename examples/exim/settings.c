/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings.h"

#include <stdio.h>
#include <string.h>

/* One line, cut at its "=". */
struct line {
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
};

static int
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void
trim(const char **text, size_t *len)
{
    while (*len > 0 && is_blank((*text)[0])) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && is_blank((*text)[*len - 1]))
        (*len)--;
}

static int
is_named(const struct line *line, const char *name)
{
    return strlen(name) == line->name_len && memcmp(name, line->name, line->name_len) == 0;
}

static int
is_value(const struct line *line, const char *word)
{
    return strlen(word) == line->value_len && memcmp(word, line->value, line->value_len) == 0;
}

/* A value that is kept: printable, not empty, and said for the first time. */
static int
keep(const struct line *line, char *out, size_t room)
{
    size_t i;

    if (out[0] != '\0' || line->value_len == 0 || line->value_len >= room)
        return -1;
    for (i = 0; i < line->value_len; i++) {
        if (line->value[i] <= ' ' || line->value[i] > '~')
            return -1;
    }
    memcpy(out, line->value, line->value_len);
    out[line->value_len] = '\0';
    return 0;
}

/* Relative paths would depend on where Exim happens to stand. */
static int
keep_path(const struct line *line, char *out)
{
    return line->value_len == 0 || line->value[0] != '/' ? -1 : keep(line, out, EXIM_PATH);
}

static int
keep_in_list(const struct line *line, char (*list)[EXIM_NAME], size_t *count, size_t most)
{
    if (*count >= most || keep(line, list[*count], EXIM_NAME) != 0)
        return -1;
    (*count)++;
    return 0;
}

static int
read_switch(const struct line *line, const char *off, const char *on, int *out)
{
    *out = is_value(line, on);
    return *out || is_value(line, off) ? 0 : -1;
}

static int
read_timeout(const struct line *line, int32_t *out)
{
    int32_t seconds = 0;
    size_t i;

    for (i = 0; i < line->value_len && i < 4; i++) {
        if (line->value[i] < '0' || line->value[i] > '9')
            return -1;
        seconds = seconds * 10 + (line->value[i] - '0');
    }
    if (i != line->value_len || seconds < 1 || seconds > 300)
        return -1;
    *out = seconds * 1000;
    return 0;
}

static int
take(struct exim_settings *s, const struct line *line)
{
    if (is_named(line, "mode"))
        return read_switch(line, "enforce", "report", &s->report);
    if (is_named(line, "trust_resolver"))
        return read_switch(line, "no", "yes", &s->trust_resolver);
    if (is_named(line, "allow_private_policy_hosts"))
        return read_switch(line, "no", "yes", &s->allow_private);
    if (is_named(line, "timeout"))
        return read_timeout(line, &s->timeout_ms);
    if (is_named(line, "user"))
        return keep(line, s->user, sizeof(s->user));
    if (is_named(line, "memory"))
        return keep_path(line, s->memory);
    if (is_named(line, "spool"))
        return keep_path(line, s->spool);
    if (is_named(line, "ca_file"))
        return keep_path(line, s->ca_file);
    if (is_named(line, "policy"))
        return keep_path(line, s->policy);
    if (is_named(line, "resolver"))
        return keep_in_list(line, s->resolvers, &s->resolver_count, EXIM_RESOLVERS);
    if (is_named(line, "own_name"))
        return keep_in_list(line, s->own_names, &s->own_name_count, EXIM_OWN_NAMES);
    return -1;
}

static int
read_line(struct exim_settings *settings, const char *text, size_t len)
{
    struct line line = {NULL, 0, NULL, 0};
    const char *equals;

    trim(&text, &len);
    if (len == 0 || text[0] == '#')
        return 0;
    equals = memchr(text, '=', len);
    if (equals == NULL)
        return -1;
    line.name = text;
    line.name_len = (size_t)(equals - text);
    line.value = equals + 1;
    line.value_len = len - line.name_len - 1;
    trim(&line.name, &line.name_len);
    trim(&line.value, &line.value_len);
    return take(settings, &line);
}

int
exim_settings_read(struct exim_settings *settings, const char *text, size_t len, char *wrong,
                   size_t room)
{
    size_t number = 0;

    memset(settings, 0, sizeof(*settings));
    settings->timeout_ms = 30000;
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t here = end != NULL ? (size_t)(end - text) : len;

        number++;
        if (read_line(settings, text, here) != 0) {
            snprintf(wrong, room, "line %zu of the settings is not understood", number);
            return -1;
        }
        here += end != NULL;
        text += here;
        len -= here;
    }
    if (settings->user[0] == '\0') {
        snprintf(wrong, room, "the settings name no user");
        return -1;
    }
    return 0;
}
