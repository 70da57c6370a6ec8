/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exim routes and ends deliveries as root. Nothing that strangers wrote is
 * read by root: a child that has become the user does the work, and says what
 * came of it in one line.
 */
#ifndef EXIM_HELPER_H
#define EXIM_HELPER_H

#include <stddef.h>
#include <stdint.h>

#define EXIM_ANSWER 2048

/* The work: writes its answer to out. Returns 0 or -1. */
typedef int (*exim_work)(void *user, char *out, size_t room);

/*
 * Run the work in a child and wait for its answer.
 * name:    whom the child becomes when we are root.
 * Returns 0; -1 when it failed, took too long, or could not become that user.
 */
int exim_helper(const char *name, int32_t timeout_ms, exim_work work, void *user, char *out,
                size_t room);

#endif
