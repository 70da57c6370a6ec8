/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Damaged LMDB files: whatever is in the file, no process ends by a signal;
 * the store is good, or the file was set aside and a new one begun.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory/store_lmdb.h"
#include "store_support.h"

#define TRIALS 200
#define ENTRIES 400
#define FILE_MAX (4 << 20)

enum { GOOD = 0, SET_ASIDE = 1, LOST = 2 };

static char directory[64];
static uint8_t whole[FILE_MAX], broken[FILE_MAX];
static size_t whole_len;

/* A sequence that is the same on every machine (xorshift). */
static uint32_t random_state;

static uint32_t
next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

static void
path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", directory, name);
}

static void
write_data(const uint8_t *data, size_t len)
{
    char path[128];
    int fd;

    path_of(path, "data.mdb");
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, data, len), len);
    close(fd);
}

static void
fill(struct ss_store *store)
{
    static char value[9000];
    char key[32];
    int i;

    for (i = 0; i < ENTRIES; i++) {
        snprintf(key, sizeof(key), "%d.example.org", i * 7919 % ENTRIES);
        memset(value, 'v', sizeof(value));
        /* Some on pages of their own, some removed: the free list must not be empty. */
        value[i % 50 == 0 ? 8999 : 20 + i % 100] = '\0';
        assert_int_equal(store_put(store, key, value), 0);
    }
    for (i = 0; i < ENTRIES; i += 3) {
        snprintf(key, sizeof(key), "%d.example.org", i);
        assert_int_equal(store_delete(store, key), 0);
    }
}

static const struct ss_store_lmdb_options reading = { .read_only = true };

static int
setup(void **state)
{
    struct ss_store *store = NULL;
    char path[128];
    ssize_t got;
    int fd;

    (void)state;
    store_directory(directory);
    assert_int_equal(ss_store_lmdb_open(directory, NULL, NULL, &store), 0);
    fill(store);
    ss_store_close(store);
    path_of(path, "data.mdb");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = read(fd, whole, sizeof(whole));
    close(fd);
    assert_in_range(got, 20 * 4096, sizeof(whole) - 1);
    whole_len = (size_t)got;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    store_remove(directory);
    return 0;
}

static int
count_one(void *arg, struct ss_bytes key, struct ss_bytes value)
{
    size_t *sum = arg;
    size_t i;

    for (i = 0; i < key.len; i++)
        *sum += key.data[i];
    for (i = 0; i < value.len; i++)
        *sum += value.data[i];
    return 0;
}

/* Everything that a store does; the exit status says what was found. */
static int
use_store(void)
{
    struct ss_store *store = NULL;
    bool set_aside = false;
    size_t sum = 0;
    char key[32];
    int i;

    if (ss_store_lmdb_open(directory, NULL, &set_aside, &store) != 0)
        return 10;
    if (store->state != SMTPSEC_MEMORY_OK)
        return store->state == SMTPSEC_MEMORY_LOST ? LOST : 11;
    for (i = 0; i < ENTRIES; i++) {
        snprintf(key, sizeof(key), "%d.example.org", i);
        (void)store_has(store, key, "");
        if (i % 150 == 1)
            (void)store_delete(store, key);
    }
    if (ss_store_each_after(store, SS_TABLE_CLAIMS, store_bytes(""), 10000, count_one, &sum) != 0)
        return 12;
    if (store_put(store, "new", "value") != 0 || !store_has(store, "new", "value"))
        return 13;
    if (set_aside && store_has(store, "399.example.org", NULL) == 0)
        return 14;
    ss_store_close(store);
    return set_aside ? SET_ASIDE : GOOD;
}

