/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * TXT records of the form "v=NAME; name=value; ...": _mta-sts (RFC 8461 3.1)
 * and _smtp._tls (RFC 8460 3) are two of a kind, but for what their fields mean.
 */
#ifndef SS_BASE_FIELDS_H
#define SS_BASE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/notes.h"
#include "base/text.h"

/* The one record that counts, and its fields yet to be read. */
struct ss_fields {
    struct ss_text whole;
    struct ss_text rest;
    bool over;
};

/*
 * Find the records that begin with the version, in this case, and a semicolon;
 * blanks may stand between. Others are dropped before counting. Returns how
 * many there are; fields receives the last one.
 */
size_t ss_fields_find(const struct ss_bytes *texts, size_t count, const char *version,
                      struct ss_fields *fields);
/*
 * The next field, blanks around it cut. False after the last one; a last
 * semicolon is optional, so nothing behind it is no field.
 */
bool ss_fields_next(struct ss_fields *fields, struct ss_text *field);
/* The name of an extension, in policies too (RFC 8461 3.2): 1 to 32 of A-Z a-z 0-9 _ - . */
bool ss_fields_is_name(struct ss_text name);
/* Printable ASCII without blanks, not empty. */
bool ss_fields_is_visible(struct ss_text value);
/* How much of a stranger's text a note shows, as a precision for printf. */
int ss_fields_shown(struct ss_text text);
/* The record as the origin of a note. */
struct ss_origin ss_fields_origin(const struct ss_fields *fields);

#endif
