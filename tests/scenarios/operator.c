/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "operator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/date.h"

/* A time such as 3d; -2 for what is none. */
static int64_t
span(const char *text)
{
    int64_t seconds;

    return ss_span_read(ss_text_of(text), &seconds) ? seconds : -2;
}

static int
set_hold(struct story *story, const char *value)
{
    if (strcmp(value, "report") == 0)
        return smtpsec_options_set_hold(story->options, SMTPSEC_HOLD_REPORT);
    if (strcmp(value, "earned") == 0)
        return smtpsec_options_set_hold(story->options, SMTPSEC_HOLD_EARNED);
    return smtpsec_options_set_hold(story->options, span(value));
}

/* DOMAIN,KIND,TIME: from now on for that time; KIND may be all. */
static int
add_exception(struct story *story, const char *value)
{
    char domain[300], word[20], time[20];
    int32_t kind = 0;

    if (sscanf(value, "%299[^,],%19[^,],%19s", domain, word, time) != 3 || span(time) < 0)
        return SMTPSEC_E_INVALID;
    if (strcmp(word, "all") != 0)
        for (kind = SMTPSEC_CLAIM_DANE; strcmp(smtpsec_claim_name(kind), word) != 0; kind++)
            if (kind == SMTPSEC_CLAIM_DNSSEC)
                return SMTPSEC_E_INVALID;
    return smtpsec_options_add_exception(story->options, domain, kind, story->now + span(time),
                                         "the story says so");
}

static int
load_policy(struct story *story, const char *text)
{
    char path[] = "/tmp/smtpsec-policy-XXXXXX";
    int fd = mkstemp(path);
    int r = SMTPSEC_E_SYSTEM;

    if (fd < 0)
        return r;
    if (write(fd, text, strlen(text)) == (ssize_t)strlen(text))
        r = smtpsec_options_load_policy(story->options, path);
    close(fd);
    unlink(path);
    return r;
}

bool
story_operator_option(struct story *story, const char *word, int *r)
{
    if (strncmp(word, "hold=", 5) == 0)
        *r = set_hold(story, word + 5);
    else if (strncmp(word, "cap=", 4) == 0)
        *r = smtpsec_options_set_cap(story->options, span(word + 4));
    else if (strncmp(word, "except=", 7) == 0)
        *r = add_exception(story, word + 7);
    else if (strncmp(word, "policy=", 7) == 0)
        *r = load_policy(story, word + 7);
    else
        return false;
    return true;
}
