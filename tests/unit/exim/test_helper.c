/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The child that does the work as another user: only a whole answer in time is one. */
#include "table.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"

#define NOBODY "nobody"

enum { SAYS, SAYS_NOTHING, FAILS, DIES, SLEEPS, SAYS_TOO_MUCH, BREAKS_LINES };

struct row {
    const char *name;
    int does;
    int want;
    const char *answer;
};

static const struct row rows[] = {
    {"an answer", SAYS, 0, "yes"},
    {"an empty answer", SAYS_NOTHING, 0, ""},
    {"several lines", BREAKS_LINES, 0, "a\nb"},
    {"work that fails", FAILS, -1, NULL},
    {"a child that dies", DIES, -1, NULL},
    {"a child that is late", SLEEPS, -1, NULL},
    {"no room for the answer", SAYS_TOO_MUCH, -1, NULL},
};

static int
work(void *user, char *out, size_t room)
{
    const struct row *row = user;

    switch (row->does) {
    case SAYS:
        snprintf(out, room, "yes");
        return 0;
    case BREAKS_LINES:
        snprintf(out, room, "a\nb");
        return 0;
    case FAILS:
        snprintf(out, room, "yes");
        return -1;
    case DIES:
        _exit(0);
    case SLEEPS:
        snprintf(out, room, "yes");
        sleep(30);
        return 0;
    case SAYS_TOO_MUCH:
        memset(out, 'x', room - 1);
        out[room - 1] = '\0';
        return 0;
    default:
        return 0;
    }
}

static void
answers(void **state)
{
    struct row *row = *state;
    char out[100] = "untouched";

    assert_int_equal(exim_helper(NOBODY, 1000, work, row, out, sizeof(out)), row->want);
    assert_string_equal(out, row->answer != NULL ? row->answer : "untouched");
}

static int
who(void *user, char *out, size_t room)
{
    uid_t uids[3];
    gid_t gids[3];

    (void)user;
    if (getresuid(&uids[0], &uids[1], &uids[2]) != 0 ||
        getresgid(&gids[0], &gids[1], &gids[2]) != 0)
        return -1;
    snprintf(out, room, "%u %u %u %u %u %u", uids[0], uids[1], uids[2], gids[0], gids[1], gids[2]);
    return 0;
}

static bool
must_skip(void)
{
    if (geteuid() == 0)
        return false;
    fprintf(stderr, "skipped: only root can become another user\n");
    return true;
}

static void
root_is_left(void **state)
{
    const struct passwd *nobody = getpwnam(NOBODY);
    char out[200] = "";
    char want[200];

    (void)state;
    if (must_skip())
        skip();
    assert_non_null(nobody);
    snprintf(want, sizeof(want), "%u %u %u %u %u %u", nobody->pw_uid, nobody->pw_uid,
             nobody->pw_uid, nobody->pw_gid, nobody->pw_gid, nobody->pw_gid);
    assert_int_equal(exim_helper(NOBODY, 5000, who, NULL, out, sizeof(out)), 0);
    assert_string_equal(out, want);
}

static void
root_does_nothing_itself(void **state)
{
    char out[200] = "";

    (void)state;
    if (must_skip())
        skip();
    assert_int_equal(exim_helper("root", 5000, who, NULL, out, sizeof(out)), -1);
    assert_int_equal(exim_helper("no-such-user", 5000, who, NULL, out, sizeof(out)), -1);
    assert_string_equal(out, "");
}

int
main(void)
{
    struct ss_table table = SS_TABLE("exim_helper");

    SS_TABLE_ROWS(&table, answers, rows);
    ss_table_case(&table, "root is left for good", root_is_left);
    ss_table_case(&table, "root does nothing itself", root_does_nothing_itself);
    return ss_table_run(&table);
}
