/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What it costs to have a context: time, and memory that the process has for
 * itself. Beside it what LMDB takes for its part, and what libcurl does. Each
 * happens once in a process, so each is measured in one that is started anew.
 * Another has done the same before and is still there, as with a mail server of
 * several processes: the code of the libraries then is not private to one.
 *
 * usage: bench_context [--quick]
 */
#include <dlfcn.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "smtpsec.h"

/* What a process tells, in ns and octets. */
struct told {
    double anchors, context, closed;
    double began, memory; /* private memory, without and with a context */
};

static void
must(int code, const char *what)
{
    if (code != 0) {
        fprintf(stderr, "%d: ", code);
        bench_fail(what);
    }
}

/* ---- in a process of its own ---- */

static void
open_context(const char *how, const char *directory, struct told *told)
{
    struct smtpsec_options *options;
    struct smtpsec_anchors *anchors;
    struct smtpsec_context *context;
    uint64_t at = bench_now();

    must(smtpsec_anchors_new(&anchors), "anchors");
    must(smtpsec_anchors_load_system(anchors), "anchors of the system");
    told->anchors = (double)(bench_now() - at);
    must(smtpsec_options_new(&options), "options");
    must(smtpsec_options_set_anchors(options, anchors), "anchors");
    must(smtpsec_options_add_resolver(options, "127.0.0.1", 1), "resolver");
    must(smtpsec_options_set_fetch_late(options, strcmp(how, "late") == 0), "late");
    if (strcmp(how, "bare") == 0)
        must(smtpsec_options_set_mta_sts(options, 0), "no MTA-STS");
    else
        must(smtpsec_options_set_memory(options, directory), "memory");
    at = bench_now();
    must(smtpsec_context_new(options, &context), "context");
    told->context = (double)(bench_now() - at);
    smtpsec_options_free(options);
    told->memory = bench_private_memory();
    at = bench_now();
    smtpsec_context_free(context);
    told->closed = (double)(bench_now() - at);
    smtpsec_anchors_free(anchors);
}

/* LMDB alone, at what the memory has made: as it opens it, and one reading look. */
static void
open_lmdb(const char *directory, struct told *told)
{
    uint64_t at = bench_now();
    MDB_env *env;
    MDB_txn *txn;

    must(mdb_env_create(&env), "LMDB");
    must(mdb_env_set_maxdbs(env, 16), "LMDB");
    must(mdb_env_set_mapsize(env, (size_t)1 << 30), "LMDB");
    must(mdb_env_open(env, directory, MDB_NOTLS, 0600), "LMDB's file");
    must(mdb_txn_begin(env, NULL, MDB_RDONLY, &txn), "LMDB");
    mdb_txn_abort(txn);
    told->context = (double)(bench_now() - at);
    told->memory = bench_private_memory();
    mdb_env_close(env);
}

/* libcurl alone: loading it and its thirty libraries, and its global initialisation. */
static void
load_curl(struct told *told)
{
    uint64_t at = bench_now();
    void *curl = dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
    union {
        void *symbol;
        int (*init)(long);
    } global;

    if (curl == NULL)
        return;
    told->anchors = (double)(bench_now() - at);
    at = bench_now();
    global.symbol = dlsym(curl, "curl_global_init");
    if (global.symbol != NULL)
        must(global.init(3), "libcurl");
    told->context = (double)(bench_now() - at);
    told->memory = bench_private_memory();
}

static int
be_one(const char *how, const char *directory)
{
    struct told told = {0};

    told.began = bench_private_memory();
    if (strcmp(how, "lmdb") == 0)
        open_lmdb(directory, &told);
    else if (strcmp(how, "curl") == 0)
        load_curl(&told);
    else
        open_context(how, directory, &told);
    return write(STDOUT_FILENO, &told, sizeof(told)) == (ssize_t)sizeof(told) ? 0 : 1;
}

static struct told
ask_one(const char *self, const char *how, const char *directory)
{
    struct told told = {0};
    int ends[2];
    pid_t child;

    must(pipe(ends), "pipe");
    child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execl(self, self, "--one", how, directory, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    if (read(ends[0], &told, sizeof(told)) != (ssize_t)sizeof(told))
        bench_fail("a process has told nothing");
    close(ends[0]);
    waitpid(child, NULL, 0);
    return told;
}

/* ---- figures ---- */

enum { LATE, NOW, BARE, LMDB, CURL, HOWS };

static const char *const hows[HOWS] = {"late", "now", "bare", "lmdb", "curl"};

struct column {
    double *values;
    size_t count;
};

static double
median(struct column *column)
{
    return bench_percentile(column->values, column->count, 0.5);
}

static void
add(struct column *column, double value, size_t room)
{
    if (column->values == NULL)
        column->values = calloc(room, sizeof(double));
    if (column->values == NULL)
        bench_fail("out of memory");
    column->values[column->count++] = value;
}

static void
measure(const char *self, const char *directory, size_t rounds)
{
    struct column anchors = {0}, context[HOWS] = {{0}}, memory[HOWS] = {{0}}, began = {0},
                  closed = {0}, load = {0};
    size_t i;
    int how;

    for (i = 0; i < rounds; i++)
        for (how = 0; how < HOWS; how++) {
            struct told told = ask_one(self, hows[how], directory);

            add(&context[how], told.context, rounds);
            add(&memory[how], told.memory, rounds);
            if (how == LATE) {
                add(&anchors, told.anchors, rounds);
                add(&began, told.began, rounds);
                add(&closed, told.closed, rounds);
            }
            if (how == CURL)
                add(&load, told.anchors, rounds);
        }
    bench_value("context, new, HTTPS late", "ns", median(&context[LATE]), 0, 0);
    bench_value("context, new, HTTPS late, without LMDB's part", "ns",
                median(&context[LATE]) - median(&context[LMDB]), 1e6, 0);
    bench_value("context, new, no memory and no MTA-STS", "ns", median(&context[BARE]), 0, 0);
    bench_value("context, new, HTTPS part loaded", "ns", median(&context[NOW]), 0, 0);
    bench_value("LMDB alone, open and a look", "ns", median(&context[LMDB]), 0, 0);
    bench_value("libcurl alone, load", "ns", median(&load), 0, 0);
    bench_value("libcurl alone, global initialisation", "ns", median(&context[CURL]), 0, 0);
    bench_value("context, free", "ns", median(&closed), 0, 0);
    bench_value("trust anchors of the system, load in a new process", "ns", median(&anchors), 0, 0);
    bench_value("private memory, process linked with the library", "B", median(&began), 0, 0);
    bench_value("private memory, with anchors, memory, context", "B", median(&memory[LATE]),
                1 << 20, 0);
    bench_value("private memory, the HTTPS part too", "B", median(&memory[NOW]), 0, 0);
}

int
main(int argc, char **argv)
{
    char directory[] = "/tmp/bench_context.XXXXXX";
    char self[4096], command[128];
    struct told first = {0};
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (argc == 4 && strcmp(argv[1], "--one") == 0)
        return be_one(argv[2], argv[3]);
    if (len < 0 || mkdtemp(directory) == NULL)
        bench_fail("no directory of our own");
    self[len] = '\0';
    open_context("now", directory, &first); /* makes the memory, which later ones find */
    measure(self, directory, bench_quick(argc, argv) ? 11 : 101);
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    return system(command) == 0 ? 0 : 1;
}
