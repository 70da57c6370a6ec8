/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a piece of work asks of the heap and of the kernel. The heap's entries
 * are taken over in the benchmark's program alone, and only counted; the
 * kernel's are seen by a child that traces its parent, so that the work is done
 * in the process that is measured, with all that it holds open.
 */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(SANITIZED)
#define COUNTING 1
#endif

#ifdef COUNTING
/* glibc's own, under the names that it keeps for who takes over the others. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static _Thread_local int64_t allocations;

void *
malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
    allocations++;
    return __libc_realloc(old, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __libc_memalign(alignment, size);
}

int
posix_memalign(void **out, size_t alignment, size_t size)
{
    void *room;

    allocations++;
    room = __libc_memalign(alignment, size);
    if (room == NULL)
        return ENOMEM;
    *out = room;
    return 0;
}

int64_t
bench_allocations(void)
{
    return allocations;
}
#else
int64_t
bench_allocations(void)
{
    return -1;
}
#endif

#define NUMBERS 512 /* of system calls; those above are counted together */

struct tracing {
    atomic_int ready; /* 1: the tracer is there; -1: it may not be */
    atomic_int counting;
    atomic_int done;
    int64_t seen;
    int64_t by_number[NUMBERS];
};

static void
count_entry(struct tracing *shared, pid_t traced)
{
    struct __ptrace_syscall_info info;

    if (atomic_load(&shared->counting) == 0 ||
        ptrace(PTRACE_GET_SYSCALL_INFO, traced, (void *)sizeof(info), &info) <= 0 ||
        info.op != PTRACE_SYSCALL_INFO_ENTRY)
        return;
    shared->seen++;
    shared->by_number[info.entry.nr < NUMBERS ? info.entry.nr : NUMBERS - 1]++;
}

static void
trace(struct tracing *shared, pid_t traced)
{
    int status, pass;

    if (ptrace(PTRACE_SEIZE, traced, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0 ||
        ptrace(PTRACE_INTERRUPT, traced, NULL, NULL) != 0 ||
        waitpid(traced, &status, __WALL) != traced) {
        atomic_store(&shared->ready, -1);
        return;
    }
    atomic_store(&shared->ready, 1);
    pass = 0;
    while (ptrace(PTRACE_SYSCALL, traced, NULL, (void *)(intptr_t)pass) == 0 &&
           waitpid(traced, &status, __WALL) == traced && WIFSTOPPED(status)) {
        pass = 0;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            count_entry(shared, traced);
        else if (status >> 16 == 0)
            pass = WSTOPSIG(status);
        if (atomic_load(&shared->done) != 0) {
            ptrace(PTRACE_DETACH, traced, NULL, NULL);
            return;
        }
    }
}

static void
say(const struct tracing *shared)
{
    size_t i;

    for (i = 0; i < NUMBERS; i++) {
        if (shared->by_number[i] > 0)
            fprintf(stderr, "  system call %zu: %" PRId64 " times\n", i, shared->by_number[i]);
    }
}

int64_t
bench_system_calls(void (*work)(void *arg), void *arg)
{
    struct tracing *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t traced = (pid_t)syscall(SYS_gettid), tracer;
    int64_t seen = -1;

    if (shared == MAP_FAILED)
        bench_fail("out of memory");
    tracer = fork();
    if (tracer < 0)
        bench_fail("fork");
    if (tracer == 0) {
        while (atomic_load(&shared->counting) == 0) /* until it is allowed to */
            usleep(1000);
        trace(shared, traced);
        _exit(0);
    }
    /* Where a security module wants to be asked. */
    prctl(PR_SET_PTRACER, (unsigned long)tracer, 0, 0, 0);
    atomic_store(&shared->counting, 1);
    /* No system call may fall between this and the work: it waits by looking. */
    while (atomic_load(&shared->ready) == 0)
        ;
    work(arg);
    atomic_store(&shared->counting, 0);
    atomic_store(&shared->done, 1);
    if (atomic_load(&shared->ready) > 0)
        seen = shared->seen;
    waitpid(tracer, NULL, 0);
    if (seen >= 0)
        say(shared);
    munmap(shared, sizeof(*shared));
    return seen;
}
