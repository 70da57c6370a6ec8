/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A memory on disk, and what befalls it. */
#ifndef SS_SCENARIO_DISK_H
#define SS_SCENARIO_DISK_H

#include "story.h"

/* option memory=disk */
int story_memory_on_disk(struct story *story);
/* memory lose|truncate|empty|damage|fill|clear: NULL, or the fault. */
const char *story_memory(struct story *story, const char *what);
/* Between true and false the disk is as full as the story says: no file takes an octet. */
void story_disk(struct story *story, bool begin);
void story_disk_free(struct story *story);

#endif
