/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plans and claims for people. */
#ifndef TOOL_PRINT_TABLE_H
#define TOOL_PRINT_TABLE_H

#include <smtpsec.h>

#include "visit.h"

struct table_style {
    int colour;
    int verbose;
};

/* Colour only on a terminal, and not under NO_COLOR. */
void table_style_init(struct table_style *style, int verbose);
/* visits: one for each host, NULL where none was made; or NULL. */
void table_plan(const struct table_style *style, const struct smtpsec_plan *plan,
                struct visit *const *visits);
void table_invalid_domain(const struct table_style *style, const char *domain);
void table_claims(const struct table_style *style, const struct smtpsec_claims *claims);
/* "dane+pkix", or "-" for none. */
const char *table_identities(int32_t identities);
/* A time as 2026-01-31T12:00:00Z; the buffer is returned. */
const char *table_time(char *buffer, size_t room, int64_t time);

#endif
