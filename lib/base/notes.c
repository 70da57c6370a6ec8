/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/notes.h"

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
        if (!notes->list[i].lent)
            free(notes->list[i].text);
    free(notes->list);
    memset(notes, 0, sizeof(*notes));
}

const char *
ss_effect_name(enum ss_effect effect)
{
    switch (effect) {
    case SS_RAISES:
        return "raises";
    case SS_LOWERS:
        return "lowers";
    case SS_SKIPS:
        return "skips";
    case SS_REFUSES:
        return "refuses";
    case SS_REPORTS:
        return "reports";
    default:
        return "informs";
    }
}

static bool
make_room(struct ss_notes *notes, size_t limit)
{
    size_t cap = notes->cap > 0 ? notes->cap * 2 : 8;
    struct ss_note *list;

    if (notes->count >= limit)
        return false;
    if (notes->count < notes->cap)
        return true;
    list = realloc(notes->list, cap * sizeof(*list));
    if (list == NULL)
        return false;
    notes->list = list;
    notes->cap = cap;
    return true;
}

/* Text and input share one piece of memory. */
static bool
add(struct ss_notes *notes, struct ss_note note, const char *text, size_t limit)
{
    size_t text_room = strlen(text) + 1;
    size_t input_room = strlen(note.input) + 1;

    if (!make_room(notes, limit))
        return false;
    note.text = malloc(text_room + input_room);
    if (note.text == NULL)
        return false;
    memcpy(note.text, text, text_room);
    memcpy(note.text + text_room, note.input, input_room);
    note.input = note.text + text_room;
    note.lent = false;
    notes->list[notes->count++] = note;
    return true;
}

void
ss_note_list(struct ss_notes *notes, const struct ss_origin *origin, enum ss_effect effect,
             const char *rule, const char *rfc, const char *format, va_list args)
{
    struct ss_note note = {rule, rfc, origin->source, "", origin->age, effect, NULL, false};
    char raw[NOTE_TEXT], text[NOTE_TEXT], input[NOTE_TEXT];

    if (notes == NULL)
        return;
    if (vsnprintf(raw, sizeof(raw), format, args) < 0)
        raw[0] = '\0';
    ss_text_escape(text, sizeof(text), raw, strlen(raw));
    if (origin->input.len > 0) {
        ss_text_escape(input, sizeof(input), origin->input.data, origin->input.len);
        note.input = input;
    }
    if (!add(notes, note, text, effect == SS_REFUSES ? SS_NOTES_MAX : SS_NOTES_MAX - SS_NOTES_KEPT))
        notes->lost = true;
}

void
ss_note(struct ss_notes *notes, enum ss_effect effect, const char *rule, const char *rfc,
        const char *format, ...)
{
    static const struct ss_origin nowhere = {"", SS_AGE_UNKNOWN, {NULL, 0}};
    va_list args;

    va_start(args, format);
    ss_note_list(notes, &nowhere, effect, rule, rfc, format, args);
    va_end(args);
}

void
ss_note_by(struct ss_notes *notes, const char *source, enum ss_effect effect, const char *rule,
           const char *rfc, const char *format, ...)
{
    const struct ss_origin origin = {source, SS_AGE_UNKNOWN, {NULL, 0}};
    va_list args;

    va_start(args, format);
    ss_note_list(notes, &origin, effect, rule, rfc, format, args);
    va_end(args);
}

void
ss_note_from(struct ss_notes *notes, const struct ss_origin *origin, enum ss_effect effect,
             const char *rule, const char *rfc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    ss_note_list(notes, origin, effect, rule, rfc, format, args);
    va_end(args);
}

bool
ss_notes_copy(struct ss_notes *out, const struct ss_notes *notes)
{
    struct ss_notes copy = { 0 };
    size_t i;

    memset(out, 0, sizeof(*out));
    for (i = 0; i < notes->count; i++) {
        if (!add(&copy, notes->list[i], notes->list[i].text, SS_NOTES_MAX)) {
            ss_notes_free(&copy);
            return false;
        }
    }
    copy.lost = notes->lost;
    *out = copy;
    return true;
}

bool
ss_notes_borrow(struct ss_notes *out, const struct ss_notes *notes)
{
    size_t i;

    memset(out, 0, sizeof(*out));
    out->lost = notes->lost;
    if (notes->count == 0)
        return true;
    out->list = malloc(notes->cap * sizeof(*out->list));
    if (out->list == NULL)
        return false;
    memcpy(out->list, notes->list, notes->count * sizeof(*out->list));
    out->count = notes->count;
    out->cap = notes->cap;
    for (i = 0; i < out->count; i++)
        out->list[i].lent = true;
    return true;
}
