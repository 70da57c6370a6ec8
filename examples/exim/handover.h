/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The process that verified a host is not the one that hears that the message
 * was accepted. The outcome waits for it in a file of the spool directory,
 * which belongs to the user alone.
 */
#ifndef EXIM_HANDOVER_H
#define EXIM_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#define EXIM_HANDOVER_NAME 64
#define EXIM_HANDOVER_OCTETS 65536

/* Whose outcome it is. */
struct exim_handover {
    const char *message; /* Exim's message id */
    const char *domain;
    const char *address; /* of the host */
};

/* The file's name: the message id, and a digest of the rest. Returns 0; -1 for no message id. */
int exim_handover_name(const struct exim_handover *whose, char *out, size_t room);
/* Is a file named like an outcome, or like one that is being written? */
int exim_handover_is_name(const char *name);
/* The file's first line, which tells apart what has one digest. Returns its length; 0: no room. */
size_t exim_handover_line(const struct exim_handover *whose, char *out, size_t room);

/* Returns 0 or -1. A file that is there already is replaced. */
int exim_handover_put(const char *spool, const struct exim_handover *whose, const uint8_t *data,
                      size_t len);
/* Take the file away, and what it holds; data is to be freed by free(). Returns 0 or -1. */
int exim_handover_take(const char *spool, const struct exim_handover *whose, uint8_t **data,
                       size_t *len);
/* Is there such a file? Follows no link, opens nothing. */
int exim_handover_waits(const char *spool, const struct exim_handover *whose);
void exim_handover_drop(const char *spool, const struct exim_handover *whose);
/*
 * Remove outcomes older than a day, which are too old to be recorded; looks at a
 * few hundred files. What is not named like an outcome is not ours to remove.
 */
void exim_handover_sweep(const char *spool, int64_t now);

#endif
