/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/notes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define NOTE_TEXT 512

void
ss_notes_free(struct ss_notes *notes)
{
    size_t i;

    for (i = 0; i < notes->count; i++)
        free(notes->list[i].text);
    free(notes->list);
    memset(notes, 0, sizeof(*notes));
}

static bool
make_room(struct ss_notes *notes)
{
    size_t cap = notes->cap > 0 ? notes->cap * 2 : 8;
    struct ss_note *list;

    if (notes->count < notes->cap)
        return true;
    if (notes->count >= SS_NOTES_MAX)
        return false;
    list = realloc(notes->list, cap * sizeof(*list));
    if (list == NULL)
        return false;
    notes->list = list;
    notes->cap = cap;
    return true;
}

static bool
add(struct ss_notes *notes, const char *rule, const char *rfc, const char *text)
{
    struct ss_note note = { rule, rfc, NULL };

    if (!make_room(notes))
        return false;
    note.text = strdup(text);
    if (note.text == NULL)
        return false;
    notes->list[notes->count++] = note;
    return true;
}

void
ss_note(struct ss_notes *notes, const char *rule, const char *rfc, const char *format, ...)
{
    char raw[NOTE_TEXT];
    char text[NOTE_TEXT];
    va_list args;

    if (notes == NULL)
        return;
    va_start(args, format);
    if (vsnprintf(raw, sizeof(raw), format, args) < 0)
        raw[0] = '\0';
    va_end(args);
    ss_text_escape(text, sizeof(text), raw, strlen(raw));
    if (!add(notes, rule, rfc, text))
        notes->lost = true;
}

bool
ss_notes_copy(struct ss_notes *out, const struct ss_notes *notes)
{
    struct ss_notes copy = { 0 };
    size_t i;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < notes->count; i++) {
        if (!add(&copy, notes->list[i].rule, notes->list[i].rfc, notes->list[i].text)) {
            ss_notes_free(&copy);
            return false;
        }
    }
    copy.lost = notes->lost;
    *out = copy;
    return true;
}
