/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One fetch for all who want a policy, with a fetcher that answers when the test says so. */
#include "table.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "by_hand.h"
#include "decision/plan.h"
#include "drive/flight.h"
#include "drive/runner.h"
#include "engine/learn.h"

#define NOW BY_HAND_NOW
#define POLICY BY_HAND_POLICY("enforce", "mx: mx.d.test\r\n")

static const char *const facts[] = {"dns MX d.test insecure 10:mx.d.test",
                                    "dns A mx.d.test insecure 192.0.2.1",
                                    "dns TXT _mta-sts.d.test insecure v=STSv1;id=1;",
                                    "dns A mta-sts.d.test insecure 192.0.2.9",
                                    "dns MX e.test insecure 10:mx.d.test",
                                    "dns TXT _mta-sts.e.test insecure v=STSv1;id=1;",
                                    "dns A mta-sts.e.test insecure 127.0.0.1", NULL};

/* ---- A fetcher ---- */

static struct {
    size_t started;
    size_t cancelled;
    char host[64];
    struct ss_fetch_request request;
} fetcher;

static int
fake_start(struct ss_fetcher *unused, const struct ss_fetch_request *request, struct ss_fetch **out)
{
    (void)unused;
    fetcher.started++;
    fetcher.request = *request;
    snprintf(fetcher.host, sizeof(fetcher.host), "%s", request->host);
    *out = (struct ss_fetch *)&fetcher;
    return 0;
}

static void
fake_cancel(struct ss_fetch *fetch)
{
    (void)fetch;
    fetcher.cancelled++;
}

static const struct ss_fetch_module module = {SS_FETCH_VERSION, "fake", NULL, NULL, fake_start,
                                              fake_cancel};

static void
reply(const char *body)
{
    fetcher.request.done(fetcher.request.arg, SMTPSEC_FAILURE_NONE, 200, "text/plain",
                         (const uint8_t *)body, strlen(body));
}

/* ---- A store whose lease another may hold ---- */

static bool held;
static size_t ended;

static void
end_lease(struct ss_lease *lease)
{
    ended++;
    free(lease);
}

static int
lease(struct ss_store *store, uint64_t name, struct ss_lease **out)
{
    (void)store;
    (void)name;
    *out = NULL;
    if (held)
        return SMTPSEC_E_PENDING;
    *out = calloc(1, sizeof(**out));
    assert_non_null(*out);
    (*out)->refs = 1;
    (*out)->end = end_lease;
    return 0;
}

/* ---- Passengers ---- */

static struct ss_runner runner;
static struct ss_settings settings;
static struct ss_store_kind kind;
static struct world world;

struct traveller {
    struct ss_passenger passenger;
    size_t landed;
    int status;
};

static int64_t
clock_of_test(void *user)
{
    (void)user;
    return NOW;
}

static void
landed(void *arg, int status)
{
    struct traveller *traveller = arg;

    traveller->landed++;
    traveller->status = status;
}

/* ---- A fetcher that is there when it is wanted, or is not ---- */

static size_t loads;

static void
load(struct ss_runner *of)
{
    loads++;
    of->module = of->load_user;
    of->load_status = of->module == NULL ? SMTPSEC_E_FETCH : 0;
    of->load_fetch = NULL;
}

static void
set_up(void)
{
    memset(&runner, 0, sizeof(runner));
    memset(&fetcher, 0, sizeof(fetcher));
    ss_settings_init(&settings);
    by_hand_world(&world, facts);
    assert_int_equal(ss_loop_new(&runner.loop), 0);
    assert_int_equal(ss_store_ram_open(&runner.store), 0);
    kind = *runner.store->kind;
    kind.lease = lease;
    runner.store->kind = &kind;
    runner.module = &module;
    runner.fetch_timeout_ms = 300;
    runner.clock = clock_of_test;
    held = false;
    ended = 0;
}

static void
tear_down(void)
{
    assert_null(runner.flights);
    ss_loop_free(runner.loop);
    ss_store_close(runner.store);
    world_free(&world);
}

