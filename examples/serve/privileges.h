/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the process may, and how much of it. */
#ifndef SERVE_PRIVILEGES_H
#define SERVE_PRIVILEGES_H

#include <stddef.h>

/* Become this user for good, with his groups. Returns an exit code; what goes wrong is said. */
int serve_become(const char *name);
/* See to it that so many descriptors may be open. Returns how many of them may; fewer are said. */
size_t serve_need_descriptors(size_t wanted);

#endif
