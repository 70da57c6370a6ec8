/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Outcomes that wait in the spool: for their message, domain and host alone, and not for ever. */
#include "table.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "handover.h"

#define ID "1xVccS-00008h-1w"

static char spool[] = "/tmp/exim-spool.XXXXXX";

static const struct exim_handover ours = {ID, "example.org", "192.0.2.1"};

static void
put(const struct exim_handover *whose)
{
    assert_int_equal(exim_handover_put(spool, whose, (const uint8_t *)"blob", 4), 0);
}

/* ---- Names ---- */

struct naming {
    const char *name;
    const char *message;
    int want;
};

static const struct naming namings[] = {
    {"of Exim 4.96", ID, 0},
    {"of Exim 4.98", "1rxAbC-000000005aB-1wxY", 0},
    {"none", "", -1},
    {"a way out", "../../etc/passwd", -1},
    {"a dot", ".", -1},
    {"a slash", "a/b", -1},
    {"a blank", "a b", -1},
    {"too long", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -1},
};

static void
names(void **state)
{
    const struct naming *row = *state;
    struct exim_handover whose = {row->message, "example.org", "192.0.2.1"};
    char name[EXIM_HANDOVER_NAME];
    uint8_t *data = NULL;
    size_t len = 0;

    assert_int_equal(exim_handover_name(&whose, name, sizeof(name)), row->want);
    assert_int_equal(exim_handover_put(spool, &whose, (const uint8_t *)"x", 1), row->want);
    assert_int_equal(exim_handover_waits(spool, &whose), row->want == 0);
    assert_int_equal(exim_handover_take(spool, &whose, &data, &len), row->want);
    free(data);
}

/* ---- Whose ---- */

struct other {
    const char *name;
    struct exim_handover whose;
};

static const struct other others[] = {
    {"another message", {"1xVccS-00008h-1x", "example.org", "192.0.2.1"}},
    {"another domain", {ID, "example.com", "192.0.2.1"}},
    {"another host", {ID, "example.org", "192.0.2.2"}},
    {"another cut between them", {ID, "example.org1", "92.0.2.1"}},
};

static void
waits_for_its_own(void **state)
{
    const struct other *row = *state;
    uint8_t *data = NULL;
    size_t len = 0;

    put(&ours);
    assert_int_equal(exim_handover_waits(spool, &row->whose), 0);
    assert_int_equal(exim_handover_take(spool, &row->whose, &data, &len), -1);
    assert_null(data);
    assert_int_equal(exim_handover_take(spool, &ours, &data, &len), 0);
    assert_int_equal(len, 4);
    assert_memory_equal(data, "blob", 4);
    free(data);
}

static void
is_taken_once(void **state)
{
    uint8_t *data = NULL;
    size_t len = 0;

    (void)state;
    put(&ours);
    put(&ours);
    assert_int_equal(exim_handover_take(spool, &ours, &data, &len), 0);
    free(data);
    data = NULL;
    assert_int_equal(exim_handover_take(spool, &ours, &data, &len), -1);
}

static void
path_of(const struct exim_handover *whose, char *out, size_t room)
{
    char name[EXIM_HANDOVER_NAME];

    assert_int_equal(exim_handover_name(whose, name, sizeof(name)), 0);
    snprintf(out, room, "%s/%s", spool, name);
}

/* The digest in its name is not what tells whose it is. */
static void
the_first_line_decides(void **state)
{
    char path[128];
    uint8_t *data = NULL;
    size_t len = 0;
    FILE *file;

    (void)state;
    path_of(&ours, path, sizeof(path));
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(ID " example.com 192.0.2.1\nblob", file);
    fclose(file);
    assert_int_equal(exim_handover_take(spool, &ours, &data, &len), -1);
    assert_null(data);
}

