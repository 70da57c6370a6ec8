/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The closed file is damaged at random, then opened, read whole and written
 * to. Nothing crashes or hangs; and what was known of a destination is there
 * unchanged, or the library says that something is lost: by an event when the
 * memory is opened, or as the fault of the entry that is read.
 *
 *   flip [--trials N] [--seed N] [--only TRIAL]
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "damage.h"
#include "hard.h"

enum { DOMAINS = 320, FILE_MAX = 4 << 20, WORKERS = 2, KINDS_MAX = 32 };

enum result { UNCHANGED, ENTRY_TOLD, OPENING_TOLD, SET_ASIDE, LOST, OLDER, RESULTS };
static const char *const result_names[RESULTS] = { "unchanged", "entry told", "opening told",
                                                   "set aside", "lost", "older" };

static struct {
    atomic_ullong results[KINDS_MAX][RESULTS];
    atomic_ullong writes_refused;
} *shared;

static char directory[64];
static uint8_t older[FILE_MAX], whole[FILE_MAX], broken[FILE_MAX];
static size_t older_len, whole_len;
/* In the older file, before the last transaction, and in the whole file. */
static struct hard_known before[DOMAINS], last[DOMAINS], want[DOMAINS];
static uint64_t seed;

static void
domain_of(char out[64], unsigned n)
{
    snprintf(out, 64, "%u.domain.example.org", n * 7919 % DOMAINS);
}

/* ---- the file ---- */

static size_t
read_data(uint8_t *octets)
{
    int fd = open(hard_path(directory, "data.mdb"), O_RDONLY | O_CLOEXEC);
    ssize_t got = read(fd, octets, FILE_MAX);

    HARD_CHECK(fd != -1 && got > 40 * DAMAGE_PAGE && got < FILE_MAX - 20 * DAMAGE_PAGE);
    close(fd);
    return (size_t)got;
}

static void
write_data(const uint8_t *octets, size_t len)
{
    int fd = open(hard_path(directory, "data.mdb"), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    HARD_CHECK(fd != -1 && write(fd, octets, len) == (ssize_t)len);
    close(fd);
}

static void
know_all(struct hard_known known[DOMAINS])
{
    struct smtpsec_context *context = hard_open(directory);
    char domain[64];
    unsigned n;

    for (n = 0; n < DOMAINS; n++) {
        domain_of(domain, n);
        hard_recall(context, domain, &known[n]);
        HARD_CHECK(known[n].error == 0 && known[n].fault == 0);
    }
    smtpsec_context_free(context);
}

/* Every second round leaves some out, so that the pages differ in more than times. */
static void
write_all(unsigned round)
{
    struct smtpsec_context *context = hard_open(directory);
    char domain[64], *policy;
    unsigned n;
    int r;

    for (n = 0; n < DOMAINS; n++) {
        domain_of(domain, n);
        if (n % 20 == 0) {
            policy = hard_policy(domain, n % 100 == 0 ? 20000 : 1500);
            hard_learn_policy(context, domain, policy);
            free(policy);
        } else if (round % 2 == 0 || n % 3 != 0) {
            HARD_CHECK(hard_deliver(context, domain) == 0);
        }
    }
    /* Pages that are free, too. */
    for (n = 0; n < 10; n++) {
        domain_of(domain, n * 20 + 1);
        r = smtpsec_memory_forget(context, domain);
        HARD_CHECK(r == 0 || r == SMTPSEC_E_NOT_FOUND);
    }
    smtpsec_context_free(context);
    hard_now += HARD_DAY;
}

static void
write_last(void)
{
    struct smtpsec_context *context = hard_open(directory);
    char domain[64];

    domain_of(domain, 2);
    HARD_CHECK(hard_deliver(context, domain) == 0);
    smtpsec_context_free(context);
}

static void
make_file(void)
{
    unsigned n;

    write_all(0);
    write_all(1);
    know_all(before);
    older_len = read_data(older);
    write_all(2);
    write_all(3);
    know_all(last);
    write_last();
    know_all(want);
    whole_len = read_data(whole);
    for (n = 0; n < DOMAINS; n++)
        HARD_CHECK(n % 20 == 1 || want[n].claims > 0);
}

/* ---- one trial ---- */

static bool
same(const struct hard_known *a, const struct hard_known *b)
{
    return a->record_sum == b->record_sum && a->policy_sum == b->policy_sum;
}

/* What the opening says; UNCHANGED when it says nothing. */
static enum result
judge_opening(struct smtpsec_context *context)
{
    bool set_aside = false, told = false;

    while (smtpsec_event_next(context)) {
        set_aside |= smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_SET_ASIDE;
        told |= smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_LOST;
    }
    if (smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_LOST) {
        HARD_CHECK(told);
        return LOST;
    }
    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
    return set_aside ? SET_ASIDE : told ? OPENING_TOLD : UNCHANGED;
}

/* Through the interface, a damaged entry is told by an event and the plan's word. */
static void
check_told(struct smtpsec_context *context, const char *domain)
{
    struct smtpsec_plan *plan;

    (void)hard_events(context, 0);
    plan = hard_evaluate(context, domain, NULL);
    HARD_CHECK(smtpsec_plan_memory_state(plan) == SMTPSEC_MEMORY_LOST);
    HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_LOST) > 0);
    smtpsec_plan_free(plan);
}

