/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "sts/sts_grammar.h"
#include "sts/sts_record.h"

static const char version[] = "v=STSv1";
static const char section[] = "RFC 8461 3.1";

/*
 * Does it begin with the version and the field delimiter (STSD-04)? The ABNF
 * allows blanks before the semicolon, the prose names "v=STSv1;" (erratum
 * 6285); both are read (STSD-09). On success *rest is what follows.
 */
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

static bool
is_id(struct ss_text value)
{
    size_t i;

    for (i = 0; i < value.len; i++)
        if (!ss_is_alnum(value.at[i]))
            return false;
    return value.len > 0 && value.len <= SS_STS_ID_MAX;
}

/* Printable ASCII without blanks and "="; a semicolon cannot be here any more. */
static bool
is_extension_value(struct ss_text value)
{
    size_t i;

    for (i = 0; i < value.len; i++)
        if (value.at[i] <= ' ' || value.at[i] > '~' || value.at[i] == '=')
            return false;
    return value.len > 0;
}

/* One field: NAME "=" VALUE, blanks around it already cut. False when it breaks the record. */
static bool
read_field(struct ss_text field, struct ss_sts_record *record, struct ss_notes *notes)
{
    struct ss_text name, value;

    if (!ss_text_cut(field, '=', &name, &value)) {
        ss_note(notes, SS_SKIPS, "STSD-12", section, "field without \"=\": \"%.*s\"",
                ss_sts_shown(field), field.at);
        return false;
    }
    if (ss_text_equal(name, "id")) {
        if (record->id[0] != '\0') /* STSD-13: all entries but the first are ignored */
            return true;
        if (!is_id(value)) {
            ss_note(notes, SS_SKIPS, "STSD-10", section,
                    "id is not 1 to 32 letters and digits: \"%.*s\"", ss_sts_shown(value),
                    value.at);
            return false;
        }
        memcpy(record->id, value.at, value.len);
        record->id[value.len] = '\0';
        return true;
    }
    /* STSD-11, STSD-12: unknown fields are ignored only when they are well formed. */
    if (!ss_sts_is_extension_name(name) || !is_extension_value(value)) {
        ss_note(notes, SS_SKIPS, "STSD-12", section, "malformed field: \"%.*s\"",
                ss_sts_shown(field), field.at);
        return false;
    }
    return true;
}

/* All fields after the version; the last semicolon is optional (STSD-09). */
static bool
read_fields(struct ss_text rest, struct ss_sts_record *record, struct ss_notes *notes)
{
    struct ss_text field, tail;
    bool more = true;

    while (more) {
        more = ss_text_cut(rest, ';', &field, &tail);
        if (!more)
            field = rest;
        field = ss_text_trim_blanks(ss_text_skip_blanks(field));
        if (field.len == 0 && !more)
            break;
        if (!read_field(field, record, notes))
            return false;
        if (more)
            rest = tail;
    }
    if (record->id[0] == '\0') {
        ss_note(notes, SS_SKIPS, "STSD-10", section, "the record has no id");
        return false;
    }
    return true;
}

enum ss_sts_record_state
ss_sts_record_find(const struct ss_bytes *texts, size_t count, struct ss_sts_record *record,
                   struct ss_notes *notes)
{
    struct ss_sts_record found = {.id = ""};
    struct ss_text text, rest, only = {NULL, 0};
    size_t matches = 0;
    size_t i;

    *record = found;
    for (i = 0; i < count; i++) {
        text.at = (const char *)texts[i].data;
        text.len = texts[i].len;
        if (!has_version(text, &rest)) /* STSD-05: dropped before counting */
            continue;
        only = rest;
        matches++;
    }
    if (matches == 0) {
        if (count > 0)
            ss_note(notes, SS_SKIPS, "STSD-04", section, "no TXT record begins with \"v=STSv1;\"");
        return SS_STS_RECORD_NONE;
    }
    if (matches > 1) {
        ss_note(notes, SS_SKIPS, "STSD-06", section, "%zu records where one is allowed", matches);
        return SS_STS_RECORD_SEVERAL;
    }
    if (!read_fields(only, &found, notes))
        return SS_STS_RECORD_INVALID;
    *record = found;
    return SS_STS_RECORD_FOUND;
}
