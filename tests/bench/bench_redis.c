/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the prototype in Redis costs beside the store in LMDB. Both have each
 * change on disk before they answer. Over a unix socket: a network adds its
 * round trip, once to a get and twice to a change.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "population.h"
#include "store_redis.h"

#define DOMAINS 10000

struct edit {
    struct ss_buf value;
};

static int
put(void *arg, const struct ss_bytes *old, struct ss_buf *out, enum ss_edit *what)
{
    const struct edit *edit = arg;

    (void)old;
    ss_buf_put(out, edit->value.data, edit->value.len);
    *what = SS_EDIT_PUT;
    return 0;
}

static pid_t
start(const char *program, const char *directory, const char *socket)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (freopen("/dev/null", "w", stdout) == NULL)
        _exit(126);
    execl(program, program, "--port", "0", "--unixsocket", socket, "--dir", directory, "--save", "",
          "--appendonly", "yes", "--appendfsync", "always", (char *)NULL);
    _exit(127);
}

static struct ss_store *
open_redis(const char *socket)
{
    struct store_redis_options options = { .path = socket, .timeout_ms = 5000 };
    struct ss_store *store = NULL;
    int i;

    for (i = 0; i < 500; i++) {
        if (store_redis_open(&options, &store) != 0)
            break;
        if (store->state == SMTPSEC_MEMORY_OK)
            return store;
        ss_store_close(store);
        usleep(10000);
    }
    bench_fail("redis-server does not come up");
    return NULL;
}

/* Time of one change, or of one get. */
static double
one(struct ss_store *store, uint64_t n, bool change)
{
    struct ss_buf key, got;
    struct edit edit;
    uint64_t begun;
    int rc;

    ss_buf_init(&key, 1024);
    ss_buf_init(&edit.value, SS_STORE_VALUE_MAX);
    ss_buf_init(&got, SS_STORE_VALUE_MAX);
    population_entry(POPULATION_ENCRYPTED, n, 1, &key, &edit.value);
    begun = bench_now();
    if (change)
        rc = ss_store_update(store, SS_TABLE_CLAIMS, (struct ss_bytes){ key.data, key.len }, put,
                             &edit);
    else
        rc = ss_store_get(store, SS_TABLE_CLAIMS, (struct ss_bytes){ key.data, key.len }, &got);
    begun = bench_now() - begun;
    if (rc != 0)
        bench_fail(change ? "change" : "get");
    ss_buf_free(&key);
    ss_buf_free(&edit.value);
    ss_buf_free(&got);
    return (double)begun;
}

int
main(int argc, char **argv)
{
    char directory[] = "/tmp/smtpsec-bench.XXXXXX", socket[64], command[80];
    uint64_t count = bench_quick(argc, argv) ? 500 : 5000, n;
    const char *program = getenv("REDIS_SERVER");
    struct ss_store *redis, *lmdb = NULL;
    struct bench_pair get, change;
    pid_t server;

    if (program == NULL || mkdtemp(directory) == NULL) {
        fprintf(stderr, "no redis-server on this machine\n");
        return 0;
    }
    snprintf(socket, sizeof(socket), "%s/socket", directory);
    server = start(program, directory, socket);
    redis = open_redis(socket);
    if (ss_store_lmdb_open(directory, NULL, NULL, &lmdb) != 0)
        bench_fail("LMDB");
    bench_pair_init(&change, "Redis prototype: change", "store in LMDB", "ns", 0, DOMAINS);
    bench_pair_init(&get, "Redis prototype: get", "store in LMDB", "ns", 0, DOMAINS);
    for (n = 0; n < DOMAINS; n++) {
        double ours = one(redis, n, true), floor = one(lmdb, n, true);

        if (n < count) {
            bench_ours(&change, ours);
            bench_floor(&change, floor);
        }
    }
    for (n = 0; n < count; n++) {
        bench_ours(&get, one(redis, n * 7919 % DOMAINS, false));
        bench_floor(&get, one(lmdb, n * 7919 % DOMAINS, false));
    }
    bench_report(&get);
    bench_report(&change);
    ss_store_close(redis);
    ss_store_close(lmdb);
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command) == 0 ? 0 : 1;
}
