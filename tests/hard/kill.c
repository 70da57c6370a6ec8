/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writers are killed with -9 at random moments. What a call has acknowledged
 * by returning 0 is noted in memory that outlives the writer; a reader then
 * finds it all, whole. A killed process is not a power cut: nothing that was
 * acknowledged may be missing.
 *
 *   kill [--kills N] [--seed N]
 */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"
#include "value.h"

/* Writers with an even number record outcomes, the others write entries of all sizes. */
enum { WRITERS = 4, DOMAINS = 400, ENTRIES = 40 };

struct writer {
    atomic_int inside;             /* a call of the library that may write */
    atomic_ullong begun;           /* entries: numbers given out */
    atomic_ullong done;            /* acknowledged in all */
    atomic_ullong done_now;        /* by the present process */
    atomic_ullong refused;         /* E_MEMORY: waited for the lock in vain */
    atomic_llong seen[DOMAINS];    /* outcomes: the time of the last one */
    atomic_ullong number[ENTRIES]; /* entries: the last number */
};

struct shared {
    atomic_llong now;
    struct writer writers[WRITERS];
};

struct reader {
    pid_t pid;
    int ask;
    int answers;
};

static struct shared *shared;
static struct reader reader;
static char directory[64];
static uint64_t seed;

/* ---- a writer ---- */

static void
note(struct writer *w, int r)
{
    if (r == SMTPSEC_E_MEMORY)
        atomic_fetch_add(&w->refused, 1);
    else
        HARD_CHECK(r == 0);
    if (r == 0) {
        atomic_fetch_add(&w->done, 1);
        atomic_fetch_add(&w->done_now, 1);
    }
    atomic_store(&w->inside, 0);
}

static void
domain_of(char out[64], size_t writer, size_t n)
{
    snprintf(out, 64, "mail%zu-of-writer%zu.example.org", n, writer);
}

/* Each domain once an hour of the common clock: an outcome more often is not worth a write. */
static void
record_outcomes(struct smtpsec_context *context, size_t number)
{
    struct writer *w = &shared->writers[number];
    char domain[64];
    size_t n = 0;
    int r;

    for (;;) {
        if (hard_now != atomic_load(&shared->now)) {
            hard_now = atomic_load(&shared->now);
            n = 0;
        }
        if (n == DOMAINS) {
            hard_pause_us(100);
            continue;
        }
        domain_of(domain, number, n);
        atomic_store(&w->inside, 1);
        r = hard_deliver(context, domain);
        if (r == 0)
            atomic_store(&w->seen[n++], hard_now);
        note(w, r);
    }
}

static void
write_entries(struct smtpsec_context *context, size_t number)
{
    static const size_t sizes[] = { 0, 100, 1000, 2000, 5000, 20000 };
    struct writer *w = &shared->writers[number];
    uint64_t state = seed ^ (uint64_t)getpid(), n, choice;
    unsigned entry;
    int r;

    for (;;) {
        choice = hard_random(&state);
        entry = (unsigned)(choice % ENTRIES);
        n = atomic_fetch_add(&w->begun, 1) + 1;
        atomic_store(&w->inside, 1);
        r = value_put(context->store, (struct value_key){ (unsigned)number, entry }, n,
                      sizes[choice / ENTRIES % 6]);
        if (r == 0)
            atomic_store(&w->number[entry], n);
        note(w, r);
    }
}

static pid_t
start_writer(size_t number)
{
    struct smtpsec_context *context;
    pid_t child;

    atomic_store(&shared->writers[number].done_now, 0);
    atomic_store(&shared->writers[number].inside, 0);
    fflush(NULL);
    child = hard_fork();
    if (child != 0)
        return child;
    close(reader.ask); /* its end is the reader's end */
    close(reader.answers);
    hard_now = atomic_load(&shared->now);
    context = hard_open_good(directory);
    if (number % 2 == 0)
        record_outcomes(context, number);
    else
        write_entries(context, number);
    _exit(0);
}

