/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a policy is due, when it may go, when somebody is told; and evaluations that do not wait. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "by_hand.h"
#include "decision/plan.h"
#include "engine/learn.h"
#include "engine/refresh.h"

#define NOW BY_HAND_NOW
#define DAY INT64_C(86400)
#define HOUR INT64_C(3600)

static const uint8_t seed[SS_REFRESH_SEED] = "a seed";
static const struct ss_bytes key = {(const uint8_t *)"\1d\4test", 8};

struct row {
    const char *name;
    const char *mode;
    int64_t max_age;
    int64_t age;     /* since the fetch */
    int64_t unused;  /* since the last use */
    int64_t tried;   /* since the last attempt; 0: that was the fetch */
    int64_t failing; /* since the first failure; 0: none */
    enum ss_refresh_action want;
    bool want_alarm;
};

static const struct row rows[] = {
    {"STSA-15 fresh", "enforce", 7 * DAY, 0, 0, 0, 0, SS_REFRESH_LEAVE, false},
    {"STSA-15 before three quarters of a day", "enforce", 7 * DAY, 18 * HOUR - 1, 0, 0, 0,
     SS_REFRESH_LEAVE, false},
    {"STSA-15 after a day", "enforce", 7 * DAY, DAY, 0, 0, 0, SS_REFRESH_FETCH, false},
    {"STSA-15 testing too", "testing", 7 * DAY, DAY, 0, 0, 0, SS_REFRESH_FETCH, false},
    {"STSA-15 mode none never", "none", 7 * DAY, 3 * DAY, 0, 0, 0, SS_REFRESH_LEAVE, false},
    {"STSA-15 mode none is not told", "none", 7 * DAY, 6 * DAY, 0, HOUR, 5 * DAY, SS_REFRESH_LEAVE,
     false},
    {"STSA-15 a year is refreshed daily all the same", "enforce", 365 * DAY, DAY, 0, 0, 0,
     SS_REFRESH_FETCH, false},
    {"STSA-15 a short life: within its half", "enforce", 8 * HOUR, 4 * HOUR, 0, 0, 0,
     SS_REFRESH_FETCH, false},
    {"STSA-15 a short life: not at once", "enforce", 8 * HOUR, 3 * HOUR - 1, 0, 0, 0,
     SS_REFRESH_LEAVE, false},
    {"used thirty days ago", "enforce", 365 * DAY, 2 * DAY, 30 * DAY, 0, 0, SS_REFRESH_FETCH, false},
    {"not used for longer", "enforce", 365 * DAY, 2 * DAY, 30 * DAY + 1, 0, 0, SS_REFRESH_LEAVE,
     false},
    {"failed a moment ago", "enforce", 7 * DAY, 2 * DAY, 0, 44 * 60, 44 * 60, SS_REFRESH_LEAVE, false},
    {"failed an hour ago", "enforce", 7 * DAY, 2 * DAY, 0, HOUR, HOUR, SS_REFRESH_FETCH, false},
    {"STSA-15 failing for two days is told", "enforce", 30 * DAY, 3 * DAY, 0, HOUR, 2 * DAY,
     SS_REFRESH_FETCH, true},
    {"STSA-15 failing for less is not", "enforce", 30 * DAY, 3 * DAY, 0, HOUR, 2 * DAY - 1,
     SS_REFRESH_FETCH, false},
    {"STSA-15 failing in the last quarter is told", "enforce", 4 * DAY, 3 * DAY + 1, 0, HOUR, HOUR,
     SS_REFRESH_FETCH, true},
    {"STSA-15 failing before it is not", "enforce", 4 * DAY, 3 * DAY, 0, HOUR, HOUR, SS_REFRESH_FETCH,
     false},
    {"expired: left for what rests on it", "enforce", DAY, DAY + 1, 0, 0, 0, SS_REFRESH_LEAVE, false},
    {"expired for 120 days", "enforce", DAY, 121 * DAY, 121 * DAY, 0, 0, SS_REFRESH_LEAVE, false},
    {"expired for longer", "enforce", DAY, 121 * DAY + 1, 121 * DAY, 0, 0, SS_REFRESH_REMOVE, false},
    {"expired, and tried since then", "enforce", DAY, 200 * DAY, 121 * DAY, 2 * DAY, 0,
     SS_REFRESH_LEAVE, false},
    {"no policy at all, tried a week ago", NULL, 0, 0, 7 * DAY, 7 * DAY, 7 * DAY, SS_REFRESH_LEAVE,
     false},
    {"no policy at all, tried longer ago", NULL, 0, 0, 8 * DAY, 7 * DAY + 1, 7 * DAY + 1,
     SS_REFRESH_REMOVE, false},
    {"live and unused for years: a promise stays", "enforce", 365 * DAY, 364 * DAY, 300 * DAY, 0, 0,
     SS_REFRESH_LEAVE, false},
    {"a clock set back: due as from now", "enforce", 7 * DAY, -30 * DAY, 0, 0, 0, SS_REFRESH_LEAVE,
     false},
};

