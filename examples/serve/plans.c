/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "plans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct serve_plan {
    struct smtpsec_plan *plan;
    size_t holds;
};

struct serve_kept {
    struct serve_node node; /* first: the table gives it back */
    struct serve_kept *newer;
    struct serve_kept *older;
    struct serve_plan *plan;
    int64_t until;
    int64_t until_up_s;
    size_t weight;
    char key[SERVE_KEY];
};

struct serve_plan *
serve_plan_new(struct smtpsec_plan *plan)
{
    struct serve_plan *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        smtpsec_plan_free(plan);
        return NULL;
    }
    made->plan = plan;
    made->holds = 1;
    return made;
}

struct serve_plan *
serve_plan_hold(struct serve_plan *plan)
{
    plan->holds++;
    return plan;
}

void
serve_plan_release(struct serve_plan *plan)
{
    if (plan == NULL || --plan->holds > 0)
        return;
    smtpsec_plan_free(plan->plan);
    free(plan);
}

const struct smtpsec_plan *
serve_plan_get(const struct serve_plan *plan)
{
    return plan->plan;
}

/* Did anything fail that may soon do better? */
static int
failed(const struct smtpsec_plan *plan)
{
    size_t i;

    /* Without DNSSEC a plan knows of no DANE: it must not outlive that by minutes. */
    if (smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DEFER ||
        smtpsec_plan_sts_error(plan) != SMTPSEC_RESULT_NONE ||
        smtpsec_plan_dnssec(plan) == SMTPSEC_DNSSEC_LOST)
        return 1;
    for (i = 0; i < smtpsec_plan_host_count(plan); i++) {
        const struct smtpsec_host *host = smtpsec_plan_host(plan, i);

        if (smtpsec_host_action(host) != SMTPSEC_ACTION_USE)
            return 1;
    }
    return 0;
}

size_t
serve_plan_weight(const struct smtpsec_plan *plan)
{
    return 1 + smtpsec_plan_host_count(plan) / 8 + smtpsec_plan_sts_mx_count(plan) / 32 +
           smtpsec_plan_explain_count(plan) / 128;
}

int64_t
serve_plan_life(const struct smtpsec_plan *plan, int hurried, int64_t now)
{
    int failure = failed(plan);
    int64_t until = now + (failure ? SERVE_PLAN_LIFE_FAILED : SERVE_PLAN_LIFE);
    int64_t expires = smtpsec_plan_expires(plan);

    if (failure && hurried)
        return now;
    return expires < until ? expires : until;
}

int
serve_plans_init(struct serve_plans *plans, size_t most, uint64_t seed)
{
    memset(plans, 0, sizeof(*plans));
    plans->most = most;
    return serve_table_init(&plans->table, most, seed);
}

static void
unlink_kept(struct serve_plans *plans, struct serve_kept *kept)
{
    if (kept->newer != NULL)
        kept->newer->older = kept->older;
    else
        plans->newest = kept->older;
    if (kept->older != NULL)
        kept->older->newer = kept->newer;
    else
        plans->oldest = kept->newer;
}

static void
link_newest(struct serve_plans *plans, struct serve_kept *kept)
{
    kept->newer = NULL;
    kept->older = plans->newest;
    if (plans->newest != NULL)
        plans->newest->newer = kept;
    else
        plans->oldest = kept;
    plans->newest = kept;
}

static void
drop(struct serve_plans *plans, struct serve_kept *kept)
{
    unlink_kept(plans, kept);
    serve_table_remove(&plans->table, &kept->node);
    serve_plan_release(kept->plan);
    plans->count--;
    plans->weight -= kept->weight;
    free(kept);
}

void
serve_plans_clear(struct serve_plans *plans)
{
    while (plans->oldest != NULL)
        drop(plans, plans->oldest);
}

void
serve_plans_free(struct serve_plans *plans)
{
    serve_plans_clear(plans);
    serve_table_free(&plans->table);
}

static struct serve_kept *
find(struct serve_plans *plans, const char *key)
{
    return (struct serve_kept *)(void *)serve_table_find(&plans->table, key);
}

struct serve_plan *
serve_plans_find(struct serve_plans *plans, const char *key, int64_t now, int64_t up_s)
{
    struct serve_kept *kept = find(plans, key);

    if (kept == NULL)
        return NULL;
    if (now >= kept->until || up_s >= kept->until_up_s) {
        drop(plans, kept);
        return NULL;
    }
    unlink_kept(plans, kept);
    link_newest(plans, kept);
    return serve_plan_hold(kept->plan);
}

void
serve_plans_keep(struct serve_plans *plans, const char *key, struct serve_plan *plan,
                 int64_t until, int64_t now, int64_t up_s)
{
    struct serve_kept *kept = find(plans, key);
    size_t weight = serve_plan_weight(plan->plan);

    if (kept != NULL)
        drop(plans, kept);
    if (weight > plans->most || until <= now || strlen(key) >= SERVE_KEY)
        return;
    kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return;
    snprintf(kept->key, sizeof(kept->key), "%s", key);
    kept->node.key = kept->key;
    kept->plan = serve_plan_hold(plan);
    kept->until = until;
    kept->until_up_s = up_s + (until - now);
    kept->weight = weight;
    while (plans->weight + weight > plans->most)
        drop(plans, plans->oldest);
    serve_table_add(&plans->table, &kept->node);
    link_newest(plans, kept);
    plans->count++;
    plans->weight += weight;
}
