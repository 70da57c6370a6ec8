/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "by_hand.h"

#include <stdlib.h>
#include <string.h>

void (*by_hand_pause)(void);
void (*by_hand_resume)(void);

static void
call(void (*what)(void))
{
    if (what != NULL)
        what();
}

void
by_hand_world(struct world *world, const char *const *lines)
{
    char copy[512];
    char *words[WORLD_WORDS];
    char *rest, *word;
    size_t count;

    for (; *lines != NULL; lines++) {
        if (strlen(*lines) >= sizeof(copy))
            abort();
        strcpy(copy, *lines);
        rest = NULL;
        count = 0;
        for (word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
            words[count++] = word;
        if (world_add(world, count, words) != NULL)
            abort();
    }
}

void
by_hand_destination(struct smtpsec_destination *destination, const char *domain)
{
    memset(destination, 0, sizeof(*destination));
    destination->port = 25;
    if (!ss_name_from_text(&destination->domain, domain, strlen(domain)))
        abort();
}

int
by_hand_answer(struct ss_lookup *lookup, struct ss_need *need, const struct world *world,
               const char *https, int64_t now)
{
    struct world_reply reply;
    struct ss_bytes bytes;
    int r;

    if (need->kind == SMTPSEC_NEED_HTTPS) {
        bytes.data = (const uint8_t *)https;
        bytes.len = https != NULL ? strlen(https) : 0;
        return https == NULL
                   ? ss_lookup_answer_failure(lookup, need, SMTPSEC_FAILURE_TIMEOUT, now)
                   : ss_lookup_answer_https(lookup, need, 200, "text/plain", bytes, now);
    }
    call(by_hand_pause);
    world_ask(world, need->name, need->question.type, &reply);
    call(by_hand_resume);
    bytes.data = reply.message;
    bytes.len = reply.len;
    if (reply.failure != SMTPSEC_FAILURE_NONE)
        r = ss_lookup_answer_failure(lookup, need, reply.failure, now);
    else
        r = ss_lookup_answer_dns(lookup, need, bytes, true, now);
    free(reply.message);
    return r;
}

int
by_hand_run(struct ss_lookup *lookup, const struct world *world, const char *https, int64_t now,
            bool backwards, size_t *rounds)
{
    size_t open, round = 0;
    int r;

    for (;; round++) {
        r = ss_lookup_step(lookup, now, &open);
        if (r != 0 || open == 0)
            break;
        if (round > 16)
            abort();
        for (; r == 0 && open > 0; open--)
            r = by_hand_answer(lookup, ss_lookup_open_need(lookup, backwards ? open - 1 : 0), world,
                               https, now);
        if (r != 0)
            break;
    }
    if (rounds != NULL)
        *rounds = round;
    return r;
}