static void
fill(struct ss_sts_entry *entry, const struct row *row, char *body, size_t room)
{
    ss_sts_entry_init(entry);
    entry->used = NOW - row->unused;
    entry->attempted = row->tried != 0 ? NOW - row->tried : NOW - row->age;
    entry->failing_since = row->failing != 0 ? NOW - row->failing : 0;
    if (row->mode == NULL)
        return;
    snprintf(body, room, "version: STSv1\nmode: %s\nmx: mx.d.test\nmax_age: %d\n", row->mode,
             (int)row->max_age);
    strcpy(entry->id, "1");
    entry->fetched = NOW - row->age;
    entry->max_age = row->max_age;
    entry->body = (uint8_t *)body;
    entry->len = strlen(body);
}

static void
judge(void **state)
{
    const struct row *row = *state;
    struct ss_sts_entry entry;
    struct ss_refresh found;
    char body[200];

    fill(&entry, row, body, sizeof(body));
    assert_int_equal(ss_refresh_judge(&entry, key, seed, NOW, &found), 0);
    assert_int_equal(found.action, row->want);
    assert_int_equal(found.alarm, row->want_alarm);
    assert_int_equal(found.failing_since, entry.failing_since);
}

/* The time lies anywhere in the last quarter of a day, and only the seed tells where. */
static void
unforeseeable(void **state)
{
    const struct row row = {"", "enforce", 30 * DAY, 0, 0, 0, 0, SS_REFRESH_LEAVE, false};
    int64_t first = INT64_MAX, last = 0, before = 0;
    uint8_t other[SS_REFRESH_SEED] = {0};
    struct ss_sts_entry entry;
    struct ss_refresh found;
    size_t same = 0;
    char body[200];
    int i;

    (void)state;
    fill(&entry, &row, body, sizeof(body));
    for (i = 0; i < 200; i++) {
        other[0] = (uint8_t)i;
        assert_int_equal(ss_refresh_judge(&entry, key, other, NOW, &found), 0);
        assert_in_range(found.due, NOW + 18 * HOUR, NOW + 24 * HOUR);
        same += found.due == before;
        before = found.due;
        first = found.due < first ? found.due : first;
        last = found.due > last ? found.due : last;
    }
    assert_true(first < NOW + 19 * HOUR);
    assert_true(last > NOW + 23 * HOUR);
    assert_true(same < 10);
    assert_int_equal(ss_refresh_judge(&entry, key, seed, NOW, &found), 0);
    before = found.due;
    assert_int_equal(ss_refresh_judge(&entry, key, seed, NOW + HOUR, &found), 0);
    assert_int_equal(found.due, before);
}

/* ---- With a store ---- */

static const char *const facts[] = {"dns MX d.test insecure 10:mx.d.test",
                                    "dns A mx.d.test insecure 192.0.2.1",
                                    "dns TXT _mta-sts.d.test insecure v=STSv1;id=1;",
                                    "dns A mta-sts.d.test insecure 192.0.2.9", NULL};
#define POLICY BY_HAND_POLICY("enforce", "mx: mx.d.test\r\n")

static struct world world;
static struct ss_settings settings;

static struct ss_lookup *
begin(struct ss_store *store, bool refresh)
{
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;
    struct ss_sts_entry entry;
    struct ss_record record;
    int fault;

    by_hand_destination(&destination, "d.test");
    assert_int_equal(ss_recall(store, &destination, &record, &entry, &fault), 0);
    assert_int_equal(ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, &record, &entry,
                                   &lookup),
                     0);
    lookup->evidence.refresh = refresh;
    return lookup;
}

static int32_t
evaluate(struct ss_store *store, bool *deferred, bool *asked)
{
    struct ss_lookup *lookup = begin(store, false);
    struct smtpsec_plan *plan;
    int32_t mode;

    assert_int_equal(by_hand_run(lookup, &world, POLICY, NOW, false, NULL), 0);
    assert_int_equal(ss_lookup_decide(lookup, NOW, &plan), 0);
    assert_int_equal(ss_learn_lookup(store, lookup, plan, NOW), 0);
    mode = plan->sts_mode;
    *deferred = lookup->deferred;
    *asked = lookup->evidence.https.known;
    ss_plan_free(plan);
    ss_lookup_free(lookup);
    return mode;
}

static void
asynchronous(void **state)
{
    struct ss_lookup *lookup;
    struct ss_store *store;
    enum ss_refreshed what;
    bool deferred, asked;

    (void)state;
    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    assert_int_equal(ss_store_ram_open(&store), 0);
    settings.sts_async = true;
    /* The first mail does not wait, and may go unprotected. */
    assert_int_equal(evaluate(store, &deferred, &asked), SMTPSEC_STS_ABSENT);
    assert_true(deferred);
    assert_false(asked);
    /* Nothing was tried, so nothing holds the fetch back that goes on meanwhile. */
    lookup = begin(store, true);
    assert_int_equal(by_hand_run(lookup, &world, POLICY, NOW, false, NULL), 0);
    assert_true(lookup->evidence.https.known);
    assert_int_equal(ss_learn_refresh(store, lookup, NOW, &what), 0);
    assert_int_equal(what, SS_REFRESHED_YES);
    ss_lookup_free(lookup);
    assert_int_equal(evaluate(store, &deferred, &asked), SMTPSEC_STS_ENFORCE);
    assert_false(deferred);
    assert_false(asked);
    ss_store_close(store);
    world_free(&world);
}

