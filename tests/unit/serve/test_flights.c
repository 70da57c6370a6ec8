/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One evaluation a key, bounds, shares, ends; and the cache of plans. Nothing is evaluated. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include <smtpsec.h>

#include "serve/flights.h"

#define SEED UINT64_C(42)

/* Who waits, and what came. Static in the tests: told at the latest when all ends. */
struct asker {
    struct serve_waiter waiter; /* first */
    int landed;
    int status;
    int has_plan;
};

/* Evaluates nothing, and notes what it is told. */
struct fake {
    int started;
    int stopped;
    int fails_with;
    int32_t deadline_ms;
    struct serve_flight *last;
};

static struct fake fake;
static struct serve_flights flights;
static struct serve_peers peers;

static void
landed(struct serve_waiter *waiter, int status, struct serve_plan *plan)
{
    struct asker *asker = (struct asker *)(void *)waiter;

    asker->landed++;
    asker->status = status;
    asker->has_plan = plan != NULL;
    serve_plan_release(plan);
}

static int
fake_start(void *user, struct serve_flight *flight, int32_t deadline_ms)
{
    struct fake *f = user;

    if (f->fails_with != 0)
        return f->fails_with;
    f->started++;
    f->deadline_ms = deadline_ms;
    f->last = flight;
    flight->evaluation = f;
    return 0;
}

static void
fake_stop(void *user, struct serve_flight *flight)
{
    struct fake *f = user;

    assert_ptr_equal(flight->evaluation, f);
    f->stopped++;
}

static int
set_up(void **state)
{
    struct serve_pilot pilot = {fake_start, fake_stop, &fake};

    (void)state;
    memset(&fake, 0, sizeof(fake));
    memset(&flights, 0, sizeof(flights));
    memset(&peers, 0, sizeof(peers));
    flights.most_running = 4;
    flights.most_queued = 4;
    flights.timeout_ms = 60000;
    return serve_flights_init(&flights, &pilot, &peers, SEED);
}

static int
tear_down(void **state)
{
    (void)state;
    serve_flights_free(&flights);
    return peers.first == NULL ? 0 : -1; /* each is forgotten with its last flight */
}

static int
join(struct asker *asker, const char *key, const char *peer, int64_t now_ms)
{
    struct serve_peer *who = serve_peers_get(&peers, peer);
    struct serve_question question;
    int rc;

    memset(&question, 0, sizeof(question));
    memset(asker, 0, sizeof(*asker));
    snprintf(question.key, sizeof(question.key), "%s", key);
    asker->waiter.landed = landed;
    who->connections++; /* as long as it asks */
    rc = serve_flights_join(&flights, &question, who, &asker->waiter, now_ms);
    who->connections--;
    serve_peers_settle(&peers, who);
    return rc;
}

static void
land(struct serve_flight *flight, int64_t now_ms)
{
    struct serve_plan *plan = serve_plan_new(NULL);

    serve_flights_land(flight, 0, plan, now_ms);
    serve_plan_release(plan);
}

static void
one_for_all(void **state)
{
    static struct asker askers[50], other;
    size_t i;

    (void)state;
    for (i = 0; i < 50; i++)
        assert_int_equal(join(&askers[i], "a.test", i % 2 ? "uid 1" : "uid 2", 0), 0);
    assert_int_equal(join(&other, "b.test", "uid 1", 0), 0);
    assert_int_equal(fake.started, 2);
    assert_int_equal(flights.joined, 49);
    land(askers[0].waiter.flight, 10);
    for (i = 0; i < 50; i++) {
        assert_int_equal(askers[i].landed, 1);
        assert_int_equal(askers[i].status, 0);
        assert_true(askers[i].has_plan);
        assert_null(askers[i].waiter.flight);
    }
    assert_int_equal(other.landed, 0);
    assert_int_equal(join(&askers[0], "a.test", "uid 1", 20), 0);
    assert_int_equal(fake.started, 3); /* the first one is over */
}

static void
others_wait_on(void **state)
{
    static struct asker one, two;

    (void)state;
    join(&one, "a.test", "uid 1", 0);
    join(&two, "a.test", "uid 2", 0);
    serve_flights_leave(&one.waiter, 5);
    assert_int_equal(fake.stopped, 0);
    assert_int_equal(flights.running, 1);
    serve_flights_leave(&two.waiter, 6);
    assert_int_equal(fake.stopped, 1);
    assert_int_equal(flights.running, 0);
    serve_flights_leave(&two.waiter, 7); /* who does not wait, leaves nothing */
    assert_int_equal(one.landed + two.landed, 0);
}

