/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LMDB store among other processes: forks, kills, limits, whose file it is. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memory/store_lmdb.h"
#include "store_support.h"

#define OTHER_UID 65534

/* The address sanitizer cannot live under a limit of address space. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

static char directory[64];

static int
setup(void **state)
{
    (void)state;
    strcpy(directory, "/tmp/ss-lmdb-XXXXXX");
    return mkdtemp(directory) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
    (void)state;
    chmod(directory, 0700);
    store_remove(directory);
    return 0;
}

static struct ss_store *
open_store(bool read_only, int32_t want_state)
{
    struct ss_store_lmdb_options options = { .read_only = read_only };
    struct ss_store *store = NULL;

    assert_int_equal(ss_store_lmdb_open(directory, &options, NULL, &store), 0);
    if (store->state != want_state)
        fail_msg("state %d, not %d: %s", (int)store->state, (int)want_state, store->error.text);
    if (want_state == SMTPSEC_MEMORY_LOST)
        assert_true(store->error.text[0] != '\0');
    return store;
}

static struct ss_store *
open_good(void)
{
    return open_store(false, SMTPSEC_MEMORY_OK);
}

static void
path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", directory, name);
}

/* The exit status of a child; a signal is a failure that is named. */
static int
wait_for(pid_t child)
{
    int status;

    assert_int_equal(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status))
        fail_msg("child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static void
pause_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    nanosleep(&t, NULL);
}

/* ---- one process ---- */

static void
two_handles(void **state)
{
    struct ss_store *a, *b;

    (void)state;
    a = open_good();
    b = open_good();
    assert_int_equal(store_put(a, "k", "by a"), 0);
    store_expect(b, "k", "by a");
    ss_store_close(a);
    assert_int_equal(store_put(b, "k", "by b"), 0);
    store_expect(b, "k", "by b");
    a = open_good();
    store_expect(a, "k", "by b");
    ss_store_close(b);
    ss_store_close(a);
    a = open_good();
    store_expect(a, "k", "by b");
    ss_store_close(a);
}

/* Modes are ours whatever the umask says, and nothing is inherited by a program that is started. */
static void
modes_and_cloexec(void **state)
{
    static const char *const names[] = { "data.mdb", "lock.mdb", "open.lock", "write.lock" };
    mode_t before = umask(0277);
    bool there[64];
    struct ss_store *store;
    struct stat st;
    char path[128];
    int fd, opened = 0;
    size_t i;

    (void)state;
    for (fd = 0; fd < 64; fd++)
        there[fd] = fcntl(fd, F_GETFD) != -1;
    store = open_good();
    umask(0);
    assert_int_equal(store_put(store, "k", "v"), 0);
    umask(before);
    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        path_of(path, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    for (fd = 0; fd < 64; fd++) {
        if (there[fd] || fcntl(fd, F_GETFD) == -1)
            continue;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        opened++;
    }
    assert_in_range(opened, 4, 6);
    ss_store_close(store);
}

static struct ss_lmdb_env *
env_of(void)
{
    struct ss_store_lmdb_options options = { 0 };
    struct ss_error error = { 0 };
    struct ss_lmdb_env *env = NULL;
    bool set_aside;

    assert_int_equal(ss_lmdb_env_get(directory, -1, &options, &set_aside, &error, &env), 0);
    return env;
}

static void
put_large(struct ss_store *store, int n)
{
    static uint8_t octets[SS_STORE_VALUE_MAX];
    struct ss_bytes value = { octets, sizeof(octets) };
    char key[16];

    snprintf(key, sizeof(key), "large%d", n);
    assert_int_equal(
        ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), store_edit_put, &value), 0);
}

static void
map_grows(void **state)
{
    struct ss_store *store = open_good();
    struct ss_lmdb_env *env = env_of();
    MDB_envinfo info;
    int i;

    (void)state;
    assert_int_equal(mdb_env_info(env->mdb, &info), 0);
    assert_int_equal(info.me_mapsize, 1 << 30);
    assert_int_equal(info.me_maxreaders >= 4096, 1);
    assert_int_equal(mdb_env_set_mapsize(env->mdb, 1 << 20), 0);
    for (i = 0; i < 40; i++)
        put_large(store, i);
    assert_int_equal(mdb_env_info(env->mdb, &info), 0);
    assert_in_range(info.me_mapsize, 4 << 20, 16 << 20);
    ss_lmdb_env_put(env);
    ss_store_close(store);
}

