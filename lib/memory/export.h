/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Entries of a store as canonical text: evidence with its times, never a bare
 * level. The format is that of doc/memory.md, "Export"; it depends on what is
 * stored and on nothing else.
 */
#ifndef SS_MEMORY_EXPORT_H
#define SS_MEMORY_EXPORT_H

#include "base/bytes.h"
#include "memory/store.h"

/* The first line of every export. */
#define SS_EXPORT_HEAD "smtpsec-memory 1"

/* Called for each line, without its end. Nonzero stops it. */
typedef int (*ss_export_line)(void *arg, const char *line);

/*
 * Give out the lines of one entry: of a destination and its claims, or of a
 * policy. What cannot be read is one comment line, and *damaged (may be NULL)
 * is set; an entry of a newer version too. Returns 0, NOMEM, or what `line` gave.
 */
int ss_export_entry(enum ss_store_table table, struct ss_bytes key, struct ss_bytes value,
                    ss_export_line line, void *arg, bool *damaged);

#endif
