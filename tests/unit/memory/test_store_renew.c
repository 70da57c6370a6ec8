/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An environment that came to its end is opened anew; figures, and the check in use. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/store_lmdb.h"
#include "memory/store_lmdb_page.h"
#include "store_support.h"

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

static struct ss_store *
open_good(void)
{
    struct ss_store *store = NULL;

    assert_int_equal(ss_store_lmdb_open(directory, NULL, NULL, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    return store;
}

static void
path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", directory, name);
}

static int
wait_for(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/*
 * Take from LMDB the descriptor that it writes its metas with: the next commit
 * fails half way, after which it calls itself unusable.
 */
static void
break_metas(struct ss_store *store)
{
    MDB_env *mdb = ss_lmdb_store_of(store)->env->mdb;
    struct stat ours, st;
    int data, fd, null = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_int_equal(mdb_env_get_fd(mdb, &data), 0);
    assert_int_equal(fstat(data, &ours), 0);
    for (fd = 0; fd < 1024; fd++) {
        if (fd != data && fstat(fd, &st) == 0 && st.st_dev == ours.st_dev &&
            st.st_ino == ours.st_ino)
            break;
    }
    assert_true(fd < 1024);
    assert_int_equal(dup2(null, fd), fd);
    close(null);
}

static void
panic(void **state)
{
    struct ss_store *store = open_good(), *second = open_good();

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    break_metas(store);
    assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    /* Nothing was lost with it, and who shares it goes on as well. */
    store_expect(store, "k", "v");
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    assert_int_equal(store->error.code, 0);
    assert_false(store->set_aside);
    store_expect(second, "k", "v");
    assert_int_equal(store_put(second, "k", "w"), 0);
    store_expect(store, "k", "w");
    ss_store_close(store);
    ss_store_close(second);
}

/* However often it breaks, it is opened once a minute. */
static void
once_a_minute(void **state)
{
    struct ss_store *store = open_good();
    struct ss_lmdb_env *env = ss_lmdb_store_of(store)->env;
    int i;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    break_metas(store);
    for (i = 0; i < 2; i++)
        assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    store_expect(store, "k", "v");
    assert_in_range(env->next_try - ss_lmdb_monotonic_ms(), 30000, SS_LMDB_RETRY_MS);
    break_metas(store);
    for (i = 0; i < 5; i++)
        assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    assert_int_equal(store_number(store, "k"), SMTPSEC_E_MEMORY);
    assert_non_null(strstr(store->error.text, "write"));
    env->next_try = ss_lmdb_monotonic_ms();
    store_expect(store, "k", "v");
    ss_store_close(store);
}

/* Where the head of a table stands in the file: behind its name in the newest main tree. */
static off_t
head_of(int fd, const char *name)
{
    static uint8_t file[1 << 20];
    struct ss_lmdb_meta meta;
    size_t at, len = strlen(name);
    uint16_t key_len;

    assert_int_equal(ss_lmdb_newest_meta(fd, &meta), SS_LMDB_GOOD);
    assert_true(pread(fd, file, sizeof(file), 0) > 0);
    for (at = meta.trees[1].root * 4096 + 16; at < (meta.trees[1].root + 1) * 4096; at++) {
        memcpy(&key_len, file + at - sizeof(key_len), sizeof(key_len));
        if (key_len == len && memcmp(file + at, name, len) == 0)
            return (off_t)(at + len);
    }
    fail_msg("no table %s", name);
    return -1;
}

/* Let a table's root be a page that is not there. */
static void
lose_root(const char *name)
{
    size_t nowhere = (size_t)1 << 30;
    char path[128];
    int fd;

    path_of(path, "data.mdb");
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd != -1);
    assert_int_equal(pwrite(fd, &nowhere, sizeof(nowhere),
                            head_of(fd, name) + (off_t)offsetof(struct ss_lmdb_tree, root)),
                     sizeof(nowhere));
    close(fd);
}

static void
damaged_in_use(void **state)
{
    struct ss_store *store = open_good();
    char path[128];

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    lose_root("claims");
    assert_int_equal(store_number(store, "k"), SMTPSEC_E_MEMORY);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    store_expect(store, "k", NULL);
    assert_true(store->set_aside);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    assert_int_equal(store_put(store, "k", "w"), 0);
    path_of(path, "data.mdb.damaged-1");
    assert_int_equal(access(path, F_OK), 0);
    ss_store_close(store);
}

/* Another has it open: nobody takes it from them, nor believes that nothing was kept. */
static void
damaged_in_use_by_others(void **state)
{
    struct ss_store *store = open_good(), *theirs = NULL;
    struct ss_lmdb_env *env = ss_lmdb_store_of(store)->env;
    int pipes[2], i;
    char path[128], octet;
    pid_t child;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ss_store_lmdb_open(directory, NULL, NULL, &theirs) != 0 ||
            !store_has(theirs, "k", "v") || write(pipes[1], "x", 1) != 1)
            store_child_exit(1);
        pause();
    }
    assert_int_equal(read(pipes[0], &octet, 1), 1);
    lose_root("claims");
    path_of(path, "data.mdb.damaged-1");
    for (i = 0; i < 4; i++) {
        env->next_try = 0;
        assert_int_equal(store_number(store, "k"), SMTPSEC_E_MEMORY);
        assert_false(store->set_aside);
        assert_int_equal(access(path, F_OK), -1);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    env->next_try = 0;
    if (store->state != SMTPSEC_MEMORY_LOST)
        assert_int_equal(store_number(store, "k"), SMTPSEC_E_MEMORY);
    env->next_try = 0;
    store_expect(store, "k", NULL);
    assert_true(store->set_aside);
    assert_int_equal(access(path, F_OK), 0);
    ss_store_close(store);
    close(pipes[0]);
    close(pipes[1]);
}

