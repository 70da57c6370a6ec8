/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/fields.h"

#include <string.h>

#define NAME_MAX_OCTETS 32
#define SHOWN 80

static bool
has_version(struct ss_text text, const char *version, struct ss_text *rest)
{
    struct ss_text t;
    size_t len = strlen(version);

    if (text.len < len || memcmp(text.at, version, len) != 0)
        return false;
    t.at = text.at + len;
    t.len = text.len - len;
    t = ss_text_skip_blanks(t);
    if (t.len == 0 || t.at[0] != ';')
        return false;
    rest->at = t.at + 1;
    rest->len = t.len - 1;
    return true;
}

size_t
ss_fields_find(const struct ss_bytes *texts, size_t count, const char *version,
               struct ss_fields *fields)
{
    struct ss_text text, rest;
    size_t matches = 0;
    size_t i;

    memset(fields, 0, sizeof(*fields));
    fields->over = true;
    for (i = 0; i < count; i++) {
        text.at = (const char *)texts[i].data;
        text.len = texts[i].len;
        if (!has_version(text, version, &rest))
            continue;
        fields->whole = text;
        fields->rest = rest;
        fields->over = false;
        matches++;
    }
    return matches;
}

bool
ss_fields_next(struct ss_fields *fields, struct ss_text *field)
{
    struct ss_text head, tail;

    if (fields->over)
        return false;
    if (ss_text_cut(fields->rest, ';', &head, &tail)) {
        fields->rest = tail;
    } else {
        head = fields->rest;
        fields->over = true;
    }
    *field = ss_text_trim_blanks(ss_text_skip_blanks(head));
    return field->len > 0 || !fields->over;
}

bool
ss_fields_is_name(struct ss_text name)
{
    size_t i;
    char c;

    for (i = 0; i < name.len; i++) {
        c = name.at[i];
        if (!ss_is_alnum(c) && (i == 0 || (c != '_' && c != '-' && c != '.')))
            return false;
    }
    return name.len > 0 && name.len <= NAME_MAX_OCTETS;
}

bool
ss_fields_is_visible(struct ss_text value)
{
    size_t i;

    for (i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~')
            return false;
    return value.len > 0;
}

int
ss_fields_shown(struct ss_text text)
{
    return (int)(text.len < SHOWN ? text.len : SHOWN);
}

struct ss_origin
ss_fields_origin(const struct ss_fields *fields)
{
    struct ss_origin origin = {"dns", 0, {(const uint8_t *)fields->whole.at, fields->whole.len}};

    return origin;
}