static void
bounded(void **state)
{
    static const char *const keys[] = {"1", "2", "3", "4", "5", "6", "7"};
    static struct asker askers[7], guest;
    size_t i;

    (void)state;
    /* Three quarters of four run, and three of four queue, for one peer. */
    for (i = 0; i < 6; i++)
        assert_int_equal(join(&askers[i], keys[i], "uid 1", 0), 0);
    assert_int_equal(fake.started, 3);
    assert_int_equal(flights.queued, 3);
    assert_int_equal(join(&askers[6], keys[6], "uid 1", 0), SMTPSEC_E_LIMIT);
    /* The last place is for others, who pass those who wait for themselves. */
    assert_int_equal(join(&guest, "8", "uid 2", 0), 0);
    assert_int_equal(fake.started, 4);
    land(askers[0].waiter.flight, 9);
    assert_int_equal(fake.started, 5);
    assert_ptr_equal(fake.last, askers[3].waiter.flight); /* in order */
    assert_int_equal(fake.deadline_ms, 60000 - 9);        /* waiting counts */
}

static void
not_behind_a_stranger(void **state)
{
    static const char *const keys[] = {"1", "2", "3", "4", "5"};
    static struct asker askers[5], guest, late;
    size_t i;

    (void)state;
    for (i = 0; i < 5; i++)
        assert_int_equal(join(&askers[i], keys[i], "uid 1", 0), 0);
    assert_int_equal(fake.started, 3);
    assert_int_equal(join(&guest, "4", "uid 2", 59000), 0);
    assert_int_equal(fake.started, 4); /* his own share is free */
    assert_ptr_equal(fake.last, guest.waiter.flight);
    assert_int_equal(fake.deadline_ms, 60000); /* and so is his time */
    assert_int_equal(flights.running, 4);
    assert_int_equal(flights.queued, 1);
    assert_false(fake.last->hurried);
    assert_int_equal(join(&late, "5", "uid 2", 59000), 0); /* none is free: it waits on */
    assert_int_equal(fake.started, 4);
    serve_flights_leave(&late.waiter, 59000);
    land(guest.waiter.flight, 59500); /* nor does it give uid 1 another place */
    assert_int_equal(askers[3].landed + guest.landed, 2);
    assert_int_equal(fake.started, 4);
    land(askers[0].waiter.flight, 59500);
    assert_int_equal(fake.started, 5);
    assert_int_equal(fake.deadline_ms, 500);
    assert_true(fake.last->hurried);
}

static void
full_queue(void **state)
{
    static struct asker askers[9];
    char key[8], peer[16];
    int i;

    (void)state;
    for (i = 0; i < 8; i++) {
        snprintf(key, sizeof(key), "%d", i);
        snprintf(peer, sizeof(peer), "uid %d", i);
        assert_int_equal(join(&askers[i], key, peer, 0), 0);
    }
    assert_int_equal(fake.started, 4);
    assert_int_equal(join(&askers[8], "8", "uid 9", 0), SMTPSEC_E_LIMIT);
    assert_int_equal(join(&askers[8], "0", "uid 3", 0), 0); /* what flies takes more aboard */
    serve_flights_tick(&flights, 59999);
    assert_int_equal(askers[7].landed, 0);
    serve_flights_tick(&flights, 60000);
    for (i = 4; i < 8; i++) {
        assert_int_equal(askers[i].landed, 1);
        assert_int_equal(askers[i].status, SMTPSEC_E_LIMIT);
    }
    assert_int_equal(askers[0].landed, 0); /* the evaluation has its own deadline */
}

static void
cannot_start(void **state)
{
    static struct asker one, two;

    (void)state;
    fake.fails_with = SMTPSEC_E_NAME;
    assert_int_equal(join(&one, "a.test", "uid 1", 0), SMTPSEC_E_NAME);
    assert_null(one.waiter.flight);
    fake.fails_with = 0;
    assert_int_equal(join(&two, "a.test", "uid 1", 0), 0);
    assert_int_equal(fake.started, 1);
}

static void
begun_again(void **state)
{
    static struct asker one, two;

    (void)state;
    join(&one, "a.test", "uid 1", 0);
    join(&two, "b.test", "uid 1", 0);
    serve_flights_recall(&flights);
    assert_int_equal(fake.stopped, 2);
    assert_int_equal(flights.running, 0);
    assert_int_equal(flights.queued, 2);
    serve_flights_tick(&flights, 59000);
    assert_int_equal(fake.started, 4);
    assert_int_equal(fake.deadline_ms, SERVE_FLIGHT_AGAIN_MS); /* and not one second */
    assert_int_equal(one.landed + two.landed, 0);
    land(one.waiter.flight, 59500);
    assert_int_equal(one.landed, 1);
}

static void
ended(void **state)
{
    static struct asker askers[6];
    char key[8];
    int i;

    (void)state;
    for (i = 0; i < 6; i++) {
        snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(join(&askers[i], key, "uid 1", 0), 0);
    }
    serve_flights_end(&flights, SMTPSEC_E_SYSTEM);
    for (i = 0; i < 6; i++) {
        assert_int_equal(askers[i].landed, 1);
        assert_int_equal(askers[i].status, SMTPSEC_E_SYSTEM);
        assert_false(askers[i].has_plan);
    }
    assert_int_equal(fake.stopped, 3);
}