static void
removed_in_use(void **state)
{
    struct ss_store *store = open_good();
    char path[128];

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    path_of(path, "data.mdb");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    store_expect(store, "k", NULL);
    assert_true(store->set_aside);
    assert_int_equal(store_put(store, "k", "x"), 0);
    ss_store_close(store);
    store = open_good();
    store_expect(store, "k", "x");
    ss_store_close(store);
}

/* What could not be opened at first is tried again, too. */
static void
lost_at_first(void **state)
{
    struct ss_store *store = NULL;

    (void)state;
    assert_int_equal(rmdir(directory), 0);
    assert_int_equal(ss_store_lmdb_open(directory, NULL, NULL, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_int_equal(mkdir(directory, 0700), 0);
    assert_int_equal(store_put(store, "k", "v"), SMTPSEC_E_MEMORY);
    assert_non_null(strstr(store->error.text, "cannot open the directory"));
    ss_lmdb_store_of(store)->next_try = 0;
    assert_int_equal(store_put(store, "k", "v"), 0);
    store_expect(store, "k", "v");
    assert_int_equal(store->error.code, 0);
    ss_store_close(store);
}

#define THREADS 4

static void *
use(void *arg)
{
    struct ss_store *store = NULL;
    long *done = arg;
    int i;

    if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0)
        return NULL;
    for (i = 0; i < 400; i++) {
        (void)store_put(store, "k", "v");
        if (store_has(store, "k", "v"))
            ++*done;
    }
    ss_store_close(store);
    return NULL;
}

static void
threads(void **state)
{
    struct ss_store *store = open_good();
    struct timespec pause = { 0, 3000000 };
    struct ss_lmdb_env *env = ss_lmdb_store_of(store)->env;
    pthread_t thread[THREADS];
    long done[THREADS] = { 0 };
    int i;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    for (i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, use, &done[i]), 0);
    for (i = 0; i < 20; i++) {
        nanosleep(&pause, NULL);
        env->next_try = 0;
        atomic_store(&env->broken, true);
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        assert_true(done[i] > 0);
    }
    env->next_try = 0;
    (void)store_number(store, "none");
    store_expect(store, "k", "v");
    ss_store_close(store);
}

/* ---- readers ---- */

/* All slots are taken by a process that has died. */
static void
no_slot(void **state)
{
    struct ss_store *store = open_good();
    struct ss_store_figures figures;
    pid_t child;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    child = fork();
    if (child == 0) {
        struct ss_store *theirs = NULL;
        MDB_txn *txn;
        int n = 0, rc = ss_store_lmdb_open(directory, NULL, NULL, &theirs);

        while (rc == 0) {
            rc = mdb_txn_begin(ss_lmdb_store_of(theirs)->env->mdb, NULL, MDB_RDONLY, &txn);
            n++;
        }
        store_child_exit(rc == MDB_READERS_FULL && n > 4000 ? 0 : 1);
    }
    assert_int_equal(wait_for(child), 0);
    store_expect(store, "k", "v");
    assert_int_equal(ss_store_figures(store, &figures), 0);
    assert_in_range(figures.readers_max, 4000, 5000);
    assert_in_range(figures.readers, 0, 2);
    ss_store_close(store);
}

/* What a child closes as it ends is not what its parent holds. */
static void
lock_survives(void **state)
{
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct ss_store *store = open_good();
    char path[128];
    pid_t child;
    int fd;

    (void)state;
    child = fork();
    if (child == 0) {
        if (store_put(store, "k", "by the child") != 0)
            store_child_exit(1);
        ss_store_close(store);
        store_child_exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    path_of(path, "open.lock");
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), -1);
    store_expect(store, "k", "by the child");
    ss_store_close(store);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &whole), 0);
    close(fd);
}

/* ---- figures and check ---- */

