/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operator's settings of the memory, as a scenario writes them. */
#ifndef SS_SCENARIO_OPERATOR_H
#define SS_SCENARIO_OPERATOR_H

#include <stdbool.h>

#include "story.h"

/* hold=, cap=, except=, policy=: true when it is one of these; *r receives what came of it. */
bool story_operator_option(struct story *story, const char *word, int *r);

#endif