static void
map_followed(void **state)
{
    struct ss_store *store = open_good();
    struct ss_lmdb_env *env = env_of();
    pid_t child;
    int i;

    (void)state;
    assert_int_equal(mdb_env_set_mapsize(env->mdb, 1 << 20), 0);
    child = fork();
    if (child == 0) {
        for (i = 0; i < 40; i++)
            put_large(store, i);
        store_child_exit(store_put(store, "small", "by the child") != 0);
    }
    assert_int_equal(wait_for(child), 0);
    store_expect(store, "small", "by the child");
    assert_int_equal(store_put(store, "small", "by the parent"), 0);
    ss_lmdb_env_put(env);
    ss_store_close(store);
}

/* ---- several processes ---- */

static void
fork_and_use(void **state)
{
    struct ss_store *store = open_good();
    pid_t child;
    int i;

    (void)state;
    assert_int_equal(store_add(store, "n"), 0);
    child = fork();
    if (child == 0) {
        for (i = 0; i < 20; i++) {
            if (store_add(store, "n") != 0)
                store_child_exit(1);
        }
        if (store_number(store, "n") < 21)
            store_child_exit(2);
        /* Used by the store and by us: it is an environment of the child's own. */
        if (env_of()->refs != 2)
            store_child_exit(4);
        ss_store_close(store);
        /* The parent's environment must have stayed as it was, and a second one be possible. */
        if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0 ||
            store_number(store, "n") < 21)
            store_child_exit(3);
        ss_store_close(store);
        store_child_exit(0);
    }
    for (i = 0; i < 20; i++)
        assert_int_equal(store_add(store, "n"), 0);
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(store_number(store, "n"), 41);
    child = fork();
    if (child == 0) {
        ss_store_close(store); /* never used here: nothing of the parent's is touched */
        store_child_exit(0);
    }
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(store_add(store, "n"), 0);
    assert_int_equal(store_number(store, "n"), 42);
    ss_store_close(store);
}

static void
many_writers(void **state)
{
    struct ss_store *store = NULL;
    pid_t child[8];
    int i, n;

    (void)state;
    for (i = 0; i < 8; i++) {
        child[i] = fork();
        if (child[i] == 0) {
            if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0)
                store_child_exit(1);
            for (n = 0; n < 200; n++) {
                if (store_add(store, "n") != 0)
                    store_child_exit(2);
            }
            ss_store_close(store);
            store_child_exit(0);
        }
    }
    for (i = 0; i < 8; i++)
        assert_int_equal(wait_for(child[i]), 0);
    store = open_good();
    assert_int_equal(store_number(store, "n"), 1600);
    ss_store_close(store);
}

static void
killed_writers(void **state)
{
    struct ss_store *store = open_good();
    long before, after;
    pid_t child;
    int i;

    (void)state;
    assert_int_equal(store_add(store, "n"), 0);
    for (i = 0; i < 20; i++) {
        before = store_number(store, "n");
        child = fork();
        if (child == 0) {
            for (;;)
                (void)store_add(store, "n");
        }
        pause_ms(2 + i);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        after = store_number(store, "n");
        assert_true(after >= before);
        assert_int_equal(store_add(store, "n"), 0);
        /* One commit may have been on its way when the writer died; it is whole, or not there. */
        assert_in_range(store_number(store, "n"), after + 1, after + 2);
    }
    ss_store_close(store);
}

static int
edit_stops(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *edit)
{
    (void)arg;
    (void)old;
    (void)out;
    (void)edit;
    raise(SIGSTOP);
    return 0;
}

