/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes on one memory record outcomes, fetch policies, forget, and keep
 * plans, some of which were made long before; they are killed with -9 at random
 * moments, and one is stopped between its mark and its commit. Others ask all
 * the while. Whenever nobody writes, no kept plan asks for less than a decision
 * of that moment by what is remembered; what DNS says changes for no domain
 * but by the policy's id.
 *
 *   plans [--rounds N] [--seed N]
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "dns_builder.h"
#include "hard.h"

enum { WORKERS = 3, DOMAINS = 12, LATE = 6, DAYS = 6, TYPE_A = 1, TYPE_MX = 15, TYPE_TXT = 16 };

struct domain {
    atomic_ullong begun; /* what may change the memory */
    atomic_ullong ended;
    atomic_uint policy;  /* the id that DNS says; odd: enforce */
};

static struct shared {
    atomic_llong now;
    atomic_int stop; /* the worker that is to stop itself, counted from 1 */
    atomic_ullong done, kept_late, refused, asked, compared, found;
    struct domain domains[DOMAINS];
} *shared;
static char directory[64];
static uint64_t seed;

static void
name_of(char out[64], size_t n)
{
    snprintf(out, 64, "plans%zu.example.org", n);
}

/* ---- a store that stops its process between mark and commit ---- */

static struct stopping {
    struct ss_store store;
    struct ss_store *inner;
    int number;
} stopping;

struct stopping_edit {
    ss_store_edit edit;
    void *arg;
};

static int
edit_and_stop(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *choice)
{
    const struct stopping_edit *edit = arg;
    int r = edit->edit(edit->arg, old, out, choice), number = stopping.number;

    if (r == 0 && *choice != SS_EDIT_KEEP &&
        atomic_compare_exchange_strong(&shared->stop, &number, 0))
        raise(SIGSTOP);
    return r;
}

static int
stopping_get(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
             struct ss_buf *value)
{
    (void)store;
    return ss_store_get(stopping.inner, table, key, value);
}

static int
stopping_update(struct ss_store *store, enum ss_store_table table, struct ss_bytes key,
                ss_store_edit edit, void *arg)
{
    struct stopping_edit stop = { edit, arg };

    (void)store;
    if (ss_store_is_volatile(table))
        return ss_store_update(stopping.inner, table, key, edit, arg);
    return ss_store_update(stopping.inner, table, key, edit_and_stop, &stop);
}

static int
stopping_each(struct ss_store *store, enum ss_store_table table, struct ss_bytes after, size_t most,
              ss_store_each each, void *arg)
{
    (void)store;
    return ss_store_each_after(stopping.inner, table, after, most, each, arg);
}

static int
stopping_discard(struct ss_store *store)
{
    (void)store;
    return ss_store_discard_volatile(stopping.inner);
}

static const struct ss_store_kind stopping_kind = {
    .get = stopping_get, .update = stopping_update, .each = stopping_each,
    .discard = stopping_discard
};

/* ---- evaluations ---- */

static void
answer_dns(struct ss_lookup *lookup, struct ss_need *need, const char *domain, unsigned policy)
{
    struct dns_builder *b =
        dns_builder_new(0, need->name, need->question.type, DNS_BUILDER_REPLY, 0);
    char host[80], text[32];
    const char *txt[] = { text };

    snprintf(host, sizeof(host), "mx.%s", domain);
    snprintf(text, sizeof(text), "v=STSv1; id=%u;", policy);
    if (need->question.type == TYPE_MX)
        dns_builder_mx(b, need->name, 3600, 10, host);
    else if (need->question.type == TYPE_A)
        dns_builder_a(b, need->name, 3600, "192.0.2.1");
    else if (need->question.type == TYPE_TXT && policy != 0)
        dns_builder_txt(b, need->name, 3600, txt, 1);
    else {
        dns_builder_section(b, DNS_BUILDER_AUTHORITY);
        dns_builder_soa(b, domain, 3600, 3600);
    }
    HARD_CHECK(ss_lookup_answer_dns(lookup, need, (struct ss_bytes){ b->octets, b->len }, true,
                                    hard_now) == 0);
    free(b);
}

