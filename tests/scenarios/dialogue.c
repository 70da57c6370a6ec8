/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dialogue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t
stage_by_name(const char *name)
{
    int32_t i;

    for (i = SMTPSEC_STAGE_GREETING; i <= SMTPSEC_STAGE_END; i++)
        if (strcmp(smtpsec_stage_name(i), name) == 0)
            return i;
    return 0;
}

static int32_t
reason_by_name(const char *name)
{
    int32_t i;

    for (i = SMTPSEC_REASON_NONE; i <= SMTPSEC_REASON_TLSA_DISABLED; i++)
        if (strcmp(smtpsec_reason_name(i), name) == 0)
            return i;
    return -1;
}

/* reply HOST STAGE CODE: before there is a verdict; HOST "-": on the last connection. */
static void
reply_fact(const struct story *story, char **words, char *found, size_t room)
{
    bool last = strcmp(words[1], "-") == 0;
    const struct smtpsec_requirement *requirement =
        last ? story->requirement : smtpsec_host_requirement(story_host(story, words[1]));
    int32_t reason;
    int32_t reply = smtpsec_classify_reply(requirement, last ? story->verdict : NULL,
                                           stage_by_name(words[2]), atoi(words[3]), &reason);

    snprintf(found, room, "%s", requirement == NULL ? "no such host" : smtpsec_reply_name(reply));
    if (requirement != NULL && reply == SMTPSEC_REPLY_NEXT_HOST)
        snprintf(found, room, "%s %s", smtpsec_reply_name(reply), smtpsec_reason_name(reason));
}

static bool
add_tried(const struct story *story, struct smtpsec_tally *tally, char *pair)
{
    char *reason = strchr(pair, '=');
    size_t i;

    if (reason == NULL)
        return false;
    *reason++ = '\0';
    for (i = 0; i < smtpsec_plan_host_count(story->plan); i++)
        if (strcmp(smtpsec_host_name(smtpsec_plan_host(story->plan, i)), pair) == 0)
            return smtpsec_tally_add(tally, i, reason_by_name(reason)) == 0;
    return false;
}

/* tally HOST=REASON... */
static void
tally_fact(const struct story *story, size_t count, char **words, char *found, size_t room)
{
    struct smtpsec_tally *tally;
    bool good = true;
    size_t i;

    if (smtpsec_tally_new(story->plan, &tally) != 0)
        return;
    for (i = 1; i + 1 < count; i++)
        good = add_tried(story, tally, words[i]) && good;
    if (good)
        snprintf(found, room, "%s %s %s", smtpsec_verdict_name(smtpsec_tally_verdict(tally)),
                 smtpsec_tally_enhanced(tally), smtpsec_reason_name(smtpsec_tally_reason(tally)));
    else
        snprintf(found, room, "no such host, or it is skipped");
    smtpsec_tally_free(tally);
}

/* serves HOST: may the last connection serve this host of the present plan? */
static void
serves_fact(const struct story *story, const char *name, char *found, size_t room)
{
    const struct smtpsec_requirement *requirement =
        smtpsec_host_requirement(story_host(story, name));

    snprintf(found, room, "%s",
             requirement == NULL ? "no such host"
             : smtpsec_satisfies(story->anchors, requirement, story->session, story->now) == 1
                 ? "yes"
                 : "no");
}

bool
dialogue_fact(const struct story *story, size_t count, char **words, char *found, size_t room)
{
    if (strcmp(words[0], "reply") == 0 && count == 5)
        reply_fact(story, words, found, room);
    else if (strcmp(words[0], "tally") == 0 && count >= 2)
        tally_fact(story, count, words, found, room);
    else if (strcmp(words[0], "serves") == 0 && count == 3)
        serves_fact(story, words[1], found, room);
    else if (strcmp(words[0], "mail-parameter") == 0 && count == 3)
        snprintf(found, room, "%s",
                 smtpsec_requirement_mail_parameter(
                     smtpsec_host_requirement(story_host(story, words[1]))));
    else
        return false;
    return true;
}
