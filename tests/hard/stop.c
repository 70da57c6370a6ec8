/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fifty processes read and write; one of them is stopped by SIGSTOP inside a
 * write transaction, or inside a read. The others' reads go on and are right,
 * their writes fail within their bound and lose nothing; once it goes on or
 * dies, writes work again.
 *
 *   stop [--processes N]
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"
#include "memory/store_lmdb.h"
#include "value.h"

enum { MOST = 200, READS = 10, WRITES = 2, COMMON = 20, VALUE = 3000 };

/* What all do at present. */
enum phase { FREE, ONE_STOPPED, READER_STOPPED, END };

struct process {
    atomic_ullong reads;     /* right ones, in this phase */
    atomic_ullong written;   /* acknowledged, in this phase */
    atomic_ullong refused;   /* SMTPSEC_E_MEMORY, in this phase */
    atomic_ullong evaluated; /* decisions made, in this phase */
    atomic_ullong number;    /* of its own entry, acknowledged */
    atomic_llong longest_read, longest_write; /* ms, in this phase */
    atomic_int phase;        /* that it is in */
};

static struct shared {
    atomic_int phase;
    struct process processes[MOST];
} *shared;
static char directory[64];
static size_t count;

/* ---- one of the fifty ---- */

static void
longest(atomic_llong *most, int64_t begin)
{
    int64_t took = hard_ms() - begin;

    if (took > atomic_load(most))
        atomic_store(most, took);
}

static void
begin_phase(struct process *p, int phase)
{
    atomic_store(&p->reads, 0);
    atomic_store(&p->written, 0);
    atomic_store(&p->refused, 0);
    atomic_store(&p->evaluated, 0);
    atomic_store(&p->longest_read, 0);
    atomic_store(&p->longest_write, 0);
    atomic_store(&p->phase, phase);
}

static void
read_some(struct smtpsec_context *context, struct process *p, size_t me)
{
    int64_t begin = hard_ms(), own = (int64_t)atomic_load(&p->number);
    unsigned n;

    for (n = 0; n < COMMON; n++)
        HARD_CHECK(value_get(context->store, (struct value_key){ MOST, n }) == n + 1);
    HARD_CHECK(value_get(context->store, (struct value_key){ (unsigned)me, 0 }) == own);
    longest(&p->longest_read, begin);
    atomic_fetch_add(&p->reads, 1);
}

static void
write_one(struct smtpsec_context *context, struct process *p, size_t me)
{
    uint64_t next = atomic_load(&p->number) + 1;
    int64_t begin = hard_ms();
    int r = value_put(context->store, (struct value_key){ (unsigned)me, 0 }, next, VALUE);

    longest(&p->longest_write, begin);
    if (r == 0) {
        atomic_store(&p->number, next);
        atomic_fetch_add(&p->written, 1);
        return;
    }
    HARD_CHECK(r == SMTPSEC_E_MEMORY);
    HARD_CHECK(context->store->state == SMTPSEC_MEMORY_OK);
    atomic_fetch_add(&p->refused, 1);
}

/*
 * Mail goes on: what is known is asked for, also while nothing can be written,
 * and that it cannot be recorded is told.
 */
static void
decide_one(struct smtpsec_context *context, struct process *p)
{
    struct smtpsec_plan *plan = hard_evaluate(context, "known.example.org", NULL);
    struct smtpsec_outcome *outcome = hard_outcome(plan);
    int r;

    HARD_CHECK(smtpsec_plan_memory_state(plan) == SMTPSEC_MEMORY_OK);
    HARD_CHECK(smtpsec_plan_has_floor(plan));
    (void)hard_events(context, SMTPSEC_EVENT_MEMORY_WRITE_FAILED);
    r = smtpsec_record(context, outcome, hard_now);
    HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
    HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_WRITE_FAILED) == (r == 0 ? 0u : 1u));
    smtpsec_outcome_free(outcome);
    smtpsec_plan_free(plan);
    atomic_fetch_add(&p->evaluated, 1);
}

