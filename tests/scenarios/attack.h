/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Attacks told day by day: what a mail server does with one mail a day, what
 * came of it, and the table of all that.
 */
#ifndef SS_SCENARIO_ATTACK_H
#define SS_SCENARIO_ATTACK_H

#include "story.h"

/* attack, phase, past, days, mail: NULL, or the fault. */
const char *attack_line(struct story *story, size_t count, char **words, char *room, size_t len);
bool attack_verb(const char *verb);
/* Write the table of the attack that was told last, if one was, and forget it. */
void attack_print(struct story *story);
void attack_free(struct story *story);

#endif
