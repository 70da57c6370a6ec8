/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a running scenario, and its verbs. */
#ifndef SS_SCENARIO_STORY_H
#define SS_SCENARIO_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "smtpsec.h"
#include "world.h"

#define STORY_ASKED 512

struct story_question {
    uint16_t type; /* 0: HTTPS */
    char name[1024];
    unsigned wave;
};

struct story {
    const char *file;
    unsigned line;
    unsigned expected;   /* expectations met so far */
    char test[200];      /* the named test that runs; "" for none */
    unsigned expected_before;
    unsigned passed;
    int64_t now;
    int64_t lived;       /* seconds that passed; a step of the clock does not count */
    struct attack *attack; /* of the table; NULL: none */
    char *disk;          /* the memory's directory; NULL: in RAM */
    bool disk_full;
    struct world world;
    struct smtpsec_anchors *anchors;
    struct smtpsec_options *options;
    struct smtpsec_context *context; /* made at the first evaluation */
    struct smtpsec_plan *plan;
    struct smtpsec_requirement *requirement; /* of the last connection */
    struct smtpsec_session *session;
    struct smtpsec_verdict *verdict;
    size_t asked_count;  /* in the last evaluation */
    struct story_question asked[STORY_ASKED];
    unsigned waves;
    int status;          /* of the last evaluation */
    int refreshed;       /* by the last `refresh` */
    unsigned shuffle;    /* answers are given in another order for each value */
    size_t event_count;
    int32_t events[64];  /* taken since the last evaluation */
};

struct story *story_new(const char *file);
void story_free(struct story *story);
/* Run one line that is not an expectation; a fault is written when it fails. */
void story_line(struct story *story, size_t count, char **words, char *fault, size_t room);
/* Print the last plan and verdict, for whoever must find out why. */
void story_tell(const struct story *story);
/* A new world, an empty memory and no settings. */
void story_begin_afresh(struct story *story);
/* Let time pass. */
void story_pass(struct story *story, int64_t seconds);
/* The verbs evaluate, connect and record; words without the verb. */
int story_evaluate(struct story *story, size_t count, char **words);
const char *story_connect(struct story *story, size_t count, char **words);
int story_record(struct story *story, size_t count, char **words);
/* Close the memory as the end of a process does; the next evaluation opens it anew. */
void story_restart(struct story *story);
void story_take_events(struct story *story);
const struct smtpsec_host *story_host(const struct story *story, const char *name);

#endif