static _Noreturn void
live(size_t me)
{
    struct smtpsec_context *context = hard_open_good(directory);
    struct process *p = &shared->processes[me];
    int phase = -1;
    unsigned n;

    while (atomic_load(&shared->phase) != END) {
        if (phase != atomic_load(&shared->phase)) {
            phase = atomic_load(&shared->phase);
            begin_phase(p, phase);
        }
        for (n = 0; n < READS; n++)
            read_some(context, p, me);
        if (me % 2 == 0)
            write_one(context, p, me);
        else if (me % 10 == 1)
            decide_one(context, p);
        hard_pause_us(1000);
    }
    smtpsec_context_free(context);
    _exit(0);
}

/* ---- those that are stopped ---- */

static _Noreturn void
stop_writing(void)
{
    struct smtpsec_context *context = hard_open_good(directory);
    struct value_key key = { MOST + 1, 0 };

    HARD_CHECK(value_put_stopping(context->store, key, 7, VALUE) == 0);
    smtpsec_context_free(context);
    _exit(0);
}

/* A read of the store's own is over within its call; here is one that is not. */
static _Noreturn void
stop_reading(void)
{
    struct smtpsec_context *context = hard_open_good(directory);
    struct ss_store_lmdb_options options = { 0 };
    struct ss_error error = { 0 };
    struct ss_lmdb_env *env = NULL;
    MDB_txn *txn = NULL;
    bool set_aside;

    HARD_CHECK(ss_lmdb_env_get(directory, -1, &options, &set_aside, &error, &env) == 0);
    HARD_CHECK(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn) == 0);
    raise(SIGSTOP);
    mdb_txn_abort(txn);
    ss_lmdb_env_put(env);
    smtpsec_context_free(context);
    _exit(0);
}

static pid_t
start_stopped(void (*job)(void))
{
    pid_t child = hard_fork();
    int64_t end = hard_ms() + HARD_LIMIT_MS;
    int status = 0;

    if (child == 0)
        job();
    while (waitpid(child, &status, WNOHANG | WUNTRACED) == 0 && hard_ms() < end)
        hard_pause_us(1000);
    HARD_CHECK(WIFSTOPPED(status));
    return child;
}

/* ---- the phases ---- */

static void
enter(int phase)
{
    size_t n;
    int64_t end = hard_ms() + HARD_LIMIT_MS;

    atomic_store(&shared->phase, phase);
    for (n = 0; n < count; n++) {
        while (atomic_load(&shared->processes[n].phase) != phase) {
            if (hard_ms() > end)
                hard_die("process %zu hangs", n);
            hard_pause_us(1000);
        }
    }
}

/* Until each has read, and each writer has written or been refused, so many times. */
static void
wait_for_all(bool refused)
{
    int64_t end = hard_ms() + 2 * HARD_LIMIT_MS;
    const struct process *p;
    size_t n;

    for (n = 0; n < count; n++) {
        p = &shared->processes[n];
        while (atomic_load(&p->reads) < READS ||
               (n % 2 == 0 && atomic_load(refused ? &p->refused : &p->written) < WRITES) ||
               (n % 10 == 1 && atomic_load(&p->evaluated) < WRITES)) {
            if (hard_ms() > end)
                hard_die("process %zu: %llu reads, %llu writes, %llu refused", n,
                         (unsigned long long)atomic_load(&p->reads),
                         (unsigned long long)atomic_load(&p->written),
                         (unsigned long long)atomic_load(&p->refused));
            hard_pause_us(1000);
        }
    }
}

static void
print_phase(const char *what)
{
    uint64_t reads = 0, written = 0, refused = 0, evaluated = 0, most_read = 0, most_write = 0;
    const struct process *p;
    size_t n;

    printf("-- %s\n", what);
    for (n = 0; n < count; n++) {
        p = &shared->processes[n];
        reads += atomic_load(&p->reads) * (COMMON + 1);
        written += atomic_load(&p->written);
        refused += atomic_load(&p->refused);
        evaluated += atomic_load(&p->evaluated);
        if ((uint64_t)atomic_load(&p->longest_read) > most_read)
            most_read = (uint64_t)atomic_load(&p->longest_read);
        if ((uint64_t)atomic_load(&p->longest_write) > most_write)
            most_write = (uint64_t)atomic_load(&p->longest_write);
    }
    hard_figure("entries read, all right", reads);
    hard_figure("writes done", written);
    hard_figure("writes refused", refused);
    hard_figure("mail decided upon", evaluated);
    hard_figure("longest 21 reads, ms", most_read);
    hard_figure("longest write, ms", most_write);
}

