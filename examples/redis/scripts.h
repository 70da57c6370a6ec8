/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What Redis does in one piece, in its own Lua. */
#ifndef EXAMPLES_REDIS_SCRIPTS_H
#define EXAMPLES_REDIS_SCRIPTS_H

/*
 * Change one entry if it is still what the edit was asked about, and let
 * others go for it if they are still what the ranks were asked about.
 * KEYS: a hash of values, an index of those off probation, one of those on it
 *       (the same one where there is no probation).
 * ARGV: key, what is expected ("" for nothing), what is put ("": delete), which
 *       index, bound, milliseconds that the table lives on (0: for ever), then
 *       pairs of a key that may go and its value.
 * 0 done; -1 not as expected; 1 or 2: so many must go, and were not named.
 */
#define SCRIPT_CHANGE 0
/* Release a lease that is ours. KEYS: its name. ARGV: the token. */
#define SCRIPT_RELEASE 1

extern const char *const redis_scripts[2];

#endif