/* ---- the reader ---- */

static uint64_t
check_outcomes(struct smtpsec_context *context, size_t number)
{
    const struct writer *w = &shared->writers[number];
    struct hard_known known;
    uint64_t checked = 0;
    char domain[64];
    int64_t seen;
    size_t n;

    for (n = 0; n < DOMAINS; n++) {
        seen = atomic_load(&w->seen[n]); /* before the store: it may only grow */
        if (seen == 0)
            continue;
        domain_of(domain, number, n);
        hard_recall(context, domain, &known);
        if (known.error != 0 || known.fault != 0 || known.claims == 0 || known.last_seen < seen)
            hard_die("%s: acknowledged at %lld; now: error %d, fault %d, %zu claims, seen %lld",
                     domain, (long long)seen, known.error, known.fault, known.claims,
                     (long long)known.last_seen);
        checked++;
    }
    return checked;
}

static uint64_t
check_entries(struct smtpsec_context *context, size_t number)
{
    const struct writer *w = &shared->writers[number];
    uint64_t checked = 0;
    unsigned entry;
    int64_t least, got;

    for (entry = 0; entry < ENTRIES; entry++) {
        least = (int64_t)atomic_load(&w->number[entry]);
        if (least == 0)
            continue;
        got = value_get(context->store, (struct value_key){ (unsigned)number, entry });
        if (got < least || got > (int64_t)atomic_load(&w->begun))
            hard_die("entry %u of writer %zu: %lld was acknowledged, there is %lld", entry, number,
                     (long long)least, (long long)got);
        checked++;
    }
    return checked;
}

static uint64_t
check_writer(struct smtpsec_context *context, size_t number)
{
    return number % 2 == 0 ? check_outcomes(context, number) : check_entries(context, number);
}

static void
serve_reads(int asked, int answers)
{
    struct smtpsec_context *context = hard_open_good(directory);
    uint64_t checked;
    uint8_t number;

    /* As the first one it looks at every page of what the killed have left. */
    HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_SET_ASIDE) == 0);
    while (read(asked, &number, 1) == 1) {
        checked = 0;
        if (number < WRITERS)
            checked = check_writer(context, number);
        else
            for (number = 0; number < WRITERS; number++)
                checked += check_writer(context, number);
        HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
        HARD_CHECK(write(answers, &checked, sizeof(checked)) == sizeof(checked));
    }
    smtpsec_context_free(context);
    _exit(0);
}

static void
start_reader(void)
{
    int asked[2], answers[2];

    HARD_CHECK(pipe(asked) == 0 && pipe(answers) == 0);
    fflush(NULL);
    reader.pid = hard_fork();
    if (reader.pid == 0) {
        close(asked[1]);
        close(answers[0]);
        hard_now = atomic_load(&shared->now);
        serve_reads(asked[0], answers[1]);
    }
    close(asked[0]);
    close(answers[1]);
    reader.ask = asked[1];
    reader.answers = answers[0];
}

static uint64_t
ask_reader(uint8_t number)
{
    struct pollfd answer = { .fd = reader.answers, .events = POLLIN };
    uint64_t checked = 0;

    HARD_CHECK(write(reader.ask, &number, 1) == 1);
    if (poll(&answer, 1, HARD_LIMIT_MS) != 1)
        hard_die("the reader hangs");
    if (read(reader.answers, &checked, sizeof(checked)) != sizeof(checked))
        hard_die("the reader found a fault (seed %llu)", (unsigned long long)seed);
    return checked;
}

static void
end_reader(void)
{
    close(reader.ask);
    close(reader.answers);
    hard_wait_good(reader.pid, "reader");
}

/* ---- the hand that kills ---- */

struct figures {
    uint64_t kills, inside, opening, all_at_once, checks, walks;
    int64_t longest_start;
};