static void
run_phase(int phase, const char *what)
{
    enter(phase);
    wait_for_all(phase == ONE_STOPPED);
    if (phase == ONE_STOPPED) {
        size_t n;

        /* Nobody got past the stopped one. */
        for (n = 0; n < count; n++)
            HARD_CHECK(atomic_load(&shared->processes[n].written) == 0);
    }
    print_phase(what);
}

static void
prepare(void)
{
    struct smtpsec_context *context = hard_open_good(directory);
    unsigned n;
    int day;

    for (n = 0; n < COMMON; n++)
        HARD_CHECK(value_put(context->store, (struct value_key){ MOST, n }, n + 1, VALUE) == 0);
    /* On so many days that it binds. */
    for (day = 0; day < 20; day++) {
        HARD_CHECK(hard_deliver(context, "known.example.org") == 0);
        hard_now += HARD_DAY;
    }
    smtpsec_context_free(context);
}

static int64_t
stored(struct value_key key)
{
    int64_t *number = hard_shared(sizeof(*number));
    pid_t child = hard_fork();

    if (child == 0) {
        struct smtpsec_context *context = hard_open_good(directory);

        *number = value_get(context->store, key);
        smtpsec_context_free(context);
        _exit(0);
    }
    hard_wait_good(child, "reader");
    return *number;
}

static void
torture(void)
{
    const struct value_key stopped = { MOST + 1, 0 };
    pid_t child;

    run_phase(FREE, "nobody is stopped");
    child = start_stopped(stop_writing);
    run_phase(ONE_STOPPED, "one is stopped inside a write");
    HARD_CHECK(stored(stopped) == 0);
    kill(child, SIGCONT);
    hard_wait_good(child, "the stopped writer");
    HARD_CHECK(stored(stopped) == 7);
    run_phase(FREE, "it went on");
    child = start_stopped(stop_writing);
    run_phase(ONE_STOPPED, "another is stopped inside a write");
    hard_kill(child);
    run_phase(FREE, "it was killed");
    child = start_stopped(stop_reading);
    run_phase(READER_STOPPED, "one is stopped inside a read");
    kill(child, SIGCONT);
    hard_wait_good(child, "the stopped reader");
    child = start_stopped(stop_reading);
    hard_kill(child);
    run_phase(FREE, "another was killed inside a read");
}

int
main(int argc, char **argv)
{
    pid_t pids[MOST];
    pid_t child;
    size_t n;

    count = hard_number(argc, argv, "--processes", 50);
    HARD_CHECK(count >= 2 && count <= MOST);
    shared = hard_shared(sizeof(*shared));
    hard_directory(directory, true);
    child = hard_fork();
    if (child == 0) {
        prepare();
        _exit(0);
    }
    hard_wait_good(child, "preparation");
    hard_now += 20 * HARD_DAY;
    atomic_store(&shared->phase, READER_STOPPED);
    for (n = 0; n < count; n++) {
        atomic_store(&shared->processes[n].phase, -1);
        pids[n] = hard_fork();
        if (pids[n] == 0)
            live(n);
    }
    torture();
    atomic_store(&shared->phase, END);
    for (n = 0; n < count; n++)
        hard_wait_good(pids[n], "one of the many");
    /* Nothing is lost. */
    for (n = 0; n < count; n += 2)
        HARD_CHECK(stored((struct value_key){ (unsigned)n, 0 }) ==
                   (int64_t)atomic_load(&shared->processes[n].number));
    hard_remove(directory);
    return 0;
}