static void
answer_https(struct ss_lookup *lookup, struct ss_need *need, const char *domain, unsigned policy,
             bool fetch)
{
    char body[160];
    struct ss_bytes bytes = { (const uint8_t *)body, 0 };

    bytes.len = (size_t)snprintf(body, sizeof(body),
                                 "version: STSv1\nmode: %s\nmax_age: 604800\nmx: mx.%s\n",
                                 policy % 2 == 1 ? "enforce" : "none", domain);
    HARD_CHECK(ss_lookup_answer_https(lookup, need, fetch ? 200 : 404, "text/plain", bytes,
                                      hard_now) == 0);
}

/* fetch: the policy can be had; else the one that is remembered counts. */
static struct ss_lookup *
look_up(struct smtpsec_context *context, size_t n, bool fetch)
{
    unsigned policy = atomic_load(&shared->domains[n].policy);
    struct smtpsec_destination *destination = NULL;
    struct ss_lookup *lookup = NULL;
    struct ss_need *need;
    char domain[64];
    size_t open;

    name_of(domain, n);
    HARD_CHECK(smtpsec_destination_new(domain, &destination) == 0);
    HARD_CHECK(ss_context_lookup(context, destination, &lookup) == 0);
    while (ss_lookup_step(lookup, hard_now, &open) == 0 && open > 0) {
        need = ss_lookup_open_need(lookup, 0);
        if (need->kind == SMTPSEC_NEED_DNS)
            answer_dns(lookup, need, domain, policy);
        else
            answer_https(lookup, need, domain, policy, fetch);
    }
    smtpsec_destination_free(destination);
    lookup->shared = true;
    return lookup;
}

/* ---- a worker ---- */

static void
conclude(struct smtpsec_context *context, struct ss_lookup *lookup)
{
    struct smtpsec_plan *plan = NULL;

    HARD_CHECK(ss_context_conclude(context, lookup, hard_now, &plan) == 0);
    smtpsec_plan_free(plan);
    ss_lookup_free(lookup);
}

/* Half of all evaluations are concluded after others began and ended. */
static void
evaluate(struct smtpsec_context *context, size_t n, uint64_t choice)
{
    static struct late { struct ss_lookup *lookup; size_t n; } late[LATE];
    struct late *old = &late[choice % LATE], now = { look_up(context, n, true), n };

    if (choice / LATE % 2 == 0) {
        struct late other = *old;

        *old = now;
        now = other;
    }
    if (now.lookup == NULL)
        return;
    atomic_fetch_add(&shared->kept_late, now.n != n);
    atomic_fetch_add(&shared->domains[now.n].begun, 1);
    conclude(context, now.lookup);
    atomic_fetch_add(&shared->domains[now.n].ended, 1);
}

static void
deliver(struct smtpsec_context *context, size_t n)
{
    struct ss_lookup *lookup = look_up(context, n, false);
    struct smtpsec_plan *plan = NULL;
    struct smtpsec_outcome *outcome = NULL;
    int r;

    HARD_CHECK(ss_context_decide(context, lookup, hard_now, &plan) == 0);
    /* With a policy in force it takes a certificate, which is not to the point here. */
    if (smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER &&
        smtpsec_plan_level(plan) <= SMTPSEC_LEVEL_ENCRYPTED) {
        outcome = hard_outcome(plan);
        r = smtpsec_record(context, outcome, hard_now);
        HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
        atomic_fetch_add(&shared->refused, r != 0);
    }
    smtpsec_outcome_free(outcome);
    smtpsec_plan_free(plan);
    ss_lookup_free(lookup);
}

static void
change(struct smtpsec_context *context, size_t n, unsigned what)
{
    char domain[64];
    int r;

    name_of(domain, n);
    atomic_fetch_add(&shared->domains[n].begun, 1);
    if (what == 0) {
        r = smtpsec_memory_forget(context, domain);
        HARD_CHECK(r == 0 || r == SMTPSEC_E_NOT_FOUND || r == SMTPSEC_E_MEMORY);
    } else if (what == 1) {
        atomic_fetch_add(&shared->domains[n].policy, 1);
        conclude(context, look_up(context, n, true));
    } else {
        deliver(context, n);
    }
    atomic_fetch_add(&shared->domains[n].ended, 1);
}