/* A lookup that wants the policy, on board. */
static void
board(struct traveller *traveller, const char *domain)
{
    struct smtpsec_destination destination;
    struct ss_lookup *lookup;
    struct ss_need *need;
    size_t open;

    by_hand_destination(&destination, domain);
    assert_int_equal(ss_lookup_new(&destination, &settings, SMTPSEC_MEMORY_OK, NULL, NULL, &lookup),
                     0);
    assert_int_equal(ss_lookup_step(lookup, NOW, &open), 0);
    while ((need = ss_lookup_open_need(lookup, 0))->kind != SMTPSEC_NEED_HTTPS) {
        assert_int_equal(by_hand_answer(lookup, need, &world, NULL, NOW), 0);
        assert_int_equal(ss_lookup_step(lookup, NOW, &open), 0);
    }
    memset(traveller, 0, sizeof(*traveller));
    traveller->passenger.lookup = lookup;
    traveller->passenger.need = need;
    traveller->passenger.landed = landed;
    traveller->passenger.arg = traveller;
    assert_int_equal(ss_flight_board(&runner, &traveller->passenger), 0);
    assert_int_equal(traveller->landed, 0);
}

/* As the callers do: decide, store, free, and with it the lease goes. */
static int32_t
conclude(struct traveller *traveller)
{
    struct ss_lookup *lookup = traveller->passenger.lookup;
    struct smtpsec_plan *plan;
    int32_t mode;

    assert_int_equal(ss_lookup_decide(lookup, NOW, &plan), 0);
    assert_int_equal(ss_learn_lookup(runner.store, lookup, plan, NOW), 0);
    mode = plan->sts_mode;
    ss_plan_free(plan);
    ss_lookup_free(lookup);
    return mode;
}

static void
turn(void)
{
    struct pollfd fd = {ss_loop_fd(runner.loop), POLLIN, 0};

    poll(&fd, 1, 1000);
    assert_int_equal(ss_loop_process(runner.loop), 0);
}

/* ---- Tests ---- */

static void
shared(void **state)
{
    struct traveller one, two, late;

    (void)state;
    set_up();
    board(&one, "d.test");
    board(&two, "d.test");
    assert_int_equal(fetcher.started, 0);
    turn();
    assert_int_equal(fetcher.started, 1);
    assert_string_equal(fetcher.host, "mta-sts.d.test");
    board(&late, "d.test");
    assert_true(late.passenger.lookup->evidence.https.begun);
    reply(POLICY);
    assert_int_equal(one.landed + two.landed + late.landed, 3);
    assert_null(runner.flights);
    assert_int_equal(ended, 0); /* not before what came of it is stored */
    assert_int_equal(conclude(&one), SMTPSEC_STS_ENFORCE);
    assert_int_equal(conclude(&two), SMTPSEC_STS_ENFORCE);
    assert_int_equal(ended, 0);
    assert_int_equal(conclude(&late), SMTPSEC_STS_ENFORCE);
    assert_int_equal(ended, 1);
    assert_int_equal(fetcher.started, 1);
    tear_down();
}

static void
first_leaves(void **state)
{
    struct traveller one, two;

    (void)state;
    set_up();
    board(&one, "d.test");
    board(&two, "d.test");
    turn();
    ss_flight_leave(&one.passenger);
    ss_flight_leave(&one.passenger);
    ss_lookup_free(one.passenger.lookup);
    assert_int_equal(fetcher.cancelled, 0);
    reply(POLICY);
    assert_int_equal(one.landed, 0);
    assert_int_equal(two.landed, 1);
    assert_int_equal(conclude(&two), SMTPSEC_STS_ENFORCE);
    tear_down();
}

static void
all_leave(void **state)
{
    struct traveller one, two;

    (void)state;
    set_up();
    board(&one, "d.test");
    board(&two, "d.test");
    turn();
    ss_flight_leave(&one.passenger);
    ss_flight_leave(&two.passenger);
    assert_int_equal(fetcher.cancelled, 1);
    assert_int_equal(ended, 1);
    ss_lookup_free(one.passenger.lookup);
    ss_lookup_free(two.passenger.lookup);
    tear_down();
}

static void
other_domain(void **state)
{
    struct traveller one, two;

    (void)state;
    set_up();
    runner.allow_private = true;
    board(&one, "d.test");
    board(&two, "e.test");
    while (fetcher.started < 2)
        turn();
    ss_flight_leave(&one.passenger);
    ss_flight_leave(&two.passenger);
    assert_int_equal(fetcher.cancelled, 2);
    ss_lookup_free(one.passenger.lookup);
    ss_lookup_free(two.passenger.lookup);
    tear_down();
}

