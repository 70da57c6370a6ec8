/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text of the tool: strangers' bytes made safe to print, messages, files, exit codes. */
#ifndef TOOL_TEXT_H
#define TOOL_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Exit codes: the answer of a command first, then those of sysexits.h. */
enum {
    TOOL_OK = 0,
    TOOL_FAIL = 1,
    TOOL_DEFER = 2,
    TOOL_USAGE = 64,
    TOOL_DATA = 65,
    TOOL_NO_INPUT = 66,
    TOOL_UNAVAILABLE = 69,
    TOOL_SOFTWARE = 70,
    TOOL_SYSTEM = 71,
    TOOL_CANNOT_CREATE = 73,
    TOOL_IO = 74,
    TOOL_CONFIG = 78
};

/* Print one line to stderr, after "smtpsec: ". The line must be safe already. */
void tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* End the process: nothing sensible can be printed any more. */
void tool_out_of_memory(void) __attribute__((noreturn));
/* End the process unless the code of a call that cannot fail otherwise is 0. */
void tool_need(int error);
/* The exit code of a SMTPSEC_E_*. */
int tool_exit_of_error(int error);
/* The worse of two answers: fail, then defer, then deliver; other codes outrank all. */
int tool_worse(int one, int other);

/* Printable ASCII as it is, all else as \xNN; always ends with a NUL, cuts what is too long. */
void text_escape(char *out, size_t room, const char *in, size_t len);
/* Lower-case hexadecimal; room must be at least 2 * len + 1. */
void text_hex(char *out, size_t room, const uint8_t *in, size_t len);
/* ASCII only, whatever the locale says. */
int text_same(const char *one, const char *other);
/* Read a decimal number in a range. Returns 0, or -1 when it is none. */
int text_number(const char *text, int64_t least, int64_t most, int64_t *out);

/* Read a whole file, "-" is stdin; out has a NUL behind it, to be freed. Returns 0 or -1 (said). */
int text_read_file(const char *path, size_t limit, char **out, size_t *len);
/* Write a whole file, readable by its owner alone. Returns 0 or -1 (said). */
int text_write_file(const char *path, const uint8_t *data, size_t len);

#endif
