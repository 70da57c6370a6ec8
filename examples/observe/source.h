/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole lines out of a file that may grow, be renamed, or be emptied. */
#ifndef OBSERVE_SOURCE_H
#define OBSERVE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "line.h"

struct source;

/* path "-" is standard input, which is not followed. Returns 0, or -1 (said). */
int source_open(const char *path, int follow, struct source **out);
void source_close(struct source *source);

/*
 * The next line, without its end; valid until the next call. What is longer
 * than LOG_LINE_MAX, and a last line without an end, are left out.
 *
 * Returns 1; 0 at the end; SOURCE_IDLE when nothing is there yet; SOURCE_GAP
 * where lines may be missing between the last one and the next; -1 (said).
 */
enum { SOURCE_IDLE = 2, SOURCE_GAP = 3 };
int source_next(struct source *source, const char **line, size_t *len);
/* Wait a little for more. */
void source_wait(void);

/*
 * Seconds since 1970. A time without a zone is the machine's; one without a
 * year is of the last twelve months, up to a day from now. -1 when it is none.
 */
int64_t source_time(const struct log_time *time, int64_t now);

#endif
