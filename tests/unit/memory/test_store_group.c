/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A memory shared with a group (DESIGN 6.13). Needs root, to be others. */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store_support.h"

#define ONE 65533
#define OTHER 65534
#define GROUP 65532
#define OTHER_GROUP 65531

static char directory[64];

static int
setup(void **state)
{
    (void)state;
    store_directory(directory);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    store_remove(directory);
    return 0;
}

static void
path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", directory, name);
}

enum outcome { GOOD, OWNER, ANYONE, BY_GROUP, READ_ONLY, OTHERWISE, NO_USER };

/* Open, put and read, and say what came of it. */
static enum outcome
use(bool shared, gid_t group, const char *value)
{
    struct ss_store_lmdb_options options = { .shared = shared, .group = group };
    struct ss_store *store = NULL;
    enum outcome what = OTHERWISE;

    if (ss_store_lmdb_open(directory, &options, NULL, &store) != 0)
        return OTHERWISE;
    if (store->state == SMTPSEC_MEMORY_OK && store_put(store, "k", value) == 0 &&
        store_has(store, "k", value))
        what = GOOD;
    else if (store->state == SMTPSEC_MEMORY_READ_ONLY)
        what = READ_ONLY;
    else if (strstr(store->error.text, "belongs to uid") != NULL)
        what = OWNER;
    else if (strstr(store->error.text, "by anyone") != NULL)
        what = ANYONE;
    else if (strstr(store->error.text, "can be written by group") != NULL)
        what = BY_GROUP;
    else
        fprintf(stderr, "state %d: %s\n", (int)store->state, store->error.text);
    ss_store_close(store);
    return what;
}

/* As somebody who has the group beside their own. */
static enum outcome
use_as(uid_t uid, bool shared, gid_t group, const char *value)
{
    gid_t groups[1] = { GROUP };
    pid_t child = fork();
    int status;

    if (child == 0) {
        umask(0277);
        if (uid != 0 && (setgroups(1, groups) != 0 || setresgid(uid, uid, uid) != 0 ||
                         setresuid(uid, uid, uid) != 0))
            store_child_exit(NO_USER);
        store_child_exit((int)use(shared, group, value));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return (enum outcome)WEXITSTATUS(status);
}

static bool
must_skip(void)
{
    if (geteuid() == 0)
        return false;
    fprintf(stderr, "skipped: only root can be several users\n");
    return true;
}

static void
own_directory(uid_t uid, gid_t gid, mode_t mode)
{
    assert_int_equal(chown(directory, uid, gid), 0);
    assert_int_equal(chmod(directory, mode), 0);
}

static void
shared_by_two(void **state)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "open.lock", "write.lock" };
    struct stat st;
    char path[128];
    size_t i;

    (void)state;
    if (must_skip())
        skip();
    own_directory(0, GROUP, 0770);
    assert_int_equal(use_as(ONE, true, GROUP, "by one"), GOOD);
    for (i = 0; i < 4; i++) {
        path_of(path, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, ONE);
        assert_int_equal(st.st_gid, GROUP);
        assert_int_equal(st.st_mode & 07777, 0660);
    }
    assert_int_equal(use_as(OTHER, true, GROUP, "by the other"), GOOD);
    assert_int_equal(use_as(ONE, true, GROUP, "by one again"), GOOD);
}

