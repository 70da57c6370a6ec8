/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fetches that are cancelled, closed, queued, forked: who is told what, and how often. */
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fetch_world.h"
#include "smtpsec.h"
#include "table.h"

#define LONG_MS 30000
#define SHORT_MS 400

static struct world world;

static int
set_up(void)
{
    server_reset();
    world_open(&world);
    return 0;
}

static void
cancel_waiting(void **state)
{
    struct server_stats stats;
    struct told told;

    (void)state;
    set_up();
    told_init(&told, &world);
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world.module->cancel(told.fetch);
    world_idle(&world, 5);
    world_close(&world);
    server_stats(0, &stats);
    assert_int_equal(told.done_calls, 0);
    assert_int_equal(stats.accepted, 0);
}

static void
cancel_in_flight(void **state)
{
    struct server_stats stats;
    struct told told, other;

    (void)state;
    set_up();
    told_init(&told, &world);
    told_init(&other, &world);
    assert_int_equal(world_fetch(&told, "good", "/hang", LONG_MS), 0);
    world_run_to_requests(&world, 1);
    world.module->cancel(told.fetch);
    assert_int_equal(world_fetch(&other, "good", "/good", LONG_MS), 0);
    world_run(&world, 1);
    world_close(&world);
    server_stats(2, &stats);
    assert_int_equal(told.done_calls, 0);
    assert_int_equal(other.status, 200);
    assert_int_equal(stats.closed, 2); /* the server saw the first one go */
}

static void
close_in_flight(void **state)
{
    struct server_stats stats;
    struct told told[6];
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 6; i++) {
        told_init(&told[i], &world);
        assert_int_equal(world_fetch(&told[i], "good", "/hang", LONG_MS), 0);
    }
    world_run_to_requests(&world, 4);
    world_close(&world);
    server_stats(4, &stats);
    for (i = 0; i < 6; i++)
        assert_int_equal(told[i].done_calls, 0);
    assert_int_equal(stats.accepted, 4);
    assert_int_equal(stats.closed, 4);
}

static void
cancel_other(struct told *told)
{
    struct told *other = told->in_done_arg;

    world.module->cancel(other->fetch);
}

static void
cancel_in_done(void **state)
{
    struct told told, running, waiting;

    (void)state;
    set_up();
    told_init(&told, &world);
    told_init(&running, &world);
    told_init(&waiting, &world);
    told.in_done = cancel_other;
    told.in_done_arg = &running;
    assert_int_equal(world_fetch(&running, "good", "/hang", LONG_MS), 0);
    world_run_to_requests(&world, 1);
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world_run(&world, 1);
    assert_int_equal(world_fetch(&waiting, "good", "/good", LONG_MS), 0);
    world_run(&world, 2);
    world_idle(&world, 5);
    world_close(&world);
    assert_int_equal(running.done_calls, 0);
    assert_int_equal(told.done_calls, 1);
    assert_int_equal(waiting.done_calls, 1);
}

static void
cancel_self(struct told *told)
{
    world.module->cancel(told->fetch);
}

static void
cancel_self_in_done(void **state)
{
    struct told told;

    (void)state;
    set_up();
    told_init(&told, &world);
    told.in_done = cancel_self;
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world_run(&world, 1);
    world_idle(&world, 5);
    world_close(&world);
    assert_int_equal(told.done_calls, 1);
    assert_int_equal(told.status, 200);
}

static void
cancel_in_verify(void **state)
{
    struct server_stats stats;
    struct told told, other;

    (void)state;
    set_up();
    told_init(&told, &world);
    told_init(&other, &world);
    told.verify_cancels = true;
    told.verify_says = SMTPSEC_FAILURE_CANCELLED;
    assert_int_equal(world_fetch(&told, "good", "/hang", LONG_MS), 0);
    assert_int_equal(world_fetch(&other, "good", "/good", LONG_MS), 0);
    world_run(&world, 1);
    server_stats(1, &stats);
    world_idle(&world, 5);
    world_close(&world);
    assert_int_equal(told.verify_calls, 1);
    assert_int_equal(told.done_calls, 0);
    assert_int_equal(other.status, 200);
}

static void
close_fetcher(struct told *told)
{
    (void)told;
    world.module->close(world.fetcher);
}

static void
close_in_done(void **state)
{
    struct told told[6];
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 6; i++) {
        told_init(&told[i], &world);
        told[i].in_done = close_fetcher;
        assert_int_equal(world_fetch(&told[i], "good", i == 0 ? "/good" : "/hang", LONG_MS), 0);
    }
    world_run(&world, 1);
    world_idle(&world, 5);
    ss_loop_free(world.loop);
    assert_int_equal(told[0].done_calls, 1);
    for (i = 1; i < 6; i++)
        assert_int_equal(told[i].done_calls, 0);
}

/* All four at the same moment: closing in the first `done` silences the other three. */
static void
close_in_done_by_time(void **state)
{
    struct told told[6];
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 6; i++) {
        told_init(&told[i], &world);
        told[i].in_done = close_fetcher;
        assert_int_equal(world_fetch(&told[i], "good", "/hang", SHORT_MS), 0);
    }
    world_run(&world, 1);
    world_idle(&world, 5);
    ss_loop_free(world.loop);
    assert_int_equal(world.ended, 1);
}

static void
start_next(struct told *told)
{
    assert_int_equal(world_fetch(told->in_done_arg, "good", "/good", LONG_MS), 0);
}

static void
start_in_done(void **state)
{
    struct told told, next;

    (void)state;
    set_up();
    told_init(&told, &world);
    told_init(&next, &world);
    told.in_done = start_next;
    told.in_done_arg = &next;
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world_run(&world, 2);
    world_close(&world);
    assert_int_equal(told.done_calls, 1);
    assert_int_equal(next.done_calls, 1);
    assert_int_equal(next.status, 200);
}

