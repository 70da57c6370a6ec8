/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Random plans: no reply is weaker than its plan at any host, in any release of
 * Postfix; and mail is not held where a lesser reply would serve.
 */
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "plans.h"
#include "serve/answer.h"
#include "serve/question.h"
#include "worlds.h"

#define PLANS 6000
#define WORLDS 3000

struct counts {
    size_t notfound, encrypt, secure, dane_only, temp;
};

static void
count_reply(struct counts *counts, const char *reply)
{
    counts->notfound += strncmp(reply, "NOTFOUND", 8) == 0;
    counts->encrypt += strncmp(reply, "OK encrypt", 10) == 0;
    counts->secure += strncmp(reply, "OK secure", 9) == 0;
    counts->dane_only += strncmp(reply, "OK dane-only", 12) == 0;
    counts->temp += strncmp(reply, "TEMP", 4) == 0;
}

/* Show the case before it fails. */
static void
must(bool holds, const char *what, const char *plan, const char *reply, const char *other)
{
    if (!holds)
        fail_msg("%s\n  plan  %s\n  reply %s\n  other %s", what, plan, reply, other);
}

static bool
serves(const struct smtpsec_plan *plan, const char *reply)
{
    return !judge_reply(plan, reply, POSTFIX_3_7).weaker;
}

static uint32_t
used_and_sayable(const struct smtpsec_plan *plan, bool *all)
{
    uint32_t names = 0;
    size_t i;

    *all = true;
    for (i = 0; i < plan->count; i++)
        if (plan->hosts[i].requirement != NULL && judge_sayable(plan->hosts[i].text))
            names |= 1u << i;
        else if (plan->hosts[i].requirement != NULL)
            *all = false;
    return names;
}

static size_t
used(const struct smtpsec_plan *plan)
{
    size_t i, count = 0;

    for (i = 0; i < plan->count; i++)
        count += plan->hosts[i].requirement != NULL;
    return count;
}

/* No reply before this one in the page's order would have served. */
static void
is_least(const struct smtpsec_plan *plan, const char *words, const char *reply)
{
    char other[2048];
    bool all;
    uint32_t names = used_and_sayable(plan, &all), some;

    judge_candidate(plan, JUDGE_NOTFOUND, 0, other, sizeof(other));
    if (strncmp(reply, "NOTFOUND", 8) == 0)
        return;
    must(!serves(plan, other) || judge_reached(plan, other, POSTFIX_3_7) == 0, "not least", words,
         reply, other);
    if (strncmp(reply, "OK encrypt", 10) == 0)
        return;
    judge_candidate(plan, JUDGE_ENCRYPT, 0, other, sizeof(other));
    must(!serves(plan, other) || judge_reached(plan, other, POSTFIX_3_7) == 0, "not least", words,
         reply, other);
    judge_candidate(plan, JUDGE_SECURE, names, other, sizeof(other));
    if (all && names != 0 && strncmp(reply, "OK secure", 9) != 0)
        must(!serves(plan, other), "not least", words, reply, other);
    if (strncmp(reply, "OK dane-only", 12) == 0 ||
        (all && strncmp(reply, "OK secure", 9) == 0 &&
         judge_reached(plan, reply, POSTFIX_3_7) == used(plan)))
        return;
    judge_candidate(plan, JUDGE_DANE_ONLY, 0, other, sizeof(other));
    must(!serves(plan, other) || judge_reached(plan, other, POSTFIX_3_7) == 0, "not least", words,
         reply, other);
    if (strncmp(reply, "TEMP", 4) != 0)
        return;
    for (some = names; some != 0; some = (some - 1) & names) {
        judge_candidate(plan, JUDGE_SECURE, some, other, sizeof(other));
        must(!serves(plan, other) || judge_reached(plan, other, POSTFIX_3_7) == 0, "not least",
             words, reply, other);
    }
}

static void
judge(const struct smtpsec_plan *plan, const char *words, struct counts *counts)
{
    char *plain = NULL, *told = NULL;
    size_t reached;

    assert_int_equal(serve_answer(plan, SERVE_PLAIN, &plain), 0);
    assert_int_equal(serve_answer(plan, SERVE_TLSRPT, &told), 0);
    must(serves(plan, plain), "weaker on 3.7", words, plain, "");
    must(!judge_reply(plan, told, POSTFIX_3_10_0).weaker, "weaker on 3.10.0", words, told, "");
    must(!judge_reply(plan, told, POSTFIX_3_10_5).weaker, "weaker on 3.10.5", words, told, "");
    reached = judge_reached(plan, plain, POSTFIX_3_7);
    must((reached > 0) == (strncmp(plain, "TEMP", 4) != 0), "nobody is reached", words, plain, "");
    must(judge_reached(plan, told, POSTFIX_3_10_0) == reached, "fewer on 3.10.0", words, told, "");
    must(judge_reached(plan, told, POSTFIX_3_10_5) == reached, "fewer on 3.10.5", words, told, "");
    if (plan->verdict == SMTPSEC_VERDICT_DELIVER)
        is_least(plan, words, plain);
    count_reply(counts, plain);
    free(plain);
    free(told);
}