/* Read all; the worst that was met. */
static enum result
judge_entries(struct smtpsec_context *context, enum result opening, bool may_be_older)
{
    enum result result = opening;
    struct hard_known known;
    char domain[64];
    unsigned n;

    for (n = 0; n < DOMAINS; n++) {
        domain_of(domain, n);
        hard_recall(context, domain, &known);
        if (known.error != 0 || known.fault != 0) {
            if (result == UNCHANGED) {
                check_told(context, domain);
                result = ENTRY_TOLD;
            }
        } else if (same(&known, &want[n]) || opening != UNCHANGED) {
            continue;
        } else if (same(&known, &last[n]) || (may_be_older && same(&known, &before[n]))) {
            result = OLDER;
        } else {
            hard_die("%s: silently changed: %zu claims, last seen %lld; there were %zu, %lld",
                     domain, known.claims, (long long)known.last_seen, want[n].claims,
                     (long long)want[n].last_seen);
        }
    }
    return result;
}

static void
use_file(size_t kind)
{
    struct smtpsec_context *context = hard_open(directory);
    bool may_be_older = strcmp(damages[kind].name, "a page as it was before") == 0;
    enum result result = judge_opening(context);
    struct smtpsec_claims *claims = NULL;
    int r;

    result = judge_entries(context, result, may_be_older);
    r = smtpsec_memory_list(context, NULL, &claims);
    HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
    if (r == 0)
        smtpsec_claims_free(claims);
    r = hard_deliver(context, "new.example.org");
    HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
    if (r != 0)
        atomic_fetch_add(&shared->writes_refused, 1);
    HARD_CHECK(r == 0 || hard_events(context, SMTPSEC_EVENT_MEMORY_WRITE_FAILED) > 0 ||
               smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_LOST);
    smtpsec_context_free(context);
    atomic_fetch_add(&shared->results[kind][result], 1);
}

static void
run_trial(uint64_t trial)
{
    struct damage_file file = { broken, whole_len, FILE_MAX, older, older_len };
    size_t kind = trial % damage_count;
    uint64_t state = seed * UINT64_C(1000003) + trial;
    pid_t child;
    int status;

    memcpy(broken, whole, whole_len);
    damages[kind].apply(&file, &state);
    write_data(broken, file.len);
    child = hard_fork();
    if (child == 0) {
        use_file(kind);
        _exit(0);
    }
    status = hard_wait(child);
    if (status != 0)
        hard_die("trial %llu (%s, seed %llu): %s %d", (unsigned long long)trial, damages[kind].name,
                 (unsigned long long)seed, WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    (void)unlink(hard_path(directory, "data.mdb.damaged-1"));
}

static void
work(uint64_t first, uint64_t end, uint64_t step)
{
    uint64_t trial;

    hard_directory(directory, true);
    for (trial = first; trial < end; trial += step)
        run_trial(trial);
    hard_remove(directory);
    _exit(0);
}

/* ---- all ---- */

static void
print_figures(uint64_t trials)
{
    uint64_t sum, all[RESULTS] = { 0 };
    size_t kind, r;

    printf("%-26s", "");
    for (r = 0; r < RESULTS; r++)
        printf(" %12s", result_names[r]);
    printf("\n");
    for (kind = 0; kind < damage_count; kind++) {
        printf("%-26s", damages[kind].name);
        for (r = 0, sum = 0; r < RESULTS; r++) {
            uint64_t n = atomic_load(&shared->results[kind][r]);

            printf(" %12llu", (unsigned long long)n);
            all[r] += n;
            sum += n;
        }
        printf("\n");
        HARD_CHECK(sum >= trials / damage_count);
    }
    for (r = 0, sum = 0; r < RESULTS; r++)
        sum += all[r];
    hard_figure("damaged files opened", sum);
    hard_figure("crashed, hung, or changed without a word", 0);
    hard_figure("set back to an earlier state without a word", all[OLDER]);
    hard_figure("writes refused afterwards", atomic_load(&shared->writes_refused));
    HARD_CHECK(sum == trials && all[SET_ASIDE] > trials / 10 && all[UNCHANGED] > 0);
}

int
main(int argc, char **argv)
{
    uint64_t trials = hard_number(argc, argv, "--trials", 10400), n;
    uint64_t only = hard_number(argc, argv, "--only", UINT64_MAX);
    pid_t workers[WORKERS], child;

    seed = hard_number(argc, argv, "--seed", 1);
    shared = hard_shared(sizeof(*shared));
    HARD_CHECK(damage_count <= KINDS_MAX);
    hard_directory(directory, true);
    make_file();
    hard_remove(directory);
    hard_figure("seed", seed);
    hard_figure("file, octets", whole_len);
    if (only != UINT64_MAX) {
        child = hard_fork();
        if (child == 0)
            work(only, only + 1, 1);
        hard_wait_good(child, "trial");
        return 0;
    }
    for (n = 0; n < WORKERS; n++) {
        fflush(NULL);
        workers[n] = hard_fork();
        if (workers[n] == 0)
            work(n, trials, WORKERS);
    }
    for (n = 0; n < WORKERS; n++) {
        int status;

        HARD_CHECK(waitpid(workers[n], &status, 0) == workers[n]);
        if (status != 0)
            hard_die("a worker found a fault");
    }
    print_figures(trials);
    return 0;
}
