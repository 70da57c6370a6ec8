/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files that are gone, exchanged, another's, or no files at all. Whatever
 * stands there: nothing hangs or crashes, mail is decided upon, it is told
 * what is lost, and what is another's is left as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/context.h"
#include "hard.h"

#define OTHER_UID 65534

enum { DOMAINS = 40 };

static const char *const files[] = { "data.mdb", "lock.mdb", "open.lock", "write.lock",
                                     "fetch.lock" };
enum { FILES = 5, DATA = 0, LOCK = 1, OPEN_LOCK = 2, WRITE_LOCK = 3, FETCH_LOCK = 4 };

static char directory[64];
static struct hard_known want[DOMAINS];

/* What opening must come to. */
enum state {
    KEPT,   /* all is there, and can be written */
    UNWRITTEN, /* all is there, writes are refused and told */
    ANEW,   /* set aside or gone: told, and a new one begun */
    FRESH,  /* nothing was kept here, as far as anyone can tell */
    REFUSED /* lost, told */
};
static const char *const state_names[] = { "kept", "unwritten", "begun anew", "fresh", "refused" };

static void
domain_of(char out[64], unsigned n)
{
    snprintf(out, 64, "%u.kept.example.org", n);
}

static void
fill(void)
{
    struct smtpsec_context *context = hard_open(directory);
    struct ss_lease *lease = NULL;
    char domain[64];
    unsigned n;

    for (n = 0; n < DOMAINS; n++) {
        domain_of(domain, n);
        HARD_CHECK(hard_deliver(context, domain) == 0);
        hard_recall(context, domain, &want[n]);
    }
    /* So that the fifth file is there. */
    HARD_CHECK(ss_store_lease(context->store, 1, &lease) == 0);
    ss_lease_release(lease);
    smtpsec_context_free(context);
}

/* How many of the domains are as they were. */
static unsigned
count_kept(struct smtpsec_context *context)
{
    struct hard_known known;
    unsigned n, kept = 0;
    char domain[64];

    for (n = 0; n < DOMAINS; n++) {
        domain_of(domain, n);
        hard_recall(context, domain, &known);
        kept += known.error == 0 && known.fault == 0 && known.record_sum == want[n].record_sum;
    }
    return kept;
}

static enum state
judge(struct smtpsec_context *context)
{
    bool aside = false, lost = false;
    struct smtpsec_plan *plan;
    unsigned kept;
    int r;

    while (smtpsec_event_next(context)) {
        aside |= smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_SET_ASIDE;
        lost |= smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_LOST;
    }
    HARD_CHECK(lost == (smtpsec_context_memory_state(context) == SMTPSEC_MEMORY_LOST));
    kept = count_kept(context);
    plan = hard_evaluate(context, "new.example.org", NULL);
    HARD_CHECK(smtpsec_plan_verdict(plan) == SMTPSEC_VERDICT_DELIVER);
    smtpsec_plan_free(plan);
    (void)hard_events(context, 0);
    r = hard_deliver(context, "new.example.org");
    if (lost) {
        HARD_CHECK(kept == 0 && r == SMTPSEC_E_MEMORY);
        return REFUSED;
    }
    if (r != 0) {
        HARD_CHECK(r == SMTPSEC_E_MEMORY && kept == DOMAINS && !aside);
        HARD_CHECK(hard_events(context, SMTPSEC_EVENT_MEMORY_WRITE_FAILED) == 1);
        return UNWRITTEN;
    }
    HARD_CHECK(kept == 0 || kept == DOMAINS);
    HARD_CHECK(kept == 0 || !aside);
    return kept > 0 ? KEPT : aside ? ANEW : FRESH;
}

static enum state
open_and_judge(void)
{
    struct smtpsec_context *context = hard_open(directory);
    enum state state = judge(context);

    smtpsec_context_free(context);
    return state;
}

/* In a child, so that a crash is one of the child's. */
static enum state
opened_by_another(void)
{
    pid_t child;
    int status;

    fflush(NULL);
    child = hard_fork();
    if (child == 0)
        _exit(10 + (int)open_and_judge());
    status = hard_wait(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) < 10)
        hard_die("opening: status %x", (unsigned)status);
    return (enum state)(WEXITSTATUS(status) - 10);
}

static void
expect(const char *what, enum state got, enum state wanted)
{
    if (got != wanted)
        hard_die("%s: %s, not %s", what, state_names[got], state_names[wanted]);
    printf("%-52s %s\n", what, state_names[got]);
}

static void
begin(void)
{
    pid_t child;

    hard_directory(directory, true);
    child = hard_fork();
    if (child == 0) {
        fill();
        _exit(0);
    }
    hard_wait_good(child, "fill");
    fill(); /* the same again writes nothing, and tells this process what is there */
}

static void
end(void)
{
    hard_remove(directory);
}

static const char *
file(int n)
{
    return hard_path(directory, files[n]);
}

