/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The verbs of smtpsec memory, one file a job. Each returns the exit code. */
#ifndef TOOL_MEMORY_H
#define TOOL_MEMORY_H

#include <stdint.h>

#include <smtpsec.h>

#include "options.h"

/* memory_keep.c; domain NULL: all of it. */
int memory_export(struct smtpsec_context *context, const char *domain);
int memory_prune(const struct tool_options *options, struct smtpsec_context *context);
int memory_stats(const struct tool_options *options, struct smtpsec_context *context);
int memory_check(const struct tool_options *options, struct smtpsec_context *context);

/* memory_promote.c; domains NULL: all that have a claim of that kind. */
int memory_promote(struct tool_options *options, int32_t kind, char **domains, size_t count);

#endif