/* ---- Plans of any kind ---- */

static const char *
one_of(uint64_t *seed, const char *const *list, size_t size)
{
    return list[facts_pick(seed, size)];
}

#define ONE_OF(seed, ...) \
    one_of((seed), (const char *const[]){__VA_ARGS__}, \
           sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static const char *
random_dane(uint64_t *seed)
{
    return ONE_OF(seed, "usable", "usable", "usable", "unusable", "disabled", "absent", "insecure",
                  "failed", "unasked");
}

static const char *
random_demand(uint64_t *seed)
{
    return ONE_OF(seed, "", "", " tls", " tls", " pkix", " pkix sts", " pkix sts", " dane", " dane",
                  " dane pkix", " tls tls13", " pkix tls13", " dane tls13", " pkix requiretls");
}

static const char *
random_skip(uint64_t *seed)
{
    return ONE_OF(seed, " !no-address", " !null-host", " !address-as-mx", " !mx-is-self",
                  " !addr-servfail", " !addr-timeout", " !mx-alias", " !cname-lookup",
                  " !tlsa-servfail", " !tlsa-bogus", " !sts-mx-mismatch", " !downgrade",
                  " !dane-required", " !mx-insecure", " !dnssec-lost");
}

static void
random_hosts(uint64_t *seed, char *out)
{
    static const char *const names[] = {"a", "b", "c"};
    size_t i, count = 1 + facts_pick(seed, 3), at = 0;
    bool alike = facts_pick(seed, 3) == 0;
    const char *dane = random_dane(seed), *demand = random_demand(seed);

    for (i = 0; i < count; i++) {
        const char *name = names[i];

        if (!alike) {
            dane = random_dane(seed);
            demand = random_demand(seed);
        }
        at += (size_t)sprintf(out + at, i > 0 ? ";" : "");
        if (facts_pick(seed, 16) == 0)
            at += (size_t)sprintf(out + at, "%s", ONE_OF(seed, "hostname", "nexthop", "a{b.e.test",
                                                         "dot-nexthop", "a,b.d.test"));
        else
            at += (size_t)sprintf(out + at, "%s%s", name, ONE_OF(seed, ".d.test", ".e.test"));
        if (strstr(demand, "dane") != NULL)
            dane = "usable"; /* no plan asks for DANE without records */
        at += (size_t)sprintf(out + at, " %s", dane);
        if (facts_pick(seed, 3) == 0)
            at += (size_t)sprintf(out + at, "%s%s", random_skip(seed),
                                  ONE_OF(seed, "", "", " +tls", " +dane", " +pkix"));
        else
            at += (size_t)sprintf(out + at, "%s", demand);
    }
}

static void
random_plan(void **state)
{
    struct counts counts;
    uint64_t seed = 7;
    size_t i;

    (void)state;
    memset(&counts, 0, sizeof(counts));
    for (i = 0; i < PLANS; i++) {
        const char *mx = ONE_OF(&seed, "signed", "signed", "unsigned", "none", "relay");
        const char *sts = ONE_OF(&seed, "", "enforce *.d.test", "enforce a.d.test b.d.test",
                                 "enforce *.d.test *.e.test", "testing *.d.test", "testing x.test",
                                 "none", "!sts-policy-fetch-error", "!sts-webpki-invalid",
                                 "!sts-policy-invalid enforce *.d.test");
        struct smtpsec_plan *plan;
        char hosts[512], words[600];

        random_hosts(&seed, hosts);
        snprintf(words, sizeof(words), "%s; %s; %s", mx, hosts, sts);
        plan = plans_make(mx, hosts, sts);
        judge(plan, words, &counts);
        smtpsec_plan_free(plan);
    }
    /* Every kind of reply has been tried often. */
    assert_true(counts.notfound > PLANS / 100 && counts.encrypt > PLANS / 100);
    assert_true(counts.secure > PLANS / 20 && counts.dane_only > PLANS / 50);
    assert_true(counts.temp > PLANS / 20);
}

/* ---- Plans as the library makes them ---- */

static void
world_is_served(void **state)
{
    struct counts counts;
    uint64_t seed = 11;
    size_t i;

    (void)state;
    memset(&counts, 0, sizeof(counts));
    for (i = 0; i < WORLDS; i++) {
        struct world world;
        struct smtpsec_plan *plan;
        char *words;

        world_make(&world, &seed);
        plan = world_plan(&world, 0);
        words = facts_plan_text(plan);
        judge(plan, words, &counts);
        free(words);
        smtpsec_plan_free(plan);
    }
    assert_true(counts.notfound > 0 && counts.encrypt > 0 && counts.secure > 0);
    assert_true(counts.dane_only > 0 && counts.temp > 0);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("never_weaker");

    ss_table_case(&t, "random plans", random_plan);
    ss_table_case(&t, "random worlds", world_is_served);
    return ss_table_run(&t);
}