static void
figures(void **state)
{
    struct ss_store *store = open_good();
    struct ss_store_figures before, after;
    struct stat st;
    char key[32], path[128];
    int i;

    (void)state;
    assert_int_equal(ss_store_figures(store, &before), 0);
    for (i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "%d.example.org", i);
        assert_int_equal(store_put(store, key, "0123456789012345678901234567890123456789"), 0);
    }
    assert_int_equal(ss_store_figures(store, &after), 0);
    assert_int_equal(after.entries[SS_TABLE_CLAIMS], 500);
    assert_int_equal(after.entries[SS_TABLE_META], 1);
    assert_int_equal(after.page_size, 4096);
    assert_true(after.pages >= before.pages + 500 * 60 / 4096);
    assert_true(after.free_pages < after.pages);
    assert_int_equal(after.map_size, 1 << 30);
    assert_int_equal(after.map_max, (uint64_t)1 << 38);
    assert_int_equal(after.format, 2);
    path_of(path, "data.mdb");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(after.file_size, st.st_size);
    assert_true(after.pages * after.page_size <= after.file_size);
    /* What is deleted is free, and the file no smaller. */
    for (i = 0; i < 500; i++) {
        snprintf(key, sizeof(key), "%d.example.org", i);
        assert_int_equal(store_delete(store, key), 0);
    }
    assert_int_equal(ss_store_figures(store, &before), 0);
    assert_int_equal(before.entries[SS_TABLE_CLAIMS], 0);
    assert_true(before.free_pages > after.free_pages + 5);
    ss_store_close(store);
}

static void
check_beside_writers(void **state)
{
    struct ss_store *store = open_good();
    struct ss_store_lmdb_options reading = { .read_only = true };
    struct ss_store *theirs = NULL;
    bool damaged;
    char key[32];
    pid_t child;
    int i;

    (void)state;
    for (i = 0; i < 300; i++) {
        snprintf(key, sizeof(key), "%d.example.org", i);
        assert_int_equal(store_put(store, key, "0123456789"), 0);
    }
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ss_store_lmdb_open(directory, NULL, NULL, &theirs) != 0)
            store_child_exit(1);
        for (i = 0;; i++) {
            snprintf(key, sizeof(key), "%d.example.org", i * 7919 % 1000);
            if (i % 3 == 0 ? store_delete(theirs, key) : store_put(theirs, key, "abcdefghijklmnop"))
                store_child_exit(2);
        }
    }
    for (i = 0; i < 200; i++) {
        damaged = true;
        assert_int_equal(ss_store_check(store, &damaged), 0);
        assert_false(damaged);
    }
    ss_store_close(store);
    /* Who may not lock anybody out. */
    assert_int_equal(ss_store_lmdb_open(directory, &reading, NULL, &store), 0);
    for (i = 0; i < 200; i++) {
        assert_int_equal(ss_store_check(store, &damaged), 0);
        assert_false(damaged);
    }
    ss_store_close(store);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void
check_finds(void **state)
{
    struct ss_store *store = open_good();
    bool damaged = true;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    assert_int_equal(ss_store_check(store, &damaged), 0);
    assert_false(damaged);
    /* In a table that nobody reads just now. */
    assert_int_equal(store_put(store, "l", "v"), 0);
    lose_root("claims");
    assert_int_equal(ss_store_check(store, &damaged), 0);
    assert_true(damaged);
    ss_store_close(store);
}

static void
check_ram(void **state)
{
    struct ss_store_figures figures;
    struct ss_store *store = NULL;
    bool damaged = true;

    (void)state;
    assert_int_equal(ss_store_ram_open(&store), 0);
    assert_int_equal(store_put(store, "key", "value"), 0);
    assert_int_equal(ss_store_check(store, &damaged), 0);
    assert_false(damaged);
    assert_int_equal(ss_store_figures(store, &figures), 0);
    assert_int_equal(figures.entries[SS_TABLE_CLAIMS], 1);
    assert_int_equal(figures.file_size, 8);
    assert_int_equal(figures.page_size, 0);
    ss_store_close(store);
    assert_int_equal(ss_store_check(NULL, &damaged), SMTPSEC_E_INVALID);
    assert_int_equal(ss_store_figures(NULL, &figures), SMTPSEC_E_INVALID);
}

#define CASE(text, function) { text, function, setup, teardown, NULL }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("a commit that fails half way: opened anew, nothing lost", panic),
        CASE("opened anew once a minute, no more", once_a_minute),
        CASE("damage met in use is set aside and told", damaged_in_use),
        CASE("damage that others have open is an error each time, never nothing",
             damaged_in_use_by_others),
        CASE("a file that is removed in use", removed_in_use),
        CASE("a directory that comes later", lost_at_first),
        CASE("opened anew under 4 threads", threads),
        CASE("dead readers in all slots", no_slot),
        CASE("a parent's lock survives its child", lock_survives),
        CASE("figures", figures),
        CASE("the check beside writers finds nothing, 400 times", check_beside_writers),
        CASE("the check finds damage in use", check_finds),
        CASE("figures and check in RAM", check_ram),
    };

    return cmocka_run_group_tests_name("memory/store_renew", tests, NULL, NULL);
}
