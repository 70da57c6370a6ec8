/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expectations on what a server says, on the hosts tried, and on an open connection. */
#ifndef SS_SCENARIO_DIALOGUE_H
#define SS_SCENARIO_DIALOGUE_H

#include "story.h"

/* words: without `expect`. False when it is no such expectation; else found is filled. */
bool dialogue_fact(const struct story *story, size_t count, char **words, char *found, size_t room);

#endif
