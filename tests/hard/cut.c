/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file is cut by another process while it is mapped. Looked at before each
 * transaction, a cut is told and nothing is touched; one that falls between
 * the look and the read is a SIGBUS, and no library can prevent it. See
 * README.md for what the figures mean.
 *
 *   cut [--trials N] [--seed N]
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"
#include "value.h"

enum { ENTRIES = 60, VALUE = 3000, TOLD = 0, UNHARMED = 10, FAULT = 11, TIMES = 2000 };

static char directory[64];

static void
fill_memory(struct smtpsec_context *context)
{
    unsigned n;

    for (n = 0; n < ENTRIES; n++)
        HARD_CHECK(value_put(context->store, (struct value_key){ 0, n }, n + 1, VALUE) == 0);
}

/* Read all and write one; false when the store is no more. Wrong values end the test. */
static bool
use_once(struct smtpsec_context *context, uint64_t times)
{
    int64_t got;
    unsigned n;
    int r;

    for (n = 0; n < ENTRIES; n++) {
        got = value_get(context->store, (struct value_key){ 0, n });
        if (got == SMTPSEC_E_MEMORY)
            return false;
        if (got == -1) /* its checksum says so */
            _exit(FAULT);
        HARD_CHECK(got == n + 1);
    }
    r = value_put(context->store, (struct value_key){ 1, 0 }, times + 1, VALUE);
    HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
    return r == 0;
}

/* Decisions go on; the loss is told, and a new memory may have been begun. */
static void
after_loss(struct smtpsec_context *context)
{
    struct smtpsec_plan *plan = hard_evaluate(context, "d.example.org", NULL);
    bool told = false;

    HARD_CHECK(smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER);
    smtpsec_plan_free(plan);
    while (smtpsec_event_next(context))
        told |= smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_LOST ||
                smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_SET_ASIDE;
    HARD_CHECK(told);
}

/* A process that uses the memory; it says so by an octet, and waits for one when told to. */
static void
live(int said, int heard, bool wait)
{
    struct smtpsec_context *context = hard_open(directory);
    uint64_t times = 0;
    char octet = 'x';

    signal(SIGBUS, SIG_DFL); /* a sanitizer would make an end of its own of it */
    fill_memory(context);
    HARD_CHECK(write(said, &octet, 1) == 1);
    if (wait)
        HARD_CHECK(read(heard, &octet, 1) == 1);
    while (use_once(context, times)) {
        if (wait || ++times == TIMES)
            _exit(UNHARMED);
    }
    after_loss(context);
    smtpsec_context_free(context);
    _exit(TOLD);
}

/* The next one finds damage, or nothing, and begins anew. */
static void
begin_anew(bool told)
{
    struct smtpsec_context *context;
    pid_t child = hard_fork();

    if (child == 0) {
        context = hard_open(directory);
        HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
        HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_SET_ASIDE) == 1 || told);
        fill_memory(context);
        HARD_CHECK(use_once(context, 0));
        smtpsec_context_free(context);
        _exit(0);
    }
    hard_wait_good(child, "the next one");
    hard_remove(directory);
}

/* Anywhere, or near its end: the last write has added pages that no earlier look has seen. */
static void
cut_file(uint64_t *state)
{
    uint64_t choice = hard_random(state), range;
    struct stat st;

    HARD_CHECK(stat(hard_path(directory, "data.mdb"), &st) == 0);
    range = choice % 2 == 0 ? (uint64_t)st.st_size : 12288;
    HARD_CHECK(truncate(hard_path(directory, "data.mdb"),
                        st.st_size - 1 - (off_t)(choice / 2 % range)) == 0);
}

static int
cut_one(uint64_t *state, bool between)
{
    int said[2], heard[2], status;
    char octet = 'x';
    pid_t child;

    hard_directory(directory, true);
    HARD_CHECK(pipe(said) == 0 && pipe(heard) == 0);
    child = hard_fork();
    if (child == 0)
        live(said[1], heard[0], between);
    HARD_CHECK(read(said[0], &octet, 1) == 1);
    if (!between)
        hard_pause_us((long)(hard_random(state) % 2000));
    cut_file(state);
    HARD_CHECK(write(heard[1], &octet, 1) == 1);
    status = hard_wait(child);
    close(said[0]);
    close(said[1]);
    close(heard[0]);
    close(heard[1]);
    return status;
}

int
main(int argc, char **argv)
{
    uint64_t trials = hard_number(argc, argv, "--trials", 200), n;
    uint64_t told = 0, killed = 0, unharmed = 0;
    uint64_t state = hard_number(argc, argv, "--seed", 1);
    int status;

    for (n = 0; n < trials; n++) {
        status = cut_one(&state, true);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != TOLD)
            hard_die("a cut between two transactions: status %x", (unsigned)status);
        begin_anew(true);
    }
    hard_figure("cuts between two transactions, all told", trials);
    for (n = 0; n < trials; n++) {
        status = cut_one(&state, false);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
            killed++;
        else if (WIFEXITED(status) &&
                 (WEXITSTATUS(status) == TOLD || WEXITSTATUS(status) == FAULT))
            told++;
        else if (WIFEXITED(status) && WEXITSTATUS(status) == UNHARMED)
            unharmed++;
        else
            hard_die("a cut at any moment: status %x", (unsigned)status);
        begin_anew(WIFEXITED(status));
    }
    hard_figure("cuts at any moment of a process that never rests", trials);
    hard_figure("of these told", told);
    hard_figure("of these made good by the write under way", unharmed);
    hard_figure("of these ended by SIGBUS", killed);
    return 0;
}
