/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Leases: one holder a name, among all who have the same directory, and none that outlives its process. */
#include "table.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/store.h"
#include "store_support.h"

#define NAME UINT64_C(0xfedcba9876543210)

struct pair {
    char directory[64];
    struct ss_store *one;
    struct ss_store *two;
};

static void
open_pair(struct pair *pair)
{
    strcpy(pair->directory, "/tmp/smtpsec-lease.XXXXXX");
    assert_non_null(mkdtemp(pair->directory));
    assert_int_equal(ss_store_lmdb_open(pair->directory, NULL, NULL, &pair->one), 0);
    assert_int_equal(ss_store_lmdb_open(pair->directory, NULL, NULL, &pair->two), 0);
}

static void
close_pair(struct pair *pair)
{
    char command[128];

    ss_store_close(pair->one);
    ss_store_close(pair->two);
    snprintf(command, sizeof(command), "rm -r %s", pair->directory);
    assert_int_equal(system(command), 0);
}

static const struct ss_store_lmdb_options reading = { .read_only = true };

static int
take(struct ss_store *store, uint64_t name, struct ss_lease **out)
{
    return ss_store_lease(store, name, out);
}

static void
one_holder(void **state)
{
    struct ss_lease *first, *other, *second;
    struct pair pair;

    (void)state;
    open_pair(&pair);
    assert_int_equal(take(pair.one, NAME, &first), 0);
    assert_int_equal(take(pair.two, NAME, &second), SMTPSEC_E_PENDING);
    assert_null(second);
    assert_int_equal(take(pair.one, NAME, &second), SMTPSEC_E_PENDING);
    assert_int_equal(take(pair.two, NAME + 64, &other), 0);
    ss_lease_release(first);
    assert_int_equal(take(pair.two, NAME, &second), 0);
    ss_lease_release(second);
    ss_lease_release(other);
    close_pair(&pair);
}

static void
shared(void **state)
{
    struct ss_lease *first, *again;
    struct pair pair;

    (void)state;
    open_pair(&pair);
    assert_int_equal(take(pair.one, NAME, &first), 0);
    assert_ptr_equal(ss_lease_ref(first), first);
    ss_lease_release(first);
    assert_int_equal(take(pair.two, NAME, &again), SMTPSEC_E_PENDING);
    ss_lease_release(first);
    assert_int_equal(take(pair.two, NAME, &again), 0);
    ss_lease_release(again);
    ss_lease_release(NULL);
    assert_null(ss_lease_ref(NULL));
    close_pair(&pair);
}

static void
outlives_store(void **state)
{
    struct ss_lease *first, *second;
    struct pair pair;

    (void)state;
    open_pair(&pair);
    assert_int_equal(take(pair.one, NAME, &first), 0);
    ss_store_close(pair.one);
    pair.one = NULL;
    assert_int_equal(take(pair.two, NAME, &second), SMTPSEC_E_PENDING);
    ss_lease_release(first);
    assert_int_equal(take(pair.two, NAME, &second), 0);
    ss_lease_release(second);
    close_pair(&pair);
}

/* A child takes it and is killed; the parent sees it busy before, and free after. */
static void
dead_holder(void **state)
{
    struct ss_lease *lease;
    struct pair pair;
    int ready[2];
    int taken;
    char told;
    pid_t child;

    (void)state;
    open_pair(&pair);
    assert_int_equal(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        if (take(pair.one, NAME, &lease) != 0)
            _exit(1);
        if (write(ready[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &told, 1), 1);
    taken = take(pair.two, NAME, &lease);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_int_equal(taken, SMTPSEC_E_PENDING);
    assert_int_equal(take(pair.two, NAME, &lease), 0);
    ss_lease_release(lease);
    close(ready[0]);
    close_pair(&pair);
}

/* A child that lets go of what it inherited leaves its parent's lease alone. */
static void
child_lets_go(void **state)
{
    struct ss_lease *lease, *other;
    struct pair pair;
    pid_t child;
    int status;

    (void)state;
    open_pair(&pair);
    assert_int_equal(take(pair.one, NAME, &lease), 0);
    child = fork();
    if (child == 0) {
        ss_lease_release(lease);
        _exit(0);
    }
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(take(pair.two, NAME, &other), SMTPSEC_E_PENDING);
    ss_lease_release(lease);
    assert_int_equal(take(pair.two, NAME, &other), 0);
    ss_lease_release(other);
    close_pair(&pair);
}

/* A child that goes on living after it was forked does not keep what its parent let go. */
static void
child_stays(void **state)
{
    struct ss_lease *lease, *other;
    struct pair pair;
    pid_t child;
    int taken;

    (void)state;
    open_pair(&pair);
    assert_int_equal(take(pair.one, NAME, &lease), 0);
    child = fork();
    if (child == 0)
        for (;;)
            pause();
    ss_lease_release(lease);
    taken = take(pair.two, NAME, &other);
    kill(child, SIGKILL); /* before anything can fail and leave it behind */
    waitpid(child, NULL, 0);
    assert_int_equal(taken, 0);
    ss_lease_release(other);
    close_pair(&pair);
}

static void
cannot_tell(void **state)
{
    struct ss_store *reader;
    struct ss_lease *lease;
    struct pair pair;
    char path[128];

    (void)state;
    open_pair(&pair);
    assert_int_equal(ss_store_lmdb_open(pair.directory, &reading, NULL, &reader), 0);
    assert_int_equal(take(reader, NAME, &lease), SMTPSEC_E_MEMORY);
    assert_null(lease);
    ss_store_close(reader);
    /* What stands in the way of the file is trouble of the store, not a busy lease. */
    snprintf(path, sizeof(path), "%s/fetch.lock", pair.directory);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(take(pair.one, NAME, &lease), SMTPSEC_E_MEMORY);
    assert_int_equal(take(NULL, NAME, &lease), SMTPSEC_E_INVALID);
    close_pair(&pair);
}

static void
in_ram(void **state)
{
    struct ss_store *store;
    struct ss_lease *lease;

    (void)state;
    assert_int_equal(ss_store_ram_open(&store), 0);
    assert_int_equal(take(store, NAME, &lease), 0);
    ss_store_close(store);
    ss_lease_release(lease);
}

int
main(void)
{
    struct ss_table t = SS_TABLE("lease");

    ss_table_case(&t, "one holder a name, in one process too", one_holder);
    ss_table_case(&t, "shared, it ends with the last release", shared);
    ss_table_case(&t, "it may outlive its store", outlives_store);
    ss_table_case(&t, "it ends with a process that is killed", dead_holder);
    ss_table_case(&t, "a child's release leaves its parent's lease", child_lets_go);
    ss_table_case(&t, "a child does not keep what its parent released", child_stays);
    ss_table_case(&t, "a store that cannot tell says so", cannot_tell);
    ss_table_case(&t, "a store in RAM has nobody to ask", in_ram);
    return ss_table_run(&t);
}