/* LMDB itself would wait for ever. */
static void
stopped_writer(void **state)
{
    struct ss_store *store = open_good();
    struct timespec begin, end;
    pid_t child;
    int status;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    child = fork();
    if (child == 0)
        store_child_exit(
            ss_store_update(store, SS_TABLE_CLAIMS, store_bytes("k"), edit_stops, NULL) != 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    clock_gettime(CLOCK_MONOTONIC, &begin);
    assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    clock_gettime(CLOCK_MONOTONIC, &end);
    assert_in_range(end.tv_sec - begin.tv_sec, 1, 4);
    store_expect(store, "k", "v");
    kill(child, SIGCONT);
    assert_int_equal(wait_for(child), 0);
    assert_int_equal(store_put(store, "k", "w"), 0);
    ss_store_close(store);
}

/* A process that dies with its reader's slot taken pins pages until it is cleared. */
static void
dead_reader(void **state)
{
    struct ss_store *store = open_good();
    off_t size;
    struct stat st;
    char path[128];
    pid_t child;
    int i;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    child = fork();
    if (child == 0) {
        struct ss_lmdb_env *env = env_of();
        MDB_txn *txn;

        store_child_exit(mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn));
    }
    assert_int_equal(wait_for(child), 0);
    path_of(path, "data.mdb");
    assert_int_equal(stat(path, &st), 0);
    size = st.st_size;
    for (i = 0; i < 300; i++)
        assert_int_equal(store_add(store, "n"), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size < size + 40 * 4096);
    ss_store_close(store);
}

/* ---- whose file, and where ---- */

static void
missing_directory(void **state)
{
    struct ss_store *store;

    (void)state;
    assert_int_equal(rmdir(directory), 0);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_int_equal(store_put(store, "k", "v"), SMTPSEC_E_MEMORY);
    assert_int_equal(store_number(store, "k"), SMTPSEC_E_MEMORY);
    assert_int_equal(access(directory, F_OK), -1);
    ss_store_close(store);
}

static void
read_only_asked(void **state)
{
    struct ss_store *store = open_store(true, SMTPSEC_MEMORY_LOST);
    char path[128];

    (void)state;
    ss_store_close(store);
    path_of(path, "data.mdb");
    assert_int_equal(access(path, F_OK), -1);
    store = open_good();
    assert_int_equal(store_put(store, "k", "v"), 0);
    ss_store_close(store);
    store = open_store(true, SMTPSEC_MEMORY_READ_ONLY);
    store_expect(store, "k", "v");
    assert_int_equal(store_put(store, "k", "w"), SMTPSEC_E_MEMORY);
    store_expect(store, "k", "v");
    ss_store_close(store);
}

/* Run as another uid, when we can: root may write everywhere. */
static int
as_other(int (*job)(void))
{
    pid_t child;

    if (geteuid() == 0 && chown(directory, OTHER_UID, OTHER_UID) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(OTHER_UID) != 0 || setuid(OTHER_UID) != 0))
            store_child_exit(99);
        store_child_exit(job());
    }
    return wait_for(child);
}

static int
job_read_only(void)
{
    struct ss_store *store = NULL;

    if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0 || store_put(store, "k", "v") != 0)
        return 1;
    ss_store_close(store);
    chmod(directory, 0500);
    if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0 ||
        store->state != SMTPSEC_MEMORY_READ_ONLY)
        return 2;
    if (store_put(store, "k", "w") != SMTPSEC_E_MEMORY || !store_has(store, "k", "v"))
        return 3;
    ss_store_close(store);
    return 0;
}

static void
read_only_directory(void **state)
{
    (void)state;
    assert_int_equal(as_other(job_read_only), 0);
}

static void
foreign_directory(void **state)
{
    struct ss_store *store;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(directory, OTHER_UID, OTHER_UID), 0);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "belongs to uid"));
    ss_store_close(store);
}

static void
foreign_file(void **state)
{
    struct ss_store *store = open_good();
    char path[128];

    (void)state;
    ss_store_close(store);
    if (geteuid() != 0)
        skip();
    path_of(path, "data.mdb");
    assert_int_equal(chown(path, OTHER_UID, OTHER_UID), 0);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "belongs to uid"));
    ss_store_close(store);
}

static void
writable_by_anyone(void **state)
{
    struct ss_store *store;
    char path[128];

    (void)state;
    assert_int_equal(chmod(directory, 01777), 0);
    ss_store_close(open_store(false, SMTPSEC_MEMORY_LOST));
    assert_int_equal(chmod(directory, 0700), 0);
    ss_store_close(open_good());
    path_of(path, "data.mdb");
    assert_int_equal(chmod(path, 0606), 0);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "by anyone"));
    ss_store_close(store);
}