/* ---- gone while nobody has it open ---- */

static void
gone_closed(void)
{
    static const enum state wanted[FILES] = { ANEW, KEPT, KEPT, KEPT, KEPT };
    char text[64];
    int n;

    for (n = 0; n < FILES; n++) {
        begin();
        HARD_CHECK(unlink(file(n)) == 0);
        snprintf(text, sizeof(text), "%s gone", files[n]);
        expect(text, opened_by_another(), wanted[n]);
        if (wanted[n] == ANEW) /* told once */
            expect("... and opened again", opened_by_another(), FRESH);
        end();
    }
    begin();
    hard_remove(directory);
    expect("directory gone", opened_by_another(), REFUSED);
    HARD_CHECK(mkdir(directory, 0700) == 0);
    expect("directory exchanged for an empty one", opened_by_another(), FRESH);
    end();
    begin();
    HARD_CHECK(truncate(file(DATA), 0) == 0);
    expect("data.mdb emptied", opened_by_another(), ANEW);
    end();
}

/* ---- gone while it is open ---- */

static void
data_gone_open(bool emptied)
{
    struct smtpsec_context *context;
    bool told = false;
    int r;

    begin();
    context = hard_open(directory);
    HARD_CHECK(count_kept(context) == DOMAINS);
    HARD_CHECK((emptied ? truncate(file(DATA), 0) : unlink(file(DATA))) == 0);
    /* Two databases side by side would each forget what the other learns. */
    r = hard_deliver(context, "0.kept.example.org");
    while (smtpsec_event_next(context)) {
        printf("  %s: %s\n", smtpsec_event_name(smtpsec_event_kind(context)),
               smtpsec_event_text(context));
        told |= smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_LOST ||
                smtpsec_event_kind(context) == SMTPSEC_EVENT_MEMORY_SET_ASIDE;
    }
    HARD_CHECK(told && (r == 0 || r == SMTPSEC_E_MEMORY));
    smtpsec_context_free(context);
    printf("%-52s told\n", emptied ? "data.mdb emptied while open" : "data.mdb gone while open");
    end();
}

static void
second_opener(int n, enum state wanted)
{
    struct smtpsec_context *context;
    char text[64];

    begin();
    context = hard_open(directory);
    HARD_CHECK(count_kept(context) == DOMAINS);
    HARD_CHECK(unlink(file(n)) == 0);
    snprintf(text, sizeof(text), "%s gone while another has it open", files[n]);
    expect(text, opened_by_another(), wanted);
    HARD_CHECK(count_kept(context) == (n == DATA ? 0 : DOMAINS));
    smtpsec_context_free(context);
    end();
}

static void
directory_exchanged_open(void)
{
    struct smtpsec_context *context;
    char aside[80];

    begin();
    context = hard_open(directory);
    snprintf(aside, sizeof(aside), "%s.aside", directory);
    HARD_CHECK(rename(directory, aside) == 0 && mkdir(directory, 0700) == 0);
    /* Who has it open goes on in the old one, as with every file that is moved. */
    HARD_CHECK(count_kept(context) == DOMAINS);
    HARD_CHECK(hard_deliver(context, "moved.example.org") == 0);
    expect("directory exchanged while open, the next one", opened_by_another(), FRESH);
    HARD_CHECK(count_kept(context) == DOMAINS);
    smtpsec_context_free(context);
    hard_remove(directory);
    HARD_CHECK(rename(aside, directory) == 0);
    expect("... and put back", opened_by_another(), KEPT);
    end();
}

/* ---- another's ---- */

static void
foreign(void)
{
    /* The last two guard no contents: who may lock them can delay a write or a fetch, not more. */
    static const enum state owned[FILES] = { REFUSED, REFUSED, REFUSED, KEPT, KEPT };
    char text[64];
    int n;

    for (n = 0; n < FILES; n++) {
        begin();
        HARD_CHECK(chmod(file(n), 0666) == 0);
        snprintf(text, sizeof(text), "%s can be written by anyone", files[n]);
        expect(text, opened_by_another(), owned[n]);
        HARD_CHECK(chmod(file(n), 0600) == 0);
        expect("... and put right", opened_by_another(), KEPT);
        end();
        if (geteuid() != 0)
            continue;
        begin();
        HARD_CHECK(chown(file(n), OTHER_UID, OTHER_UID) == 0);
        snprintf(text, sizeof(text), "%s of another uid", files[n]);
        expect(text, opened_by_another(), owned[n]);
        HARD_CHECK(chown(file(n), 0, 0) == 0);
        expect("... and put right", opened_by_another(), KEPT);
        end();
    }
    begin();
    HARD_CHECK(chmod(directory, 0777) == 0);
    expect("directory can be written by anyone", opened_by_another(), REFUSED);
    HARD_CHECK(chmod(directory, 0700) == 0);
    expect("... and put right", opened_by_another(), KEPT);
    end();
    if (geteuid() != 0)
        hard_skip("files of another uid", "not root");
}

