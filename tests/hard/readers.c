/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Forks of a process that has the memory open, and readers that die: their
 * slots in LMDB's table stay taken until somebody clears them.
 *
 *   readers [--processes N]
 */
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"
#include "memory/store_lmdb.h"
#include "value.h"

enum { CHILDREN = 20, TIMES = 50, SLOTS_EACH = 3, SLOTS_ALL = 5000 };

static char directory[64];

static struct value_key
own(unsigned n)
{
    return (struct value_key){ n, 0 };
}

static void
read_and_write(struct smtpsec_context *context, unsigned me)
{
    uint64_t n;

    for (n = 1; n <= TIMES; n++) {
        HARD_CHECK(value_put(context->store, own(me), n, 500) == 0);
        HARD_CHECK(value_get(context->store, own(me)) == (int64_t)n);
        HARD_CHECK(value_get(context->store, own(1000)) == 1);
    }
}

/* All with the one context that was open before; the parent's goes on beside them. */
static void
forks(void)
{
    struct smtpsec_context *context = hard_open_good(directory);
    pid_t children[CHILDREN];
    unsigned n;

    HARD_CHECK(value_put(context->store, own(1000), 1, 500) == 0);
    for (n = 0; n < CHILDREN; n++) {
        fflush(NULL);
        children[n] = hard_fork();
        if (children[n] == 0) {
            read_and_write(context, n);
            smtpsec_context_free(context);
            context = hard_open_good(directory);
            HARD_CHECK(hard_deliver(context, "child.example.org") == 0);
            smtpsec_context_free(context);
            _exit(0);
        }
    }
    read_and_write(context, CHILDREN);
    for (n = 0; n < CHILDREN; n++)
        hard_wait_good(children[n], "a forked child");
    for (n = 0; n <= CHILDREN; n++)
        HARD_CHECK(value_get(context->store, own(n)) == TIMES);
    hard_figure("children of a process that has it open", CHILDREN);
    hard_figure("writes by them and by it, all there", (CHILDREN + 1) * TIMES);
    smtpsec_context_free(context);
}

/* Begin reads as LMDB gives them, and never end them. Returns how many slots could be had. */
static unsigned
take_slots(unsigned most)
{
    struct ss_store_lmdb_options options = { 0 };
    struct ss_error error = { 0 };
    struct ss_lmdb_env *env = NULL;
    MDB_txn *txn;
    bool set_aside;
    unsigned n;

    (void)hard_open_good(directory);
    HARD_CHECK(ss_lmdb_env_get(directory, -1, &options, &set_aside, &error, &env) == 0);
    for (n = 0; n < most && mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn) == 0; n++)
        ;
    return n;
}

static unsigned
kill_reader(unsigned most)
{
    unsigned got = 0;
    int said[2];
    pid_t child;

    HARD_CHECK(pipe(said) == 0);
    child = hard_fork();
    if (child == 0) {
        got = take_slots(most);
        HARD_CHECK(write(said[1], &got, sizeof(got)) == sizeof(got));
        pause();
    }
    close(said[1]);
    HARD_CHECK(read(said[0], &got, sizeof(got)) == sizeof(got));
    close(said[0]);
    hard_kill(child);
    return got;
}

/* Somebody holds the memory open all the time: the table is not begun anew by a first opener. */
static void
dead_readers(uint64_t processes)
{
    struct smtpsec_context *context = hard_open_good(directory);
    uint64_t n, slots = 0;
    struct stat before, after;
    pid_t child;

    for (n = 0; n < processes; n++)
        slots += kill_reader(SLOTS_EACH);
    hard_figure("readers killed with -9", processes);
    hard_figure("reader slots that they left taken", slots);
    /* More than there are, so the table was full and was cleared. Now it is full again. */
    n = kill_reader(SLOTS_ALL);
    HARD_CHECK(n < SLOTS_ALL);
    hard_figure("slots that the last one took, until none was left", n);
    /* A new one gets on, for it clears them. */
    child = hard_fork();
    if (child == 0) {
        struct smtpsec_context *new_one = hard_open_good(directory);

        HARD_CHECK(value_get(new_one->store, own(1000)) == 1);
        smtpsec_context_free(new_one);
        _exit(0);
    }
    hard_wait_good(child, "a new reader");
    /* Nor do the dead pin pages: the file stays as it is while one entry is rewritten. */
    HARD_CHECK(value_put(context->store, own(2000), 1, 500) == 0);
    HARD_CHECK(stat(hard_path(directory, "data.mdb"), &before) == 0);
    for (n = 2; n < 500; n++)
        HARD_CHECK(value_put(context->store, own(2000), n, 500) == 0);
    HARD_CHECK(stat(hard_path(directory, "data.mdb"), &after) == 0);
    hard_figure("pages that 500 writes then added",
                (uint64_t)(after.st_size - before.st_size) / 4096);
    HARD_CHECK(after.st_size < before.st_size + 100 * 4096);
    smtpsec_context_free(context);
}

int
main(int argc, char **argv)
{
    hard_directory(directory, true);
    forks();
    dead_readers(hard_number(argc, argv, "--processes", 2000));
    hard_remove(directory);
    return 0;
}
