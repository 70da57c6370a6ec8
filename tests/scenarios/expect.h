/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The expectations of a scenario. */
#ifndef SS_SCENARIO_EXPECT_H
#define SS_SCENARIO_EXPECT_H

#include "story.h"

/* Check one expectation; writes what was found instead. */
void expect_line(struct story *story, size_t count, char **words, char *fault, size_t room);

#endif
