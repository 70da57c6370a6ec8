/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of the tool; each returns the exit code. */
#ifndef TOOL_COMMANDS_H
#define TOOL_COMMANDS_H

#include "options.h"

int check_command(struct tool_options *options);
int explain_command(struct tool_options *options);
int send_command(struct tool_options *options);
int verify_command(struct tool_options *options);
int memory_command(struct tool_options *options);
int policy_command(struct tool_options *options);
int refresh_command(struct tool_options *options);
int serve_command(struct tool_options *options);
int observe_command(struct tool_options *options);

#endif