static void
no_link_is_followed(void **state)
{
    char path[128];
    uint8_t *data = NULL;
    size_t len = 0;

    (void)state;
    path_of(&ours, path, sizeof(path));
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(exim_handover_take(spool, &ours, &data, &len), -1);
    assert_null(data);
    assert_int_equal(access("/etc/passwd", F_OK), 0);
}

static void
others_may_not_write_there(void **state)
{
    uint8_t *data = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(chmod(spool, 0770), 0);
    assert_int_equal(exim_handover_put(spool, &ours, (const uint8_t *)"x", 1), -1);
    assert_int_equal(exim_handover_take(spool, &ours, &data, &len), -1);
    assert_int_equal(chmod(spool, 0700), 0);
    assert_int_equal(exim_handover_put("/nonexistent", &ours, (const uint8_t *)"x", 1), -1);
}

static void
too_much_is_not_kept(void **state)
{
    static const uint8_t much[EXIM_HANDOVER_OCTETS];

    (void)state;
    assert_int_equal(exim_handover_put(spool, &ours, much, sizeof(much)), -1);
    assert_int_equal(exim_handover_waits(spool, &ours), 0);
}

static void
the_old_is_swept(void **state)
{
    int64_t now = (int64_t)time(NULL);

    (void)state;
    put(&ours);
    exim_handover_sweep(spool, now + 86400 - 60);
    assert_int_equal(exim_handover_waits(spool, &ours), 1);
    exim_handover_sweep(spool, now + 86400 + 60);
    assert_int_equal(exim_handover_waits(spool, &ours), 0);
}

/* The settings may name a directory in which something else lies, the memory say. */
static const struct sweeping {
    const char *row;
    const char *name;
    int goes;
} sweepings[] = {
    {"an outcome", "1xVccS-00008h-1w.0123456789abcdef", 1},
    {"one that was being written", "1xVccS-00008h-1w.0123456789abcdef.new", 1},
    {"the memory", "data.mdb", 0},
    {"a hidden file", ".0123456789abcdef", 0},
    {"fifteen digits", "1xVccS-00008h-1w.0123456789abcde", 0},
    {"seventeen digits", "1xVccS-00008h-1w.0123456789abcdef0", 0},
    {"another ending", "1xVccS-00008h-1w.0123456789abcdef.old", 0},
    {"no message id", "1xVccS_00008h.0123456789abcdef", 0},
    {"a message of Exim's", "1xVccS-00008h-1w-H", 0},
    {"an id too long", "1xVccS-00008h-1w1xVccS-00008h-1w1.0123456789abcdef", 0},
};

static void
sweeps_only_outcomes(void **state)
{
    const struct sweeping *row = *state;
    char path[512];
    int there;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", spool, row->name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    exim_handover_sweep(spool, (int64_t)time(NULL) + 3 * 86400);
    there = access(path, F_OK) == 0;
    unlink(path);
    assert_int_equal(there, !row->goes);
}

static void
is_dropped(void **state)
{
    (void)state;
    put(&ours);
    exim_handover_drop(spool, &ours);
    assert_int_equal(exim_handover_waits(spool, &ours), 0);
}

int
main(void)
{
    struct ss_table table = SS_TABLE("exim_handover");
    int failed;

    if (mkdtemp(spool) == NULL)
        return 99;
    SS_TABLE_ROWS(&table, names, namings);
    SS_TABLE_ROWS(&table, waits_for_its_own, others);
    SS_TABLE_ROWS(&table, sweeps_only_outcomes, sweepings);
    ss_table_case(&table, "is taken once", is_taken_once);
    ss_table_case(&table, "the first line decides", the_first_line_decides);
    ss_table_case(&table, "no link is followed", no_link_is_followed);
    ss_table_case(&table, "others may not write there", others_may_not_write_there);
    ss_table_case(&table, "too much is not kept", too_much_is_not_kept);
    ss_table_case(&table, "the old is swept", the_old_is_swept);
    ss_table_case(&table, "is dropped", is_dropped);
    failed = ss_table_run(&table);
    rmdir(spool);
    return failed;
}
