/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The volatile tables of the LMDB store: what they outlive, what they do not, and who sees it. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/store_lmdb.h"
#include "store_support.h"

/* The address sanitizer cannot live under a limit of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

#define SIGNATURE_AT 16

static char directory[64];

static const char *
path_of(const char *name)
{
    static char path[4][160];
    static unsigned next;
    char *out = path[next++ % 4];

    snprintf(out, sizeof(path[0]), "%s/%s", directory, name);
    return out;
}

static struct ss_store *
open_store(bool read_only)
{
    struct ss_store_lmdb_options options = { .read_only = read_only };
    struct ss_store *store = NULL;
    bool set_aside = true;

    assert_int_equal(ss_store_lmdb_open(directory, &options, &set_aside, &store), 0);
    assert_int_equal(store->state, read_only ? SMTPSEC_MEMORY_READ_ONLY : SMTPSEC_MEMORY_OK);
    assert_false(set_aside);
    return store;
}

static int
put(struct ss_store *store, const char *key, const char *value)
{
    struct ss_bytes bytes = store_bytes(value);

    return ss_store_update(store, SS_TABLE_PLANS, store_bytes(key), store_edit_put, &bytes);
}

static bool
has(struct ss_store *store, const char *key, const char *value)
{
    struct ss_buf got;
    bool same;
    int rc;

    ss_buf_init(&got, 100);
    rc = ss_store_get(store, SS_TABLE_PLANS, store_bytes(key), &got);
    if (value == NULL)
        same = rc == SMTPSEC_E_NOT_FOUND;
    else
        same = rc == 0 && got.len == strlen(value) && memcmp(got.data, value, got.len) == 0;
    ss_buf_free(&got);
    return same;
}

static bool
reads(struct ss_store_reader *reader, const char *key, const char *value)
{
    uint8_t room[64];
    size_t len;
    int rc = ss_store_reader_get(reader, store_bytes(key), room, sizeof(room), &len);

    if (value == NULL)
        return rc == SMTPSEC_E_NOT_FOUND;
    return rc == 0 && len == strlen(value) && memcmp(room, value, len) == 0;
}

static int
wait_for(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- from one use to the next ---- */

static void
touch(void)
{
    assert_int_equal(utimensat(AT_FDCWD, path_of("plans/data.mdb"), NULL, 0), 0);
}

static void
other_boot(void)
{
    int fd = open(path_of("plans/open.lock"), O_RDWR | O_CLOEXEC);
    uint8_t octet;

    assert_int_equal(pread(fd, &octet, 1, SIGNATURE_AT + 10), 1);
    octet ^= 1;
    assert_int_equal(pwrite(fd, &octet, 1, SIGNATURE_AT + 10), 1);
    close(fd);
}

static void
damage(void)
{
    uint8_t junk[200];
    int fd = open(path_of("plans/data.mdb"), O_RDWR | O_CLOEXEC);
    off_t at;

    memset(junk, 0x5a, sizeof(junk));
    for (at = 0; at < 40 * 1024; at += 1024)
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), (ssize_t)sizeof(junk));
    close(fd);
}

static void
cut(void)
{
    assert_int_equal(truncate(path_of("plans/data.mdb"), 5000), 0);
}

static void
remove_data(void)
{
    assert_int_equal(unlink(path_of("plans/data.mdb")), 0);
}

/* A copy of the memory is put in its place, as from a backup: plans were made of another. */
static void
restore(void)
{
    char command[400];

    snprintf(command, sizeof(command), "cp %s %s && mv %s %s", path_of("data.mdb"),
             path_of("backup"), path_of("backup"), path_of("data.mdb"));
    assert_int_equal(system(command), 0);
}

/* Killed with all open, after it had committed. */
static void
kill_holder(void)
{
    pid_t child = fork();
    struct ss_store *store;

    if (child == 0) {
        store = open_store(false);
        if (!has(store, "a", "plan") || put(store, "b", "plan") != 0)
            store_child_exit(1);
        raise(SIGKILL);
    }
    assert_int_equal(wait_for(child), -SIGKILL);
}

struct life_row {
    const char *name;
    void (*between)(void);
    bool stays;
};

static const struct life_row lives[] = {
    { "closed and opened again", NULL, true },
    { "a holder was killed between two writes", kill_holder, true },
    { "not as it was left", touch, false },
    { "another boot", other_boot, false },
    { "damaged", damage, false },
    { "cut", cut, false },
    { "gone", remove_data, false },
    { "the memory was restored from a copy", restore, false },
};