/* ---- The cache ---- */

static void
keep(struct serve_plans *plans, const char *key, int64_t until, int64_t now, int64_t up_s)
{
    struct serve_plan *plan = serve_plan_new(NULL);

    serve_plans_keep(plans, key, plan, until, now, up_s);
    serve_plan_release(plan);
}

static int
has(struct serve_plans *plans, const char *key, int64_t now, int64_t up_s)
{
    struct serve_plan *plan = serve_plans_find(plans, key, now, up_s);
    int found = plan != NULL;

    serve_plan_release(plan);
    return found;
}

static void
kept_until(void **state)
{
    struct serve_plans plans;

    (void)state;
    assert_int_equal(serve_plans_init(&plans, 10, SEED), 0);
    keep(&plans, "a", 1100, 1000, 50);
    assert_true(has(&plans, "a", 1000, 50));
    assert_true(has(&plans, "a", 1099, 149));
    assert_false(has(&plans, "b", 1000, 50));
    assert_false(has(&plans, "a", 1100, 150));
    assert_int_equal(plans.count, 0);
    keep(&plans, "b", 1100, 1000, 50);
    assert_false(has(&plans, "b", 900, 150)); /* the clock was set back */
    keep(&plans, "c", 1000, 1000, 50);        /* over already */
    assert_int_equal(plans.count, 0);
    keep(&plans, "d", 1100, 1000, 50);
    keep(&plans, "d", 1050, 1000, 50); /* in its place */
    assert_int_equal(plans.count, 1);
    assert_false(has(&plans, "d", 1060, 60));
    serve_plans_free(&plans);
}

static void
least_used_goes(void **state)
{
    struct serve_plans plans;
    struct serve_plan *held;

    (void)state;
    assert_int_equal(serve_plans_init(&plans, 3, SEED), 0);
    keep(&plans, "a", 1100, 1000, 0);
    keep(&plans, "b", 1100, 1000, 0);
    keep(&plans, "c", 1100, 1000, 0);
    held = serve_plans_find(&plans, "b", 1000, 0);
    assert_non_null(held);
    assert_true(has(&plans, "a", 1000, 0));
    keep(&plans, "d", 1100, 1000, 0);
    keep(&plans, "e", 1100, 1000, 0);
    assert_int_equal(plans.count, 3);
    assert_false(has(&plans, "c", 1000, 0));
    assert_false(has(&plans, "b", 1000, 0));
    assert_true(has(&plans, "a", 1000, 0));
    serve_plans_clear(&plans);
    assert_int_equal(plans.count, 0);
    assert_false(has(&plans, "a", 1000, 0));
    serve_plan_release(held); /* who holds it has it still */
    serve_plans_free(&plans);
}

static void
many(void **state)
{
    struct serve_plans plans;
    char key[16];
    int i, found = 0;

    (void)state;
    assert_int_equal(serve_plans_init(&plans, 100, SEED), 0);
    for (i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%d.test", i);
        keep(&plans, key, 1100, 1000, 0);
    }
    for (i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "%d.test", i);
        found += has(&plans, key, 1000, 0);
    }
    assert_int_equal(found, 100);
    assert_int_equal(plans.count, 100);
    serve_plans_free(&plans);
    assert_int_equal(serve_plans_init(&plans, 0, SEED), 0);
    keep(&plans, "a", 1100, 1000, 0);
    assert_false(has(&plans, "a", 1000, 0)); /* a cache of none */
    serve_plans_free(&plans);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("flights");
    size_t i;

    ss_table_case(&t, "one evaluation for all who ask the same", one_for_all);
    ss_table_case(&t, "who leaves takes the flight from nobody else", others_wait_on);
    ss_table_case(&t, "so many at once, and three quarters for one peer", bounded);
    ss_table_case(&t, "who has room does not wait for a stranger's", not_behind_a_stranger);
    ss_table_case(&t, "a full queue refuses, and waiting in it ends", full_queue);
    ss_table_case(&t, "what cannot be started is told at once", cannot_start);
    ss_table_case(&t, "recalled flights begin again with time left", begun_again);
    ss_table_case(&t, "the end is told to all", ended);
    for (i = 0; i < t.count; i++) {
        t.tests[i].setup_func = set_up;
        t.tests[i].teardown_func = tear_down;
    }
    ss_table_case(&t, "a plan is kept for its time, by both clocks", kept_until);
    ss_table_case(&t, "least recently used goes first", least_used_goes);
    ss_table_case(&t, "bounded", many);
    return ss_table_run(&t);
}
