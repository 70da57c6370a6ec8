/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A full disk: a small tmpfs with 0, 1, 2 ... pages left. Decisions go on,
 * what cannot be written is told, nothing stored before is lost, and once
 * there is room writes work again. The same under a limit of file size, which
 * needs no right to mount.
 *
 *   full [--pages N]
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"
#include "value.h"

enum { ENTRIES = 30, DAYS = 20, TRIES = 300, REFUSALS = 6, PAGE = 4096 };

static char directory[64];
/* What was acknowledged, while there was room and after. */
static uint64_t number[ENTRIES];
static struct hard_known known;

static struct figures {
    uint64_t files, done, refused, decided, opened_full, lost_full;
} *figures;

static struct value_key
entry(unsigned n)
{
    return (struct value_key){ 0, n };
}

static void
check_all(struct smtpsec_context *context)
{
    struct hard_known now;
    unsigned n;

    for (n = 0; n < ENTRIES; n++)
        HARD_CHECK(value_get(context->store, entry(n)) == (int64_t)number[n]);
    hard_recall(context, "known.example.org", &now);
    HARD_CHECK(now.error == 0 && now.fault == 0 && now.record_sum == known.record_sum);
    hard_recall(context, "policy.example.org", &now);
    HARD_CHECK(now.error == 0 && now.fault == 0 && now.has_policy);
}

static struct smtpsec_context *
fill_memory(void)
{
    struct smtpsec_context *context = hard_open(directory);
    char *policy = hard_policy("policy.example.org", 3000);
    unsigned n;

    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
    for (n = 0; n < DAYS; n++, hard_now += HARD_DAY)
        HARD_CHECK(hard_deliver(context, "known.example.org") == 0);
    hard_learn_policy(context, "policy.example.org", policy);
    for (n = 0; n < ENTRIES; n++) {
        number[n] = 1;
        HARD_CHECK(value_put(context->store, entry(n), 1, 100) == 0);
    }
    hard_recall(context, "known.example.org", &known);
    free(policy);
    return context;
}

static void
decide(struct smtpsec_context *context, const char *domain)
{
    struct smtpsec_plan *plan = hard_evaluate(context, domain, NULL);

    HARD_CHECK(smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER);
    smtpsec_plan_free(plan);
    figures->decided++;
}

/* Write until that was refused some times; all that is acknowledged stands. */
static void
write_until_refused(struct smtpsec_context *context, uint64_t *state)
{
    unsigned tries, refused = 0, n;
    char domain[64];
    uint64_t choice;
    int r;

    for (tries = 0; tries < TRIES && refused < REFUSALS; tries++) {
        choice = hard_random(state);
        n = (unsigned)(choice % ENTRIES);
        (void)hard_events(context, 0);
        if (choice / ENTRIES % 2 == 0) {
            r = value_put(context->store, entry(n), number[n] + 1, 100 + choice / 64 % 12000);
            if (r == 0)
                number[n]++;
        } else {
            snprintf(domain, sizeof(domain), "new%u.example.org", tries);
            r = hard_deliver(context, domain);
            HARD_CHECK(r == 0 || hard_events(context, SMTPSEC_EVENT_MEMORY_WRITE_FAILED) == 1);
        }
        HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
        HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
        figures->done += r == 0;
        figures->refused += r != 0;
        refused += r != 0;
        if (r != 0) {
            check_all(context);
            decide(context, "known.example.org");
        }
    }
    HARD_CHECK(refused == REFUSALS);
}

static void
works_again(struct smtpsec_context *context)
{
    unsigned n;

    check_all(context);
    for (n = 0; n < ENTRIES; n++)
        HARD_CHECK(value_put(context->store, entry(n), ++number[n], 5000) == 0);
    HARD_CHECK(hard_deliver(context, "known.example.org") == 0);
    hard_recall(context, "known.example.org", &known);
    check_all(context);
}

/* What the disk holds is the whole of it. */
static void
close_and_open(struct smtpsec_context *context)
{
    smtpsec_context_free(context);
    context = hard_open(directory);
    HARD_CHECK(smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK);
    HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_SET_ASIDE) == 0);
    check_all(context);
    smtpsec_context_free(context);
}

/* ---- on a tmpfs ---- */

static uint64_t
pages_free(void)
{
    struct statvfs st;

    HARD_CHECK(statvfs(directory, &st) == 0);
    return st.f_bfree;
}