static void
check_life(void **state)
{
    const struct life_row *row = *state;
    struct ss_store *store;

    store_directory(directory);
    store = open_store(false);
    assert_int_equal(store_put(store, "claim", "kept"), 0);
    assert_int_equal(put(store, "a", "plan"), 0);
    ss_store_close(store);
    if (row->between != NULL)
        row->between();
    store = open_store(false);
    assert_true(has(store, "a", row->stays ? "plan" : NULL));
    assert_int_equal(put(store, "c", "later"), 0);
    assert_true(has(store, "c", "later"));
    store_expect(store, "claim", "kept");
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    ss_store_close(store);
    store_remove(directory);
}

/* A memory that was set aside or taken away takes what was made of it with it. */
static void
memory_begun_anew(void **state)
{
    struct ss_store_lmdb_options options = { .read_only = false };
    struct ss_store *store = NULL;
    bool set_aside = false;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(store_put(store, "claim", "kept"), 0);
    assert_int_equal(put(store, "a", "plan"), 0);
    ss_store_close(store);
    assert_int_equal(unlink(path_of("data.mdb")), 0);
    assert_int_equal(ss_store_lmdb_open(directory, &options, &set_aside, &store), 0);
    assert_true(set_aside);
    assert_true(has(store, "a", NULL));
    ss_store_close(store);
    store_remove(directory);
}

/* The same while it is in use: who opens it anew throws them away for all. */
static void
memory_exchanged_in_use(void **state)
{
    struct ss_store_reader *reader = NULL;
    struct ss_store *store;
    int i;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(store_put(store, "claim", "kept"), 0);
    assert_int_equal(put(store, "a", "plan"), 0);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    assert_true(reads(reader, "a", "plan"));
    restore();
    for (i = 0; i < 10 && !store_has(store, "claim", "kept"); i++)
        usleep(10000);
    store_expect(store, "claim", "kept");
    assert_true(has(store, "a", NULL));
    for (i = 0; i < 600 && !reads(reader, "a", NULL); i++)
        usleep(10000);
    assert_true(reads(reader, "a", NULL));
    ss_store_reader_close(reader);
    ss_store_close(store);
    store_remove(directory);
}

/* ---- where they cannot be ---- */

