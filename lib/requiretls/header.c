/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The field lowers what is asked of the way to a recipient. So what is not
 * plainly the one field of the grammar asks for nothing (matrix TRN-06, TRN-07).
 */
#include "requiretls/header.h"

/* Cut one line off; *line is without its end, which is LF or CRLF. */
static bool
take_line(struct ss_text *rest, struct ss_text *line)
{
    if (rest->len == 0)
        return false;
    if (!ss_text_cut(*rest, '\n', line, rest)) {
        *line = *rest;
        rest->at += rest->len;
        rest->len = 0;
    }
    if (line->len > 0 && line->at[line->len - 1] == '\r')
        line->len--;
    return true;
}

static bool
is_folded(struct ss_text line)
{
    return line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t');
}

/*
 * Is it a field of this name? A blank before the colon is the obsolete form, to
 * be understood still (RFC 5322 section 4.5): without it two fields would be one.
 * A name without its colon counts too; it stands for its value then, and is no No.
 */
static bool
is_ours(struct ss_text line, struct ss_text *value)
{
    struct ss_text name = line;

    *value = line;
    (void)ss_text_cut(line, ':', &name, value);
    return ss_text_equal_nocase(ss_text_trim_blanks(name), "TLS-Required");
}

/* One line of the value: nothing, or "No", which may come once. Comments are not in the grammar. */
static bool
takes(struct ss_text piece, bool *said)
{
    piece = ss_text_trim_blanks(ss_text_skip_blanks(piece));
    if (piece.len == 0)
        return true;
    if (*said || !ss_text_equal_nocase(piece, "No"))
        return false;
    *said = true;
    return true;
}

/*
 * Some take a line without a colon, or of CRs alone, for the end of the header
 * section: behind it our field may be text of the body, and is not plainly ours.
 */
static bool
is_torn(struct ss_text line)
{
    struct ss_text name, rest;

    return !is_folded(line) && !ss_text_cut(line, ':', &name, &rest);
}

bool
ss_tls_required_no(struct ss_text headers)
{
    bool inside = false, fits = true, said = false, torn = false;
    struct ss_text line, value;
    size_t fields = 0;

    while (take_line(&headers, &line) && line.len > 0) {
        value = line; /* of a folded line all is value */
        torn = torn || is_torn(line);
        if (!is_folded(line)) {
            inside = is_ours(line, &value);
            fields += inside;
        }
        if (inside && (torn || !takes(value, &said)))
            fits = false;
    }
    /* TRN-07: the field must not come twice; where it does, none of them counts. */
    return fields == 1 && fits && said;
}