/* No lock stays held by a dead one: the next writer gets on. */
static void
wait_for_first(const struct writer *w, struct figures *figures)
{
    int64_t begin = hard_ms(), took = 0;

    while (atomic_load(&w->done_now) == 0) {
        took = hard_ms() - begin;
        if (took > HARD_LIMIT_MS)
            hard_die("a new writer does not get on");
        hard_pause_us(100);
    }
    if (took > figures->longest_start)
        figures->longest_start = took;
}

static void
end_writer(pid_t pid, size_t number, struct figures *figures)
{
    const struct writer *w = &shared->writers[number];
    int status;

    kill(pid, SIGKILL);
    status = hard_wait(pid);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        hard_die("writer %zu ended by itself (status %x)", number, (unsigned)status);
    figures->kills++;
    figures->inside += atomic_load(&w->inside) != 0;
    figures->opening += atomic_load(&w->done_now) == 0;
}

/* All at once, the reader too: who comes next is the first, and walks over every page. */
static void
kill_all(pid_t pids[WRITERS], struct figures *figures)
{
    size_t n;

    end_reader();
    for (n = 0; n < WRITERS; n++)
        kill(pids[n], SIGKILL);
    for (n = 0; n < WRITERS; n++)
        end_writer(pids[n], n, figures);
    figures->all_at_once++;
    start_reader();
    figures->checks += ask_reader(WRITERS);
    figures->walks++;
    for (n = 0; n < WRITERS; n++)
        pids[n] = start_writer(n);
}

static void
kill_one(pid_t pids[WRITERS], uint64_t *state, struct figures *figures)
{
    uint64_t choice = hard_random(state);
    size_t n = choice % WRITERS;

    /* One in eight dies at any moment, while it opens too. */
    if (choice / WRITERS % 8 != 0)
        wait_for_first(&shared->writers[n], figures);
    hard_pause_us((long)(hard_random(state) % 4000));
    end_writer(pids[n], n, figures);
    figures->checks += ask_reader((uint8_t)n);
    pids[n] = start_writer(n);
}

static void
print_figures(const struct figures *figures)
{
    uint64_t done = 0, refused = 0;
    size_t n;

    for (n = 0; n < WRITERS; n++) {
        done += atomic_load(&shared->writers[n].done);
        refused += atomic_load(&shared->writers[n].refused);
    }
    hard_figure("writers killed with -9", figures->kills);
    hard_figure("of these inside a call", figures->inside);
    hard_figure("of these before their first write", figures->opening);
    hard_figure("times that all were killed at once", figures->all_at_once);
    hard_figure("writes acknowledged", done);
    hard_figure("writes refused, the lock not had in time", refused);
    hard_figure("acknowledged entries read again, sum of all checks", figures->checks);
    hard_figure("longest wait for a new writer's first write, ms",
                (uint64_t)figures->longest_start);
    /* A test of nothing must not pass. */
    HARD_CHECK(done > figures->kills && refused < done / 10);
    HARD_CHECK(figures->inside > figures->kills / 10);
}

int
main(int argc, char **argv)
{
    uint64_t kills = hard_number(argc, argv, "--kills", 2000), state;
    struct figures figures = { 0 };
    pid_t pids[WRITERS];
    size_t n;

    seed = hard_number(argc, argv, "--seed", 1);
    state = seed;
    hard_figure("seed", seed);
    shared = hard_shared(sizeof(*shared));
    atomic_store(&shared->now, HARD_NOW);
    hard_directory(directory, true);
    start_reader();
    for (n = 0; n < WRITERS; n++)
        pids[n] = start_writer(n);
    while (figures.kills < kills) {
        kill_one(pids, &state, &figures);
        if (figures.kills % 2 == 0)
            atomic_fetch_add(&shared->now, 3601);
        if (figures.kills % 100 < 1)
            kill_all(pids, &figures);
    }
    for (n = 0; n < WRITERS; n++)
        wait_for_first(&shared->writers[n], &figures);
    kill_all(pids, &figures);
    for (n = 0; n < WRITERS; n++)
        hard_kill(pids[n]);
    end_reader();
    print_figures(&figures);
    hard_remove(directory);
    return 0;
}
