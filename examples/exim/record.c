/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "record.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "helper.h"
#include "note.h"

#define RECORD_TIMEOUT_MS 20000

struct errand {
    const struct exim_settings *settings;
    const struct exim_handover *whose;
};

static int
is_kept(const struct exim_settings *settings)
{
    return settings->spool[0] != '\0' && settings->memory[0] != '\0';
}

void
exim_record_keep(const struct exim_connection *c, const struct exim_handover *whose,
                 const struct exim_judgement *judgement)
{
    uint8_t *data = NULL;
    size_t len = 0;
    int rc;

    if (!is_kept(&c->settings) || judgement->requirement == NULL || whose->message[0] == '\0')
        return; /* no message: a callout */
    exim_handover_sweep(c->settings.spool, (int64_t)time(NULL));
    rc = exim_connection_outcome(c, judgement, &data, &len);
    if (rc != 0 || exim_handover_put(c->settings.spool, whose, data, len) != 0)
        exim_note("%s: the outcome cannot be kept for the memory: %s", whose->domain,
                  rc != 0 ? smtpsec_strerror(rc) : c->settings.spool);
    smtpsec_bytes_free(data);
}

static int
record(const struct exim_settings *settings, const uint8_t *data, size_t len)
{
    struct exim_world world;
    struct smtpsec_outcome *outcome = NULL;
    char wrong[EXIM_LINE] = "";
    int rc = exim_world_open(&world, settings, EXIM_WORLD_RECORD, wrong, sizeof(wrong));

    if (rc != 0) {
        exim_note("nothing is recorded: %s", wrong);
        return rc;
    }
    rc = smtpsec_outcome_read(world.context, data, len, &outcome);
    if (rc == 0)
        rc = smtpsec_outcome_set_accepted(outcome, 1);
    if (rc == 0)
        rc = smtpsec_record(world.context, outcome, smtpsec_context_now(world.context));
    if (rc != 0)
        exim_note("nothing is recorded: %s", smtpsec_strerror(rc));
    exim_world_tell(&world);
    smtpsec_outcome_free(outcome);
    exim_world_close(&world);
    return rc;
}

static int
run(void *user, char *out, size_t room)
{
    const struct errand *errand = user;
    uint8_t *data = NULL;
    size_t len = 0;
    int rc;

    snprintf(out, room, "done");
    if (exim_handover_take(errand->settings->spool, errand->whose, &data, &len) != 0)
        return -1;
    rc = record(errand->settings, data, len);
    free(data);
    return rc;
}

void
exim_record_delivered(const struct exim_settings *settings, const struct exim_handover *whose)
{
    struct errand errand = {settings, whose};
    char answer[EXIM_ANSWER];

    /* One of several recipients is enough; the first has taken the file. */
    if (!is_kept(settings) || !exim_handover_waits(settings->spool, whose))
        return;
    if (exim_helper(settings->user, RECORD_TIMEOUT_MS, run, &errand, answer, sizeof(answer)) != 0)
        exim_note("%s: the outcome was not recorded", whose->domain);
}

static int
forget(void *user, char *out, size_t room)
{
    const struct errand *errand = user;

    snprintf(out, room, "done");
    exim_handover_drop(errand->settings->spool, errand->whose);
    return 0;
}

void
exim_record_forget(const struct exim_settings *settings, const struct exim_handover *whose)
{
    struct errand errand = {settings, whose};
    char answer[EXIM_ANSWER];

    if (is_kept(settings) && exim_handover_waits(settings->spool, whose))
        (void)exim_helper(settings->user, RECORD_TIMEOUT_MS, forget, &errand, answer,
                          sizeof(answer));
}
