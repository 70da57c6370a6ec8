/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines for Exim's main log. */
#ifndef EXIM_NOTE_H
#define EXIM_NOTE_H

#include <stddef.h>

#define EXIM_LINE 1024

/* Write one line, after "smtpsec: ". */
void exim_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Make one printable line of a text: what is not printable ASCII becomes '?'. */
void exim_printable(char *text);

#endif