static void
work(struct smtpsec_context *context)
{
    uint64_t state = seed ^ (uint64_t)getpid() << 20, choice;
    size_t n;

    for (;;) {
        choice = hard_random(&state);
        n = (size_t)(choice % DOMAINS);
        choice /= DOMAINS;
        if (choice % 8 < 4)
            evaluate(context, n, choice / 8);
        else
            change(context, n, (unsigned)(choice % 8 - 4));
        atomic_fetch_add(&shared->done, 1);
    }
}

static pid_t
start_worker(int number)
{
    struct smtpsec_context *context;
    pid_t child;

    fflush(NULL);
    child = hard_fork();
    if (child != 0)
        return child;
    hard_now = atomic_load(&shared->now);
    context = hard_open_good(directory);
    stopping.inner = context->store;
    stopping.number = number + 1;
    stopping.store = *context->store;
    stopping.store.kind = &stopping_kind;
    context->store = &stopping.store;
    work(context);
    _exit(0);
}

/* ---- who asks ---- */

static void
compare(const struct smtpsec_cached *cached, const struct smtpsec_plan *fresh, const char *domain)
{
    const struct smtpsec_host *host = smtpsec_plan_host(fresh, 0);
    const struct smtpsec_requirement *wanted = smtpsec_host_requirement(host);

    atomic_fetch_add(&shared->compared, smtpsec_plan_level(fresh) > SMTPSEC_LEVEL_NONE);
    HARD_CHECK(smtpsec_cached_host_count(cached) == 1);
    if (wanted == NULL && smtpsec_cached_verdict(cached) == SMTPSEC_VERDICT_DELIVER)
        hard_die("%s: kept to be delivered, now it is not (seed %llu)", domain,
                 (unsigned long long)seed);
    if (wanted == NULL)
        return;
    if (smtpsec_cached_level(cached) < smtpsec_plan_level(fresh) ||
        smtpsec_cached_host_level(cached, 0) < smtpsec_requirement_level(wanted) ||
        smtpsec_cached_host_tls(cached, 0) < smtpsec_requirement_tls(wanted))
        hard_die("%s: kept with level %d, now it is %d (seed %llu)", domain,
                 (int)smtpsec_cached_level(cached), (int)smtpsec_plan_level(fresh),
                 (unsigned long long)seed);
}

/* One domain; where a worker changes it meanwhile, what is found says nothing. */
static void
ask(struct smtpsec_context *context, struct smtpsec_cached *cached, size_t n, bool quiet)
{
    struct domain *d = &shared->domains[n];
    unsigned long long ended = atomic_load(&d->ended), begun = atomic_load(&d->begun);
    struct ss_lookup *lookup = look_up(context, n, false);
    struct smtpsec_plan *plan = NULL;
    char domain[64];
    int found;

    name_of(domain, n);
    HARD_CHECK(ss_context_decide(context, lookup, hard_now, &plan) == 0);
    found = smtpsec_cached_find(cached, domain, hard_now);
    HARD_CHECK(found >= 0);
    atomic_fetch_add(&shared->asked, 1);
    if (found == 1 && (quiet || (begun == ended && atomic_load(&d->begun) == begun))) {
        atomic_fetch_add(&shared->found, 1);
        compare(cached, plan, domain);
    }
    smtpsec_plan_free(plan);
    ss_lookup_free(lookup);
}

static pid_t
start_asking(bool quiet)
{
    struct smtpsec_context *context;
    struct smtpsec_cached *cached = NULL;
    size_t n;
    pid_t child;

    fflush(NULL);
    child = hard_fork();
    if (child != 0)
        return child;
    hard_now = atomic_load(&shared->now);
    context = hard_open_good(directory);
    HARD_CHECK(smtpsec_cached_new(context, &cached) == 0);
    do {
        for (n = 0; n < DOMAINS; n++)
            ask(context, cached, n, quiet);
        hard_pause_us(200);
    } while (!quiet);
    smtpsec_cached_free(cached);
    smtpsec_context_free(context);
    _exit(0);
}

/* ---- rounds ---- */

