/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

int
ss_error_set(struct ss_error *error, int code, const char *format, ...)
{
    char raw[sizeof(error->text)];
    va_list args;

    if (error == NULL || error->code != 0 || code == 0)
        return code;
    va_start(args, format);
    if (vsnprintf(raw, sizeof(raw), format, args) < 0)
        raw[0] = '\0';
    va_end(args);
    /* The text may quote what a stranger or a file said. */
    ss_text_escape(error->text, sizeof(error->text), raw, strlen(raw));
    error->code = code;
    return code;
}
