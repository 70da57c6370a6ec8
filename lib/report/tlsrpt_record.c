/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report/tlsrpt_record.h"

#include <stdbool.h>
#include <string.h>

#include "base/fields.h"

static const char section[] = "RFC 8460 3";

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
        if (!ss_fields_is_visible(uri))
            return false;
        if (is_destination(uri))
            ++*usable;
        if (more)
            value = tail;
    }
    return true;
}

/* One field: NAME "=" VALUE. What it breaks, or NULL. */
static const char *
read_field(struct ss_text field, bool *has_rua, size_t *usable)
{
    struct ss_text name, value;

    if (!ss_text_cut(field, '=', &name, &value))
        return "field without \"=\"";
    if (ss_text_equal(name, "rua") && !*has_rua) {
        *has_rua = true;
        return read_rua(value, usable) ? NULL : "rua is no list of URIs";
    }
    /* Unknown fields are ignored when they are well formed; so is a second rua. */
    if (ss_fields_is_name(name) && (ss_fields_is_visible(value) || ss_text_equal(name, "rua")))
        return NULL;
    return "malformed field";
}

/* All fields after the version; the last semicolon is optional. */
static bool
read_fields(struct ss_fields *fields, struct ss_notes *notes)
{
    const struct ss_origin origin = ss_fields_origin(fields);
    struct ss_text field;
    const char *fault;
    bool has_rua = false;
    size_t usable = 0;

    while (ss_fields_next(fields, &field)) {
        fault = read_field(field, &has_rua, &usable);
        if (fault == NULL)
            continue;
        ss_note_from(notes, &origin, SS_SKIPS, "RPT-01", section, "%s: \"%.*s\"", fault,
                     ss_fields_shown(field), field.at);
        return false;
    }
    if (usable == 0)
        ss_note_from(notes, &origin, SS_SKIPS, "RPT-01", section,
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

/* The version comes first, in this case, and a semicolon ends it; others are dropped (RPT-01). */
enum ss_tlsrpt_state
ss_tlsrpt_record_find(const struct ss_bytes *texts, size_t count, struct ss_tlsrpt_record *record,
                      struct ss_notes *notes)
{
    struct ss_origin origin = {"dns", 0, {NULL, 0}};
    struct ss_fields fields;
    size_t matches = ss_fields_find(texts, count, "v=TLSRPTv1", &fields);

    memset(record, 0, sizeof(*record));
    if (matches == 0) {
        if (count > 0) {
            origin.input = texts[0];
            ss_note_from(notes, &origin, SS_SKIPS, "RPT-01", section,
                         "no TXT record begins with \"v=TLSRPTv1;\"");
        }
        return SS_TLSRPT_NONE;
    }
    origin = ss_fields_origin(&fields);
    if (matches > 1) {
        ss_note_from(notes, &origin, SS_SKIPS, "RPT-01", section,
                     "%zu records where one is allowed", matches);
        return SS_TLSRPT_SEVERAL;
    }
    if (!is_text(fields.whole)) {
        ss_note_from(notes, &origin, SS_SKIPS, "RPT-01", section,
                     "the record is too long or not text");
        return SS_TLSRPT_INVALID;
    }
    memcpy(record->text, fields.whole.at, fields.whole.len);
    if (!read_fields(&fields, notes)) {
        memset(record, 0, sizeof(*record));
        return SS_TLSRPT_INVALID;
    }
    return SS_TLSRPT_FOUND;
}