/* One that ended before, by itself, had found a fault. */
static void
end_one(pid_t pid)
{
    kill(pid, SIGKILL);
    if (!WIFSIGNALED(hard_wait(pid)))
        hard_die("a process found a fault (seed %llu)", (unsigned long long)seed);
}

static void
restart(pid_t pids[WORKERS], int n)
{
    end_one(pids[n]);
    pids[n] = start_worker(n);
}

/* One stands still inside its write, and then goes on or is killed. Did it come to that? */
static bool
stop_one(pid_t pids[WORKERS], int n, bool goes_on)
{
    int64_t end = hard_ms() + 2000;
    int status = 0;
    pid_t pid = 0;

    atomic_store(&shared->stop, n + 1);
    while (pid == 0 && hard_ms() < end) {
        pid = waitpid(pids[n], &status, WUNTRACED | WNOHANG);
        hard_pause_us(500);
    }
    atomic_store(&shared->stop, 0);
    if (pid == 0)
        return false;
    HARD_CHECK(pid == pids[n] && WIFSTOPPED(status));
    hard_pause_us(150000);
    if (goes_on)
        kill(pids[n], SIGCONT);
    else
        restart(pids, n);
    return true;
}

static void
round_of(uint64_t *state, bool stops, uint64_t *kills, uint64_t *stopped)
{
    pid_t pids[WORKERS], asking;
    size_t d;
    int n, i;

    for (n = 0; n < WORKERS; n++)
        pids[n] = start_worker(n);
    asking = start_asking(false);
    for (i = 0; i < 8; i++) {
        hard_pause_us((long)(10000 + hard_random(state) % 40000));
        if (stops && i == 3)
            *stopped += stop_one(pids, (int)(hard_random(state) % WORKERS), *kills % 2 == 0);
        else
            restart(pids, (int)(hard_random(state) % WORKERS));
        ++*kills;
    }
    end_one(asking);
    for (n = 0; n < WORKERS; n++)
        end_one(pids[n]);
    for (d = 0; d < DOMAINS; d++)
        atomic_store(&shared->domains[d].ended, atomic_load(&shared->domains[d].begun));
    hard_wait_good(start_asking(true), "who asks when all is quiet");
}

/* Half of the domains have been delivered to for some days. */
static void
begin(void)
{
    struct smtpsec_context *context = hard_open_good(directory);
    char domain[64];
    size_t n, day;

    for (day = 0; day < DAYS; day++, hard_now += HARD_DAY) {
        for (n = 0; n < DOMAINS; n += 2) {
            name_of(domain, n);
            HARD_CHECK(hard_deliver(context, domain) == 0);
        }
    }
    smtpsec_context_free(context);
}

int
main(int argc, char **argv)
{
    uint64_t rounds = hard_number(argc, argv, "--rounds", 30), state, i, kills = 0, stopped = 0;

    seed = hard_number(argc, argv, "--seed", 1);
    state = seed;
    hard_figure("seed", seed);
    shared = hard_shared(sizeof(*shared));
    hard_directory(directory, true);
    begin();
    for (i = 0; i < rounds; i++) {
        hard_now += i % 4 == 0 ? HARD_DAY : 1800;
        atomic_store(&shared->now, hard_now);
        round_of(&state, i % 2 == 1, &kills, &stopped);
    }
    hard_figure("processes killed or stopped", kills);
    hard_figure("stopped between mark and commit", stopped);
    hard_figure("evaluations and changes", atomic_load(&shared->done));
    hard_figure("evaluations concluded late", atomic_load(&shared->kept_late));
    hard_figure("outcomes refused, the lock being held", atomic_load(&shared->refused));
    hard_figure("questions", atomic_load(&shared->asked));
    hard_figure("kept plans compared", atomic_load(&shared->found));
    hard_figure("of those, where the memory asks for something", atomic_load(&shared->compared));
    /* A test of nothing must not pass. */
    HARD_CHECK(stopped > 0 && atomic_load(&shared->kept_late) > rounds);
    HARD_CHECK(atomic_load(&shared->found) > rounds && atomic_load(&shared->compared) > rounds);
    hard_remove(directory);
    return 0;
}