static void
not_a_plain_file(void **state)
{
    struct ss_store *store;
    char path[128], target[128];

    (void)state;
    ss_store_close(open_good());
    path_of(path, "data.mdb");
    path_of(target, "elsewhere");
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink(target, path), 0);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "symbolic link"));
    ss_store_close(store);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_non_null(strstr(store->error.text, "not a plain file"));
    ss_store_close(store);
}

/* ---- other contents ---- */

static void
put_format(const char *table, const char *octets, size_t len)
{
    MDB_val key = { 6, (void *)(uintptr_t)"format" }, value = { len, (void *)(uintptr_t)octets };
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 8), 0);
    assert_int_equal(mdb_env_open(env, directory, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table, MDB_CREATE, &dbi), 0);
    assert_int_equal(mdb_put(txn, dbi, &key, &value, 0), 0);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void
newer_format(void **state)
{
    struct ss_store *store;

    (void)state;
    ss_store_close(open_good());
    put_format("meta", "\3\0\0\0", 4);
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    assert_int_equal(store->error.code, SMTPSEC_E_VERSION);
    assert_non_null(strstr(store->error.text, "newer"));
    ss_store_close(store);
    put_format("meta", "\1\0\0\0", 4);
    ss_store_close(open_good());
    put_format("meta", "\1\0", 2);
    ss_store_close(open_store(false, SMTPSEC_MEMORY_LOST));
}

static void
another_program(void **state)
{
    char path[128];

    (void)state;
    put_format(NULL, "theirs", 6);
    ss_store_close(open_store(false, SMTPSEC_MEMORY_LOST));
    path_of(path, "data.mdb.damaged-1");
    assert_int_equal(access(path, F_OK), -1);
}

/* ---- limits ---- */

static void
address_space(void **state)
{
    struct rlimit limit = { 256 << 20, 256 << 20 };
    struct ss_store *store = NULL;
    pid_t child;
    int result;

    (void)state;
    if (SANITIZED)
        skip();
    child = fork();
    if (child == 0) {
        if (setrlimit(RLIMIT_AS, &limit) != 0)
            store_child_exit(1);
        if (ss_store_lmdb_open(directory, NULL, NULL, &store) != 0)
            store_child_exit(2);
        if (store->state == SMTPSEC_MEMORY_OK)
            store_child_exit(77); /* a sanitizer or valgrind does not keep the limit */
        store_child_exit(store->state == SMTPSEC_MEMORY_LOST &&
              strstr(store->error.text, "address space") != NULL ? 0 : 3);
    }
    result = wait_for(child);
    if (result == 77)
        skip();
    assert_int_equal(result, 0);
    /* What it left behind is no hindrance. */
    ss_store_close(open_good());
}

static int
fill_up(struct ss_store *store)
{
    static uint8_t octets[SS_STORE_VALUE_MAX];
    struct ss_bytes value = { octets, sizeof(octets) };
    char key[16];
    int i, rc = 0;

    for (i = 0; i < 200 && rc == 0; i++) {
        snprintf(key, sizeof(key), "large%d", i);
        rc = ss_store_update(store, SS_TABLE_CLAIMS, store_bytes(key), store_edit_put, &value);
    }
    return rc;
}

static void
file_size(void **state)
{
    struct rlimit limit = { 4 << 20, 4 << 20 };
    struct ss_store *store = open_good();
    pid_t child;

    (void)state;
    assert_int_equal(store_put(store, "k", "v"), 0);
    child = fork();
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            store_child_exit(1);
        if (fill_up(store) != SMTPSEC_E_MEMORY)
            store_child_exit(2);
        store_child_exit(store->state == SMTPSEC_MEMORY_OK && store->error.text[0] != '\0' &&
              store_has(store, "k", "v") ? 0 : 3);
    }
    assert_int_equal(wait_for(child), 0);
    store_expect(store, "k", "v");
    put_large(store, 1000);
    ss_store_close(store);
}