static void
a_file(void)
{
    int fd = open(path_of("plans"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_int_not_equal(fd, -1);
    close(fd);
}

static void
a_link(void)
{
    assert_int_equal(symlink("/", path_of("plans")), 0);
}

static void
anyones(void)
{
    assert_int_equal(mkdir(path_of("plans"), 0700), 0);
    assert_int_equal(chmod(path_of("plans"), 0777), 0);
}

static void
anyones_data(void)
{
    int fd;

    assert_int_equal(mkdir(path_of("plans"), 0700), 0);
    fd = open(path_of("plans/data.mdb"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(fchmod(fd, 0666), 0);
    close(fd);
}

struct wall_row {
    const char *name;
    void (*wall)(void);
};

static const struct wall_row walls[] = {
    { "a file stands there", a_file },
    { "a link stands there", a_link },
    { "anyone may write there", anyones },
    { "anyone may write the data", anyones_data },
};

static void
check_wall(void **state)
{
    const struct wall_row *row = *state;
    struct ss_store_reader *reader = NULL;
    struct ss_store *store;

    store_directory(directory);
    /* Else the first opener, who finds no memory, takes away what looks like plans of one. */
    store = open_store(false);
    row->wall();
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    assert_int_equal(put(store, "a", "plan"), SMTPSEC_E_MEMORY);
    assert_true(has(store, "a", NULL));
    assert_true(reads(reader, "a", NULL));
    assert_int_equal(store_put(store, "claim", "kept"), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    ss_store_reader_close(reader);
    /* Thrown away it can be, and then there is room for one of ours. */
    assert_int_equal(ss_store_discard_volatile(store), 0);
    ss_store_close(store);
    store_remove(directory);
}

static void
read_only(void **state)
{
    struct ss_store *store, *writer;
    struct stat st;

    (void)state;
    store_directory(directory);
    ss_store_close(open_store(false));
    store = open_store(true);
    assert_true(has(store, "a", NULL));
    assert_int_not_equal(stat(path_of("plans"), &st), 0);
    ss_store_close(store);
    writer = open_store(false);
    assert_int_equal(put(writer, "a", "plan"), 0);
    assert_int_equal(stat(path_of("plans"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    ss_store_close(writer);
    store = open_store(true);
    assert_true(has(store, "a", "plan"));
    assert_int_equal(put(store, "b", "plan"), SMTPSEC_E_MEMORY);
    assert_int_equal(ss_store_discard_volatile(store), SMTPSEC_E_MEMORY);
    assert_true(has(store, "a", "plan"));
    ss_store_close(store);
    store_remove(directory);
}

/* The map is as large as it may be: 16 GiB, or 1, or none. */
static void
little_address_space(void **state)
{
    static const struct {
        rlim_t gib;
        bool there;
    } limits[] = { { 30, true }, { 6, true }, { 2, false } };
    struct rlimit limit;
    size_t i;
    pid_t child;
    int status;

    (void)state;
    if (SANITIZED)
        skip();
    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        store_directory(directory);
        child = fork();
        if (child == 0) {
            struct ss_store *store;

            limit.rlim_cur = limit.rlim_max = limits[i].gib << 30;
            if (setrlimit(RLIMIT_AS, &limit) != 0 ||
                (limits[i].gib == 2 && malloc((size_t)3 << 30) != NULL))
                store_child_exit(77);
            store = open_store(false);
            if ((put(store, "a", "plan") == 0) != limits[i].there ||
                !has(store, "a", limits[i].there ? "plan" : NULL) ||
                store_put(store, "claim", "kept") != 0)
                store_child_exit(1);
            store_child_exit(0);
        }
        status = wait_for(child);
        store_remove(directory);
        if (status == 77)
            skip();
        assert_int_equal(status, 0);
    }
}

/* ---- among processes ---- */

static void
among_processes(void **state)
{
    struct ss_store_reader *reader = NULL;
    struct ss_store *store;
    pid_t child;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(put(store, "a", "plan"), 0);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    assert_true(reads(reader, "a", "plan"));
    child = fork();
    if (child == 0) {
        /* By what it inherited; that it has a slot of its own is not seen here. */
        if (!reads(reader, "a", "plan"))
            store_child_exit(1);
        if (put(store, "b", "of the child") != 0 || !reads(reader, "b", "of the child"))
            store_child_exit(2);
        ss_store_reader_close(reader);
        ss_store_close(store);
        store_child_exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    assert_true(reads(reader, "b", "of the child"));
    assert_true(reads(reader, "a", "plan"));
    ss_store_reader_close(reader);
    ss_store_close(store);
    store_remove(directory);
}

static void
child_discards(void)
{
    pid_t child = fork();
    struct ss_store *store;

    if (child == 0) {
        store = open_store(false);
        if (ss_store_discard_volatile(store) != 0 || !has(store, "a", NULL))
            store_child_exit(1);
        if (put(store, "b", "new") != 0)
            store_child_exit(2);
        ss_store_close(store);
        store_child_exit(0);
    }
    assert_int_equal(wait_for(child), 0);
}

/* Thrown away by another process: a writer sees it at once, a reader within two seconds. */
static void
thrown_away_by_another(void **state)
{
    struct ss_store_reader *reader = NULL;
    struct ss_store *store;
    struct stat st;
    int i;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(put(store, "a", "plan"), 0);
    child_discards();
    assert_true(has(store, "a", NULL));
    assert_true(has(store, "b", "new"));
    assert_int_equal(put(store, "a", "plan"), 0);
    assert_int_equal(ss_store_reader_open(store, SS_TABLE_PLANS, &reader), 0);
    child_discards();
    for (i = 0; i < 600 && !reads(reader, "a", NULL); i++)
        usleep(10000);
    assert_true(reads(reader, "a", NULL));
    assert_true(reads(reader, "b", "new"));
    assert_int_equal(stat(path_of("plans-gone"), &st), -1);
    ss_store_reader_close(reader);
    ss_store_close(store);
    store_remove(directory);
}

static int
discard_inside(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)old;
    assert_int_equal(ss_store_discard_volatile(arg), 0);
    assert_true(has(arg, "a", NULL));
    ss_buf_put(out, "claim", 5);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* From the edit of a claim, whose lock it would else wait for. */
static void
thrown_away_inside_an_edit(void **state)
{
    struct ss_store *store;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(put(store, "a", "plan"), 0);
    assert_int_equal(
        ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("k"), discard_inside, store), 0);
    store_expect(store, "k", "claim");
    assert_true(has(store, "a", NULL));
    ss_store_close(store);
    store_remove(directory);
}

/* ---- threads ---- */

static atomic_int edit_begun;

/* Another context of this process, whose memory is gone, and which opens it anew. */
static void *
renew(void *arg)
{
    while (atomic_load(&edit_begun) == 0)
        usleep(1000);
    (void)store_has(arg, "k", NULL);
    (void)store_has(arg, "k", NULL);
    return NULL;
}

static int
open_plans_late(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)old;
    assert_int_equal(unlink(path_of("data.mdb")), 0);
    atomic_store(&edit_begun, 1);
    usleep(300000); /* it waits for us by now */
    (void)put(arg, "a", "mark");
    ss_buf_put(out, "claim", 5);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* A first mark opens the plans inside an edit, while another thread renews the memory. */
static void
opened_inside_an_edit(void **state)
{
    struct ss_store *store, *other;
    pthread_t thread;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    other = open_store(false);
    assert_int_equal(store_put(store, "k", "claim"), 0);
    atomic_store(&edit_begun, 0);
    assert_int_equal(pthread_create(&thread, NULL, renew, other), 0);
    alarm(20);
    (void)ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("k"), open_plans_late, store);
    assert_int_equal(pthread_join(thread, NULL), 0);
    alarm(0);
    ss_store_close(other);
    ss_store_close(store);
    store_remove(directory);
}

/* The directory goes while the change is under way, as another process would move it. */
static int
lose_directory(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)old;
    assert_int_equal(rename(path_of("plans"), path_of("plans-gone")), 0);
    ss_buf_put(out, "mark", 4);
    *edit = SS_EDIT_PUT;
    return 0;
}

/* A mark that nobody will find is one that was not written. */
static void
moved_away_during_a_write(void **state)
{
    struct ss_store *store;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(put(store, "a", "plan"), 0);
    assert_int_equal(
        ss_store_update(store, SS_TABLE_PLANS, store_bytes("a"), lose_directory, NULL),
        SMTPSEC_E_MEMORY);
    assert_true(has(store, "a", NULL));
    assert_int_equal(put(store, "a", "mark"), 0);
    assert_int_equal(ss_store_discard_volatile(store), 0);
    ss_store_close(store);
    store_remove(directory);
}

/* ---- room ---- */

static void
large_values(void **state)
{
    static uint8_t octets[100000];
    struct ss_bytes value = { octets, sizeof(octets) };
    struct ss_store_limits limits = { .plans = 1000, .seed = 1 };
    struct ss_store *store;
    struct stat st;
    char key[16];
    int i;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    ss_store_set_limits(store, &limits);
    for (i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "key%d", i % 200);
        assert_int_equal(ss_store_update(store, SS_TABLE_PLANS, store_bytes(key), store_edit_put,
                                         &value),
                         0);
    }
    assert_int_equal(stat(path_of("plans/data.mdb"), &st), 0);
    assert_true(st.st_size < 12 << 20); /* all of them are 20 MB */
    ss_store_close(store);
    store_remove(directory);
}

static int
count_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    (void)key;
    (void)value;
    ++*(int *)arg;
    return 0;
}

static void
listed_and_counted(void **state)
{
    struct ss_store_figures figures;
    struct ss_store *store;
    int count = 0;

    (void)state;
    store_directory(directory);
    store = open_store(false);
    assert_int_equal(put(store, "a", "plan"), 0);
    assert_int_equal(put(store, "b", "plan"), 0);
    assert_int_equal(ss_store_walk(store, SS_TABLE_PLANS, count_one, &count), 0);
    assert_int_equal(count, 2);
    assert_int_equal(ss_store_figures(store, &figures), 0);
    assert_int_equal(figures.entries[SS_TABLE_PLANS], 2);
    assert_int_equal(figures.entries[SS_TABLE_ANSWERS], 0);
    assert_int_equal(figures.entries[SS_TABLE_META], 1);
    ss_store_close(store);
    store_remove(directory);
}

int
main(void)
{
    struct ss_test_table t = SS_TABLE("memory/store_volatile");

    SS_TABLE_ROWS(&t, check_life, lives);
    ss_table_case(&t, "the memory was begun anew", memory_begun_anew);
    ss_table_case(&t, "the memory was exchanged while in use", memory_exchanged_in_use);
    SS_TABLE_ROWS(&t, check_wall, walls);
    ss_table_case(&t, "read-only", read_only);
    ss_table_case(&t, "little address space", little_address_space);
    ss_table_case(&t, "among processes, as a forked child sees it", among_processes);
    ss_table_case(&t, "thrown away by another", thrown_away_by_another);
    ss_table_case(&t, "thrown away inside an edit", thrown_away_inside_an_edit);
    ss_table_case(&t, "opened inside an edit while another thread renews the memory",
                  opened_inside_an_edit);
    ss_table_case(&t, "moved away during a write", moved_away_during_a_write);
    ss_table_case(&t, "large values", large_values);
    ss_table_case(&t, "listed and counted", listed_and_counted);
    return ss_table_run(&t);
}