/* Both have it open at once, and each sees what the other wrote. */
static void
at_once(void **state)
{
    struct ss_store_lmdb_options options = { .shared = true, .group = GROUP };
    struct ss_store *store = NULL;
    gid_t groups[1] = { GROUP };
    pid_t child;
    int status;

    (void)state;
    if (must_skip())
        skip();
    own_directory(ONE, GROUP, 02770);
    child = fork();
    if (child == 0) {
        if (setgroups(1, groups) != 0 || setresgid(ONE, ONE, ONE) != 0 ||
            setresuid(ONE, ONE, ONE) != 0 ||
            ss_store_lmdb_open(directory, &options, NULL, &store) != 0 ||
            store_put(store, "k", "by one") != 0)
            store_child_exit(1);
        /* A grandchild could not change its user any more: let the other come from outside. */
        if (kill(getpid(), SIGSTOP) != 0 || !store_has(store, "k", "by the other"))
            store_child_exit(2);
        ss_store_close(store);
        store_child_exit(0);
    }
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(use_as(OTHER, true, GROUP, "by the other"), GOOD);
    assert_int_equal(kill(child, SIGCONT), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

struct row {
    const char *name;
    uid_t uid, as;
    gid_t gid;
    mode_t mode;
    bool shared;
    gid_t group;
    enum outcome want;
};

static const struct row rows[] = {
    { "one's own, without a group", ONE, ONE, ONE, 0700, false, 0, GOOD },
    { "one's own, shared", ONE, ONE, GROUP, 0770, true, GROUP, GOOD },
    { "another's, without a group", OTHER, ONE, GROUP, 0770, false, 0, OWNER },
    { "another's, of the group", OTHER, ONE, GROUP, 0770, true, GROUP, GOOD },
    { "another's, of another group", OTHER, ONE, GROUP, 0770, true, OTHER_GROUP, OWNER },
    { "another's, of the group, for anyone", OTHER, ONE, GROUP, 0777, true, GROUP, ANYONE },
    { "one's own, another group may write", ONE, ONE, OTHER_GROUP, 0770, true, GROUP, BY_GROUP },
    { "one's own, another group may read", ONE, ONE, OTHER_GROUP, 0750, true, GROUP, GOOD },
    { "root opens root's own", 0, 0, 0, 0700, false, 0, GOOD },
    { "root opens no group's", ONE, 0, GROUP, 0770, true, GROUP, OWNER },
    { "root opens nothing that a group may write", 0, 0, GROUP, 0770, true, GROUP, BY_GROUP },
    { "root shares with nobody", 0, 0, GROUP, 0750, true, GROUP, GOOD },
};

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct stat st;
    char path[128];

    if (must_skip())
        skip();
    store_directory(directory);
    own_directory(row->uid, row->gid, row->mode);
    assert_int_equal(use_as(row->as, row->shared, row->group, "v"), row->want);
    path_of(path, "data.mdb");
    if (row->want == GOOD) {
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, row->shared && row->as != 0 ? 0660 : 0600);
    } else {
        assert_int_equal(access(path, F_OK), -1);
    }
    store_remove(directory);
}

/* Each file is looked at, not the directory alone. */
static void
files_of_others(void **state)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "open.lock" };
    char path[128];
    size_t i;

    (void)state;
    if (must_skip())
        skip();
    own_directory(ONE, GROUP, 0770);
    assert_int_equal(use_as(ONE, true, GROUP, "v"), GOOD);
    for (i = 0; i < 3; i++) {
        path_of(path, names[i]);
        assert_int_equal(chown(path, OTHER, OTHER_GROUP), 0);
        assert_int_equal(chmod(path, 0666 & ~02), 0);
        /* Closed to them as its rights are, or ours to refuse. */
        assert_int_not_equal(use_as(ONE, true, GROUP, "w"), GOOD);
        assert_int_equal(chmod(path, 0666), 0);
        assert_int_equal(use_as(ONE, true, GROUP, "w"), ANYONE);
        assert_int_equal(chown(path, ONE, GROUP), 0);
        assert_int_equal(chmod(path, 0660), 0);
        assert_int_equal(use_as(ONE, true, GROUP, "v"), GOOD);
    }
}

/* Who is not of the group cannot give it files: none is left behind that keeps others out. */
static void
not_a_member(void **state)
{
    char path[128];

    (void)state;
    if (must_skip())
        skip();
    own_directory(ONE, ONE, 0700);
    assert_int_equal(use_as(ONE, true, OTHER_GROUP, "v"), OTHERWISE);
    path_of(path, "open.lock");
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(use_as(ONE, true, GROUP, "v"), GOOD);
}

/* A member that may not write the directory reads. */
static void
may_read(void **state)
{
    (void)state;
    if (must_skip())
        skip();
    own_directory(ONE, GROUP, 0750);
    assert_int_equal(use_as(ONE, true, GROUP, "v"), GOOD);
    assert_int_equal(use_as(OTHER, true, GROUP, "w"), READ_ONLY);
    assert_int_equal(use_as(ONE, true, GROUP, "x"), GOOD);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/store_group");
    const struct CMUnitTest tests[] = {
        { "DESIGN 6.13 two users of a group", shared_by_two, setup, teardown, NULL },
        { "DESIGN 6.13 two users at once", at_once, setup, teardown, NULL },
        { "DESIGN 6.13 each file must be ours", files_of_others, setup, teardown, NULL },
        { "who is not of the group makes nothing", not_a_member, setup, teardown, NULL },
        { "a directory that the group may only read", may_read, setup, teardown, NULL },
    };
    int failed = cmocka_run_group_tests_name("memory/store_group", tests, NULL, NULL);

    SS_TABLE_ROWS(&t, check_row, rows);
    return ss_table_run(&t) + failed;
}