/* ---- no files ---- */

enum thing { FIFO, LINK, DANGLING, FOLDER, THINGS };
static const char *const thing_names[THINGS] = { "a FIFO", "a symbolic link",
                                                 "a dangling symbolic link", "a directory" };

static void
put_thing(const char *path, enum thing thing)
{
    const char *elsewhere = hard_path(directory, "elsewhere");

    HARD_CHECK(rename(path, hard_path(directory, "kept-aside")) == 0);
    switch (thing) {
    case FIFO:
        HARD_CHECK(mkfifo(path, 0600) == 0);
        break;
    case LINK:
        HARD_CHECK(symlink("kept-aside", path) == 0);
        break;
    case DANGLING:
        HARD_CHECK(symlink(elsewhere, path) == 0);
        break;
    default:
        HARD_CHECK(mkdir(path, 0700) == 0);
    }
}

static void
no_files(void)
{
    static const enum state wanted[FILES] = { REFUSED, REFUSED, REFUSED, UNWRITTEN, KEPT };
    char text[80], path[128];
    int n, thing;

    for (n = 0; n < FILES; n++) {
        for (thing = 0; thing < THINGS; thing++) {
            begin();
            snprintf(path, sizeof(path), "%s", file(n));
            put_thing(path, (enum thing)thing);
            snprintf(text, sizeof(text), "%s is %s", files[n], thing_names[thing]);
            /* A FIFO can be locked as well as a file. */
            expect(text, opened_by_another(), n == WRITE_LOCK && thing == FIFO ? KEPT : wanted[n]);
            HARD_CHECK(access(hard_path(directory, "elsewhere"), F_OK) == -1);
            HARD_CHECK((thing == FOLDER ? rmdir(path) : unlink(path)) == 0);
            HARD_CHECK(rename(hard_path(directory, "kept-aside"), path) == 0);
            if (opened_by_another() != KEPT)
                hard_die("%s: put right, it is not as it was", text);
            end();
        }
    }
}

/* ---- other contents ---- */

static void
put_octets(const void *octets, size_t len, off_t at)
{
    int fd = open(file(DATA), O_WRONLY | O_CLOEXEC);

    HARD_CHECK(fd != -1 && pwrite(fd, octets, len, at) == (ssize_t)len);
    close(fd);
}

static void
others_database(void)
{
    MDB_val key = { 6, (void *)(uintptr_t)"format" }, value = { 6, (void *)(uintptr_t)"theirs" };
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi;
    pid_t child;

    hard_directory(directory, true);
    child = hard_fork();
    if (child == 0) {
        HARD_CHECK(mdb_env_create(&env) == 0 && mdb_env_open(env, directory, 0, 0600) == 0);
        HARD_CHECK(mdb_txn_begin(env, NULL, 0, &txn) == 0);
        HARD_CHECK(mdb_dbi_open(txn, NULL, 0, &dbi) == 0);
        HARD_CHECK(mdb_put(txn, dbi, &key, &value, 0) == 0 && mdb_txn_commit(txn) == 0);
        mdb_env_close(env);
        _exit(0);
    }
    hard_wait_good(child, "another program");
    expect("another program's LMDB", opened_by_another(), REFUSED);
    HARD_CHECK(access(hard_path(directory, "data.mdb.damaged-1"), F_OK) == -1);
    end();
}

static void
contents(void)
{
    static const char text[] = "SQLite format 3";
    static const uint32_t newer = 2;
    char octets[sizeof(text)];
    int fd;

    begin();
    put_octets(&newer, sizeof(newer), 20);
    put_octets(&newer, sizeof(newer), 4096 + 20);
    expect("made by a newer LMDB", opened_by_another(), REFUSED);
    put_octets("\1", 1, 20);
    put_octets("\1", 1, 4096 + 20);
    expect("... and put right", opened_by_another(), KEPT);
    end();
    others_database();
    begin();
    put_octets(text, sizeof(text), 0);
    expect("another program's file", opened_by_another(), ANEW);
    fd = open(hard_path(directory, "data.mdb.damaged-1"), O_RDONLY | O_CLOEXEC);
    HARD_CHECK(fd != -1 && read(fd, octets, sizeof(octets)) == sizeof(octets));
    HARD_CHECK(memcmp(octets, text, sizeof(text)) == 0);
    close(fd);
    end();
}

int
main(void)
{
    gone_closed();
    data_gone_open(false);
    data_gone_open(true);
    second_opener(DATA, REFUSED);
    second_opener(LOCK, REFUSED);
    second_opener(OPEN_LOCK, REFUSED);
    second_opener(WRITE_LOCK, KEPT);
    second_opener(FETCH_LOCK, KEPT);
    directory_exchanged_open();
    foreign();
    no_files();
    contents();
    return 0;
}