static void
private_address(void **state)
{
    struct traveller one;

    (void)state;
    set_up();
    board(&one, "e.test");
    turn();
    assert_int_equal(fetcher.started, 0);
    assert_int_equal(one.landed, 1);
    assert_int_equal(one.passenger.lookup->evidence.https.failure, SMTPSEC_FAILURE_ADDRESS_REFUSED);
    assert_int_equal(conclude(&one), SMTPSEC_STS_ABSENT);
    tear_down();
}

/*
 * The HTTPS part is loaded for the first fetch, and once. Where it is missing,
 * that ends the evaluations, which else would take the domain for one without a
 * policy.
 */
static void
loaded_late(void **state)
{
    struct traveller one, two;
    int there;

    (void)state;
    for (there = 0; there < 2; there++) {
        set_up();
        runner.module = NULL;
        runner.load_fetch = load;
        runner.load_user = there ? (void *)(uintptr_t)&module : NULL;
        loads = 0;
        board(&one, "d.test");
        assert_int_equal(loads, 0);
        turn();
        assert_int_equal(loads, 1);
        assert_int_equal(fetcher.started, there);
        if (there)
            reply(POLICY);
        assert_int_equal(one.landed, 1);
        assert_int_equal(one.status, there ? 0 : SMTPSEC_E_FETCH);
        if (there)
            assert_int_equal(conclude(&one), SMTPSEC_STS_ENFORCE);
        else
            ss_lookup_free(one.passenger.lookup);
        runner.allow_private = true;
        board(&two, "e.test");
        turn();
        assert_int_equal(loads, 1);
        assert_int_equal(fetcher.started, 2 * there);
        assert_int_equal(two.landed, !there);
        assert_true(there || two.status == SMTPSEC_E_FETCH);
        ss_flight_leave(&two.passenger);
        ss_lookup_free(two.passenger.lookup);
        tear_down();
    }
}

/* Another process fetches; this one finds what it stored. */
static void
busy(void **state)
{
    struct traveller other, one, two;
    int i;

    (void)state;
    set_up();
    board(&other, "d.test");
    turn();
    reply(POLICY);
    held = true;
    board(&one, "d.test");
    board(&two, "d.test");
    for (i = 0; i < 3; i++)
        turn();
    assert_int_equal(fetcher.started, 1);
    assert_int_equal(one.landed, 0);
    assert_false(one.passenger.lookup->evidence.https.begun);
    assert_int_equal(conclude(&other), SMTPSEC_STS_ENFORCE);
    held = false;
    while (one.landed == 0)
        turn();
    assert_int_equal(two.landed, 1);
    assert_int_equal(fetcher.started, 1);
    assert_int_equal(conclude(&one), SMTPSEC_STS_ENFORCE);
    assert_int_equal(conclude(&two), SMTPSEC_STS_ENFORCE);
    tear_down();
}

/* A holder that is stopped does not keep others from a policy: they wait as long as a fetch may take. */
static void
stopped_holder(void **state)
{
    struct traveller one;
    int turns = 0;

    (void)state;
    set_up();
    held = true;
    board(&one, "d.test");
    for (; fetcher.started == 0; turns++)
        turn();
    assert_in_range(turns, 3, 20);
    reply(POLICY);
    assert_int_equal(conclude(&one), SMTPSEC_STS_ENFORCE);
    tear_down();
}

static void
no_store(void **state)
{
    struct traveller one;
    struct ss_store *store;

    (void)state;
    set_up();
    store = runner.store;
    runner.store = NULL;
    board(&one, "d.test");
    turn();
    assert_int_equal(fetcher.started, 1);
    reply(POLICY);
    runner.store = store;
    assert_int_equal(conclude(&one), SMTPSEC_STS_ENFORCE);
    assert_int_equal(ended, 0);
    tear_down();
}

int
main(void)
{
    struct ss_table t = SS_TABLE("flight");

    ss_table_case(&t, "one fetch for all, and one lease until all is stored", shared);
    ss_table_case(&t, "the first one leaves, the other is served", first_leaves);
    ss_table_case(&t, "with the last one the fetch and the lease end", all_leave);
    ss_table_case(&t, "another domain is another flight", other_domain);
    ss_table_case(&t, "a private address is not asked", private_address);
    ss_table_case(&t, "the HTTPS part is loaded for the first fetch", loaded_late);
    ss_table_case(&t, "STSF-13 another process fetches: wait, and find what it stored", busy);
    ss_table_case(&t, "who waited as long as a fetch may take goes on", stopped_holder);
    ss_table_case(&t, "without a memory there is no lease", no_store);
    return ss_table_run(&t);
}