static void
fill_disk(uint64_t leave)
{
    static const uint8_t page[PAGE];
    int fd = open(hard_path(directory, "ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    HARD_CHECK(fd != -1);
    while (pages_free() > leave)
        HARD_CHECK(write(fd, page, PAGE) == PAGE);
    HARD_CHECK(pages_free() == leave);
    close(fd);
}

static void
make_room(void)
{
    HARD_CHECK(unlink(hard_path(directory, "ballast")) == 0);
}

static void
mount_disk(void)
{
    HARD_CHECK(mount("none", directory, "tmpfs", 0, "size=4m,mode=0700") == 0);
}

/* It fills while the memory is open. */
static void
fills_in_use(uint64_t pages)
{
    struct smtpsec_context *context;
    uint64_t state = pages;

    mount_disk();
    context = fill_memory();
    fill_disk(pages);
    write_until_refused(context, &state);
    make_room();
    works_again(context);
    close_and_open(context);
}

/* It is full when the memory is opened. */
static void
opened_when_full(uint64_t pages)
{
    struct smtpsec_context *context;
    bool good;

    mount_disk();
    smtpsec_context_free(fill_memory());
    fill_disk(pages);
    context = hard_open(directory);
    good = smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK;
    HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_LOST) == (good ? 0u : 1u));
    if (good)
        check_all(context);
    figures->opened_full += good;
    figures->lost_full += !good;
    decide(context, "known.example.org");
    make_room();
    if (good)
        works_again(context);
    close_and_open(context);
}

/* It is full before there is a memory. */
static void
begun_when_full(uint64_t pages)
{
    struct smtpsec_context *context;
    bool good;
    int r;

    mount_disk();
    fill_disk(pages);
    context = hard_open(directory);
    good = smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_OK;
    HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_LOST) == (good ? 0u : 1u));
    decide(context, "known.example.org");
    r = hard_deliver(context, "known.example.org");
    HARD_CHECK(r == 0 || r == SMTPSEC_E_MEMORY);
    figures->opened_full += good;
    figures->lost_full += !good;
    smtpsec_context_free(context);
    make_room();
    context = fill_memory();
    close_and_open(context);
}

static void
on_tmpfs(void (*job)(uint64_t), const char *what, uint64_t pages)
{
    uint64_t n;
    pid_t child;
    char text[64];

    memset(figures, 0, sizeof(*figures));
    for (n = 0; n <= pages; n++) {
        snprintf(text, sizeof(text), "%s, %llu pages free", what, (unsigned long long)n);
        fflush(NULL);
        child = hard_fork();
        if (child == 0) {
            job(n);
            figures->files++;
            _exit(0);
        }
        hard_wait_good(child, text);
        HARD_CHECK(umount2(directory, MNT_DETACH) == 0);
    }
    printf("-- %s\n", what);
    hard_figure("disks", figures->files);
    if (figures->refused > 0) {
        hard_figure("writes done in what was left", figures->done);
        hard_figure("writes refused and told", figures->refused);
    } else {
        hard_figure("opened all the same", figures->opened_full);
        hard_figure("not opened, and told", figures->lost_full);
    }
    hard_figure("decisions on a full disk", figures->decided);
}

/* ---- under a limit ---- */

static void
limited(uint64_t pages)
{
    struct smtpsec_context *context = fill_memory();
    struct rlimit limit, before;
    uint64_t state = pages;
    struct stat st;

    signal(SIGXFSZ, SIG_IGN);
    HARD_CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = before;
    HARD_CHECK(stat(hard_path(directory, "data.mdb"), &st) == 0);
    limit.rlim_cur = (rlim_t)st.st_size + pages * PAGE;
    HARD_CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    write_until_refused(context, &state);
    HARD_CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    works_again(context);
    close_and_open(context);
}

static void
under_limits(uint64_t pages)
{
    uint64_t n;
    pid_t child;

    memset(figures, 0, sizeof(*figures));
    for (n = 0; n <= pages; n++) {
        hard_directory(directory, true);
        fflush(NULL);
        child = hard_fork();
        if (child == 0) {
            limited(n);
            figures->files++;
            _exit(0);
        }
        hard_wait_good(child, "file size limit");
        hard_remove(directory);
    }
    printf("-- a limit of file size (RLIMIT_FSIZE)\n");
    hard_figure("files", figures->files);
    hard_figure("writes done in what was left", figures->done);
    hard_figure("writes refused and told", figures->refused);
    hard_figure("decisions meanwhile", figures->decided);
}

int
main(int argc, char **argv)
{
    uint64_t pages = hard_number(argc, argv, "--pages", 40);

    figures = hard_shared(sizeof(*figures));
    under_limits(pages);
    if (!hard_may_mount()) {
        hard_skip("a full tmpfs", "no right to mount (neither root nor user namespaces)");
        return 0;
    }
    hard_directory(directory, false);
    on_tmpfs(fills_in_use, "a disk that fills while the memory is open", pages);
    on_tmpfs(opened_when_full, "a full disk with a memory on it", pages);
    /* The lock file of the readers alone takes some 65 pages. */
    on_tmpfs(begun_when_full, "a full disk without a memory", 2 * pages);
    hard_remove(directory);
    return 0;
}