static int
try_file(size_t len)
{
    char path[128];
    pid_t child;
    int status;

    write_data(broken, len);
    child = fork();
    if (child == 0)
        store_child_exit(use_store());
    assert_int_equal(waitpid(child, &status, 0), child);
    path_of(path, "data.mdb.damaged-1");
    /* Of a file of no length there is nothing to keep. */
    if (WIFEXITED(status) && WEXITSTATUS(status) == SET_ASIDE)
        assert_int_equal(access(path, F_OK), len > 0 ? 0 : -1);
    unlink(path);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void
trials(void (*damage)(size_t *len), int times, int least_aside, int least_good)
{
    int n, result, count[3] = { 0, 0, 0 };
    size_t len;

    for (n = 0; n < times; n++) {
        random_state = (uint32_t)n * 2654435761u + 1;
        memcpy(broken, whole, whole_len);
        len = whole_len;
        damage(&len);
        result = try_file(len);
        if (result < 0 || result > LOST)
            fail_msg("trial %d: result %d", n, result);
        count[result]++;
    }
    /* Lost is for what another may have made; random damage does not look like that. */
    assert_int_equal(count[LOST], 0);
    assert_in_range(count[SET_ASIDE], least_aside, times);
    assert_in_range(count[GOOD], least_good, times);
}

static void
cut(size_t *len)
{
    *len = next_random() % whole_len;
}

static void
scatter(size_t *len)
{
    int i;

    for (i = 0; i < 20; i++)
        broken[next_random() % *len] = (uint8_t)next_random();
}

static void
scatter_metas(size_t *len)
{
    int i;

    (void)len;
    for (i = 0; i < 3; i++)
        broken[next_random() % 2 * 4096 + next_random() % 160] = (uint8_t)next_random();
}

static void
scatter_heads(size_t *len)
{
    int i;

    for (i = 0; i < 4; i++)
        broken[next_random() % (*len / 4096) * 4096 + next_random() % 32] ^=
            (uint8_t)(1u << next_random() % 8);
}

static void
swap_pages(size_t *len)
{
    size_t pages = *len / 4096, a = next_random() % pages, b = next_random() % pages;

    memcpy(broken + a * 4096, whole + b * 4096, 4096);
    memcpy(broken + b * 4096, whole + a * 4096, 4096);
}

static void
cut_files(void **state)
{
    (void)state;
    trials(cut, TRIALS, 150, 0);
}

static void
scattered(void **state)
{
    (void)state;
    trials(scatter, TRIALS, 50, 0);
}

static void
scattered_metas(void **state)
{
    (void)state;
    trials(scatter_metas, 100, 10, 1);
}

static void
scattered_heads(void **state)
{
    (void)state;
    trials(scatter_heads, 100, 50, 1);
}

static void
swapped(void **state)
{
    (void)state;
    trials(swap_pages, 100, 30, 1);
}

/* The walk must not find damage where there is none. */
static void
whole_file(void **state)
{
    size_t len = whole_len;

    (void)state;
    (void)len;
    memcpy(broken, whole, whole_len);
    assert_int_equal(try_file(whole_len), GOOD);
    assert_int_equal(try_file(0), SET_ASIDE);
}

static void
set_aside_is_told_and_kept(void **state)
{
    struct ss_store *store = NULL;
    bool set_aside = false;
    char path[128];
    int n;

    (void)state;
    for (n = 1; n <= 12; n++) {
        memset(broken, n, 9000);
        write_data(broken, 9000);
        assert_int_equal(ss_store_lmdb_open(directory, NULL, &set_aside, &store), 0);
        assert_true(set_aside);
        assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
        ss_store_close(store);
        assert_int_equal(ss_store_lmdb_open(directory, NULL, &set_aside, &store), 0);
        assert_false(set_aside);
        ss_store_close(store);
    }
    for (n = 1; n <= 10; n++) {
        snprintf(path, sizeof(path), "%s/data.mdb.damaged-%d", directory, n);
        assert_int_equal(access(path, F_OK), n <= 9 ? 0 : -1);
    }
    /* Who may only read sets nothing aside. */
    write_data(broken, 9000);
    assert_int_equal(ss_store_lmdb_open(directory, &reading, &set_aside, &store), 0);
    assert_false(set_aside);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    ss_store_close(store);
}

/* Renaming would leave two databases living side by side. */
static void
in_use_is_not_set_aside(void **state)
{
    struct ss_store *store = NULL;
    bool set_aside = true;
    char path[128], octet;
    int pipes[2], fd;
    pid_t child;

    (void)state;
    write_data(whole, whole_len);
    assert_int_equal(pipe(pipes), 0);
    child = fork();
    if (child == 0) {
        if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0 ||
            write(pipes[1], "x", 1) != 1)
            store_child_exit(1);
        pause();
    }
    assert_int_equal(read(pipes[0], &octet, 1), 1);
    path_of(path, "data.mdb");
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "damage", 6, 16), 6);
    close(fd);
    assert_int_equal(ss_store_lmdb_open(directory, NULL, &set_aside, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_false(set_aside);
    ss_store_close(store);
    path_of(path, "data.mdb.damaged-1");
    assert_int_equal(access(path, F_OK), -1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(pipes[0]);
    close(pipes[1]);
}

/* A file that gets shorter under its map is a SIGBUS for who touches it; the store looks first. */
static void
cut_while_open(void **state)
{
    struct ss_store *store = NULL;
    char path[128];
    pid_t child;
    int status;

    (void)state;
    write_data(whole, whole_len);
    child = fork();
    if (child == 0) {
        path_of(path, "data.mdb");
        if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0 ||
            store_put(store, "k", "v") != 0)
            store_child_exit(1);
        if (truncate(path, 4096) != 0)
            store_child_exit(2);
        if (store_put(store, "k", "w") != SMTPSEC_E_MEMORY ||
            store->state != SMTPSEC_MEMORY_LOST)
            store_child_exit(3);
        /* The next call opens it anew: a damaged file like others. */
        if (!store_has(store, "k", NULL) || !store->set_aside ||
            store->state != SMTPSEC_MEMORY_OK || store_put(store, "k", "v") != 0)
            store_child_exit(4);
        store->set_aside = false;
        /* Once more, and it has to wait for its minute, whoever asks. */
        if (truncate(path, 4096) != 0 || store_put(store, "k", "w") != SMTPSEC_E_MEMORY ||
            store_put(store, "k", "w") != SMTPSEC_E_MEMORY || store_has(store, "k", NULL) ||
            store->set_aside)
            store_child_exit(6);
        ss_store_close(store);
        /* Closed and opened again, it is a damaged file like others. */
        if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0 ||
            store->state != SMTPSEC_MEMORY_OK)
            store_child_exit(5);
        ss_store_close(store);
        store_child_exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void
lmdb_newer(void **state)
{
    struct ss_store *store = NULL;
    bool set_aside = true;
    size_t page;

    (void)state;
    memcpy(broken, whole, whole_len);
    for (page = 0; page < 2; page++)
        broken[page * 4096 + 20] = 2;
    write_data(broken, whole_len);
    assert_int_equal(ss_store_lmdb_open(directory, NULL, &set_aside, &store), 0);
    assert_int_equal(store->state, SMTPSEC_MEMORY_LOST);
    assert_int_equal(store->error.code, SMTPSEC_E_VERSION);
    assert_false(set_aside);
    ss_store_close(store);
}

#define CASE(text, function) { text, function, setup, teardown, NULL }

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("a whole file is good, an emptied one is told", whole_file),
        CASE("files cut anywhere, 200 trials", cut_files),
        CASE("20 random octets, 200 trials", scattered),
        CASE("random octets in the meta pages, 100 trials", scattered_metas),
        CASE("random bits in page heads, 100 trials", scattered_heads),
        CASE("two pages exchanged, 100 trials", swapped),
        CASE("a damaged file is set aside, told, and kept", set_aside_is_told_and_kept),
        CASE("a damaged file that others use is not set aside", in_use_is_not_set_aside),
        CASE("a file cut while it is open", cut_while_open),
        CASE("a file of a newer LMDB is left alone", lmdb_newer),
    };

    return cmocka_run_group_tests_name("memory/store_damage", tests, NULL, NULL);
}
