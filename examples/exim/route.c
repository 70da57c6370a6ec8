/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "host_name.h"
#include "note.h"
#include "world.h"

/* Is it to be tried, and no name before it the same? */
static int
is_wanted(const struct smtpsec_host *host, int report)
{
    return (report || smtpsec_host_action(host) == SMTPSEC_ACTION_USE) &&
           exim_is_host_name(smtpsec_host_name(host));
}

size_t
exim_hosts(const struct smtpsec_plan *plan, int report, char *out, size_t room)
{
    size_t count = smtpsec_plan_host_count(plan);
    size_t *order = calloc(count + 1, sizeof(*order));
    uint64_t seed = 0;
    size_t len = 0;
    size_t found = 0;
    size_t i;

    out[0] = '\0';
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0)
        seed = 0;
    if (order == NULL || smtpsec_plan_shuffle(plan, seed, order, count) != 0)
        count = 0;
    for (i = 0; i < count; i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, order[i]);
        size_t left = room - len;
        int more;

        if (!is_wanted(host, report))
            continue;
        more = snprintf(out + len, left, "%s%s", found > 0 ? " : " : "", smtpsec_host_name(host));
        if (more < 0 || (size_t)more >= left) {
            out[len] = '\0'; /* the first of them are enough */
            break;
        }
        len += (size_t)more;
        found++;
    }
    free(order);
    return found;
}

static void
tell_skipped(const struct smtpsec_plan *plan)
{
    size_t i;

    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, i);
        int32_t reason = smtpsec_host_reason(host);

        if (smtpsec_host_action(host) != SMTPSEC_ACTION_USE)
            exim_note("%s: host %s is not used: %s: %s", smtpsec_plan_domain(plan),
                      smtpsec_host_name(host), smtpsec_reason_name(reason),
                      smtpsec_reason_text(reason));
    }
}

/*
 * The log tells all; the text of the router may reach the sender, and says
 * nothing of our settings or memory.
 */
static void
refuse(const struct smtpsec_plan *plan, char *out, size_t room)
{
    const char *said = smtpsec_plan_dsn_text(plan);

    exim_note("%s: %s %s: %s", smtpsec_plan_domain(plan),
              smtpsec_verdict_name(smtpsec_plan_verdict(plan)),
              smtpsec_reason_name(smtpsec_plan_reason(plan)), smtpsec_plan_text(plan));
    tell_skipped(plan);
    snprintf(out, room, ":%s: %s",
             smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_FAIL ? "fail" : "defer",
             said[0] != '\0' ? said : "the destination cannot be evaluated");
}

static void
answer(const struct smtpsec_plan *plan, int report, char *out, size_t room)
{
    char hosts[EXIM_NAME];

    out[0] = '\0';
    if (smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER)
        return;
    if (report && exim_hosts(plan, 1, hosts, sizeof(hosts)) > 0) {
        exim_note("%s: report mode: would %s: %s: %s", smtpsec_plan_domain(plan),
                  smtpsec_verdict_name(smtpsec_plan_verdict(plan)),
                  smtpsec_reason_name(smtpsec_plan_reason(plan)), smtpsec_plan_text(plan));
        tell_skipped(plan);
        return;
    }
    refuse(plan, out, room);
}

int
exim_route(void *user, char *out, size_t room)
{
    const struct exim_question *question = user;
    struct exim_world world;
    struct smtpsec_plan *plan = NULL;
    char wrong[EXIM_LINE] = "";

    if (exim_world_open(&world, question->settings, EXIM_WORLD_EVALUATE, wrong, sizeof(wrong)) !=
        0) {
        exim_note("%s: %s", question->domain, wrong);
        return -1;
    }
    if (exim_world_evaluate(&world, question->settings, question->domain, question->sender,
                            question->headers, &plan, wrong, sizeof(wrong)) == 0)
        answer(plan, question->settings->report, out, room);
    else
        exim_note("%s: %s", question->domain, wrong);
    exim_world_close(&world);
    if (plan == NULL)
        return -1;
    exim_printable(out);
    smtpsec_plan_free(plan);
    return 0;
}
