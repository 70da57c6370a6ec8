/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "note.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

/* Exim offers this to functions that it loads; 1 is its main log. */
typedef void (*exim_log_write)(unsigned int selector, int flags, const char *format, ...);

void
exim_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

/* Looked up when needed, so that the module also loads where nobody offers it. */
static exim_log_write
find_log(void)
{
    exim_log_write found = NULL;
    void *symbol = dlsym(RTLD_DEFAULT, "log_write");

    memcpy(&found, &symbol, sizeof(found));
    return found;
}

void
exim_note(const char *format, ...)
{
    exim_log_write log_write = find_log();
    char line[EXIM_LINE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    exim_printable(line);
    if (log_write != NULL)
        log_write(0, 1, "smtpsec: %s", line);
    else
        syslog(LOG_MAIL | LOG_NOTICE, "smtpsec: %s", line);
}
