/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "serve/reply_text.h"

#include <stdlib.h>
#include <string.h>

#include "smtpsec.h"

int
serve_text_new(struct serve_text *text, size_t room)
{
    memset(text, 0, sizeof(*text));
    text->data = malloc(room + 1);
    if (text->data == NULL)
        return SMTPSEC_E_NOMEM;
    text->room = room;
    text->data[0] = '\0';
    return 0;
}

void
serve_text_free(struct serve_text *text)
{
    free(text->data);
    memset(text, 0, sizeof(*text));
}

void
serve_text_clear(struct serve_text *text)
{
    text->len = 0;
    text->full = 0;
    text->data[0] = '\0';
}

void
serve_text_add(struct serve_text *text, const char *more)
{
    size_t len = strlen(more);

    if (text->full || len > text->room - text->len) {
        text->full = 1;
        return;
    }
    memcpy(text->data + text->len, more, len + 1);
    text->len += len;
}

void
serve_text_add_safe(struct serve_text *text, const char *more)
{
    size_t from = text->len;

    serve_text_add(text, more);
    for (; from < text->len; from++)
        if (text->data[from] < 0x20 || text->data[from] > 0x7e)
            text->data[from] = '?';
}

char *
serve_text_take(struct serve_text *text)
{
    char *data = text->data;
    char *fitted = realloc(data, text->len + 1);

    memset(text, 0, sizeof(*text));
    return fitted != NULL ? fitted : data;
}
