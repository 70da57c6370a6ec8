/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work in a process of its own: this program again, told by its arguments what to do. */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct bench_child {
    pid_t pid;
    FILE *said;
    FILE *told;
};

struct bench_child *
bench_child_start(const char *const arguments[])
{
    struct bench_child *child = calloc(1, sizeof(*child));
    const char *argv[BENCH_CHILD_ARGUMENTS + 2] = { "benchmark" };
    int out[2], in[2];
    size_t i;

    for (i = 0; i < BENCH_CHILD_ARGUMENTS && arguments[i] != NULL; i++)
        argv[i + 1] = arguments[i];
    if (child == NULL || pipe2(out, O_CLOEXEC) != 0 || pipe2(in, O_CLOEXEC) != 0)
        bench_fail("a pipe");
    fflush(stdout);
    child->pid = fork();
    if (child->pid < 0)
        bench_fail("fork");
    if (child->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    child->said = fdopen(out[0], "r");
    child->told = fdopen(in[1], "w");
    if (child->said == NULL || child->told == NULL)
        bench_fail("a pipe");
    return child;
}

double
bench_child_number(struct bench_child *child)
{
    double number;

    if (fscanf(child->said, "%lf", &number) != 1)
        bench_fail("a child said nothing");
    return number;
}

void
bench_child_go(struct bench_child *child)
{
    fputc('\n', child->told);
    fflush(child->told);
}

void
bench_child_end(struct bench_child *child)
{
    int status;

    fclose(child->told);
    if (waitpid(child->pid, &status, 0) != child->pid || !WIFEXITED(status) ||
        WEXITSTATUS(status) != 0)
        bench_fail("a child failed");
    fclose(child->said);
    free(child);
}

double
bench_child_held(struct bench_child *one, struct bench_child *other)
{
    double octets;

    (void)bench_child_number(one);
    (void)bench_child_number(other);
    bench_child_go(one);
    octets = bench_child_number(one);
    bench_child_go(other);
    (void)bench_child_number(other);
    bench_child_go(one);
    bench_child_go(other);
    bench_child_end(one);
    bench_child_end(other);
    return octets;
}

void
bench_child_wait(void)
{
    (void)getchar();
}
