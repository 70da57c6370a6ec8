/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Many processes on one Redis, some of them killed: nothing that was promised is lost. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"
#include "store_support.h"

#define PROCESSES 6
#define ROUNDS (300 / (int)ss_test_share())

/* Written by the children, read by the parent. */
struct tally {
    volatile long promised[PROCESSES]; /* additions to the one number that were answered with 0 */
    volatile long begun[PROCESSES];
};

static struct tally *
new_tally(void)
{
    struct tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(tally != MAP_FAILED);
    memset(tally, 0, sizeof(*tally));
    return tally;
}

static void
count_up(struct ss_store *store, struct tally *tally, int who, int rounds)
{
    char key[32];
    int i;

    for (i = 0; rounds == 0 || i < rounds; i++) {
        tally->begun[who]++;
        if (store_add(store, "all") != 0)
            store_child_exit(1);
        tally->promised[who]++;
        snprintf(key, sizeof(key), "own %d %d", who, i % 50);
        if (store_put(store, key, "mine") != 0 || (i % 3 == 0 && store_delete(store, key) != 0))
            store_child_exit(2);
    }
}

/* rounds 0: until it is killed. */
static pid_t
spawn(const struct server *server, struct tally *tally, int who, int rounds)
{
    pid_t child;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ss_store *store = server_store(server, "x", 20000);

        count_up(store, tally, who, rounds);
        ss_store_close(store);
        store_child_exit(0);
    }
    return child;
}

/* The indexes name exactly what has a value. */
static void
whole(const struct server *server, struct ss_store *store)
{
    struct ss_store_figures figures;

    assert_int_equal(ss_store_figures(store, &figures), 0);
    assert_int_equal(SERVER_SAY(server, "HLEN", "{x}:claims"),
                     figures.entries[SS_TABLE_CLAIMS] + figures.entries[SS_TABLE_CLAIMS_NEW]);
}

static void
many_at_once(void **state)
{
    struct server server = { 0 };
    struct tally *tally = new_tally();
    struct ss_store *store;
    pid_t children[PROCESSES];
    int i, status;

    (void)state;
    server_start(&server);
    for (i = 0; i < PROCESSES; i++)
        children[i] = spawn(&server, tally, i, ROUNDS);
    for (i = 0; i < PROCESSES; i++) {
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    store = server_store(&server, "x", 5000);
    assert_int_equal(store_number(store, "all"), PROCESSES * ROUNDS);
    whole(&server, store);
    ss_store_close(store);
    server_end(&server);
    munmap(tally, sizeof(*tally));
}

static void
killed(void **state)
{
    struct server server = { 0 };
    struct tally *tally = new_tally();
    long promised = 0, begun = 0, number;
    struct ss_store *store;
    pid_t children[PROCESSES];
    int round, i;

    (void)state;
    server_start(&server);
    for (round = 0; round < 10; round++) {
        for (i = 0; i < PROCESSES; i++)
            children[i] = spawn(&server, tally, i, 0);
        usleep(100000 + 13000 * (unsigned)round);
        for (i = 0; i < PROCESSES; i++)
            kill(children[i], SIGKILL);
        for (i = 0; i < PROCESSES; i++)
            waitpid(children[i], NULL, 0);
    }
    for (i = 0; i < PROCESSES; i++) {
        promised += tally->promised[i];
        begun += tally->begun[i];
    }
    store = server_store(&server, "x", 5000);
    number = store_number(store, "all");
    assert_true(promised > 100);
    /* At most one of each, each time, was done and could not be told any more. */
    assert_true(number >= promised && number <= begun);
    whole(&server, store);
    ss_store_close(store);
    server_end(&server);
    munmap(tally, sizeof(*tally));
}

static uint64_t
any_may_go(void *arg, enum ss_store_table table, struct ss_bytes key, struct ss_bytes value)
{
    (void)arg;
    (void)table;
    return value.len + key.len;
}

/* Who comes at the same time finds the same last place; one gets it. */
static void
bounded(void **state)
{
    static const struct ss_store_limits limits = { .kept = 100, .rank = any_may_go };
    struct server server = { 0 };
    struct ss_store_figures figures;
    struct ss_store *store;
    pid_t children[PROCESSES];
    char key[32];
    int i, n, status;

    (void)state;
    server_start(&server);
    fflush(NULL);
    for (i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] != 0)
            continue;
        store = server_store(&server, "x", 20000);
        ss_store_set_limits(store, &limits);
        for (n = 0; n < ROUNDS; n++) {
            snprintf(key, sizeof(key), "%d of %d", n, i);
            if (store_put(store, key, "v") != 0)
                store_child_exit(1);
        }
        ss_store_close(store);
        store_child_exit(0);
    }
    for (i = 0; i < PROCESSES; i++) {
        waitpid(children[i], &status, 0);
        assert_int_equal(status, 0);
    }
    store = server_store(&server, "x", 5000);
    ss_store_set_limits(store, &limits);
    for (n = 0; n < 3; n++) {
        assert_int_equal(ss_store_figures(store, &figures), 0);
        assert_int_equal(figures.entries[SS_TABLE_CLAIMS], 100);
        assert_int_equal(store_put(store, n == 0 ? "p" : n == 1 ? "q" : "r", "v"), 0);
    }
    whole(&server, store);
    ss_store_close(store);
    server_end(&server);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("redis/beside");

    ss_table_case(&t, "six processes add to one number, and none is lost", many_at_once);
    ss_table_case(&t, "killed -9 ten times, what was answered is there, and all is whole", killed);
    ss_table_case(&t, "the bound holds for all of them together", bounded);
    return ss_table_run(&t);
}
