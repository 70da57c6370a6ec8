/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator/line.h"

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool
is_printable(char c)
{
    return c >= 0x20 && c < 0x7f;
}

/* Where a word's text ends: at a blank, or at its closing quote. */
static size_t
end_of_word(struct ss_text rest, bool quoted)
{
    size_t i = 0;

    while (i < rest.len && (quoted ? rest.at[i] != '"' : !is_blank(rest.at[i])))
        i++;
    return i;
}

static bool
check_octets(struct ss_text word, uint32_t number, struct smtpsec_faults *faults)
{
    size_t i;

    for (i = 0; i < word.len; i++) {
        if ((unsigned char)word.at[i] >= 0x80) {
            ss_fault_add(faults, number, false,
                         "octet 0x%02x is not ASCII; expected: ASCII outside of comments, "
                         "and of a domain its A-labels (xn--...)",
                         (unsigned)(unsigned char)word.at[i]);
            return false;
        }
        if (!is_printable(word.at[i])) {
            ss_fault_add(faults, number, false, "octet 0x%02x is a control character",
                         (unsigned)(unsigned char)word.at[i]);
            return false;
        }
    }
    return true;
}

static void
advance(struct ss_text *rest, size_t len)
{
    rest->at += len;
    rest->len -= len;
}

static bool
has_quote(struct ss_text word)
{
    struct ss_text head, tail;

    return ss_text_cut(word, '"', &head, &tail);
}

/* Take the next word from the rest, which begins with one. */
static bool
take_word(struct ss_line *line, struct ss_text *rest, struct smtpsec_faults *faults)
{
    struct ss_line_word *word = &line->words[line->count];

    word->quoted = rest->at[0] == '"';
    if (word->quoted)
        advance(rest, 1);
    word->text.at = rest->at;
    word->text.len = end_of_word(*rest, word->quoted);
    advance(rest, word->text.len);
    if (!check_octets(word->text, line->number, faults))
        return false;
    if (word->quoted && rest->len == 0) {
        ss_fault_add(faults, line->number, false, "a double quote is opened and not closed");
        return false;
    }
    if (word->quoted)
        advance(rest, 1);
    if (has_quote(word->text) || (rest->len > 0 && !is_blank(rest->at[0]))) {
        ss_fault_add(faults, line->number, false,
                     "a double quote inside a word; expected: a blank between words");
        return false;
    }
    line->count++;
    return true;
}

bool
ss_line_read(struct ss_line *line, struct ss_text text, struct smtpsec_faults *faults)
{
    struct ss_text rest = ss_text_skip_blanks(text);

    line->count = 0;
    while (rest.len > 0 && rest.at[0] != '#') {
        if (line->count == SS_LINE_WORDS) {
            ss_fault_add(faults, line->number, false, "more words than any directive takes");
            return false;
        }
        if (!take_word(line, &rest, faults))
            return false;
        rest = ss_text_skip_blanks(rest);
    }
    return true;
}