static int64_t
up_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Ten hosts that do not reply: four begin, and each that has hung for half a
 * second makes room; so all ten are asked, and none waits for another's end.
 */
static void
hanging_makes_room(void **state)
{
    struct server_stats stats;
    struct told told[10];
    int64_t begin_ms = up_ms();
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 10; i++) {
        told_init(&told[i], &world);
        assert_int_equal(world_fetch(&told[i], "good", "/gate", LONG_MS), 0);
    }
    world_run_to_requests(&world, 10);
    assert_true(up_ms() - begin_ms >= 900); /* in three groups */
    server_open_gate();
    world_run(&world, 10);
    server_stats(10, &stats);
    world_close(&world);
    assert_int_equal(stats.accepted, 10);
    assert_int_equal(stats.most, 10);
    for (i = 0; i < 10; i++) {
        assert_int_equal(told[i].done_calls, 1);
        assert_int_equal(told[i].status, 200);
    }
}

static void
queue_is_in_order(void **state)
{
    struct told hang[3], told[4];
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 3; i++) {
        told_init(&hang[i], &world);
        assert_int_equal(world_fetch(&hang[i], "good", "/hang", LONG_MS), 0);
    }
    for (i = 0; i < 4; i++) {
        told_init(&told[i], &world);
        assert_int_equal(world_fetch(&told[i], "good", "/good", LONG_MS), 0);
    }
    world_run(&world, 4);
    world_close(&world);
    for (i = 0; i < 4; i++)
        assert_int_equal(told[i].order, (int)i + 1);
}

/* STSF-10: the time in the queue counts. */
static void
time_in_the_queue(void **state)
{
    struct server_stats stats;
    struct told hang[4], told;
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 4; i++) {
        told_init(&hang[i], &world);
        assert_int_equal(world_fetch(&hang[i], "good", "/hang", LONG_MS), 0);
    }
    told_init(&told, &world);
    assert_int_equal(world_fetch(&told, "good", "/good", SHORT_MS), 0);
    world_run(&world, 1);
    server_stats(0, &stats);
    world_close(&world);
    assert_int_equal(told.done_calls, 1);
    assert_int_equal(told.failure, SMTPSEC_FAILURE_TIMEOUT);
    assert_true(stats.accepted <= 4);
}

static void
cancel_frees_a_place(void **state)
{
    struct told hang[4], told;
    size_t i;

    (void)state;
    set_up();
    for (i = 0; i < 4; i++) {
        told_init(&hang[i], &world);
        assert_int_equal(world_fetch(&hang[i], "good", "/hang", LONG_MS), 0);
    }
    told_init(&told, &world);
    assert_int_equal(world_fetch(&told, "good", "/good", LONG_MS), 0);
    world_run_to_requests(&world, 4);
    world.module->cancel(hang[2].fetch);
    world_run(&world, 1);
    world_close(&world);
    assert_int_equal(told.status, 200);
}

/* What a child does with what it inherited; exits with the number of the first thing wrong. */
static int
child(struct told *told)
{
    struct told more;

    told_init(&more, &world);
    world.module->cancel(told->fetch);
    if (world_fetch(&more, "good", "/good", LONG_MS) != SMTPSEC_E_FETCH)
        return 1;
    world.module->close(world.fetcher);
    return told->done_calls == 0 ? 0 : 2;
}

static void
fork_in_flight(void **state)
{
    struct told told;
    int status = -1;
    pid_t pid;

    (void)state;
    set_up();
    told_init(&told, &world);
    assert_int_equal(world_fetch(&told, "good", "/gate", LONG_MS), 0);
    world_run_to_requests(&world, 1);
    pid = fork();
    if (pid == 0)
        _exit(child(&told));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    server_open_gate();
    world_run(&world, 1);
    world_close(&world);
    assert_int_equal(told.done_calls, 1);
    assert_int_equal(told.failure, SMTPSEC_FAILURE_NONE);
    assert_int_equal(told.status, 200);
}

static void
close_takes_null(void **state)
{
    (void)state;
    set_up();
    world.module->close(NULL);
    world.module->cancel(NULL);
    world_close(&world);
}

int
main(int argc, char **argv)
{
    struct ss_table t = SS_TABLE("fetch_life");
    int code;

    if (argc != 3)
        return 1;
    code = server_start(argv[1], argv[2]);
    if (code != 0)
        return code;
    ss_table_case(&t, "cancel while waiting", cancel_waiting);
    ss_table_case(&t, "cancel in flight", cancel_in_flight);
    ss_table_case(&t, "close in flight", close_in_flight);
    ss_table_case(&t, "cancel inside another's done", cancel_in_done);
    ss_table_case(&t, "cancel inside its own done", cancel_self_in_done);
    ss_table_case(&t, "cancel inside verify", cancel_in_verify);
    ss_table_case(&t, "close inside done", close_in_done);
    ss_table_case(&t, "close inside done, others due too", close_in_done_by_time);
    ss_table_case(&t, "start inside done", start_in_done);
    ss_table_case(&t, "who hangs makes room for the next", hanging_makes_room);
    ss_table_case(&t, "the queue is in order", queue_is_in_order);
    ss_table_case(&t, "STSF-10 time in the queue counts", time_in_the_queue);
    ss_table_case(&t, "cancel frees a place", cancel_frees_a_place);
    ss_table_case(&t, "a child leaves its parent's fetch alone", fork_in_flight);
    ss_table_case(&t, "close and cancel take NULL", close_takes_null);
    code = ss_table_run(&t);
    server_stop();
    return code;
}
