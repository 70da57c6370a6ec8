/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Change one line of the operator's policy file, and nothing else of it. */
#ifndef TOOL_POLICY_EDIT_H
#define TOOL_POLICY_EDIT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The text with the line `mode KIND MODE`: in place of the mode that stands
 * there, else behind all else. out is to be freed. Returns 1; 0 when the text
 * says so already (out is then NULL); -1 without memory.
 */
int policy_edit_text(const char *text, size_t len, const char *kind, const char *mode, char **out,
                     size_t *out_len);

/*
 * Do it in a file: the new one, of the same owner and mode, is written beside
 * it and takes its place in one step. A symbolic link stays, and what it points
 * at is changed. What would not pass as a policy file is not written. Returns
 * an exit code (said).
 */
int policy_edit_file(const char *path, const char *kind, const char *mode, int64_t now);

#endif