static void
waiting(void **state)
{
    struct ss_store *store;
    bool deferred, asked;

    (void)state;
    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    assert_int_equal(ss_store_ram_open(&store), 0);
    assert_int_equal(evaluate(store, &deferred, &asked), SMTPSEC_STS_ENFORCE);
    assert_false(deferred);
    assert_true(asked);
    ss_store_close(store);
    world_free(&world);
}

/* Another fetched while this lookup waited for its turn. */
static void
another_fetched(void **state)
{
    struct ss_lookup *late;
    struct ss_sts_entry entry;
    struct smtpsec_plan *plan;
    struct ss_need *need = NULL;
    struct ss_store *store;
    struct ss_name domain;
    bool deferred, asked;
    size_t open = 1;
    int fault;

    (void)state;
    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    assert_int_equal(ss_store_ram_open(&store), 0);
    late = begin(store, false);
    while (need == NULL) {
        assert_int_equal(ss_lookup_step(late, NOW, &open), 0);
        assert_true(open > 0);
        need = ss_lookup_open_need(late, 0);
        if (need->kind != SMTPSEC_NEED_HTTPS) {
            assert_int_equal(by_hand_answer(late, need, &world, NULL, NOW), 0);
            need = NULL;
        }
    }
    assert_int_equal(evaluate(store, &deferred, &asked), SMTPSEC_STS_ENFORCE);
    assert_true(asked);
    assert_true(ss_name_from_text(&domain, "d.test", 6));
    assert_int_equal(ss_recall_policy(store, &domain, &entry, &fault), 0);
    assert_int_equal(ss_lookup_entry_again(late, need, &entry, NOW), 0);
    assert_false(need->open);
    assert_int_equal(ss_lookup_step(late, NOW, &open), 0);
    assert_int_equal(open, 0);
    assert_int_equal(ss_lookup_decide(late, NOW, &plan), 0);
    assert_int_equal(plan->sts_mode, SMTPSEC_STS_ENFORCE);
    assert_int_equal(plan->sts_source, SMTPSEC_STS_SOURCE_CACHED);
    ss_plan_free(plan);
    ss_lookup_free(late);
    ss_store_close(store);
    world_free(&world);
}

/* Who gives up waiting has asked all the same; who never had a turn has not. */
static void
gave_up(void **state)
{
    const bool begun[] = {false, true};
    struct ss_lookup *lookup;
    struct ss_sts_entry entry;
    struct smtpsec_plan *plan;
    struct ss_store *store;
    struct ss_name domain;
    struct ss_need *need;
    size_t open, i;
    int fault;

    (void)state;
    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    assert_true(ss_name_from_text(&domain, "d.test", 6));
    for (i = 0; i < 2; i++) {
        assert_int_equal(ss_store_ram_open(&store), 0);
        lookup = begin(store, false);
        assert_int_equal(ss_lookup_step(lookup, NOW, &open), 0);
        while ((need = ss_lookup_open_need(lookup, 0))->kind != SMTPSEC_NEED_HTTPS) {
            assert_int_equal(by_hand_answer(lookup, need, &world, NULL, NOW), 0);
            assert_int_equal(ss_lookup_step(lookup, NOW, &open), 0);
        }
        lookup->evidence.https.begun = begun[i];
        assert_int_equal(ss_lookup_decide(lookup, NOW, &plan), 0);
        assert_int_equal(ss_learn_lookup(store, lookup, plan, NOW), 0);
        assert_int_equal(ss_recall_policy(store, &domain, &entry, &fault), 0);
        assert_int_equal(entry.attempted, begun[i] ? NOW : 0);
        assert_string_equal(entry.failed_id, begun[i] ? "1" : "");
        ss_plan_free(plan);
        ss_lookup_free(lookup);
        ss_sts_entry_free(&entry);
        ss_store_close(store);
    }
    world_free(&world);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("refresh");

    SS_TABLE_ROWS(&t, judge, rows);
    ss_table_case(&t, "STSA-15 when it is due cannot be foreseen", unforeseeable);
    ss_table_case(&t, "STSF-16 asynchronous: decide by what is known, fetch meanwhile", asynchronous);
    ss_table_case(&t, "STSF-16 by itself an evaluation waits", waiting);
    ss_table_case(&t, "STSF-13 another fetched while we waited: no fetch", another_fetched);
    ss_table_case(&t, "STSF-13 who gives up waiting has asked", gave_up);
    return ss_table_run(&t);
}