static void
disk_full(void **state)
{
    struct ss_store *store;

    (void)state;
    if (mount("none", directory, "tmpfs", 0, "size=2m,mode=0700") != 0)
        skip();
    store = open_good();
    assert_int_equal(store_put(store, "k", "v"), 0);
    assert_int_equal(fill_up(store), SMTPSEC_E_MEMORY);
    assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
    store_expect(store, "k", "v");
    /* Room that is made can be used again. */
    assert_int_equal(store_delete(store, "large0"), 0);
    assert_int_equal(store_put(store, "k", "w"), 0);
    store_expect(store, "k", "w");
    ss_store_close(store);
    store = open_good();
    store_expect(store, "k", "w");
    ss_store_close(store);
    assert_int_equal(umount(directory), 0);
}

static void
disk_full_at_once(void **state)
{
    struct ss_store *store;
    int result;

    (void)state;
    if (mount("none", directory, "tmpfs", 0, "size=64k,mode=0700") != 0)
        skip();
    store = open_store(false, SMTPSEC_MEMORY_LOST);
    result = strstr(store->error.text, "no room") != NULL;
    ss_store_close(store);
    assert_int_equal(umount(directory), 0);
    assert_true(result);
}

static void
read_only_mount(void **state)
{
    struct ss_store *store;

    (void)state;
    if (mount("none", directory, "tmpfs", 0, "size=2m,mode=0700") != 0)
        skip();
    store = open_good();
    assert_int_equal(store_put(store, "k", "v"), 0);
    ss_store_close(store);
    assert_int_equal(mount("none", directory, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL), 0);
    store = open_store(false, SMTPSEC_MEMORY_READ_ONLY);
    store_expect(store, "k", "v");
    ss_store_close(store);
    assert_int_equal(umount(directory), 0);
}

#define CASE(text, function) { text, function, setup, teardown, NULL }

/* 6.13: a memory that is gone is told once, and a new one begun; a first use is no loss. */
static void
emptied(void **state)
{
    static const bool remove_it[] = {false, true};
    struct ss_store *store = NULL;
    bool gone = true;
    char path[128];
    size_t i;

    (void)state;
    assert_int_equal(ss_store_lmdb_open(directory, NULL, &gone, &store), 0);
    assert_false(gone);
    ss_store_close(store);
    path_of(path, "data.mdb");
    for (i = 0; i < 2; i++) {
        assert_int_equal(remove_it[i] ? unlink(path) : truncate(path, 0), 0);
        assert_int_equal(ss_store_lmdb_open(directory, NULL, &gone, &store), 0);
        assert_true(gone);
        assert_int_equal(store->state, SMTPSEC_MEMORY_OK);
        ss_store_close(store);
        gone = true;
        assert_int_equal(ss_store_lmdb_open(directory, NULL, &gone, &store), 0);
        assert_false(gone);
        ss_store_close(store);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE("two handles in one process are one environment", two_handles),
        CASE("modes are 0600 whatever the umask, and all is close-on-exec", modes_and_cloexec),
        CASE("a full map grows", map_grows),
        CASE("a map that another process made larger is followed", map_followed),
        CASE("a forked child and its parent both go on", fork_and_use),
        CASE("8 processes x 200 updates lose none", many_writers),
        CASE("writers killed with -9, 20 times", killed_writers),
        CASE("a stopped writer is not waited for longer than the bound", stopped_writer),
        CASE("a dead reader does not pin pages", dead_reader),
        CASE("DESIGN 6.13 a missing directory is not made", missing_directory),
        CASE("read-only when asked", read_only_asked),
        CASE("read-only when the directory is", read_only_directory),
        CASE("read-only when the mount is", read_only_mount),
        CASE("DESIGN 6.13 another's directory", foreign_directory),
        CASE("DESIGN 6.13 another's file", foreign_file),
        CASE("DESIGN 6.13 what anyone can write", writable_by_anyone),
        CASE("DESIGN 6.13 a memory that is gone is told, once", emptied),
        CASE("a symbolic link or a pipe is no memory", not_a_plain_file),
        CASE("a newer format is left alone", newer_format),
        CASE("another program's database is left alone", another_program),
        CASE("no address space for the map", address_space),
        CASE("a file size limit", file_size),
        CASE("a full disk", disk_full),
        CASE("a disk that is full from the start", disk_full_at_once),
    };

    return cmocka_run_group_tests_name("memory/store_lmdb", tests, NULL, NULL);
}
