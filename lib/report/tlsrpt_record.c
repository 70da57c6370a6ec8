/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/tlsrpt_record.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"

#define SHOWN_MAX 100
#define EXTENSION_NAME_MAX 32

static const char version[] = "v=TLSRPTv1";
static const char section[] = "RFC 8460 3";

static int
shown(struct ss_text text)
{
    return text.len < SHOWN_MAX ? (int)text.len : SHOWN_MAX;
}

/* The version comes first, in this case, and a semicolon ends it (RPT-01). */
static bool
has_version(struct ss_text text, struct ss_text *rest)
{
    struct ss_text t;
    size_t len = sizeof(version) - 1;

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

/* Printable ASCII without blanks; semicolons are cut away before. */
static bool
is_visible(struct ss_text value)
{
    size_t i;

    for (i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~')
            return false;
    return value.len > 0;
}

static bool
has_scheme(struct ss_text uri, const char *scheme)
{
    struct ss_text head;
    size_t len = strlen(scheme);

    if (uri.len <= len)
        return false;
    head.at = uri.at;
    head.len = len;
    return ss_text_equal_nocase(head, scheme);
}

/* Of a URI that is to be used, "!" has to be encoded; a scheme that nobody knows is passed over. */
static bool
is_destination(struct ss_text uri)
{
    if (memchr(uri.at, '!', uri.len) != NULL)
        return false;
    if (has_scheme(uri, "mailto:"))
        return memchr(uri.at, '@', uri.len) != NULL;
    return has_scheme(uri, "https://");
}

/* A comma list of URIs. False when an element is none; *usable counts those that can be used. */
static bool
read_rua(struct ss_text value, size_t *usable)
{
    struct ss_text uri, tail;
    bool more = true;

    while (more) {
        more = ss_text_cut(value, ',', &uri, &tail);
        if (!more)
            uri = value;
        uri = ss_text_trim_blanks(ss_text_skip_blanks(uri));
        if (!is_visible(uri))
            return false;
        if (is_destination(uri))
            ++*usable;
        if (more)
            value = tail;
    }
    return true;
}

static bool
is_extension_name(struct ss_text name)
{
    size_t i;

    if (name.len == 0 || name.len > EXTENSION_NAME_MAX || !ss_is_alnum(name.at[0]))
        return false;
    for (i = 1; i < name.len; i++)
        if (!ss_is_alnum(name.at[i]) && strchr("_-.", name.at[i]) == NULL)
            return false;
    return true;
}

/* One field: NAME "=" VALUE, blanks around it already cut. False when it breaks the record. */
static bool
read_field(struct ss_text field, bool *has_rua, size_t *usable, struct ss_notes *notes)
{
    struct ss_text name, value;

    if (!ss_text_cut(field, '=', &name, &value)) {
        ss_note(notes, SS_SKIPS, "RPT-01", section, "field without \"=\": \"%.*s\"", shown(field),
                field.at);
        return false;
    }
    if (ss_text_equal(name, "rua") && !*has_rua) {
        *has_rua = true;
        if (read_rua(value, usable))
            return true;
        ss_note(notes, SS_SKIPS, "RPT-01", section, "rua is no list of URIs: \"%.*s\"",
                shown(value), value.at);
        return false;
    }
    /* Unknown fields are ignored when they are well formed; so is a second rua. */
    if (is_extension_name(name) && (is_visible(value) || ss_text_equal(name, "rua")))
        return true;
    ss_note(notes, SS_SKIPS, "RPT-01", section, "malformed field: \"%.*s\"", shown(field),
            field.at);
    return false;
}

/* All fields after the version; the last semicolon is optional. */
static bool
read_fields(struct ss_text rest, struct ss_notes *notes)
{
    struct ss_text field, tail;
    bool more = true, has_rua = false;
    size_t usable = 0;

    while (more) {
        more = ss_text_cut(rest, ';', &field, &tail);
        if (!more)
            field = rest;
        field = ss_text_trim_blanks(ss_text_skip_blanks(field));
        if (field.len == 0 && !more)
            break;
        if (!read_field(field, &has_rua, &usable, notes))
            return false;
        if (more)
            rest = tail;
    }
    if (usable == 0)
        ss_note(notes, SS_SKIPS, "RPT-01", section,
                "the record names no mailto or https destination");
    return usable > 0;
}

/* The record is handed on to the collector as it is: text, and of a length that is reasonable. */
static bool
is_text(struct ss_text text)
{
    size_t i;

    for (i = 0; i < text.len; i++)
        if ((text.at[i] < ' ' && text.at[i] != '\t') || text.at[i] > '~')
            return false;
    return text.len <= SS_TLSRPT_TEXT;
}

enum ss_tlsrpt_state
ss_tlsrpt_record_find(const struct ss_bytes *texts, size_t count, struct ss_tlsrpt_record *record,
                      struct ss_notes *notes)
{
    struct ss_text text, rest, only = {NULL, 0}, fields = {NULL, 0};
    size_t matches = 0;
    size_t i;

    memset(record, 0, sizeof(*record));
    for (i = 0; i < count; i++) {
        text.at = (const char *)texts[i].data;
        text.len = texts[i].len;
        if (!has_version(text, &rest)) /* dropped before counting */
            continue;
        only = text;
        fields = rest;
        matches++;
    }
    if (matches == 0) {
        if (count > 0)
            ss_note(notes, SS_SKIPS, "RPT-01", section,
                    "no TXT record begins with \"v=TLSRPTv1;\"");
        return SS_TLSRPT_NONE;
    }
    if (matches > 1) {
        ss_note(notes, SS_SKIPS, "RPT-01", section, "%zu records where one is allowed", matches);
        return SS_TLSRPT_SEVERAL;
    }
    if (!is_text(only)) {
        ss_note(notes, SS_SKIPS, "RPT-01", section, "the record is too long or not text");
        return SS_TLSRPT_INVALID;
    }
    if (!read_fields(fields, notes))
        return SS_TLSRPT_INVALID;
    memcpy(record->text, only.at, only.len);
    return SS_TLSRPT_FOUND;
}
