/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reason as a DSN may tell it, to a sender whom we do not know: what failed on
 * the recipient's side, and nothing of our settings, our memory or our claims.
 */
#ifndef SS_DECISION_DSN_H
#define SS_DECISION_DSN_H

#include <stddef.h>
#include <stdint.h>

#define SS_DSN_TEXT 512

/*
 * One line: the subject (a host or domain, as shown), and what is wrong with it.
 * by_policy: it is the domain's own policy that asks for what is missing.
 */
void ss_dsn_write(char out[SS_DSN_TEXT], const char *subject, int32_t reason, int by_policy);

#endif
