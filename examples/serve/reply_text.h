/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A text that is written from its start and never longer than it may be. */
#ifndef SERVE_REPLY_TEXT_H
#define SERVE_REPLY_TEXT_H

#include <stddef.h>

struct serve_text {
    char *data;
    size_t len;
    size_t room; /* the NUL is beside it */
    int full;    /* something found no room */
};

/* Returns 0 or SMTPSEC_E_NOMEM. */
int serve_text_new(struct serve_text *text, size_t room);
void serve_text_free(struct serve_text *text);
void serve_text_clear(struct serve_text *text);
/* All of it, or nothing and full. */
void serve_text_add(struct serve_text *text, const char *more);
/* The same for words of strangers: what is not printable ASCII becomes "?". */
void serve_text_add_safe(struct serve_text *text, const char *more);
/* Hand over the text, to be given to free(); the text is empty then. */
char *serve_text_take(struct serve_text *text);

#endif
