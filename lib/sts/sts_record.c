/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdbool.h>
#include <string.h>

#include "base/fields.h"
#include "sts/sts_record.h"

static const char section[] = "RFC 8461 3.1";

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
    return ss_fields_is_visible(value) && memchr(value.at, '=', value.len) == NULL;
}

/* One field: NAME "=" VALUE. Returns the rule that it breaks, or NULL. */
static const char *
read_field(struct ss_text field, struct ss_sts_record *record, const char **what)
{
    struct ss_text name, value;

    *what = "field without \"=\"";
    if (!ss_text_cut(field, '=', &name, &value))
        return "STSD-12";
    if (ss_text_equal(name, "id")) {
        if (record->id[0] != '\0') /* STSD-13: all entries but the first are ignored */
            return NULL;
        *what = "id is not 1 to 32 letters and digits";
        if (!is_id(value))
            return "STSD-10";
        memcpy(record->id, value.at, value.len);
        record->id[value.len] = '\0';
        return NULL;
    }
    /* STSD-11, STSD-12: unknown fields are ignored only when they are well formed. */
    *what = "malformed field";
    return ss_fields_is_name(name) && is_extension_value(value) ? NULL : "STSD-12";
}

/* All fields after the version; the last semicolon is optional (STSD-09). */
static bool
read_fields(struct ss_fields *fields, struct ss_sts_record *record, struct ss_notes *notes)
{
    const struct ss_origin origin = ss_fields_origin(fields);
    const char *rule, *what;
    struct ss_text field;

    while (ss_fields_next(fields, &field)) {
        rule = read_field(field, record, &what);
        if (rule == NULL)
            continue;
        ss_note_from(notes, &origin, SS_SKIPS, rule, section, "%s: \"%.*s\"", what,
                     ss_fields_shown(field), field.at);
        return false;
    }
    if (record->id[0] == '\0')
        ss_note_from(notes, &origin, SS_SKIPS, "STSD-10", section, "the record has no id");
    return record->id[0] != '\0';
}

/*
 * Does it begin with the version and the field delimiter (STSD-04)? The ABNF
 * allows blanks before the semicolon, the prose names "v=STSv1;" (erratum
 * 6285); both are read (STSD-09). What does not is dropped before counting (STSD-05).
 */
enum ss_sts_record_state
ss_sts_record_find(const struct ss_bytes *texts, size_t count, struct ss_sts_record *record,
                   struct ss_notes *notes)
{
    struct ss_sts_record found = {.id = ""};
    struct ss_origin origin = {"dns", 0, {NULL, 0}};
    struct ss_fields fields;
    size_t matches = ss_fields_find(texts, count, "v=STSv1", &fields);

    *record = found;
    if (matches == 0) {
        if (count > 0) {
            origin.input = texts[0];
            ss_note_from(notes, &origin, SS_SKIPS, "STSD-04", section,
                         "no TXT record begins with \"v=STSv1;\"");
        }
        return SS_STS_RECORD_NONE;
    }
    if (matches > 1) {
        origin = ss_fields_origin(&fields);
        ss_note_from(notes, &origin, SS_SKIPS, "STSD-06", section,
                     "%zu records where one is allowed", matches);
        return SS_STS_RECORD_SEVERAL;
    }
    if (!read_fields(&fields, &found, notes))
        return SS_STS_RECORD_INVALID;
    *record = found;
    return SS_STS_RECORD_FOUND;
}
